"""Two at once, a lease that is taken away, and plans that are executed late, twice or edited."""

import threading

import msgspec
import pytest

from releaser.model.delivery import SUCCEEDED
from releaser.model.errors import (
    BadArgument,
    GateRefused,
    HistoryUnreachable,
    LeaseLost,
    Locked,
    Refused,
    ReleaseConflict,
    StalePlan,
    UnknownName,
)
from releaser.model.event import Point
from releaser.model.plan import FieldChange
from releaser.operations import apply, promote, reconcile, rollback
from releaser.operations.execute import execute, propose
from releaser.operations.resume import abort, resume
from releaser.ports import DeliveryQuery

POINTS = [Point.INTENT, Point.APPLYING, Point.STAGED, Point.COMMITTED, Point.APPLIED, Point.VERIFYING, Point.OBSERVED]


# --- one writer ---


@pytest.mark.parametrize("point", [Point.LEASED, *POINTS, Point.FINISHED])
def test_a_second_one_is_told_who_delivers(project, point):
    refusals = []

    def second():
        with pytest.raises(Locked, match=r"ann on here \(process 7\) runs `promote`") as refused:
            project.another().promote("v2", "test")
        refusals.append(refused.value)

    project.watcher.at[point] = second
    assert project.promote("v1", "test").outcome == "delivered"
    assert len(refusals) >= 1
    assert [d.revision for d in project.history.deliveries(DeliveryQuery())] == [1]


@pytest.mark.parametrize("verb", [resume, abort])
def test_nobody_takes_up_what_somebody_delivers(project, verb):
    def second():
        with pytest.raises(Locked):
            verb(project.another().workspace(), "test")

    project.watcher.at[Point.APPLYING] = second
    assert project.promote("v1", "test").outcome == "delivered"


