"""Prompts: asked on a terminal only; elsewhere what would ask needs --yes."""

import shlex
import sys

from releaser.cli import styles
from releaser.cli.invocation import Invocation
from releaser.model.errors import BadArgument, Refused
from releaser.model.plan import Plan
from releaser.planning.redact import printable


def confirm(invocation: Invocation, plan: Plan, wished: str) -> None:
    """Ask, and go on or raise: BadArgument where nobody can be asked, Refused where the answer is no."""
    name = plan.environment
    if not may_ask(invocation):
        raise BadArgument(f"a delivery to {name} asks first, and nobody can be asked here", hint=with_yes(invocation))
    by_name = any(gate.gate == "confirm" for gate in plan.gates)
    if by_name:
        question = f"{wished}. Type {name} to go on: "
        accepted = {name}
    else:
        question = f"{wished}? [y/N] "
        accepted = {"y", "yes"}
    answer = asked(question).strip()
    if (answer if by_name else answer.lower()) not in accepted:
        raise Refused("not confirmed: nothing was delivered")


def wish(plan: Plan) -> str:
    """What a plan is wished for, in words."""
    if plan.accepts:
        return f"Take the drift of {plan.environment} into the record"
    return f"Deliver {plan.release.version} to {plan.environment}"


def may_ask(invocation: Invocation) -> bool:
    """Whether a person is there to be asked."""
    return not invocation.shared.no_input and styles.is_terminal(sys.stdin) and styles.is_terminal(sys.stderr)


def with_yes(invocation: Invocation) -> str:
    """The same command, confirmed."""
    words = list(invocation.words)
    at = words.index("--") if "--" in words else len(words)
    return shlex.join(["release", *invocation.verb.split(), *words[:at], "--yes", *words[at:]])


def asked(question: str) -> str:
    """What somebody typed; nothing where the input ended."""
    sys.stderr.write(printable(question))
    sys.stderr.flush()
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer:
            sys.stderr.write("\n")  # nobody ended the line
    return answer
