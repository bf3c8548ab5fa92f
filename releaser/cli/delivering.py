"""Delivering: plan → show → ask → execute → report, the same for promote, rollback and reconcile."""

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass

from releaser.cli import errors, next_steps, styles
from releaser.cli.invocation import Invocation
from releaser.cli.options import Delivering, PlanOptions, Writing
from releaser.cli.output import MACHINE, Output
from releaser.cli.progress import Watching
from releaser.cli.prompts import confirm, may_ask, wish
from releaser.cli.saving import save
from releaser.cli.show_plan import show_plan
from releaser.cli.show_result import code_of, show_result
from releaser.model.delivery import RUNNING, Result
from releaser.model.errors import BadArgument
from releaser.model.plan import Plan
from releaser.operations.execute import execute, propose, unchanged
from releaser.operations.proposing import Proposal, Request
from releaser.operations.resume import Preparation, abort, prepare, resume
from releaser.operations.workspace import Workspace

Ask = Callable[[Workspace], Request]
"""What somebody wants, once the workspace is open."""
Execute = Callable[[], Result]
Make = Callable[[Workspace], tuple[Proposal, Execute]]
"""The plan, and what executes it as it is shown."""
TAKING_UP: Mapping[str, Callable[..., Result]] = {"resume": resume, "abort": abort}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a person is asked: a plan, how it is shown, and what it is wished for."""

    plan: Plan
    wish: str
    show: Callable[[Output], None]


def show_only(invocation: Invocation, options: PlanOptions, ask: Ask, by: str | None = None) -> int:
    """Show the plan and stop; gives the exit code."""
    with invocation.workspace(by=by) as ws:
        proposal = propose(ws, ask(ws))
        plan = proposal.plan
        if options.out is not None:
            save(plan, options.out)
        show_document(invocation.out, proposal)
        if plan.refused_by:
            return refused(ws, invocation.out, proposal)
        command = _command(plan) if options.out is None else shlex.join(["release", "apply", str(options.out)])
        invocation.out.next(*next_steps.after_plan(plan, command))
    return errors.DIFFERENT if options.exit_code and not plan.nothing_to_do else errors.DONE


def deliver(invocation: Invocation, options: Delivering, ask: Ask) -> int:
    """The whole way; gives the exit code."""
    if options.dry_run:
        return show_only(invocation, options, ask, options.by)
    if options.out is not None or options.exit_code:
        raise BadArgument(
            "--out and --exit-code belong to --dry-run", hint=shlex.join([*_typed(invocation), "--dry-run"])
        )

    def make(ws: Workspace) -> tuple[Proposal, Execute]:
        request = ask(ws)
        proposal = propose(ws, request)
        return proposal, lambda: execute(ws, request, proposal.plan, options.reason)

    return carry_out(invocation, options, make)


def carry_out(invocation: Invocation, options: Writing, make: Make) -> int:
    """Show a plan, ask, execute it, and report; gives the exit code."""
    watching = Watching(invocation.out)
    with invocation.workspace(by=options.by, progress=watching) as ws:
        proposal, go_on = make(ws)
        if proposal.plan.nothing_to_do:
            return report(ws, invocation, go_on() if _unsettled(ws, proposal) else unchanged(ws, proposal))
        if proposal.plan.refused_by:
            show_document(invocation.out, proposal)
            return refused(ws, invocation.out, proposal)
        question = Question(plan=proposal.plan, wish=wish(proposal.plan), show=lambda out: _show(out, proposal))
        consent(invocation, question, yes=options.yes)
        with watching, invocation.signals.gentle(invocation.out):
            result = go_on()
        return report(ws, invocation, result, accepted=proposal.plan.accepts)


def take_up(invocation: Invocation, options: Writing, environment: str) -> int:
    """Finish or undo what was interrupted, as the verb says; gives the exit code."""
    verb, work = invocation.verb, TAKING_UP[invocation.verb]
    watching = Watching(invocation.out)
    with invocation.workspace(by=options.by, progress=watching) as ws:
        prepared = prepare(ws, environment, verb)
        if prepared.plan is not None:
            consent(invocation, _taking_up(prepared, prepared.plan), yes=options.yes)
        with watching, invocation.signals.gentle(invocation.out):
            result = work(ws, environment, reason=options.reason, prepared=prepared)
        return report(ws, invocation, result)


def _taking_up(prepared: Preparation, plan: Plan) -> Question:
    delivery = prepared.delivery
    what = f"{prepared.verb} {delivery.environment} #{delivery.revision} ({delivery.release})"
    title = f"{what[:1].upper()}{what[1:]}: {prepared.towards}"
    return Question(plan=plan, wish=title, show=lambda out: show_plan(out, plan, title=title))


def consent(invocation: Invocation, question: Question, *, yes: bool) -> None:
    """Show the plan and ask. Raises BadArgument where nobody can be asked, Refused where the answer is no."""
    out = invocation.out
    asks = not yes and may_ask(invocation)
    if out.form in MACHINE or (asks and not styles.is_terminal(sys.stdout)):
        if not out.quiet:
            with redirect_stdout(sys.stderr):  # stdout is for the answer, or its reader is not the one who is asked
                question.show(out)
    elif asks or not out.quiet:
        question.show(out)
    if not yes:
        confirm(invocation, question.plan, question.wish)


def report(ws: Workspace, invocation: Invocation, result: Result, *, accepted: bool = False) -> int:
    """Print the result and what comes next; gives the exit code."""
    out = invocation.out
    out.document(result, lambda out: show_result(out, result, accepted=accepted))
    out.next(*next_steps.after_result(ws, result))
    return code_of(result, invocation.signals)


def _unsettled(ws: Workspace, proposal: Proposal) -> bool:
    """Whether the head's outcome is not recorded yet, though it is what was asked for: executing records it."""
    head = ws.history.head(proposal.plan.environment)
    return head is not None and head.status == RUNNING


def show_document(out: Output, proposal: Proposal) -> None:
    """Print a plan as the answer."""
    out.document(proposal.plan, lambda out: _show(out, proposal))


def _show(out: Output, proposal: Proposal) -> None:
    if out.form == "md":
        from releaser.cli.plan_markdown import markdown  # noqa: PLC0415 - only for -o md

        for line in markdown(proposal.plan, before(proposal)):
            out.line(line)
    else:
        show_plan(out, proposal.plan, before(proposal))


def refused(ws: Workspace, out: Output, proposal: Proposal) -> int:
    """Say what opens the gate; gives the exit code."""
    plan = proposal.plan
    if all(gate.gate == "replace" for gate in plan.refused_by):
        out.next(f"{_command(plan)} --replace")
    else:
        out.next(*next_steps.way_in(ws, plan, proposal.goal.entry))
    return errors.REFUSED


def before(proposal: Proposal) -> str | None:
    """The release that is known to run now."""
    current = proposal.head.delivery.current if proposal.head else None
    return current.release if current else None


def _command(plan: Plan) -> str:
    """The command that delivers what a plan shows."""
    words = {
        "promote": ["promote", plan.release.version],
        "rollback": ["rollback", f"--revision={plan.restores}"],
        "reconcile": ["reconcile", *(["--accept", "-m", "WHY"] if plan.accepts else [])],
    }[plan.trigger]
    consents = {"--adopt": plan.adopts, "--move": plan.moves_from, "--replace": plan.replaces}
    more = [option for option, given in consents.items() if given]
    return shlex.join(["release", *words, "--to", plan.environment, *more])


def _typed(invocation: Invocation) -> list[str]:
    return ["release", *invocation.verb.split(), *invocation.words]
