"""Delivering: plan → show → ask → execute → report, the same for promote, rollback and reconcile."""

from collections.abc import Callable

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Delivering, PlanOptions
from releaser.cli.output import MACHINE
from releaser.cli.progress import Watching
from releaser.cli.prompts import confirm
from releaser.cli.saving import save
from releaser.cli.show_plan import show_plan
from releaser.cli.show_result import code_of, show_result
from releaser.model.delivery import Result
from releaser.model.errors import BadArgument
from releaser.operations.execute import execute, propose
from releaser.operations.proposing import Request
from releaser.operations.workspace import Workspace

Ask = Callable[[Workspace], Request]
"""What somebody wants, once the workspace is open."""


def show_only(invocation: Invocation, options: PlanOptions, ask: Ask, by: str | None = None) -> int:
    """Show the plan and stop; gives the exit code."""
    with invocation.workspace(by=by) as ws:
        plan = propose(ws, ask(ws)).plan
    invocation.out.document(plan, lambda out: show_plan(out, plan))
    if options.out is not None:
        save(plan, options.out)
    if plan.refused_by:
        return 3
    return errors.DIFFERENT if options.exit_code and not plan.nothing_to_do else errors.DONE


def deliver(invocation: Invocation, options: Delivering, ask: Ask) -> int:
    """The whole way; gives the exit code."""
    if options.dry_run:
        return show_only(invocation, options, ask, options.by)
    if options.out is not None or options.exit_code:
        raise BadArgument("--out and --exit-code belong to --dry-run", hint=f"release {invocation.verb} … --dry-run")
    out = invocation.out
    with Watching(out) as watching, invocation.workspace(by=options.by, progress=watching) as ws:
        request = ask(ws)
        proposal = propose(ws, request)
        plan = proposal.plan
        if plan.nothing_to_do:
            head = proposal.head.delivery if proposal.head else None
            result = Result(outcome="unchanged", delivery=head, plan_id=plan.id)
        elif plan.refused_by:
            out.document(plan, lambda out: show_plan(out, plan))
            return 3
        else:
            if out.form not in MACHINE:
                show_plan(out, plan)
            confirm(invocation, plan, yes=options.yes)
            with invocation.signals.gentle(out):
                result = execute(ws, request, plan, options.reason)
    out.document(result, lambda out: show_result(out, result))
    return code_of(result, invocation.signals)