def test_two_at_once_deliver_once(project):
    barrier, outcomes = threading.Barrier(2), []

    def deliver(version):
        process = project.another()
        request = promote.request("test", version)
        plan = process.plan(request)
        barrier.wait(timeout=30)
        try:
            outcomes.append(execute(process.workspace(), request, plan).outcome)
        except (Locked, StalePlan) as lost:
            outcomes.append(type(lost).__name__)

    threads = [threading.Thread(target=deliver, args=(version,)) for version in ("v1", "v2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert "delivered" in outcomes
    assert len(set(outcomes)) == 2
    assert [(d.revision, d.status) for d in project.history.deliveries(DeliveryQuery())] == [(1, SUCCEEDED)]


def test_environments_do_not_wait_for_each_other(project):
    project.promote("v1", "test")
    other = project.another()
    project.watcher.at[Point.APPLYING] = lambda: other.promote("v1", "staging")
    assert project.promote("v2", "test").outcome == "delivered"
    assert project.head("staging").status == SUCCEEDED


@pytest.mark.parametrize("point", POINTS)
def test_who_lost_the_lease_writes_nothing_more(project, point):
    project.promote("v1", "test")
    target = project.target("test")
    seen = {}

    def broken():
        project.watcher.at.clear()
        project.history.break_lease("test", "bob", "it hangs")
        seen["writes"], seen["record"] = list(target.writes), project.history.record("test", 2)

    project.watcher.at[point] = broken
    with pytest.raises(LeaseLost):
        project.promote("v2", "test")
    written = target.writes[len(seen["writes"]) :]
    assert len(written) <= (1 if point is Point.STAGED else 0)  # the one that was on its way
    assert project.history.record("test", 2) == seen["record"]
    # whoever took over settles it and goes on
    assert project.another().promote("v3", "test").outcome == "delivered"
    assert project.head("test").current.release == "v3"


def test_many_steps_are_committed_together_and_none_is_lost(project):
    names = [f"s{number}" for number in range(100)]
    services = "".join(f"  {name}: {{image: api}}\n" for name in names)
    project.write("base.yaml", f"services:\n{services}")
    working, sizes = project.history.step, []

    def step(lease, revision, *steps):
        sizes.append(len(steps))
        return working(lease, revision, *steps)

    project.history.step = step
    assert project.promote("v1", "test").outcome == "delivered"
    texts = [one.text for one in project.history.record("test", 1).steps]
    assert [text for text in texts if text.startswith("service/")] == [
        f"service/{name} is written" for name in sorted(names)
    ]
    assert sizes[:10] == [1] * 10
    assert max(sizes) > 20


def test_who_lost_the_lease_does_not_restore(project):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")
    project.watcher.at[Point.VERIFYING] = lambda: project.history.break_lease("test", "bob", "it hangs")
    with pytest.raises(LeaseLost):
        project.promote("v2", "test")
    assert project.target("test").things["service/api"].mark.revision == 2


def test_a_history_that_went_away_stops_it(project):
    """Nothing more could be recorded, so nothing more is done; the next command settles it."""
    project.promote("v1", "test")
    target, history = project.target("test"), project.history
    working, calls = history.step, []

    def step(*args):
        if any(one.point is Point.APPLIED for one in args[2:]):
            calls.extend(target.writes)
            raise HistoryUnreachable("the disk is full")
        return working(*args)

    history.step = step
    with pytest.raises(HistoryUnreachable):
        project.promote("v2", "test")
    assert target.writes == calls
    history.step = working
    assert project.promote("v2", "test").outcome == "delivered"


def test_a_history_that_goes_away_on_the_way_back_stops_that_too(project):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")
    renew = project.history.renew

    def cut():
        project.history.renew = gone

    def gone(lease):
        raise HistoryUnreachable("the disk is full")

    project.watcher.at[Point.RESTORING] = cut
    with pytest.raises(HistoryUnreachable):
        project.promote("v2", "test")
    assert project.target("test").things["service/api"].mark.revision == 2
    project.history.renew = renew
    project.watcher.at.clear()
    assert project.promote("v3", "test").outcome == "delivered"


# --- plans ---


def _saved(project, request):
    """A plan through its file."""
    return apply.read_plan(msgspec.json.encode(project.plan(request)), "plan.json")


def test_a_saved_plan_is_executed_once(project):
    plan = _saved(project, promote.request("test", "v1"))
    result = apply.apply(project.workspace(), plan, "as planned")
    assert (result.outcome, result.plan_id, result.delivery.reason) == ("delivered", plan.id, "as planned")
    for again in (apply.apply, apply.prepare):
        with pytest.raises(StalePlan, match="this plan was executed as test #1"):
            again(project.workspace(), plan)
    with pytest.raises(StalePlan, match="the head was #0 and is #1"):
        execute(project.workspace(), promote.request("test", "v1"), plan)


def test_a_plan_is_not_executed_again_after_a_way_back(project):
    """The head is another one, though all else is as it was."""
    project.promote("v1", "test")
    plan = _saved(project, promote.request("test", "v2"))
    apply.apply(project.workspace(), plan)
    project.rollback("test")
    with pytest.raises(StalePlan):
        apply.apply(project.workspace(), plan)


@pytest.mark.parametrize("trigger", ["promote", "rollback", "reconcile", "accept", "adopt", "move"])
def test_every_kind_of_plan_survives_its_file(project, trigger):
    project.promote("v1", "test")
    project.promote("v2", "test")
    target = project.target("test")
    if trigger == "promote":
        request = promote.request("test", "v3")
    elif trigger == "rollback":
        request = rollback.request(project.workspace(), "test")
    elif trigger == "adopt":
        target.things["service/api"].mark = None
        target.things["secret/password"].mark = msgspec.structs.replace(
            target.things["secret/password"].mark, history="another"
        )
        request = promote.request("test", "v3", adopt=True)
    elif trigger == "move":
        project.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
        request = promote.request("test", "v2", move=True)
    else:
        body = target.things["service/api"].body
        target.change("service/api", {**body, "restart": "no"})
        request = reconcile.request("test", accept=trigger == "accept")
    plan = _saved(project, request)
    assert apply.request_of(plan) == request
    assert apply.prepare(project.workspace(), plan).plan.id == plan.id
    assert apply.apply(project.workspace(), plan).outcome == "delivered"


def test_gates_are_asked_again(project):
    project.promote("v1", "test")
    project.promote("v1", "staging")
    project.clock.move(hours=2)
    plan = _saved(project, promote.request("production", "v1"))
    assert plan.refused_by == ()
    project.promote("v2", "test")
    project.promote("v2", "staging")
    project.rollback("staging")
    project.promote("v1", "staging")
    project.promote("v3", "test")
    project.promote("v3", "staging")
    # it soaked long enough once, but its latest unbroken time there was short
    with pytest.raises(GateRefused, match="runs there no more"):
        apply.apply(project.workspace(), plan)
    assert project.history.head("production") is None


def _edited(plan, **words):
    return msgspec.structs.replace(plan, **words)


@pytest.mark.parametrize(
    "what", ["changes", "release", "drift", "target", "rendered_digest", "base_revision", "secrets"]
)
def test_an_edited_plan_is_refused_though_its_id_is_right(project, what):
    project.promote("v1", "test")
    plan = _saved(project, promote.request("test", "v2"))
    other = _saved(project, promote.request("test", "v3"))
    if what == "changes":
        harmless = FieldChange(path="environment.LEVEL", old="info", new="debug")
        changes = tuple(msgspec.structs.replace(change, fields=(harmless,)) for change in plan.changes)
        edited = _edited(plan, changes=changes)
    elif what == "drift":
        project.target("test").recreate("service/api")
        plan = _saved(project, promote.request("test", "v2"))
        edited = _edited(plan, drift=())
    elif what == "release":
        edited = _edited(plan, release=msgspec.structs.replace(plan.release, images=other.release.images))
    else:
        odd = {
            "target": msgspec.structs.replace(plan.target, identity="production"),
            "rendered_digest": other.rendered_digest,
            "base_revision": 0,
            "secrets": {},
        }
        edited = _edited(plan, **{what: odd[what]})
    for verb in (apply.apply, apply.prepare):
        with pytest.raises(StalePlan, match="was edited after it was made"):
            verb(project.workspace(), edited)
    assert project.head("test").revision == 1
    assert apply.apply(project.workspace(), plan).outcome == "delivered"


def test_what_a_plan_does_not_rest_on_may_differ(project):
    plan = _saved(project, promote.request("test", "v1"))
    words = {"gates": (), "warnings": ("look at this",), "created_at": project.clock.now(), "registers": False}
    assert apply.apply(project.workspace(), _edited(plan, **words)).outcome == "delivered"


def test_only_what_was_planned_anew_is_executed_and_recorded(project):
    plan = _saved(project, promote.request("test", "v1"))
    apply.apply(project.workspace(), _edited(plan, warnings=("forged",)))
    assert project.history.record("test", 1).plan.warnings == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b'{"schema": "releaser/plan/v2"}',
        b'{"schema": "releaser/release/v1"}',
    ],
)
def test_what_is_no_saved_plan(data):
    with pytest.raises(BadArgument, match=r"odd\.json is not a saved plan"):
        apply.read_plan(data, "odd.json")


