"""Restoring: what ran before runs again, verified, as part of the delivery that failed or was aborted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from releaser.model.delivery import FAILED, SUCCEEDED, Current, Outcome
from releaser.model.errors import DeliveryFailed, EngineUnreachable, LostRace, NotReady, ReleaseError
from releaser.model.event import Point
from releaser.model.resource import EMPTY, Inventory, Observation
from releaser.model.value import Value
from releaser.operations.rollback import readable, usable
from releaser.operations.secrets import Values
from releaser.planning import planner, settling
from releaser.ports import DeliveryQuery, Desired, Work

if TYPE_CHECKING:
    from releaser.operations.performing import Attempt
    from releaser.operations.recording import Recorder
    from releaser.operations.workspace import Workspace


class Before(Value, frozen=True, kw_only=True):
    """What to go back to; revision 0 is the empty environment."""

    revision: int
    release: str | None
    inventory: Inventory


class _Never:
    """A way back is gone to its end, also when somebody asked to stop."""

    def requested(self) -> bool:
        return False


def restore(ws: Workspace, recorder: Recorder, attempt: Attempt, reason: str, status: str = FAILED) -> Outcome:
    """Bring back what ran before; the outcome says whether that worked.

    Raises EngineUnreachable where not even that can be known.
    """
    before = what_ran_before(ws, attempt)
    recorder.point(Point.RESTORING, f"bringing back {_named(before)}")
    try:
        _write_back(ws, recorder, attempt, before)
        observation = _observe(ws, attempt, before)
        _refuse_different(before, observation)
    except (EngineUnreachable, LostRace):
        raise
    except ReleaseError as failure:
        inventory = _found(attempt, before, _observe(ws, attempt, before))
        message = f"{reason}; {_named(before)} could not be brought back: {failure.message}"
        return Outcome(status=status, inventory=inventory, message=message, finished_at=ws.clock.now())
    refusal = _verify(ws, attempt, before)
    recorder.point(Point.RESTORED, f"{_named(before)} is back")
    message = f"{reason}; {_named(before)} is back" + (f", but {refusal}" if refusal else "")
    now = ws.clock.now()
    current = None
    if before.release is not None:
        current = Current(revision=before.revision, release=before.release, since=now)
    inventory = attempt.base if attempt.plan.moves_from else _as_before(attempt, before, observation)
    return Outcome(
        status=status, inventory=inventory, message=message, restored=before.revision, current=current, finished_at=now
    )


def what_ran_before(ws: Workspace, attempt: Attempt) -> Before:
    """What was known to run, else the newest succeeded revision, else nothing at all."""
    name = attempt.plan.environment
    if attempt.back_to is not None:
        return Before(
            revision=attempt.back_to.revision, release=attempt.back_to.release, inventory=attempt.base
        )
    query = DeliveryQuery(environments=(name,), status=SUCCEEDED, before=attempt.delivery.revision, limit=1)
    for delivery in ws.history.deliveries(query):
        record = ws.history.record(name, delivery.revision)
        inventory = record.inventory or EMPTY
        return Before(revision=delivery.revision, release=delivery.release, inventory=inventory)
    return Before(revision=0, release=None, inventory=EMPTY)


def _named(before: Before) -> str:
    return f"#{before.revision} ({before.release})" if before.release else "the empty environment"


def _write_back(ws: Workspace, recorder: Recorder, attempt: Attempt, before: Before) -> None:
    engine, plan = attempt.goal.engine, attempt.plan
    wanted = EMPTY if plan.moves_from else before.inventory
    found = _found(attempt, before, _observe(ws, attempt, before))
    resources = tuple(item.resource for item in wanted.items.values())
    changes = planner.changes(
        planner.Wanted(
            resources=resources,
            inventory=found,
            observation=_observe(ws, attempt, before),
            secrets={},
            owns_orphans=engine.capabilities.owns_orphans,
        ),
        lambda _resource, _path: None,
    )
    work = Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=tuple(Desired(resource=i.resource, revision=i.revision) for i in wanted.items.values()),
        changes=changes,
        base=found,
        wait=attempt.goal.rules.wait,
    )
    recorder.still_ours()
    engine.apply(work, Values(ws, _definitions(ws, attempt, wanted)), recorder)
    readiness = engine.wait(work, _Never(), recorder)
    if not readiness.ready:
        raise NotReady(readiness.message or "not ready in time")


def _definitions(ws: Workspace, attempt: Attempt, wanted: Inventory) -> dict[str, dict[str, str]]:
    referred = sorted({name for item in wanted.items.values() for name in item.resource.secrets.values()})
    declared = readable(ws, attempt.plan.environment)
    return usable(wanted.definitions, declared.environment, referred)[0]  # type: ignore[return-value]


def _observe(ws: Workspace, attempt: Attempt, before: Before) -> Observation:
    plan = attempt.plan
    known = {desired.resource.id: desired.resource for desired in attempt.goal.desired}
    inventory = before.inventory if not plan.moves_from else EMPTY
    del known
    return attempt.goal.engine.observe(ws.scope(plan.environment, plan.project), inventory)


def _found(attempt: Attempt, before: Before, observation: Observation) -> Inventory:
    known = (
        *(item.resource for item in before.inventory.items.values()),
        *(desired.resource for desired in attempt.goal.desired),
    )
    found = settling.inventory_of(observation, known, attempt.delivery.revision)
    return msgspec.structs.replace(
        found,
        secrets=before.inventory.secrets,
        definitions={**attempt.goal.definitions, **before.inventory.definitions},
        target=attempt.plan.target,
    )


def _as_before(attempt: Attempt, before: Before, observation: Observation) -> Inventory:
    found = _found(attempt, before, observation)
    return msgspec.structs.replace(found, definitions=before.inventory.definitions)


def _refuse_different(before: Before, observation: Observation) -> None:
    for name, item in before.inventory.items.items():
        live = observation.resources.get(name)
        if live is None or live.fingerprint != item.resource.fingerprint:
            raise DeliveryFailed(f"{name} is not what it was")


def _verify(ws: Workspace, attempt: Attempt, before: Before) -> str | None:
    """Why `verify` refuses what was brought back, None where it does not."""
    verify = attempt.goal.rules.verify
    if verify is None or before.release is None:
        return None
    variables = {
        "RELEASE_PROJECT": attempt.plan.project,
        "RELEASE_ENVIRONMENT": attempt.plan.environment,
        "RELEASE_VERSION": before.release,
        "RELEASE_REVISION": str(before.revision),
        "RELEASE_TARGET": attempt.plan.target.place,
    }
    try:
        ws.verifier.run(verify, variables, _Never())
    except ReleaseError as refusal:
        return f"{refusal.message}, also for it"
    return None
