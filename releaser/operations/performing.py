"""Performing: one attempt at a goal, and the way back when it fails.

Both end in an outcome; a crash ends in neither, and is settled by the next command.
"""

import msgspec

from releaser.model.delivery import FAILED, INTERRUPTED, SUCCEEDED, Current, Outcome
from releaser.model.drift import DriftItem
from releaser.model.errors import ApplyFailed, EngineUnreachable, Interrupted, NotReady, ReleaseError
from releaser.model.event import Point
from releaser.model.plan import DELETE, UPDATE, Change
from releaser.model.resource import Inventory, InventoryItem, Observation
from releaser.operations.attempt import Attempt, verify_variables
from releaser.operations.recording import UNRECORDABLE, Recorder
from releaser.operations.restoring import Unstoppable, restore
from releaser.operations.secrets import Values
from releaser.operations.workspace import Workspace
from releaser.planning import drift, settling
from releaser.planning.wording import listed
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
    except UNRECORDABLE:
        raise
    except ReleaseError as failure:
        return msgspec.structs.replace(_failed(ws, recorder, attempt, failure), hint=failure.hint)
    if attempt.plan.moves_from is not None:
        try:
            _leave(ws, recorder, attempt)
        except UNRECORDABLE:
            raise
        except ReleaseError as failure:
            return _not_left(ws, attempt, inventory, failure)
    delivery = attempt.delivery
    current = Current(revision=delivery.revision, release=delivery.release, since=attempt.since)
    return Outcome(status=SUCCEEDED, inventory=inventory, current=current, finished_at=ws.clock.now())


def _carry_out(ws: Workspace, recorder: Recorder, attempt: Attempt) -> Inventory:
    goal, plan = attempt.goal, attempt.plan
    _refuse_stop(ws)
    if plan.writes:
        _write(ws, recorder, attempt)
    if plan.writes or attempt.back_to is None:  # what is there may have been left by one that did not get through
        _wait(ws, recorder, attempt)
    if goal.rules.verify is not None and not plan.accepts:  # nothing was written, so there is nothing to refuse
        recorder.point(Point.VERIFYING, "verify runs: " + " ".join(goal.rules.verify.command))
        variables = verify_variables(plan, plan.release.version, attempt.delivery.revision)
        ws.verifier.run(goal.rules.verify, variables, ws.stop)
        recorder.point(Point.VERIFIED, "verify agreed")
    observation = attempt.observe(ws)
    if plan.accepts:
        inventory = _taken_in(attempt, observation)
        recorder.point(Point.OBSERVED, "the drift is taken in")
        return inventory
    _refuse_different(attempt, observation)
    recorder.point(Point.OBSERVED, "what is live reads back equal")
    return attempt.found(observation)


def _write(ws: Workspace, recorder: Recorder, attempt: Attempt) -> None:
    goal, plan = attempt.goal, attempt.plan
    recorder.still_ours()
    recorder.point(Point.APPLYING, f"writing to {plan.target.engine} {plan.target.place}")
    goal.engine.apply(_work(ws, attempt, plan.changes), Values(ws, goal.readable), ws.stop, recorder)
    recorder.point(Point.APPLIED, "every change is written")
    _refuse_stop(ws)


def _wait(ws: Workspace, recorder: Recorder, attempt: Attempt) -> None:
    goal, changes = attempt.goal, attempt.plan.changes
    if attempt.back_to is None:  # nothing is known to run: all of it is waited for
        changes = tuple(Change(resource=desired.resource.id, action=UPDATE) for desired in goal.desired)
    runs = goal.engine.capabilities.runs
    recorder.point(Point.WAITING, "waiting until it runs" if runs else "written: nothing to wait for")
    readiness = goal.engine.wait(_work(ws, attempt, changes), ws.stop, recorder)
    _refuse_stop(ws)
    if not readiness.ready:
        raise NotReady(readiness.message or f"not ready within {goal.rules.wait:g}s")


def _work(ws: Workspace, attempt: Attempt, changes: tuple[Change, ...]) -> Work:
    plan, goal = attempt.plan, attempt.goal
    return Work(
        mark=ws.mark(plan.environment, plan.project, attempt.delivery.revision),
        desired=goal.desired,
        changes=changes,
        base=attempt.here,
        wait=goal.rules.wait,
        stable=goal.rules.stable,
        trigger=plan.trigger,
    )


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
    ws.engine_at(plan.moves_from).apply(work, Values(ws, {}), Unstoppable(), recorder)


