"""resume and abort: an interrupted delivery is finished under its own revision, or undone."""

from collections.abc import Callable, Mapping

import msgspec

from releaser.model.delivery import ABORTED, INTERRUPTED, SUCCEEDED, Outcome, Record, Result
from releaser.model.errors import ForeignTarget, Refused
from releaser.model.event import Point
from releaser.model.plan import Plan
from releaser.model.resource import EMPTY, InventoryItem
from releaser.operations.attempt import Attempt
from releaser.operations.execute import finish, leased
from releaser.operations.performing import perform
from releaser.operations.proposing import Goal
from releaser.operations.recording import Recorder
from releaser.operations.restoring import restore
from releaser.operations.rollback import known_environment, readable
from releaser.operations.secrets import changed_commands, prints, refuse_barred
from releaser.operations.settle import settle, since
from releaser.operations.workspace import Workspace
from releaser.planning import drift, planner
from releaser.planning.wording import listed
from releaser.ports import Desired


def resume(ws: Workspace, environment: str) -> Result:
    """Finish the recorded resources of an interrupted head, under the same revision."""

    def work(recorder: Recorder, attempt: Attempt) -> Outcome:
        return perform(ws, recorder, attempt)

    return _take_up(ws, environment, "resume", work)


def abort(ws: Workspace, environment: str) -> Result:
    """Bring back the newest succeeded revision; the interrupted delivery ends as `aborted`."""

    def work(recorder: Recorder, attempt: Attempt) -> Outcome:
        return restore(ws, recorder, attempt, "aborted", status=ABORTED)

    return _take_up(ws, environment, "abort", work)


def _take_up(ws: Workspace, environment: str, verb: str, work: Callable[[Recorder, Attempt], Outcome]) -> Result:
    if ws.history.head(environment) is None:
        known_environment(ws, environment)
        raise Refused(
            f"nothing was delivered to {environment} yet: there is nothing to {verb}",
            hint=f"release promote RELEASE --to {environment}",
        )
    with leased(ws, environment, verb) as lease:
        recorder = Recorder(ws, lease)
        settled = settle(ws, lease)
        if settled is not None and settled.status == SUCCEEDED:
            return Result(outcome="delivered", delivery=settled, plan_id=settled.plan_id)
        record = interrupted_head(ws, environment, verb)
        attempt = _attempt(ws, record)
        if verb == "resume" and attempt.goal.engine.capabilities.passes_secrets:
            refuse_barred(attempt.plan, record.resources, attempt.goal.barred)
        delivery = ws.history.resume(lease, record.delivery.revision)
        recorder.began(delivery)
        recorder.point(Point.SETTLED, f"{verb} of #{delivery.revision}")
        return finish(ws, lease, recorder, delivery, work(recorder, attempt))


def interrupted_head(ws: Workspace, environment: str, verb: str) -> Record:
    """The head, if it is interrupted. Raises Refused."""
    head = ws.history.head(environment)
    assert head is not None  # noqa: S101 - the caller looked, and no delivery is ever taken away
    record = ws.history.record(environment, head.revision)
    if record.delivery.status != INTERRUPTED:
        delivery = record.delivery
        raise Refused(
            f"{environment} #{delivery.revision} {delivery.status}: there is nothing to {verb}",
            hint=f"release history --env {environment}",
        )
    return record


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


def _attempt(ws: Workspace, record: Record) -> Attempt:
    """The recorded goal again, with what is to change from what is live now."""
    plan, delivery = record.plan, record.delivery
    declared = readable(ws, delivery.environment)
    engine = ws.engine_at(plan.target)
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
    observation = engine.observe(ws.scope(delivery.environment, plan.project), here)
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
    changes = () if plan.accepts else planner.changes(wanted, goal.locate)
    now_plan = msgspec.structs.replace(plan, changes=changes, drift=drift.detect(here, observation), secrets=secrets)
    return Attempt(
        delivery=delivery,
        goal=goal,
        plan=now_plan,
        base=base,
        back_to=None,
        since=since(ws, delivery, ws.clock.now()),
    )
