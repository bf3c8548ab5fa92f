"""Drift stays in sight: no crash, failure or way back takes it silently into the record."""

import pytest

from releaser.model.delivery import ABORTED, INTERRUPTED, SUCCEEDED
from releaser.model.event import Point
from releaser.model.plan import UPDATE
from releaser.operations import drift, promote
from releaser.operations.resume import abort, resume

TWO = """
services:
  api:
    image: api
    environment: {LEVEL: info, PASSWORD: {secret: password}}
  worker:
    image: api
    command: [work]
    environment: {LEVEL: info}
secrets:
  password: {from: env, name: SHOP_PASSWORD}
verify: {command: [check]}
"""


@pytest.fixture
def drifted(project):
    """v1 runs, and somebody changed the worker."""
    project.write("base.yaml", TWO)
    project.promote("v1", "test")
    _edit(project, "service/worker")
    return project


def _edit(project, name, **fields):
    target = project.target("test")
    target.change(name, {**target.things[name].body, **(fields or {"restart": "no"})})


def _items(project):
    return [(item.resource, item.kind) for item in drift.of(project.workspace(), "test").items]


DRIFT = [("service/worker", "changed")]


# --- what is reported ---


def test_what_is_reported(drifted):
    drifted.target("test").recreate("service/api")
    drifted.target("test").remove("secret/password")
    found = drift.of(drifted.workspace(), "test")
    assert [(item.resource, item.kind) for item in found.items] == [
        ("secret/password", "missing"),
        ("service/api", "recreated"),
        ("service/worker", "changed"),
    ]
    assert (found.clean, found.revision, found.release, found.items[2].by) == (False, 1, "v1", "somebody")


def test_every_environment_is_reported_though_one_cannot_be_read(drifted):
    drifted.promote("v1", "test")
    drifted.promote("v1", "staging")
    drifted.target("test").faults.unreachable = True
    found = drift.report(drifted.workspace(), ["test", "staging", "production"]).environments
    assert [(one.environment, one.clean) for one in found] == [("test", None), ("staging", True), ("production", True)]
    assert "does not answer" in found[0].error
    assert found[2].revision is None


# --- crashes ---


@pytest.mark.parametrize("point", [Point.INTENT, Point.APPLYING, Point.STAGED])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_crash_before_it_was_overwritten(drifted, point, version):
    drifted.die_at(point)
    with drifted.dying():
        drifted.promote(version, "test")
    plan = drifted.plan(promote.request("test", version))
    assert not plan.nothing_to_do
    assert [(item.resource, item.kind) for item in plan.drift] == DRIFT
    assert "service/worker" in {change.resource for change in plan.changes if change.action == UPDATE}
    drifted.promote(version, "test")
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"
    assert _items(drifted) == []


@pytest.mark.parametrize("point", [Point.COMMITTED, Point.APPLIED, Point.VERIFIED, Point.OBSERVED])
def test_a_thing_that_came_back_before_a_crash_is_no_drift(project, point):
    project.promote("v1", "test")
    project.target("test").remove("service/api")
    project.die_at(point)
    with project.dying():
        project.reconcile("test")
    resume(project.workspace(), "test")
    assert project.head("test").status == SUCCEEDED
    assert _items(project) == []


def test_a_thing_that_was_recreated_and_reconciled_before_a_crash_is_no_drift(project):
    project.promote("v1", "test")
    project.target("test").recreate("service/api")
    project.die_at(Point.OBSERVED)
    with project.dying():
        project.reconcile("test")
    resume(project.workspace(), "test")
    assert _items(project) == []


def test_reconciling_it_crashed(drifted):
    drifted.die_at(Point.APPLYING)
    with drifted.dying():
        drifted.reconcile("test")
    assert resume(drifted.workspace(), "test").delivery.status == SUCCEEDED
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"


@pytest.mark.parametrize("point", [Point.INTENT, Point.STAGED, Point.COMMITTED, Point.APPLIED, Point.VERIFYING])
@pytest.mark.parametrize("verb", [resume, abort])
def test_resume_and_abort_put_it_back(drifted, point, verb):
    drifted.die_at(point)
    with drifted.dying():
        drifted.promote("v2", "test")
    verb(drifted.workspace(), "test")
    assert drifted.head("test").status == (SUCCEEDED if verb is resume else ABORTED)
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"
    assert _items(drifted) == []


