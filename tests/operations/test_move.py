"""--move: an environment goes to another target; what it had in the old one goes with it, or stays in sight."""

import pytest

from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, SUCCEEDED
from releaser.model.errors import TargetMoved
from releaser.model.event import Point
from releaser.operations import drift, promote, settle, status
from releaser.operations.resume import abort, prepare, resume
from releaser.ports import DeliveryQuery

OURS = {"secret/password", "service/api"}


@pytest.fixture
def moving(project):
    """v1 runs in `test`; the declarations say `elsewhere` now."""
    project.promote("v1", "test")
    project.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
    project.target("test").calls.clear()
    return project


def _places(project):
    return set(project.target("test").things), set(project.target("elsewhere").things)


def _identity(project):
    return project.history.record("test", project.head("test").revision).inventory.target.identity


def _die(project, target, point):
    """Die at a point that the given target's engine, or the delivery, announces."""
    seen = []

    def count():
        seen.append(project.target(target).calls[-1:])
        if project.target(target).writes:
            project.watcher.at.clear()
            project.die_at(point)
            project.watcher.at[point]()

    project.watcher.at[point] = count


# --- straight through ---


def test_refused_until_it_is_said(moving):
    with pytest.raises(TargetMoved, match="delivered to memory test, and would now go to memory elsewhere") as refused:
        moving.promote("v1", "test")
    assert "--move" in refused.value.hint
    assert _places(moving) == (OURS, set())
    assert moving.head("test").revision == 1


def test_it_goes_and_leaves_nothing_behind(moving):
    plan = moving.plan(promote.request("test", "v1", move=True))
    assert (plan.moves_from.identity, plan.target.identity, plan.nothing_to_do) == ("test", "elsewhere", False)
    result = moving.promote("v1", "test", move=True)
    assert (result.outcome, result.delivery.status) == ("delivered", SUCCEEDED)
    assert _places(moving) == (set(), OURS)
    assert _identity(moving) == "elsewhere"
    assert moving.history.record("test", 2).plan.moves_from.identity == "test"
    assert drift.of(moving.workspace(), "test").clean is True
    assert moving.promote("v1", "test").outcome == "unchanged"
    assert moving.promote("v1", "test", move=True).outcome == "unchanged"


def test_the_new_one_runs_before_the_old_one_goes(moving):
    at_verify = []
    moving.watcher.at[Point.VERIFYING] = lambda: at_verify.append(_places(moving))
    moving.promote("v2", "test", move=True)
    assert at_verify == [(OURS, OURS)]


def test_nothing_is_left_where_nothing_was_delivered(project):
    project.verifier.refuses.add("v1")
    project.promote("v1", "test")
    assert project.target("test").things == {}
    project.verifier.refuses.clear()
    project.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
    assert project.promote("v1", "test").outcome == "delivered"  # no --move: there is nothing to remove


def test_a_rollback_across_a_move_goes_back_to_the_old_target(moving):
    moving.promote("v2", "test", move=True)
    with pytest.raises(TargetMoved):
        moving.rollback("test")
    result = moving.rollback("test", move=True)
    assert (result.outcome, result.delivery.release) == ("delivered", "v1")
    assert _places(moving) == (OURS, set())
    assert _identity(moving) == "test"


# --- what fails ---


@pytest.mark.parametrize("how", ["refused", "verify", "not ready"])
def test_what_fails_leaves_the_old_one_untouched(moving, how):
    running_since = moving.head("test").current.since
    if how == "refused":
        moving.target("elsewhere").faults.fail_write = 2
    elif how == "verify":
        moving.verifier.refuses.add("v2")
    else:
        moving.target("elsewhere").faults.never_ready = True
        moving.edit("base.yaml", "verify:", "wait: 2s\nverify:")
    result = moving.promote("v2", "test", move=True)
    assert (result.outcome, result.delivery.status) == ("failed", FAILED)
    assert _places(moving) == (OURS, set())
    assert moving.target("test").writes == []
    assert "#1 (v1) still runs in memory test" in result.delivery.message
    assert (result.delivery.current.release, result.delivery.current.since) == ("v1", running_since)
    assert _identity(moving) == "test"


def test_after_a_failed_move_everything_works_in_the_old_target(moving):
    moving.verifier.refuses.add("v2")
    moving.promote("v2", "test", move=True)
    assert drift.of(moving.workspace(), "test").clean is True
    report = status.report(moving.workspace(), ["test"], live=True).environments[0]
    assert (report.drift.state, report.current.release) == ("none", "v1")
    moving.target("test").remove("service/api")
    assert moving.reconcile("test").outcome == "delivered"
    assert _places(moving) == (OURS, set())


