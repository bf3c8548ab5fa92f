"""Restoring: what ran before runs again, verified, as part of the delivery that failed or was aborted."""

from dataclasses import replace

import msgspec

from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, SUCCEEDED, Current, Outcome
from releaser.model.errors import DeliveryFailed, EngineUnreachable, NotReady, ReleaseError
from releaser.model.event import Point
from releaser.model.plan import RESTORE, UNCHANGED, Change
from releaser.model.resource import EMPTY, Inventory, Observation
from releaser.operations.attempt import Attempt, Before, verify_variables
from releaser.operations.previewing import kept_replacing, replaced
from releaser.operations.recorded import in_order
from releaser.operations.recording import UNRECORDABLE, Recorder
from releaser.operations.returning import Way, definitions_then, given_back, put_back, unsure
from releaser.operations.secrets import Values
from releaser.operations.workspace import Workspace
from releaser.planning import planner, settling
from releaser.planning.wording import listed
from releaser.ports import DeliveryQuery, Desired, Work


class Unstoppable:
    """A way back is gone to its end, also when somebody asked to stop; implements ports.Stop."""

    def requested(self) -> bool:
        """Never."""
        return False


def restore(ws: Workspace, recorder: Recorder, attempt: Attempt, reason: str, status: str = FAILED) -> Outcome:
    """Bring back what ran before; the outcome says whether that worked.

    Raises EngineUnreachable where not even that can be known.
    """
    if attempt.plan.adopts and not attempt.goal.engine.capabilities.gives_back:
        return _taken_over(ws, recorder, attempt, reason, status)
    before = _what_ran_before(ws, attempt)
    recorder.point(Point.RESTORING, f"{reason}: bringing back {before.named}")
    try:
        inventory = _write_back(ws, recorder, attempt, before)
        if attempt.plan.moves_from is not None and status == ABORTED:
            attempt = _at_home(ws, attempt)
            before = _what_ran_before(ws, attempt)
            inventory = _write_back(ws, recorder, attempt, before)
    except (EngineUnreachable, *UNRECORDABLE):
        raise
    except ReleaseError as failure:
        return _lost(ws, attempt, before, f"{reason}; {before.named} could not be brought back: {failure.message}")
    outcome = Outcome(
        status=status,
        inventory=attempt.base if attempt.plan.moves_from else inventory,  # what it still has elsewhere
        message=reason,
        restored=before.revision,
        finished_at=ws.clock.now(),
    )
    return _back(ws, recorder, attempt, before, outcome)


def _taken_over(ws: Workspace, recorder: Recorder, attempt: Attempt, reason: str, status: str) -> Outcome:
    """What was taken over from others is in no record of ours, so nothing is removed: what is there is kept."""
    words = "what was taken over from others cannot be brought back, so what is there is kept"
    recorder.point(Point.RESTORING, f"{reason}: {words}")
    return Outcome(
        status=FAILED if status == FAILED else INTERRUPTED,
        inventory=attempt.base if attempt.plan.moves_from else attempt.found(attempt.observe(ws), answered=False),
        message=f"{reason}; {words}",
        finished_at=ws.clock.now(),
    )


def way_back(ws: Workspace, attempt: Attempt) -> tuple[str, tuple[Change, ...]]:
    """What would be brought back, as messages name it, and the changes towards it; reads only."""
    before = _what_ran_before(ws, attempt)
    observation = attempt.observe(ws)
    left = attempt.found(observation, *before.resources, answered=False)
    named = _what_ran_before(ws, _at_home(ws, attempt)).named if attempt.plan.moves_from else before.named
    return named, _changes(ws, attempt, before, observation, left)


def _back(ws: Workspace, recorder: Recorder, attempt: Attempt, before: Before, outcome: Outcome) -> Outcome:
    """The outcome with what is known to run now, and whether `verify` agrees."""
    old = attempt.plan.moves_from
    if old is not None:
        words = f"{before.named} still runs in {old.engine} {old.place}"
        current = attempt.back_to  # it never stopped
    else:
        refusal = _refusal(ws, attempt, before)
        words = f"{before.named} is back" + (f", but {refusal}" if refusal else "")
        theirs = sorted(_given_back(attempt, before))
        words += f"; what was taken over from others is theirs again: {listed(theirs)}" if theirs else ""
        current = _current(ws, attempt, before)
    recorder.point(Point.RESTORED, words)
    return msgspec.structs.replace(
        outcome, message=f"{outcome.message}; {words}", current=current, finished_at=ws.clock.now()
    )


def _current(ws: Workspace, attempt: Attempt, before: Before) -> Current | None:
    if before.release is None:
        return None
    same = before.release == attempt.delivery.release  # another configuration of it failed; the release ran on
    return Current(revision=before.revision, release=before.release, since=attempt.since if same else ws.clock.now())


def _lost(ws: Workspace, attempt: Attempt, before: Before, message: str) -> Outcome:
    """Neither there nor back: what is live now is recorded."""
    if attempt.plan.moves_from is not None:
        inventory = attempt.base
    else:
        inventory = attempt.found(attempt.observe(ws), *before.resources, answered=False)
        inventory = msgspec.structs.replace(inventory, secrets=unsure(attempt))
    return Outcome(status=FAILED, inventory=inventory, message=message, finished_at=ws.clock.now())


