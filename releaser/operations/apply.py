"""apply: a saved plan, exactly, once."""

import msgspec

from releaser.model.delivery import Result
from releaser.model.errors import BadArgument, StalePlan
from releaser.model.plan import PROMOTE, ROLLBACK, Plan
from releaser.operations.execute import PROPOSERS, execute, propose, refuse_edited, refuse_moved
from releaser.operations.proposing import Proposal, Request
from releaser.operations.workspace import Workspace


def read_plan(data: bytes, name: str) -> Plan:
    """The plan that was saved. Raises BadArgument."""
    hint = "release plan RELEASE --to ENV --out FILE"
    try:
        plan = msgspec.json.decode(data, type=Plan)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadArgument(f"{name} is not a saved plan: {error}", hint=hint) from error
    if plan.trigger not in PROPOSERS or (plan.trigger == ROLLBACK and plan.restores is None):
        raise BadArgument(f"{name} is not a saved plan: it does not say what to do", hint=hint)
    return plan


def request_of(plan: Plan) -> Request:
    """The request that a plan was made for."""
    return Request(
        trigger=plan.trigger,
        environment=plan.environment,
        version=plan.release.version if plan.trigger == PROMOTE else None,
        revision=plan.restores if plan.trigger == ROLLBACK else None,
        adopt=bool(plan.adopts),
        move=plan.moves_from is not None,
        replace=bool(plan.replaces),
        accept=plan.accepts,
    )


def prepare(ws: Workspace, plan: Plan) -> Proposal:
    """The plan made again, to be shown before it is executed; reads only. Raises StalePlan as `apply` does."""
    _refuse_executed(ws, plan)
    proposal = propose(ws, request_of(plan))
    refuse_moved(plan, proposal.plan)
    refuse_edited(plan, proposal)
    return proposal


def apply(ws: Workspace, plan: Plan, reason: str | None = None) -> Result:
    """Execute a saved plan. Raises StalePlan where it was executed before, or what it rests on has moved."""
    _refuse_executed(ws, plan)
    return execute(ws, request_of(plan), plan, reason)


def _refuse_executed(ws: Workspace, plan: Plan) -> None:
    executed = ws.history.plan_executed(plan.id)
    if executed is not None:
        raise StalePlan(
            f"this plan was executed as {executed.environment} #{executed.revision}",
            hint="make a new plan: each is executed once",
        )