def test_keep_keeps_both(moving):
    moving.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    moving.verifier.refuses.add("v2")
    result = moving.promote("v2", "test", move=True)
    assert (result.outcome, result.delivery.current) == ("failed", None)
    assert _places(moving) == (OURS, OURS)
    assert _identity(moving) == "test"
    moving.verifier.refuses.clear()
    assert moving.promote("v2", "test", move=True).outcome == "delivered"
    assert _places(moving) == (set(), OURS)


@pytest.mark.parametrize("how", ["refused", "unreachable"])
def test_an_old_target_that_cannot_be_left(moving, how):
    """It runs in the new one, so it stays there; what is left is told loudly, and blocks nothing."""
    if how == "refused":
        moving.target("test").faults.fail_write = 1
    else:
        moving.watcher.at[Point.OBSERVED] = lambda: setattr(moving.target("test").faults, "unreachable", True)
    result = moving.promote("v2", "test", move=True)
    assert (result.outcome, result.delivery.status, result.delivery.current) == ("failed", FAILED, None)
    assert "delivered to memory elsewhere, but what was in memory test could not be removed" in result.delivery.message
    assert _places(moving)[1] == OURS
    assert _identity(moving) == "elsewhere"
    assert moving.promote("v2", "test").outcome == "delivered"
    assert moving.head("test").current.release == "v2"


def test_a_delivery_that_fails_after_that_goes_back_to_what_is_there(moving):
    """The newest delivery that succeeded ran elsewhere: its resources are none for this target."""
    moving.target("test").faults.fail_write = 1
    moving.promote("v2", "test", move=True)
    body = moving.target("elsewhere").things["service/api"].body
    moving.verifier.refuses.add("v3")
    result = moving.promote("v3", "test")
    assert (result.outcome, result.delivery.current) == ("failed", None)
    assert "what #2 left is back" in result.delivery.message
    assert moving.target("elsewhere").things["service/api"].body == body


def test_a_failed_move_that_took_something_over_keeps_the_old_target_in_sight(moving):
    """What was taken over is not removed again, and the old one still runs."""
    moving.target("elsewhere").change("service/api", {"image": "theirs"})
    moving.verifier.refuses.add("v2")
    result = moving.promote("v2", "test", move=True, adopt=True)
    assert result.outcome == "failed"
    assert _places(moving) == (OURS, OURS)
    assert _identity(moving) == "test"
    assert drift.of(moving.workspace(), "test").clean is True


# --- crashes ---

NEW = [Point.INTENT, Point.APPLYING, Point.STAGED, Point.COMMITTED, Point.APPLIED, Point.WAITING, Point.VERIFYING]


@pytest.mark.parametrize("point", [*NEW, Point.VERIFIED, Point.OBSERVED])
@pytest.mark.parametrize("verb", [resume, abort, None])
def test_a_crash_before_the_old_one_is_touched(moving, point, verb):
    moving.die_at(point)
    with moving.dying():
        moving.promote("v2", "test", move=True)
    assert _places(moving)[0] == OURS
    if verb is not None:
        verb(moving.workspace(), "test")
        assert moving.head("test").revision == 2
    else:
        assert moving.promote("v2", "test", move=True).outcome == "delivered"
        assert [d.status for d in _deliveries(moving)][1] == INTERRUPTED
    if verb is abort:
        assert (moving.head("test").status, moving.head("test").restored) == (ABORTED, 1)
        assert _places(moving) == (OURS, set())
        assert _identity(moving) == "test"
    else:
        assert (moving.head("test").status, moving.head("test").current.release) == (SUCCEEDED, "v2")
        assert _places(moving) == (set(), OURS)
        assert _identity(moving) == "elsewhere"
    assert drift.of(moving.workspace(), "test").clean is True


@pytest.mark.parametrize("verb", [resume, abort])
def test_a_crash_while_the_old_one_is_removed(moving, verb):
    _die(moving, "test", Point.PRUNED)
    with moving.dying():
        moving.promote("v2", "test", move=True)
    assert len(_places(moving)[0]) == 1
    verb(moving.workspace(), "test")
    if verb is resume:
        assert _places(moving) == (set(), OURS)
        assert moving.head("test").status == SUCCEEDED
    else:
        assert _places(moving) == (OURS, set())
        assert (moving.head("test").status, moving.head("test").current.release) == (ABORTED, "v1")
        assert _identity(moving) == "test"
    assert drift.of(moving.workspace(), "test").clean is True


