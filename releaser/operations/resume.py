"""resume and abort: an interrupted delivery is finished under its own revision, or undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from releaser.model.delivery import ABORTED, INTERRUPTED, RUNNING, SUCCEEDED, Delivery, Outcome, Record, Result
from releaser.model.errors import ForeignTarget, Refused, StalePlan
from releaser.model.event import Point
from releaser.model.plan import Plan
from releaser.model.resource import EMPTY, InventoryItem, Observation
from releaser.operations.attempt import Attempt
from releaser.operations.execute import finish, leased
from releaser.operations.performing import perform
from releaser.operations.previewing import kept_replacing, replaced
from releaser.operations.proposing import Goal
from releaser.operations.recorded import known_environment, readable
from releaser.operations.recording import Recorder
from releaser.operations.restoring import restore, way_back
from releaser.operations.secrets import changed_commands, prints, refuse_barred
from releaser.operations.settle import holder_lives, settle, settled_head, since
from releaser.operations.workspace import Workspace
from releaser.planning import drift, gates, planner
from releaser.planning.wording import listed
from releaser.ports import Desired


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What `resume` or `abort` would do, to be shown first; `plan` is None where looking alone settles it."""

    verb: str
    delivery: Delivery
    plan: Plan | None
    towards: str  # what it ends with, in words


def prepare(ws: Workspace, environment: str, verb: str) -> Preparation:
    """What taking up the interrupted head would do; reads only. Raises Refused, Locked."""
    head = _refuse_empty(ws, environment, verb)
    if head.status == RUNNING and holder_lives(ws, environment):
        with leased(ws, environment, verb) as lease:
            settle(ws, lease)  # its holder ended meanwhile
    record = settled_head(ws, environment)
    assert record is not None  # noqa: S101 - no delivery is ever taken away
    delivery = record.delivery
    if delivery.status == SUCCEEDED and ws.history.delivery(environment, delivery.revision).status == RUNNING:
        return Preparation(verb=verb, delivery=delivery, plan=None, towards=f"it did all of {delivery.release}")
    attempt = _taken_up(ws, record, verb)
    plan, towards = _shown(ws, attempt, verb)
    return Preparation(verb=verb, delivery=delivery, plan=plan, towards=towards)


def resume(
    ws: Workspace, environment: str, *, reason: str | None = None, prepared: Preparation | None = None
) -> Result:
    """Finish the recorded resources of an interrupted head, under the same revision.

    Raises StalePlan where that is not any more what was `prepared`.
    """

    def work(recorder: Recorder, attempt: Attempt) -> Outcome:
        return perform(ws, recorder, attempt)

    return _take_up(ws, environment, _Asked(verb="resume", work=work, reason=reason, prepared=prepared))


def abort(ws: Workspace, environment: str, *, reason: str | None = None, prepared: Preparation | None = None) -> Result:
    """Bring back the newest succeeded revision; the interrupted delivery ends as `aborted`.

    Raises StalePlan where that is not any more what was `prepared`.
    """

    def work(recorder: Recorder, attempt: Attempt) -> Outcome:
        return restore(ws, recorder, attempt, "aborted", status=ABORTED)

    return _take_up(ws, environment, _Asked(verb="abort", work=work, reason=reason, prepared=prepared))


@dataclass(frozen=True, kw_only=True)
class _Asked:
    verb: str
    work: Callable[[Recorder, Attempt], Outcome]
    reason: str | None
    prepared: Preparation | None


def _take_up(ws: Workspace, environment: str, asked: _Asked) -> Result:
    verb = asked.verb
    _refuse_empty(ws, environment, verb)
    with leased(ws, environment, verb) as lease:
        recorder = Recorder(ws, lease)
        settled = settle(ws, lease)
        if settled is not None and settled.status == SUCCEEDED:
            return Result(outcome="delivered", delivery=settled, plan_id=settled.plan_id)
        record = ws.head_record(environment)
        assert record is not None  # noqa: S101 - no delivery is ever taken away
        attempt = _taken_up(ws, record, verb)
        if asked.prepared is not None:
            _refuse_moved(asked.prepared, _shown(ws, attempt, verb)[0])
        delivery = ws.history.resume(lease, record.delivery.revision)
        recorder.began(delivery)
        why = f": {asked.reason}" if asked.reason else ""
        recorder.point(Point.SETTLED, f"{verb} of #{delivery.revision} by {ws.actor.name}{why}")
        return finish(ws, lease, recorder, delivery, asked.work(recorder, attempt))


def _refuse_empty(ws: Workspace, environment: str, verb: str) -> Delivery:
    """The head. Raises Refused where nothing was delivered, UnknownName."""
    head = ws.history.head(environment)
    if head is None:
        known_environment(ws, environment)
        raise Refused(
            f"nothing was delivered to {environment} yet: there is nothing to {verb}",
            hint=f"release promote RELEASE --to {environment}",
        )
    return head


