"""A process that dies at any point leaves nothing that the next command does not settle."""

import msgspec
import pytest

from releaser.model.errors import ForeignTarget, Refused, UnknownName
from releaser.model.event import Point
from releaser.model.plan import UNCHANGED
from releaser.operations import drift, promote
from releaser.operations.execute import execute
from releaser.operations.resume import abort, resume
from releaser.ports import DeliveryQuery

BEFORE = (Point.LEASED, Point.SETTLED, Point.PLANNED)
WITHIN = (
    Point.INTENT,
    Point.APPLYING,
    Point.STAGED,
    Point.COMMITTED,
    Point.APPLIED,
    Point.WAITING,
    Point.VERIFYING,
    Point.VERIFIED,
    Point.OBSERVED,
)


@pytest.mark.parametrize("point", [*BEFORE, *WITHIN, Point.FINISHED])
def test_the_next_promote_gets_there(project, point):
    project.promote("v1", "test")
    project.die_at(point)
    with project.dying():
        project.promote("v2", "test")
    result = project.promote("v2", "test")
    assert result.outcome in {"delivered", "unchanged"}
    head = project.head("test")
    assert (head.status, head.current.release) == ("succeeded", "v2")
    revisions = [d.revision for d in project.history.deliveries(_all())]
    assert sorted(revisions) == list(range(1, len(revisions) + 1))
    assert set(project.target("test").things) == {"secret/password", "service/api"}
    assert drift.of(project.workspace(), "test").clean is True
    assert project.history.verify().broken_at is None


@pytest.mark.parametrize("point", WITHIN)
def test_reading_verbs_say_so(project, point):
    project.promote("v1", "test")
    project.die_at(point)
    with project.dying():
        project.promote("v2", "test")
    found = drift.of(project.workspace(), "test")
    assert found.clean is None
    assert "was cut off" in found.error


@pytest.mark.parametrize("point", WITHIN)
@pytest.mark.parametrize("verb", [resume, abort])
def test_resume_and_abort(project, point, verb):
    project.promote("v1", "test")
    before = project.target("test").things["service/api"].body
    project.die_at(point)
    with project.dying():
        project.promote("v2", "test")
    result = verb(project.workspace(), "test")
    head = project.head("test")
    assert head.revision == 2
    if verb is resume or point in {Point.VERIFIED, Point.OBSERVED}:
        assert (result.outcome, head.status, head.current.release) == ("delivered", "succeeded", "v2")
    else:
        assert (head.status, head.restored, head.current.release) == ("aborted", 1, "v1")
        assert project.target("test").things["service/api"].body == before
    assert drift.of(project.workspace(), "test").clean is True


@pytest.mark.parametrize("point", [Point.RESTORING, Point.COMMITTED, Point.RESTORED])
def test_a_crash_on_the_way_back(project, point):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")

    def refuse() -> None:
        project.die_at(point)

    project.watcher.at[Point.VERIFYING] = refuse
    with project.dying():
        project.promote("v2", "test")
    project.verifier.refuses.clear()
    project.promote("v3", "test")
    assert project.head("test").current.release == "v3"
    assert drift.of(project.workspace(), "test").clean is True


def test_stop_between_steps_is_recorded(project):
    project.promote("v1", "test")

    def stop() -> None:
        project.stop.stopped = True

    project.watcher.at[Point.APPLIED] = stop
    result = project.promote("v2", "test")
    assert (result.outcome, result.delivery.status) == ("interrupted", "interrupted")
    project.stop.stopped = False
    project.watcher.at.clear()
    assert resume(project.workspace(), "test").delivery.current.release == "v2"


def test_a_plan_made_over_a_crash_is_the_plan(project):
    project.promote("v1", "test")
    project.die_at(Point.APPLYING)
    with project.dying():
        project.promote("v2", "test")
    request = promote.request("test", "v2")
    plan = project.plan(request)
    assert execute(project.workspace(), request, plan).outcome == "delivered"


