"""Performing: one attempt at a goal, and the way back when it fails.

Both end in an outcome; a crash ends in neither, and is settled by the next command.
"""

import msgspec

from releaser.model.delivery import FAILED, INTERRUPTED, SUCCEEDED, Current, Outcome
from releaser.model.errors import ApplyFailed, EngineUnreachable, Interrupted, LostRace, NotReady, ReleaseError
from releaser.model.event import Point
from releaser.model.plan import DELETE, Change
from releaser.model.resource import Inventory, InventoryItem, Observation
from releaser.operations.attempt import Attempt, verify_variables
from releaser.operations.recording import Recorder
from releaser.operations.restoring import restore
from releaser.operations.secrets import Values
from releaser.operations.workspace import Workspace
from releaser.planning import settling
from releaser.ports import Work


def perform(ws: Workspace, recorder: Recorder, attempt: Attempt) -> Outcome:
    """Make it so; on failure bring back what ran before.

    Raises EngineUnreachable where nothing can be known, LostRace where the lease is gone, HistoryUnreachable: the
    delivery stays `running` and is settled by the next command.
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
    if plan.writes:
        _write(ws, recorder, attempt)
    if goal.rules.verify is not None and not plan.accepts:  # nothing was written, so there is nothing to refuse
        recorder.point(Point.VERIFYING, "verify runs: " + " ".join(goal.rules.verify.command))
        variables = verify_variables(plan, plan.release.version, attempt.delivery.revision)
        ws.verifier.run(goal.rules.verify, variables, ws.stop)
        recorder.point(Point.VERIFIED, "verify is content")
    observation = attempt.observe(ws)
    if plan.accepts:
        inventory = _taken_in(attempt, observation)
        recorder.point(Point.OBSERVED, "the drift is taken in")
        return inventory
    _refuse_different(attempt, observation)
    recorder.point(Point.OBSERVED, "what is live reads back equal")
    if plan.moves_from is not None:
        _leave(ws, recorder, attempt)
    return attempt.found(observation)


def _write(ws: Workspace, recorder: Recorder, attempt: Attempt) -> None:
    goal, plan = attempt.goal, attempt.plan
    work = Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=goal.desired,
        changes=plan.changes,
        base=attempt.here,
        wait=goal.rules.wait,
    )
    recorder.still_ours()
    recorder.point(Point.APPLYING, f"writing to {plan.target.engine} {plan.target.place}")
    goal.engine.apply(work, Values(ws, goal.definitions), recorder)
    recorder.point(Point.APPLIED, "every change is written")
    _refuse_stop(ws)
    runs = goal.engine.capabilities.runs
    recorder.point(Point.WAITING, "waiting until it runs" if runs else "written: nothing to wait for")
    readiness = goal.engine.wait(work, ws.stop, recorder)
    _refuse_stop(ws)
    if not readiness.ready:
        raise NotReady(readiness.message or f"not ready within {goal.rules.wait:g}s")


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


def _refuse_different(attempt: Attempt, observation: Observation) -> None:
    for desired in attempt.goal.desired:
        live = observation.resources.get(desired.resource.id)
        if live is None:
            raise ApplyFailed(f"{desired.resource.id} was written, and is not there")
        if live.fingerprint != desired.resource.fingerprint:
            raise ApplyFailed(f"{desired.resource.id} does not read back as it was written")


def _taken_in(attempt: Attempt, observation: Observation) -> Inventory:
    """The accepted state as the record. Raises ApplyFailed where it moved on since the plan."""
    items = {}
    for desired in attempt.goal.desired:
        resource, live = desired.resource, observation.resources.get(desired.resource.id)
        before = attempt.base.items.get(resource.id)
        known = before.snapshot if before is not None and before.resource == resource else resource.body
        if live is None or live.body != known:
            raise ApplyFailed(f"{resource.id} changed again while its drift was taken in")
        items[resource.id] = InventoryItem(
            resource=resource,
            snapshot=live.body,
            uid=live.uid,
            generation=live.generation,
            revision=desired.revision or attempt.delivery.revision,
        )
    return msgspec.structs.replace(attempt.found(observation), items=items)


def _stopped(ws: Workspace, attempt: Attempt, message: str) -> Outcome:
    """Stopped between two steps: the record holds what is live now."""
    observation = attempt.observe(ws)
    untouched = attempt.plan.moves_from is not None or settling.as_recorded(attempt.base, observation)
    inventory = attempt.base if untouched else attempt.found(observation, before=attempt.here)
    return Outcome(status=INTERRUPTED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _failed(ws: Workspace, recorder: Recorder, attempt: Attempt, failure: ReleaseError) -> Outcome:
    """The way back, unless the environment keeps what failed."""
    try:
        if not attempt.goal.rules.rollback_on_failure:
            inventory = attempt.found(attempt.observe(ws))
            message = f"{failure.message}; what was delivered is kept, as on_failure says"
            return Outcome(status=FAILED, inventory=inventory, message=message, finished_at=ws.clock.now())
        return restore(ws, recorder, attempt, failure.message)
    except EngineUnreachable as lost:
        name = attempt.plan.environment
        message = f"{failure.message}; then {lost.message}" if lost.message != failure.message else lost.message
        raise EngineUnreachable(
            message, hint=f"when it is back: release resume {name}, or release abort {name}"
        ) from lost
