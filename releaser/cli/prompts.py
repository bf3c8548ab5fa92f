"""Prompts: asked on a terminal only; elsewhere what would ask needs --yes."""

import shlex
import sys

from releaser.cli import styles
from releaser.cli.invocation import Invocation
from releaser.model.errors import BadArgument, Refused
from releaser.model.plan import Plan


def confirm(invocation: Invocation, plan: Plan, *, yes: bool) -> None:
    """Go on, or raise: BadArgument where nobody can be asked, Refused where the answer is no."""
    if yes:
        return
    by_name = any(gate.gate == "confirm" for gate in plan.gates)
    if invocation.shared.no_input or not (styles.is_terminal(sys.stdin) and styles.is_terminal(sys.stderr)):
        words = shlex.join(["release", *invocation.verb.split(), *invocation.words, "--yes"])
        raise BadArgument(
            f"delivering to {plan.environment} asks for a confirmation, and nobody can be asked here", hint=words
        )
    wanted = plan.environment if by_name else "y"
    what = f"the environment's name, {plan.environment}," if by_name else "y"
    answer = _ask(f"Deliver {plan.release.version} to {plan.environment}? Type {what} to go on: ")
    if answer.strip() != wanted and not (not by_name and answer.strip().lower() in {"y", "yes"}):
        raise Refused("not confirmed: nothing was delivered")


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()
