"""Delivering: plan → show → ask → execute → report, the same for promote, rollback and reconcile."""

import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

from releaser.cli import errors, next_steps, styles
from releaser.cli.invocation import Invocation
from releaser.cli.options import Delivering, PlanOptions, Writing
from releaser.cli.output import MACHINE, Output
from releaser.cli.progress import Watching
from releaser.cli.prompts import confirm, may_ask
from releaser.cli.saving import save
from releaser.cli.show_plan import show_plan
from releaser.cli.show_result import code_of, show_result
from releaser.model.delivery import RUNNING, Result
from releaser.model.errors import BadArgument
from releaser.model.plan import Plan
from releaser.operations.execute import execute, propose
from releaser.operations.proposing import Proposal, Request
from releaser.operations.workspace import Workspace

Ask = Callable[[Workspace], Request]
"""What somebody wants, once the workspace is open."""


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
    watching = Watching(invocation.out)
    with invocation.workspace(by=options.by, progress=watching) as ws:
        request = ask(ws)
        proposal = propose(ws, request)
        if proposal.plan.nothing_to_do:
            settled = execute(ws, request, proposal.plan) if unsettled(ws, proposal) else unchanged(proposal)
            return report(ws, invocation, settled)
        if proposal.plan.refused_by:
            show_document(invocation.out, proposal)
            return refused(ws, invocation.out, proposal)
        consent(invocation, proposal, yes=options.yes)
        with watching, invocation.signals.gentle(invocation.out):
            result = execute(ws, request, proposal.plan, options.reason)
        return report(ws, invocation, result, accepted=proposal.plan.accepts)


def take_up(invocation: Invocation, options: Writing, work: Callable[[Workspace], Result]) -> int:
    """Finish or undo what was interrupted; gives the exit code."""
    watching = Watching(invocation.out)
    with invocation.workspace(by=options.by, progress=watching) as ws:
        with watching, invocation.signals.gentle(invocation.out):
            result = work(ws)
        return report(ws, invocation, result)


def consent(invocation: Invocation, proposal: Proposal, *, yes: bool) -> None:
    """Show the plan and ask. Raises BadArgument where nobody can be asked, Refused where the answer is no."""
    out, plan = invocation.out, proposal.plan
    asks = not yes and may_ask(invocation)
    if out.form in MACHINE or (asks and not styles.is_terminal(sys.stdout)):
        if not out.quiet:
            with redirect_stdout(sys.stderr):  # stdout is for the answer, or its reader is not the one who is asked
                _show(out, proposal)
    elif asks or not out.quiet:
        _show(out, proposal)
    if not yes:
        confirm(invocation, plan)


def report(ws: Workspace, invocation: Invocation, result: Result, *, accepted: bool = False) -> int:
    """Print the result and what comes next; gives the exit code."""
    out = invocation.out
    out.document(result, lambda out: show_result(out, result, accepted=accepted))
    out.next(*next_steps.after_result(ws, result))
    return code_of(result, invocation.signals)


def unsettled(ws: Workspace, proposal: Proposal) -> bool:
    """Whether the head's outcome is not recorded yet, though it is what was asked for: executing records it."""
    head = ws.history.head(proposal.plan.environment)
    return head is not None and head.status == RUNNING


def unchanged(proposal: Proposal) -> Result:
    """The result where nothing was to do: the current delivery."""
    head = proposal.head.delivery if proposal.head else None
    return Result(outcome="unchanged", delivery=head, plan_id=proposal.plan.id)


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
    out.next(*next_steps.way_in(ws, proposal.plan, proposal.goal.entry))
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
    more = [*(["--adopt"] if plan.adopts else []), *(["--move"] if plan.moves_from else [])]
    return shlex.join(["release", *words, "--to", plan.environment, *more])


def _typed(invocation: Invocation) -> list[str]:
    return ["release", *invocation.verb.split(), *invocation.words]