@pytest.mark.parametrize(("trigger", "restores"), [("demolish", None), ("rollback", None), ("", 1)])
def test_a_plan_that_does_not_say_what_to_do(project, trigger, restores):
    plan = _edited(project.plan(promote.request("test", "v1")), trigger=trigger, restores=restores)
    with pytest.raises(BadArgument, match="does not say what to do"):
        apply.read_plan(msgspec.json.encode(plan), "odd.json")


def test_a_forged_rollback_does_not_bring_back_what_failed(project):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")
    project.promote("v2", "test")
    forged = _edited(project.plan(promote.request("test", "v3")), trigger="rollback", restores=2)
    with pytest.raises(Refused, match="only what succeeded"):
        apply.apply(project.workspace(), forged)
    with pytest.raises(UnknownName):
        apply.apply(project.workspace(), _edited(forged, restores=-1))


# --- releases ---


def test_the_release_is_registered_with_the_intent(project):
    for point, registered in ((Point.PLANNED, False), (Point.INTENT, True)):
        project.die_at(point)
        with project.dying():
            project.promote("v1", "test")
        assert (project.history.release_of("v1") is not None) is registered
        assert (project.history.head("test") is not None) is registered


def test_somebody_registers_it_otherwise_at_the_last_moment(project):
    other = project.another()

    def register():
        project.registry.push("registry.test/shop/api", "v1", content="another build")
        other.history.register(propose(other.workspace(), promote.request("test", "v1")).plan.release)

    project.watcher.at[Point.PLANNED] = register
    with pytest.raises(ReleaseConflict, match="v1 is registered with other digests: api"):
        project.promote("v1", "test")
    assert project.history.head("test") is None
    assert project.target("test").writes == []


def test_a_release_that_was_registered_otherwise_makes_the_plan_stale(project):
    request = promote.request("test", "v1")
    plan = project.plan(request)
    project.registry.push("registry.test/shop/api", "v1", content="another build")
    project.history.register(project.plan(request).release)
    with pytest.raises(StalePlan, match="v1 has other digests"):
        execute(project.workspace(), request, plan)
