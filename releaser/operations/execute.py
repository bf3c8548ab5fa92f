"""execute: the plan, exactly, once; recorded before, during and after.

lock → settle → the plan made again is the same → gates → intent → apply → wait → verify → outcome. A failure brings
back what ran before, within the same delivery.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, Delivery, Intent, Outcome, Result
from releaser.model.errors import GateRefused, StalePlan
from releaser.model.event import Point
from releaser.model.plan import PROMOTE, RECONCILE, ROLLBACK, Plan
from releaser.operations import promote, reconcile, rollback
from releaser.operations.attempt import Attempt
from releaser.operations.performing import perform
from releaser.operations.proposing import Proposal, Request
from releaser.operations.recording import Recorder
from releaser.operations.settle import settle, since
from releaser.operations.workspace import Workspace
from releaser.planning.planner import moved_parts, plan_id
from releaser.planning.wording import listed
from releaser.ports import Lease

PROPOSERS: Mapping[str, Callable[[Workspace, Request], Proposal]] = {
    PROMOTE: promote.propose,
    ROLLBACK: rollback.propose,
    RECONCILE: reconcile.propose,
}


def propose(ws: Workspace, request: Request) -> Proposal:
    """The proposal for a request; reads only."""
    return PROPOSERS[request.trigger](ws, request)


@contextmanager
def leased(ws: Workspace, environment: str, verb: str) -> Iterator[Lease]:
    """The environment's lease for the length of a block. Raises Locked."""
    lease = ws.history.acquire(environment, ws.holder(verb))
    try:
        yield lease
    finally:
        ws.history.release(lease)


def execute(ws: Workspace, request: Request, expected: Plan, reason: str | None = None) -> Result:
    """Execute the plan that was shown.

    Raises Locked, StalePlan, GateRefused before anything is recorded; a delivery that failed is a result.
    """
    with leased(ws, request.environment, request.trigger) as lease:
        recorder = Recorder(ws, lease)
        recorder.point(Point.LEASED, "the lease is ours")
        settle(ws, lease)
        recorder.point(Point.SETTLED, "nothing is left to settle")
        proposal = propose(ws, request)
        refuse_moved(expected, proposal.plan)
        refuse_edited(expected, proposal)
        recorder.point(Point.PLANNED, "the plan is still the plan")
        if proposal.plan.nothing_to_do:
            return unchanged(ws, proposal)
        refuse_gates(proposal.plan)
        delivery = ws.history.begin(lease, intent(ws, proposal, reason))
        recorder.began(delivery)
        attempt = Attempt(
            delivery=delivery,
            goal=proposal.goal,
            plan=proposal.plan,
            base=proposal.base,
            back_to=proposal.head.delivery.current if proposal.head else None,
            since=since(ws, delivery, ws.clock.now()),
        )
        return finish(ws, lease, recorder, delivery, perform(ws, recorder, attempt))


def unchanged(ws: Workspace, proposal: Proposal) -> Result:
    """The result where nothing is to do: with the delivery that is known to run."""
    current = proposal.head.delivery.current if proposal.head else None
    delivery = ws.history.delivery(proposal.plan.environment, current.revision) if current else None
    return Result(outcome="unchanged", delivery=delivery, plan_id=proposal.plan.id)


_OUTCOMES = {FAILED: "failed", INTERRUPTED: "interrupted", ABORTED: "delivered"}


def finish(ws: Workspace, lease: Lease, recorder: Recorder, delivery: Delivery, outcome: Outcome) -> Result:
    """Record the outcome, and say it."""
    message, hint = (None if text is None else ws.masked(text) for text in (outcome.message, outcome.hint))
    outcome = msgspec.structs.replace(outcome, message=message, hint=hint)
    recorder.commit()
    ended = ws.history.finish(lease, delivery.revision, outcome)
    recorder.point(Point.FINISHED, f"#{ended.revision} {ended.status}")
    return Result(outcome=_OUTCOMES.get(ended.status, "delivered"), delivery=ended, plan_id=ended.plan_id)


def refuse_moved(expected: Plan, found: Plan) -> None:
    """Raises StalePlan, naming what differs, where the plan made again is another."""
    if expected.id == found.id:
        return
    moved = listed(moved_parts(expected, found))
    verb = "plan" if found.trigger == PROMOTE else f"{found.trigger} --dry-run"
    raise StalePlan(f"the plan for {found.environment} is stale: {moved}", hint=f"release {verb} again, and look at it")


def refuse_edited(expected: Plan, proposal: Proposal) -> None:
    """Raises StalePlan where a plan does not say what its id names: somebody edited the file."""
    if plan_id(expected, proposal.goal.entry) != expected.id:
        moved = listed(moved_parts(expected, proposal.plan))
        raise StalePlan(
            f"the plan for {expected.environment} was edited after it was made: {moved}",
            hint="make it again, and look at it",
        )


def refuse_gates(plan: Plan) -> None:
    """Raises GateRefused with every gate that does not let the plan in."""
    if plan.refused_by:
        details = "; ".join(gate.detail for gate in plan.refused_by)
        raise GateRefused(f"{plan.environment} does not let {plan.release.version} in: {details}")


def intent(ws: Workspace, proposal: Proposal, reason: str | None) -> Intent:
    """What is committed before the first effect."""
    name = proposal.plan.environment
    current = proposal.head.delivery.current if proposal.head else None
    files = ws.declarations.files(name) if proposal.plan.trigger == PROMOTE else ()
    return Intent(
        plan=proposal.plan,
        resources=proposal.resources,
        base=proposal.base,
        definitions=proposal.goal.recorded,
        actor=ws.actor.name,
        reason=reason,
        source=ws.source.describe(files) if files else None,
        tool_version=ws.actor.tool_version,
        leaves=current.release if current else None,
        started_at=ws.clock.now(),
    )