@pytest.mark.parametrize("point", WITHIN)
@pytest.mark.parametrize("verb", [resume, abort])
def test_a_first_delivery_is_finished_or_undone(project, point, verb):
    project.die_at(point)
    with project.dying():
        project.promote("v1", "test")
    verb(project.workspace(), "test")
    head = project.head("test")
    if verb is resume or point in {Point.VERIFIED, Point.OBSERVED}:
        assert (head.status, head.current.release) == ("succeeded", "v1")
        assert project.promote("v1", "test").outcome == "unchanged"
    else:
        assert (head.status, head.restored, head.current) == ("aborted", 0, None)
        assert project.target("test").things == {}
        assert project.promote("v1", "test").outcome == "delivered"
    assert drift.of(project.workspace(), "test").clean is True


@pytest.mark.parametrize("verb", [resume, abort])
def test_nothing_to_take_up(project, verb):
    with pytest.raises(Refused, match="nothing was delivered to test yet"):
        verb(project.workspace(), "test")
    with pytest.raises(UnknownName, match="no environment tset"):
        verb(project.workspace(), "tset")
    project.promote("v1", "test")
    with pytest.raises(Refused, match=r"test #1 succeeded: there is nothing to"):
        verb(project.workspace(), "test")


def test_resumed_twice_crashed_twice(project):
    project.promote("v1", "test")
    for point in (Point.APPLYING, Point.COMMITTED):
        project.die_at(point)
        with project.dying():
            if project.head("test").revision == 1:
                project.promote("v2", "test")
            else:
                resume(project.workspace(), "test")
    result = resume(project.workspace(), "test")
    assert (result.delivery.revision, result.delivery.status, result.delivery.current.release) == (2, "succeeded", "v2")
    assert project.history.verify().broken_at is None


def test_a_resumed_delivery_asks_verify_again(project):
    project.promote("v1", "test")
    project.die_at(Point.APPLIED)
    with project.dying():
        project.promote("v2", "test")
    project.verifier.refuses.add("v2")
    result = resume(project.workspace(), "test")
    assert (result.outcome, result.delivery.status, result.delivery.restored) == ("failed", "failed", 1)


def test_somebody_took_it_over_since(project):
    project.promote("v1", "test")
    project.die_at(Point.APPLYING)
    with project.dying():
        project.promote("v2", "test")
    thing = project.target("test").things["service/api"]
    thing.mark = msgspec.structs.replace(thing.mark, history="another")
    with pytest.raises(ForeignTarget, match="service/api"):
        resume(project.workspace(), "test")
    assert project.target("test").things["service/api"].mark.history == "another"


def test_an_abort_that_does_not_get_there_is_a_failure(project):
    project.promote("v1", "test")
    project.die_at(Point.COMMITTED)
    with project.dying():
        project.promote("v2", "test")
    project.target("test").faults.fail_write = 1
    result = abort(project.workspace(), "test")
    assert (result.outcome, result.delivery.status, result.delivery.current) == ("failed", "failed", None)
    assert "#1 (v1) could not be brought back" in result.delivery.message
    assert project.rollback("test").outcome == "delivered"
    assert project.head("test").current.release == "v1"


def test_a_plan_over_a_crash_is_made_on_what_is_live(project):
    project.promote("v1", "test")
    project.die_at(Point.COMMITTED)
    with project.dying():
        project.promote("v2", "test")
    plan = project.plan(promote.request("test", "v1"))
    (change,) = [c for c in plan.changes if c.action != UNCHANGED]
    digests = [project.history.release_of(version).images["api"].digest for version in ("v2", "v1")]
    assert [(f.old.rpartition("@")[2], f.new.rpartition("@")[2]) for f in change.fields] == [tuple(digests)]
    assert (plan.base_revision, plan.drift) == (2, ())
    assert project.promote("v1", "test").outcome == "delivered"


@pytest.mark.parametrize(
    "deliver",
    [lambda project: resume(project.workspace(), "test"), lambda project: project.promote("v2", "test")],
    ids=["resume", "promote"],
)
def test_what_does_not_run_after_a_crash_is_no_success(project, deliver):
    project.edit("base.yaml", "verify: {command: [check]}", "wait: 2s")
    project.promote("v1", "test")
    project.die_at(Point.WAITING)
    with project.dying():
        project.promote("v2", "test")
    project.target("test").faults.never_ready = True
    result = deliver(project)
    assert result.outcome == "failed"
    assert project.target("test").faults.last_words in result.delivery.message


def _all():
    return DeliveryQuery(environments=("test",))