def test_aborted_over_what_was_kept_it_goes_back_to_the_newest_that_succeeded(project):
    """The head that it was leaving had failed, so that is not what is said to run."""
    project.promote("v1", "test")
    project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.verifier.refuses.add("v2")
    project.promote("v2", "test")
    project.verifier.refuses.clear()
    project.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
    project.die_at(Point.COMMITTED)
    with project.dying():
        project.promote("v3", "test", move=True)
    assert "#1 (v1)" in prepare(project.workspace(), "test", "abort").towards
    delivery = abort(project.workspace(), "test").delivery
    assert (delivery.status, delivery.restored, delivery.current.release) == (ABORTED, 1, "v1")
    digest = project.history.release_of("v1").images["api"].digest
    assert project.target("test").things["service/api"].body["image"].endswith(digest)
    assert _places(project) == (OURS, set())


def test_a_move_that_fails_over_what_was_kept_names_nothing_that_runs(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.verifier.refuses |= {"v2", "v3"}
    project.promote("v2", "test")
    project.edit("base.yaml", "on_failure: keep\n", "")
    project.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
    delivery = project.promote("v3", "test", move=True).delivery
    assert "what #2 left still runs in memory test" in delivery.message
    assert delivery.current is None
    assert _places(project) == (OURS, set())


def test_a_crash_after_all_was_removed_is_a_success(moving):
    moving.die_at(Point.FINISHED)

    def die_when_left():
        if not moving.target("test").things:
            moving.die_at(Point.PRUNED)
            moving.watcher.at[Point.PRUNED]()

    moving.watcher.at[Point.PRUNED] = die_when_left
    with moving.dying():
        moving.promote("v2", "test", move=True)
    assert moving.promote("v2", "test").outcome == "unchanged"
    assert [(d.revision, d.status) for d in _deliveries(moving)] == [(2, SUCCEEDED), (1, SUCCEEDED)]


def test_reading_verbs_and_plans_over_such_a_crash(moving):
    moving.die_at(Point.OBSERVED)
    with moving.dying():
        moving.promote("v2", "test", move=True)
    assert "was cut off" in drift.of(moving.workspace(), "test").error
    with pytest.raises(TargetMoved):
        moving.promote("v2", "test")
    assert moving.head("test").status == "running"  # a plan writes nothing
    outcome = settle.look(moving.workspace(), moving.history.record("test", 2))
    assert (outcome.status, outcome.inventory.target.identity) == (INTERRUPTED, "test")
    assert "test is not known to be left: release resume test removes what is there" in outcome.message


def test_the_old_target_is_unreachable_after_such_a_crash(moving):
    moving.die_at(Point.OBSERVED)
    with moving.dying():
        moving.promote("v2", "test", move=True)
    moving.target("test").faults.unreachable = True
    result = resume(moving.workspace(), "test")
    assert (result.outcome, _identity(moving)) == ("failed", "elsewhere")
    assert moving.promote("v2", "test").outcome == "delivered"


def test_a_move_that_is_given_up_is_told(moving):
    """The declarations name the old target again; what the new one holds nobody comes back for."""
    moving.die_at(Point.COMMITTED)
    with moving.dying():
        moving.promote("v2", "test", move=True)
    moving.write("test.yaml", "vars: {name: test}\n")
    plan = moving.plan(promote.request("test", "v2"))
    assert "#2 did not get through its move to memory elsewhere" in plan.warnings[-1]
    assert moving.promote("v2", "test").outcome == "delivered"
    assert moving.plan(promote.request("test", "v2")).warnings == ()


def test_what_an_earlier_move_left_is_given_todays_value(moving):
    moving.die_at(Point.APPLIED)
    with moving.dying():
        moving.promote("v1", "test", move=True)
    moving.write("test.yaml", "vars: {name: test}\n")
    moving.promote("v1", "test")
    moving.secrets.values["SHOP_PASSWORD"] = "rotated-one"
    moving.write("test.yaml", "engine: {kind: directory, path: deploy/elsewhere}\n")
    moving.promote("v1", "test", move=True)
    assert moving.target("elsewhere").passed["password"] == b"rotated-one"


def _deliveries(project):
    return project.history.deliveries(DeliveryQuery(environments=("test",)))