def _refuse_moved(prepared: Preparation, found: Plan) -> None:
    """Raises StalePlan where what was shown is not what would be done."""
    shown = prepared.plan
    if shown is None or (shown.id, shown.changes) != (found.id, found.changes):
        raise StalePlan(
            f"{found.environment} changed since it was looked at: this is not what {prepared.verb} would do now",
            hint=f"release {prepared.verb} {found.environment} again, and look at it",
        )


def _taken_up(ws: Workspace, record: Record, verb: str) -> Attempt:
    """The attempt at an interrupted head. Raises Refused where it is not one."""
    delivery = record.delivery
    if delivery.status != INTERRUPTED:
        raise Refused(
            f"{delivery.environment} #{delivery.revision} {delivery.status}: there is nothing to {verb}",
            hint=f"release history --env {delivery.environment}",
        )
    attempt = _attempt(ws, record)
    if verb == "resume" and attempt.goal.engine.capabilities.passes_secrets:
        refuse_barred(attempt.plan, record.resources, attempt.goal.barred)
    return attempt


def _shown(ws: Workspace, attempt: Attempt, verb: str) -> tuple[Plan, str]:
    """The plan that a person is shown, and what it ends with; `confirm` is the only gate of a way back or on."""
    entry = attempt.goal.entry
    plan = msgspec.structs.replace(attempt.plan, gates=gates.confirmation(entry) if entry else ())
    if verb == "resume":
        return plan, f"to {plan.release.version}"
    named, changes = way_back(ws, attempt)
    return msgspec.structs.replace(plan, changes=changes, accepts=False, adopts=(), registers=False), f"back to {named}"


def _desired(ws: Workspace, record: Record) -> tuple[Desired, ...]:
    """The recorded goal; what a rollback brings back keeps the revisions that it was written by."""
    written: Mapping[str, InventoryItem] = {}
    if record.plan.restores is not None:
        inventory = ws.history.record(record.delivery.environment, record.plan.restores).inventory
        written = inventory.items if inventory else {}
    return tuple(
        Desired(resource=resource, revision=written[resource.id].revision if resource.id in written else None)
        for resource in record.resources
    )


def _refuse_taken(plan: Plan, in_way: tuple[str, ...]) -> None:
    """Raises ForeignTarget where somebody took over since what the delivery was to write."""
    taken = [name for name in in_way if name not in plan.adopts]
    if taken:
        raise ForeignTarget(
            f"{plan.target.place} holds what this history did not deliver to {plan.environment}: {listed(taken)}",
            hint=f"look at it first; release promote {plan.release.version} --to {plan.environment} --adopt "
            "takes it over, which is recorded",
        )


def _not_yet(record: Record, observation: Observation) -> frozenset[str]:
    """What the delivery was to make anew, and what ran before it is there still."""
    then, live = record.base.items, observation.resources
    return frozenset(
        name for name in replaced(record.plan) if name in then and name in live and then[name].uid == live[name].uid
    )


def _attempt(ws: Workspace, record: Record) -> Attempt:
    """The recorded goal again, with what is to change from what is live now."""
    plan, delivery = record.plan, record.delivery
    declared = readable(ws, delivery.environment)
    engine = ws.engine_at(plan.target, declared.engine)
    referred = sorted({name for resource in record.resources for name in resource.secrets.values()})
    barred = changed_commands(record.definitions, declared.environment, referred)
    goal = Goal(
        project=plan.project,
        release=plan.release,
        engine=engine,
        desired=_desired(ws, record),
        definitions=record.definitions,
        secrets=tuple(referred),
        barred=barred,
        config_digest=plan.config_digest,
        rules=declared.rules,
        entry=declared.entry,
        locate=lambda _resource, _path: None,
    )
    base = record.inventory or record.base
    here = EMPTY if plan.moves_from else base
    observation = engine.observe(ws.scope(delivery.environment, plan.project, record.resources), here)
    secrets, _ = prints(ws, delivery.environment, referred, goal.readable)
    wanted = planner.Wanted(
        resources=record.resources,
        inventory=here,
        observation=observation,
        secrets=secrets,
        owns_orphans=engine.capabilities.owns_orphans,
        ours=ws.mark(delivery.environment, plan.project, 0),
    )
    _refuse_taken(plan, planner.foreign(wanted, ws.mark(delivery.environment, plan.project, 0)))
    changes = (
        () if plan.accepts else kept_replacing(planner.changes(wanted, goal.locate), _not_yet(record, observation))
    )
    now_plan = msgspec.structs.replace(plan, changes=changes, drift=drift.detect(here, observation), secrets=secrets)
    return Attempt(
        delivery=delivery,
        goal=goal,
        plan=now_plan,
        base=base,
        back_to=None,
        since=since(ws, delivery, ws.clock.now()),
    )
