"""Performing: one attempt at a goal, and the way back when it fails. Both end in an outcome; a crash ends in neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from releaser.model.delivery import FAILED, INTERRUPTED, SUCCEEDED, Current, Delivery, Outcome
from releaser.model.errors import (
    ApplyFailed,
    EngineUnreachable,
    Interrupted,
    LostRace,
    NotReady,
    ReleaseError,
)
from releaser.model.event import Point
from releaser.model.plan import DELETE, Change, Plan
from releaser.model.resource import EMPTY, Inventory, Observation
from releaser.operations.proposing import Goal
from releaser.operations.recording import Recorder
from releaser.operations.restoring import restore
from releaser.operations.secrets import Values
from releaser.operations.workspace import Workspace
from releaser.planning import settling
from releaser.ports import Work


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A goal, the plan towards it, and what was there before."""

    delivery: Delivery
    goal: Goal
    plan: Plan
    base: Inventory  # the head's, before
    back_to: Current | None  # what was known to run before
    since: datetime  # since when the release is current once it succeeds


def perform(ws: Workspace, recorder: Recorder, attempt: Attempt) -> Outcome:
    """Make it so; on failure bring back what ran before.

    Raises EngineUnreachable where nothing can be known, LostRace where the lease is gone: the delivery stays `running`
    and is settled by the next command.
    """
    try:
        inventory = _carry_out(ws, recorder, attempt)
    except Interrupted as stopped:
        return _stopped(ws, attempt, stopped.message)
    except LostRace:
        raise
    except ReleaseError as failure:
        return _failed(ws, recorder, attempt, failure)
    delivery = attempt.delivery
    current = Current(revision=delivery.revision, release=delivery.release, since=attempt.since)
    return Outcome(status=SUCCEEDED, inventory=inventory, current=current, finished_at=ws.clock.now())


def _carry_out(ws: Workspace, recorder: Recorder, attempt: Attempt) -> Inventory:
    goal, plan = attempt.goal, attempt.plan
    _refuse_stop(ws)
    if plan.accepts:
        return _taken_in(ws, recorder, attempt)
    if plan.writes:
        _write(ws, recorder, attempt)
    if goal.rules.verify is not None:
        recorder.point(Point.VERIFYING, "verify runs: " + " ".join(goal.rules.verify.command))
        ws.verifier.run(goal.rules.verify, variables(attempt.plan, attempt.delivery.revision), ws.stop)
    observation = _observe(ws, attempt)
    refuse_different(attempt, observation)
    recorder.point(Point.OBSERVED, "what is live reads back equal")
    if plan.moves_from is not None:
        _leave(ws, recorder, attempt)
    return _inventory(attempt, observation)


def _write(ws: Workspace, recorder: Recorder, attempt: Attempt) -> None:
    goal, plan = attempt.goal, attempt.plan
    work = Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=goal.desired,
        changes=plan.changes,
        base=EMPTY if plan.moves_from else attempt.base,
        wait=goal.rules.wait,
    )
    recorder.still_ours()
    recorder.point(Point.APPLYING, f"writing to {plan.target.engine} {plan.target.place}")
    goal.engine.apply(work, Values(ws, goal.definitions), recorder)
    recorder.point(Point.APPLIED, "every change is written")
    _refuse_stop(ws)
    recorder.point(Point.WAITING, "waiting until it runs")
    readiness = goal.engine.wait(work, ws.stop, recorder)
    _refuse_stop(ws)
    if not readiness.ready:
        raise NotReady(readiness.message or f"not ready within {goal.rules.wait:g}s")


def _taken_in(ws: Workspace, recorder: Recorder, attempt: Attempt) -> Inventory:
    observation = _observe(ws, attempt)
    refuse_different(attempt, observation)
    recorder.point(Point.OBSERVED, "the drift is taken into the record")
    return _inventory(attempt, observation)


def _leave(ws: Workspace, recorder: Recorder, attempt: Attempt) -> None:
    """Remove what the environment left in the target that it moved from."""
    plan = attempt.plan
    assert plan.moves_from is not None  # noqa: S101 - the caller's branch
    recorder.still_ours()
    recorder.point(Point.APPLYING, f"removing what is left in {plan.moves_from.engine} {plan.moves_from.place}")
    work = Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=(),
        changes=tuple(Change(resource=name, action=DELETE) for name in attempt.base.items),
        base=attempt.base,
        wait=attempt.goal.rules.wait,
    )
    ws.engine_at(plan.moves_from).apply(work, Values(ws, {}), recorder)


def _refuse_stop(ws: Workspace) -> None:
    if ws.stop.requested():
        raise Interrupted("stopped on request, after the running step")


def _observe(ws: Workspace, attempt: Attempt) -> Observation:
    plan = attempt.plan
    base = EMPTY if plan.moves_from else attempt.base
    return attempt.goal.engine.observe(ws.scope(plan.environment, plan.project), base)


def refuse_different(attempt: Attempt, observation: Observation) -> None:
    """Raises ApplyFailed where something wanted does not read back equal."""
    for desired in attempt.goal.desired:
        live = observation.resources.get(desired.resource.id)
        if live is None:
            raise ApplyFailed(f"{desired.resource.id} was written, and is not there")
        if live.fingerprint != desired.resource.fingerprint:
            raise ApplyFailed(f"{desired.resource.id} does not read back as it was written")


def _inventory(attempt: Attempt, observation: Observation) -> Inventory:
    goal = attempt.goal
    known = (*(i.resource for i in attempt.base.items.values()), *(desired.resource for desired in goal.desired))
    found = settling.inventory_of(observation, known, attempt.delivery.revision)
    return msgspec.structs.replace(
        found,
        secrets=attempt.plan.secrets,
        definitions={name: goal.definitions[name] for name in goal.secrets if name in goal.definitions},
        target=attempt.plan.target,
    )


def _stopped(ws: Workspace, attempt: Attempt, message: str) -> Outcome:
    """Stopped between two steps: the record holds what is live now."""
    observation = _observe(ws, attempt)
    if attempt.plan.moves_from is not None or settling.as_recorded(attempt.base, observation):
        inventory = attempt.base
    else:
        inventory = _inventory(attempt, observation)
    return Outcome(status=INTERRUPTED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _failed(ws: Workspace, recorder: Recorder, attempt: Attempt, failure: ReleaseError) -> Outcome:
    """The way back, unless the environment keeps what failed."""
    recorder.point(Point.RESTORING, f"failed: {failure.message}")
    try:
        if not attempt.goal.rules.rollback_on_failure:
            inventory = _inventory(attempt, _observe(ws, attempt))
            message = f"{failure.message}; what was delivered is kept, as on_failure says"
            return Outcome(status=FAILED, inventory=inventory, message=message, finished_at=ws.clock.now())
        return restore(ws, recorder, attempt, failure.message)
    except EngineUnreachable as lost:
        hint = f"when it is back: release resume {attempt.plan.environment}, or release abort {attempt.plan.environment}"
        raise EngineUnreachable(f"{failure.message}; then {lost.message}", hint=hint) from lost


def variables(plan: Plan, revision: int) -> Mapping[str, str]:
    """What the `verify` command learns of the delivery, as environment variables."""
    return {
        "RELEASE_PROJECT": plan.project,
        "RELEASE_ENVIRONMENT": plan.environment,
        "RELEASE_VERSION": plan.release.version,
        "RELEASE_REVISION": str(revision),
        "RELEASE_TARGET": plan.target.place,
    }