def _what_ran_before(ws: Workspace, attempt: Attempt) -> Before:
    """What was known to run, else the newest succeeded revision, else nothing at all."""
    plan, name = attempt.plan, attempt.plan.environment
    if attempt.back_to is not None:
        back = attempt.back_to
        return _before(ws, name, back.revision, back.release, attempt.here)
    if plan.moves_from is not None:  # what the head left is in the other target
        return _before(ws, name, plan.base_revision, None, EMPTY)
    query = DeliveryQuery(environments=(name,), status=SUCCEEDED, before=attempt.delivery.revision, limit=1)
    for delivery in ws.history.deliveries(query):
        if delivery.target.is_same(plan.target):
            inventory = ws.history.record(name, delivery.revision).inventory or EMPTY
            return _before(ws, name, delivery.revision, delivery.release, inventory)
        # It ran somewhere else, so its resources are none for this target.
        return _before(ws, name, plan.base_revision, None, attempt.here)
    return Before(revision=0, release=None, inventory=EMPTY)


def _before(ws: Workspace, environment: str, revision: int, release: str | None, inventory: Inventory) -> Before:
    items = in_order(ws.history.record(environment, revision), inventory.items)
    return Before(revision=revision, release=release, inventory=inventory, items=items)


def _at_home(ws: Workspace, attempt: Attempt) -> Attempt:
    """The same in the target that an aborted move was leaving, where something may be removed already."""
    plan = attempt.plan
    assert plan.moves_from is not None  # noqa: S101 - the caller's branch
    goal = replace(attempt.goal, engine=ws.engine_at(plan.moves_from))
    return replace(attempt, goal=goal, plan=msgspec.structs.replace(plan, target=plan.moves_from, moves_from=None))


def _write_back(ws: Workspace, recorder: Recorder, attempt: Attempt, before: Before) -> Inventory:
    """Write what is not as it was; gives what is there then."""
    first = attempt.observe(ws)
    left = attempt.found(first, *before.resources, answered=False)
    changes = _changes(ws, attempt, before, first, left)
    if attempt.plan.adopts or any(change.action != UNCHANGED for change in changes):  # theirs may be stopped
        _apply(
            ws,
            recorder,
            attempt,
            before,
            Work(
                mark=ws.mark(attempt.plan.environment, attempt.plan.project, attempt.delivery.revision),
                desired=tuple(
                    Desired(resource=item.resource, revision=item.revision, before=item) for item in before.items
                ),
                changes=changes,
                base=left,
                wait=attempt.goal.rules.wait,
                stable=attempt.goal.rules.stable,
                trigger=RESTORE,
            ),
        )
    observation = attempt.observe(ws)
    _refuse_different(before, observation)
    found = attempt.found(observation, *before.resources)
    return msgspec.structs.replace(
        found,
        items={name: item for name, item in found.items.items() if name not in _given_back(attempt, before)},
        secrets=given_back(ws, attempt, before, Way(left=left, changes=changes, observation=observation)),
        definitions=before.inventory.definitions,
    )


def _given_back(attempt: Attempt, before: Before) -> set[str]:
    """What was taken over from others and is theirs again: in no record of ours."""
    return set(attempt.plan.adopts) - before.inventory.items.keys()


def _changes(
    ws: Workspace, attempt: Attempt, before: Before, observation: Observation, left: Inventory
) -> tuple[Change, ...]:
    wanted = planner.Wanted(
        resources=before.resources,
        inventory=_compared(attempt, before, left),
        observation=observation,
        secrets={},
        owns_orphans=attempt.goal.engine.capabilities.owns_orphans,
        ours=ws.mark(attempt.plan.environment, attempt.plan.project, 0),
    )
    changes = tuple(put_back(before, observation, change) for change in planner.changes(wanted, lambda *_: None))
    anew = replaced(ws.history.record(attempt.plan.environment, attempt.delivery.revision).plan)
    return kept_replacing(changes, frozenset(name for name in anew if _is_another(name, before, observation)))


def _is_another(name: str, before: Before, observation: Observation) -> bool:
    """Whether another thing stands under the name than the one that ran before."""
    live, item = observation.resources.get(name), before.inventory.items.get(name)
    return live is not None and item is not None and live.uid != item.uid


def _apply(ws: Workspace, recorder: Recorder, attempt: Attempt, before: Before, work: Work) -> None:
    engine = attempt.goal.engine
    recorder.still_ours()
    engine.apply(work, Values(ws, definitions_then(ws, attempt, before)), Unstoppable(), recorder)
    if not work.desired:
        return  # nothing has to run
    readiness = engine.wait(work, Unstoppable(), recorder)
    if not readiness.ready:
        raise NotReady(readiness.message or "not ready in time")


def _compared(attempt: Attempt, before: Before, found: Inventory) -> Inventory:
    """What is live as the record had it before, but as the goal where the attempt wrote it."""
    wanted = {desired.resource.id: desired.resource.fingerprint for desired in attempt.goal.desired}
    items = dict(found.items)
    for name, item in before.inventory.items.items():
        live = items.get(name)
        written = live is not None and live.resource.fingerprint == wanted.get(name) != item.resource.fingerprint
        if not written:
            items[name] = item
    return Inventory(items=items)


def _refuse_different(before: Before, observation: Observation) -> None:
    for item in before.items:
        live = observation.resources.get(item.resource.id)
        if live is None or not (
            live.fingerprint == item.resource.fingerprint or settling.is_as_left(item.resource, live, item)
        ):
            raise DeliveryFailed(f"{item.resource.id} is not what it was")


def _refusal(ws: Workspace, attempt: Attempt, before: Before) -> str | None:
    """Why `verify` refuses what was brought back, None where it does not."""
    verify = attempt.goal.rules.verify
    if verify is None or before.release is None:
        return None
    try:
        ws.verifier.run(verify, verify_variables(attempt.plan, before.release, before.revision), Unstoppable())
    except ReleaseError as refusal:
        return f"for it too: {refusal.message}"
    return None