def _not_left(ws: Workspace, attempt: Attempt, inventory: Inventory, failure: ReleaseError) -> Outcome:
    """It runs in the new target, and the old one still has what was delivered there: loud, and blocking nothing."""
    plan = attempt.plan
    assert plan.moves_from is not None  # noqa: S101 - the caller's branch
    old = plan.moves_from
    message = (
        f"{plan.release.version} was delivered to {plan.target.engine} {plan.target.place}, but what was in "
        f"{old.engine} {old.place} could not be removed, so remove it by hand: {failure.message}"
    )
    return Outcome(status=FAILED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _refuse_stop(ws: Workspace) -> None:
    if ws.stop.requested():
        raise Interrupted("stopped on request, after the running step")


def _refuse_different(attempt: Attempt, observation: Observation) -> None:
    for desired in attempt.goal.desired:
        live = observation.resources.get(desired.resource.id)
        if live is None:
            raise ApplyFailed(f"{desired.resource.id} was written, and is not there")
        as_left = settling.is_as_left(desired.resource, live, attempt.here.items.get(live.id))
        if live.fingerprint != desired.resource.fingerprint and not as_left:
            raise ApplyFailed(f"{desired.resource.id} does not read back as it was written")


def _taken_in(attempt: Attempt, observation: Observation) -> Inventory:
    """The accepted state as the record. Raises ApplyFailed where it moved on since the plan."""
    moved = _moved(attempt.plan.drift, drift.detect(attempt.base, observation))
    if moved:
        raise ApplyFailed(f"{listed(moved)} changed again while its drift was taken in")
    items = {}
    for desired in attempt.goal.desired:
        resource, live = desired.resource, observation.resources[desired.resource.id]
        items[resource.id] = InventoryItem(
            resource=resource,
            snapshot=live.body,
            uid=live.uid,
            generation=live.generation,
            revision=desired.revision or attempt.delivery.revision,
        )
    return msgspec.structs.replace(attempt.found(observation), items=items)


def _moved(then: tuple[DriftItem, ...], now: tuple[DriftItem, ...]) -> list[str]:
    """The resources that drifted in another way than before."""
    one, other = ({item.resource: (item.kind, item.fields) for item in items} for items in (then, now))
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _stopped(ws: Workspace, attempt: Attempt, message: str) -> Outcome:
    """Stopped between two steps: the record holds what is live now."""
    observation = attempt.observe(ws)
    if settling.as_recorded(attempt.here, observation):
        inventory, message = attempt.base, f"{message}; nothing had been changed"
    else:
        inventory = attempt.base if attempt.plan.moves_from else attempt.found(observation, answered=False)
    return Outcome(status=INTERRUPTED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _failed(ws: Workspace, recorder: Recorder, attempt: Attempt, failure: ReleaseError) -> Outcome:
    """The way back, unless nothing was written, or the environment keeps what failed."""
    if attempt.plan.accepts:
        return _not_accepted(ws, attempt, failure)
    try:
        if not attempt.goal.rules.rollback_on_failure:
            return _kept(ws, attempt, failure)
        return restore(ws, recorder, attempt, failure.message)
    except EngineUnreachable as lost:
        name = attempt.plan.environment
        message = f"{failure.message}; then {lost.message}" if lost.message != failure.message else lost.message
        raise EngineUnreachable(
            message, hint=f"when it is back: release resume {name}, or release abort {name}"
        ) from lost


def _kept(ws: Workspace, attempt: Attempt, failure: ReleaseError) -> Outcome:
    plan = attempt.plan
    inventory = attempt.base if plan.moves_from else attempt.found(attempt.observe(ws), answered=False)
    message = f"{failure.message}; what was delivered is kept, as on_failure says"
    if plan.moves_from:
        message += f", and so is what runs in {plan.moves_from.engine} {plan.moves_from.place}"
    return Outcome(status=FAILED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _not_accepted(ws: Workspace, attempt: Attempt, failure: ReleaseError) -> Outcome:
    back = attempt.back_to
    return Outcome(
        status=FAILED,
        inventory=attempt.base,
        message=f"{failure.message}; nothing was written, and the record is as before",
        restored=back.revision if back else None,
        current=back,
        finished_at=ws.clock.now(),
    )
