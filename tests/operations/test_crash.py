"""A process that dies at any point leaves nothing that the next command does not settle."""

import pytest

from releaser.model.event import Point
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


def _all():
    return DeliveryQuery(environments=("test",))
