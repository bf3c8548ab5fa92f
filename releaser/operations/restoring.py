"""Restoring: what ran before runs again, verified, as part of the delivery that failed or was aborted."""

import msgspec

from releaser.model.delivery import FAILED, SUCCEEDED, Current, Outcome
from releaser.model.errors import DeliveryFailed, EngineUnreachable, LostRace, NotReady, ReleaseError
from releaser.model.event import Point
from releaser.model.resource import EMPTY, Inventory, Observation, Resource
from releaser.model.value import JsonMap, Value
from releaser.operations.attempt import Attempt, verify_variables
from releaser.operations.recording import Recorder
from releaser.operations.rollback import readable, usable
from releaser.operations.secrets import Values
from releaser.operations.workspace import Workspace
from releaser.planning import planner
from releaser.ports import DeliveryQuery, Desired, Work


class Before(Value, frozen=True, kw_only=True):
    """What to go back to; revision 0 is the empty environment."""

    revision: int
    release: str | None
    inventory: Inventory  # in this target

    @property
    def named(self) -> str:
        """As messages name it."""
        return f"#{self.revision} ({self.release})" if self.release else "the empty environment"

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What was there."""
        return tuple(item.resource for item in self.inventory.items.values())


class Unstoppable:
    """A way back is gone to its end, also when somebody asked to stop; implements ports.Stop."""

    def requested(self) -> bool:
        """Never."""
        return False


def restore(ws: Workspace, recorder: Recorder, attempt: Attempt, reason: str, status: str = FAILED) -> Outcome:
    """Bring back what ran before; the outcome says whether that worked.

    Raises EngineUnreachable where not even that can be known.
    """
    before = _what_ran_before(ws, attempt)
    recorder.point(Point.RESTORING, f"{reason}: bringing back {before.named}")
    try:
        _write_back(ws, recorder, attempt, before)
        observation = attempt.observe(ws)
        _refuse_different(before, observation)
    except (EngineUnreachable, LostRace):
        raise
    except ReleaseError as failure:
        inventory = attempt.found(attempt.observe(ws), *before.resources, before=attempt.here)
        message = f"{reason}; {before.named} could not be brought back: {failure.message}"
        return Outcome(status=status, inventory=inventory, message=message, finished_at=ws.clock.now())
    refusal = _refusal(ws, attempt, before)
    recorder.point(Point.RESTORED, f"{before.named} is back")
    now = ws.clock.now()
    known = before.release is not None
    return Outcome(
        status=status,
        inventory=_inventory(attempt, before, observation),
        message=f"{reason}; {before.named} is back" + (f", but {refusal}" if refusal else ""),
        restored=before.revision,
        current=Current(revision=before.revision, release=before.release or "", since=now) if known else None,
        finished_at=now,
    )


def _what_ran_before(ws: Workspace, attempt: Attempt) -> Before:
    """What was known to run, else the newest succeeded revision, else nothing at all."""
    name = attempt.plan.environment
    if attempt.back_to is not None:
        back = attempt.back_to
        return Before(revision=back.revision, release=back.release, inventory=attempt.here)
    query = DeliveryQuery(environments=(name,), status=SUCCEEDED, before=attempt.delivery.revision, limit=1)
    for delivery in ws.history.deliveries(query):
        inventory = ws.history.record(name, delivery.revision).inventory or EMPTY
        here = EMPTY if attempt.plan.moves_from else inventory
        return Before(revision=delivery.revision, release=delivery.release, inventory=here)
    return Before(revision=0, release=None, inventory=EMPTY)


def _write_back(ws: Workspace, recorder: Recorder, attempt: Attempt, before: Before) -> None:
    engine, plan = attempt.goal.engine, attempt.plan
    observation = attempt.observe(ws)
    found = attempt.found(observation, *before.resources)
    wanted = planner.Wanted(
        resources=before.resources,
        inventory=found,
        observation=observation,
        secrets={},
        owns_orphans=engine.capabilities.owns_orphans,
        ours=ws.mark(plan.environment, plan.project, 0),
    )
    work = Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=tuple(Desired(resource=i.resource, revision=i.revision) for i in before.inventory.items.values()),
        changes=planner.changes(wanted, lambda _resource, _path: None),
        base=found,
        wait=attempt.goal.rules.wait,
    )
    recorder.still_ours()
    engine.apply(work, Values(ws, _definitions(ws, attempt, before)), recorder)
    readiness = engine.wait(work, Unstoppable(), recorder)
    if not readiness.ready:
        raise NotReady(readiness.message or "not ready in time")


def _definitions(ws: Workspace, attempt: Attempt, before: Before) -> dict[str, JsonMap]:
    referred = sorted({name for resource in before.resources for name in resource.secrets.values()})
    return usable(before.inventory.definitions, readable(ws, attempt.plan.environment).environment, referred)[0]


def _inventory(attempt: Attempt, before: Before, observation: Observation) -> Inventory:
    """The record of what is back; where the environment did not get to move, of what it still has elsewhere."""
    if attempt.plan.moves_from is not None:
        return attempt.base
    found = attempt.found(observation, *before.resources)
    return msgspec.structs.replace(found, secrets=before.inventory.secrets, definitions=before.inventory.definitions)


def _refuse_different(before: Before, observation: Observation) -> None:
    for name, item in before.inventory.items.items():
        live = observation.resources.get(name)
        if live is None or live.fingerprint != item.resource.fingerprint:
            raise DeliveryFailed(f"{name} is not what it was")


def _refusal(ws: Workspace, attempt: Attempt, before: Before) -> str | None:
    """Why `verify` refuses what was brought back, None where it does not."""
    verify = attempt.goal.rules.verify
    if verify is None or before.release is None or attempt.plan.moves_from is not None:
        return None
    try:
        ws.verifier.run(verify, verify_variables(attempt.plan, before.release, before.revision), Unstoppable())
    except ReleaseError as refusal:
        return f"for it too: {refusal.message}"
    return None