def test_accepting_it_crashed(drifted):
    drifted.die_at(Point.OBSERVED)
    drifted.target("test").calls.clear()
    with drifted.dying():
        drifted.reconcile("test", accept=True)
    assert resume(drifted.workspace(), "test").delivery.status == SUCCEEDED
    assert drifted.target("test").writes == []
    assert drifted.target("test").things["service/worker"].body["restart"] == "no"
    assert _items(drifted) == []


# --- failures ---


@pytest.mark.parametrize("nth", [1, 2])
def test_a_failure_puts_back_what_was_recorded(drifted, nth):
    """The first write is the API's, the second the worker's: either way what is back is what the record says."""
    drifted.target("test").faults.fail_write = nth
    result = drifted.promote("v2", "test")
    assert (result.outcome, result.delivery.restored) == ("failed", 1)
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"
    assert _items(drifted) == []


def test_a_failure_that_is_kept_keeps_it_in_sight(drifted):
    drifted.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    drifted.target("test").faults.fail_write = 1
    assert drifted.promote("v2", "test").outcome == "failed"
    assert _items(drifted) == DRIFT


def test_stopped_before_it_was_overwritten(drifted):
    drifted.watcher.at[Point.INTENT] = lambda: setattr(drifted.stop, "stopped", True)
    assert drifted.promote("v2", "test").delivery.status == INTERRUPTED
    assert _items(drifted) == DRIFT


def test_a_way_back_that_fails_keeps_it_in_sight(drifted):
    drifted.verifier.refuses.add("v2")

    def refuse_all():
        drifted.target("test").faults.fail_write = 1
        _edit(drifted, "service/worker")

    drifted.watcher.at[Point.RESTORING] = refuse_all
    result = drifted.promote("v2", "test")
    assert "could not be brought back" in result.delivery.message
    assert (result.delivery.restored, result.delivery.current) == (None, None)
    assert drifted.promote("v3", "test").outcome == "delivered"
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"


# --- accepted drift ---


def test_accepted_drift_is_left_alone_by_what_comes_after(drifted):
    drifted.reconcile("test", accept=True)
    _edit(drifted, "service/api")
    drifted.target("test").calls.clear()
    assert drifted.reconcile("test").outcome == "delivered"
    assert drifted.target("test").writes == ["update service/api"]
    assert drifted.target("test").things["service/worker"].body["restart"] == "no"
    assert _items(drifted) == []
    item = drifted.history.record("test", 3).inventory.items["service/worker"]
    assert item.resource.body["restart"] == "no"


def test_accepted_drift_comes_back_with_its_revision(drifted):
    drifted.reconcile("test", accept=True)
    drifted.promote("v2", "test")
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"
    assert drifted.rollback("test").delivery.restores == 2
    assert drifted.target("test").things["service/worker"].body["restart"] == "no"
    assert drifted.rollback("test").delivery.restores == 1
    assert drifted.target("test").things["service/worker"].body["restart"] == "any"


def test_a_failure_brings_accepted_drift_back(drifted):
    drifted.reconcile("test", accept=True)
    drifted.verifier.refuses.add("v2")
    result = drifted.promote("v2", "test")
    assert (result.outcome, result.delivery.restored) == ("failed", 2)
    assert drifted.target("test").things["service/worker"].body["restart"] == "no"
    assert _items(drifted) == []


def test_accepted_drift_keeps_the_places_of_its_secrets(drifted):
    """So that a literal that is put there later is never shown."""
    _edit(drifted, "service/api")
    drifted.reconcile("test", accept=True)
    body = drifted.target("test").things["service/api"].body
    _edit(drifted, "service/api", environment={**body["environment"], "PASSWORD": "hunter-two"})
    assert "hunter-two" not in repr(drift.of(drifted.workspace(), "test"))
    assert "hunter-two" not in repr(drifted.plan(promote.request("test", "v2")))
