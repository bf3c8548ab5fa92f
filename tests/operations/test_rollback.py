"""rollback: image and configuration from the record alone."""

import shutil

import pytest

from releaser.model.errors import NothingToRollBackTo, Refused, RegistryUnreachable, UnknownName
from releaser.model.event import Point
from releaser.operations import rollback
from releaser.operations.resume import abort, resume


def _api(project, environment="test"):
    body = project.target(environment).things["service/api"].body
    return body["image"].rpartition("@")[2], body["environment"]["LEVEL"]


def _digest(project, version):
    return project.history.release_of(version).images["api"].digest


def test_restores_image_and_configuration(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    project.promote("v2", "test")
    result = project.rollback("test")
    assert (result.delivery.revision, result.delivery.restores, result.delivery.release) == (3, 1, "v1")
    assert _api(project) == (_digest(project, "v1"), "info")


def test_a_second_one_goes_further_back_never_forward(project):
    for version in ("v1", "v2", "v3"):
        project.promote(version, "test")
    assert [project.rollback("test").delivery.restores for _ in range(2)] == [2, 1]
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")
    project.promote("v3", "test")
    assert project.rollback("test").delivery.release == "v1"


def test_equal_resources_are_no_way_back(project):
    project.promote("v1", "test")
    project.registry.push("registry.test/shop/api", "v1.0", content="v1")
    project.promote("v1.0", "test")
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")


def test_without_declarations_and_registry(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    shutil.rmtree(project.root / "envs")
    project.registry.failure = RegistryUnreachable("down")
    request = rollback.request(project.workspace(), "test")
    assert any("declarations cannot be read" in warning for warning in project.plan(request).warnings)
    assert project.rollback("test").delivery.release == "v1"
    assert _api(project)[0] == _digest(project, "v1")


def test_a_registry_that_is_down_is_a_warning(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.registry.failure = RegistryUnreachable("down")
    plan = project.plan(rollback.request(project.workspace(), "test"))
    assert "the images could not be confirmed: down" in plan.warnings
    assert project.rollback("test").outcome == "delivered"


def test_to_a_named_revision_or_release(project):
    for version in ("v1", "v2", "v3"):
        project.promote(version, "test")
    assert project.rollback("test", release="v1").delivery.restores == 1
    assert project.rollback("test", revision=3).delivery.release == "v3"
    with pytest.raises(UnknownName):
        project.rollback("test", release="v9")
    with pytest.raises(UnknownName):
        project.rollback("test", revision=99)


def test_only_what_succeeded(project):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")
    project.promote("v2", "test")
    with pytest.raises(Refused, match="#2 failed"):
        project.rollback("test", revision=2)


def test_nothing_to_roll_back_to(project):
    with pytest.raises(NothingToRollBackTo, match="nothing was delivered"):
        project.rollback("test")
    with pytest.raises(UnknownName, match="no environment tset"):
        project.rollback("tset")
    project.promote("v1", "test")
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")


def test_uses_todays_secret_and_says_so(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.secrets.values["SHOP_PASSWORD"] = "rotated-since"
    plan = project.plan(rollback.request(project.workspace(), "test"))
    assert "today's value of secret password is not that of #1" in plan.warnings
    project.rollback("test")
    assert project.target("test").passed["password"] == b"rotated-since"


def test_skips_from_and_soak_but_asks_for_the_name(project):
    for environment in ("test", "staging", "production"):
        project.promote("v1", environment)
        project.clock.move(hours=2)
    for environment in ("test", "staging", "production"):
        project.promote("v2", environment)
        project.clock.move(hours=2)
    project.rollback("staging")
    plan = project.plan(rollback.request(project.workspace(), "production"))
    assert [(gate.gate, gate.passed) for gate in plan.gates] == [("confirm", True)]
    assert project.rollback("production").delivery.release == "v1"


def test_it_is_not_undone_by_a_reconciliation(project):
    """What a rollback left is never gone forward to, also after drift was put back."""
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    target = project.target("test")
    target.change("service/api", {**target.things["service/api"].body, "restart": "no"})
    project.reconcile("test")
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")


def test_accepted_drift_is_something_new_to_roll_back_from(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    target = project.target("test")
    target.change("service/api", {**target.things["service/api"].body, "restart": "no"})
    project.reconcile("test", accept=True)
    assert project.rollback("test").delivery.restores == 3
    assert target.things["service/api"].body["restart"] == "any"
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")


def test_after_a_failure_it_goes_before_what_was_restored(project):
    for version in ("v1", "v2"):
        project.promote(version, "test")
    project.verifier.refuses.add("v3")
    assert project.promote("v3", "test").delivery.restored == 2
    assert project.rollback("test").delivery.restores == 1


def test_over_a_crash_it_goes_to_the_newest_that_succeeded(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.die_at(Point.COMMITTED)
    with project.dying():
        project.promote("v3", "test")
    result = project.rollback("test")
    assert (result.outcome, result.delivery.revision, result.delivery.restores) == ("delivered", 4, 2)
    assert project.history.delivery("test", 3).status == "interrupted"


def test_the_marks_are_those_of_the_first_delivery(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    things = project.target("test").things
    assert {name: thing.mark.revision for name, thing in things.items()} == {"service/api": 1, "secret/password": 1}
    items = project.history.record("test", 3).inventory.items
    assert {name: item.revision for name, item in items.items()} == {"service/api": 1, "secret/password": 1}


@pytest.mark.parametrize("point", [Point.INTENT, Point.APPLYING, Point.STAGED, Point.COMMITTED, Point.VERIFYING])
def test_resumed_it_keeps_the_revisions_that_wrote_it(project, point):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.die_at(point)
    with project.dying():
        project.rollback("test")
    result = resume(project.workspace(), "test")
    assert (result.delivery.revision, result.delivery.restores, result.delivery.release) == (3, 1, "v1")
    assert result.outcome == "delivered"
    assert {thing.mark.revision for thing in project.target("test").things.values()} == {1}
    assert _api(project)[0] == _digest(project, "v1")
    with pytest.raises(NothingToRollBackTo):
        project.rollback("test")


@pytest.mark.parametrize("point", [Point.APPLYING, Point.COMMITTED, Point.VERIFYING])
def test_aborted_it_leaves_what_it_was_to_leave(project, point):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.die_at(point)
    with project.dying():
        project.rollback("test")
    assert abort(project.workspace(), "test").delivery.restored == 2
    assert _api(project)[0] == _digest(project, "v2")
    assert project.head("test").current.release == "v2"


def test_it_fails_and_returns(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.verifier.refuses.add("v1")
    result = project.rollback("test")
    assert (result.outcome, result.delivery.restored, result.delivery.current.release) == ("failed", 2, "v2")
    assert _api(project)[0] == _digest(project, "v2")


def test_to_what_runs_is_nothing_to_do(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    result = project.rollback("test", revision=2)
    assert (result.outcome, result.delivery.revision) == ("unchanged", 2)
