"""promote: from declarations to a running service, planned, gated, recorded."""

import pytest

from releaser.model.errors import GateRefused, ImageNotFound, PlatformMissing, RegistryUnreachable, StalePlan
from releaser.model.plan import CREATE, UNCHANGED, UPDATE
from releaser.operations import promote
from releaser.operations.execute import execute, propose


def test_first_delivery_creates_and_registers(project):
    plan = project.plan(promote.request("test", "v1"))
    assert (plan.base_revision, plan.registers, plan.nothing_to_do) == (0, True, False)
    assert {c.resource: c.action for c in plan.changes}["service/api"] == CREATE
    assert project.history.releases() == ()

    result = project.promote("v1", "test")
    assert result.outcome == "delivered"
    assert (result.delivery.revision, result.delivery.status, result.delivery.current.release) == (1, "succeeded", "v1")
    assert project.history.release_of("v1").images["api"].tag == "v1"
    assert project.target("test").passed == {"password": b"hunter-two"}


def test_a_moved_tag_changes_nothing(project):
    project.promote("v1", "test")
    before = project.history.release_of("v1").digests()
    project.registry.push("registry.test/shop/api", "v1", content="another build")
    project.promote("v1", "staging")
    assert project.history.release_of("v1").digests() == before
    assert before["api"] in project.target("staging").things["service/api"].body["image"]


def test_nothing_to_do_reads_once_and_writes_nothing(project):
    project.promote("v1", "test")
    target = project.target("test")
    target.calls.clear()
    project.registry.asked.clear()
    result = project.promote("v1", "test")
    assert result.outcome == "unchanged"
    assert project.head("test").revision == 1
    assert target.calls == ["observe", "observe"]  # once to plan, once under the lease
    assert project.registry.asked == []


def test_fields_name_the_file_and_line(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    change = next(c for c in project.plan(promote.request("test", "v1")).changes if c.action == UPDATE)
    (field,) = change.fields
    assert (field.path, field.old, field.new) == ("environment.LEVEL", "info", "debug")
    assert str(field.origin) == "envs/base.yaml:6:14"


def test_a_comment_changes_no_plan(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    request = promote.request("test", "v1")
    plan = project.plan(request)
    project.edit("base.yaml", "services:", "# a comment\n\nservices:")
    ws = project.workspace()
    assert propose(ws, request).plan.id == plan.id
    assert execute(ws, request, plan).outcome == "delivered"


@pytest.mark.parametrize("what", ["declarations", "live", "secret", "head"])
def test_a_plan_is_stale_when_what_it_rests_on_moved(project, what):
    project.promote("v1", "test")
    request = promote.request("test", "v2")
    plan = project.plan(request)
    if what == "declarations":
        project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    elif what == "live":
        project.target("test").change("service/api", {"image": "mine"})
    elif what == "secret":
        project.secrets.values["SHOP_PASSWORD"] = "another-one"
    else:
        project.promote("v3", "test")
    before = project.head("test")
    with pytest.raises(StalePlan, match="is stale"):
        execute(project.workspace(), request, plan)
    assert project.head("test") == before


def test_gates(project):
    with pytest.raises(GateRefused, match="not proven in test"):
        project.promote("v1", "staging")
    assert project.history.head("staging") is None
    project.promote("v1", "test")
    project.promote("v1", "staging")
    with pytest.raises(GateRefused, match="of 1h"):
        project.promote("v1", "production")
    project.clock.move(hours=2)
    assert project.promote("v1", "production").outcome == "delivered"


def test_rolled_back_is_not_proven(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    with pytest.raises(GateRefused, match=r"rolled back away from it: test \(#3\)"):
        project.promote("v2", "staging")
    assert project.promote("v1", "staging").outcome == "delivered"


def test_another_release_with_equal_resources_is_recorded_without_a_write(project):
    project.promote("v1", "test")
    pushed = project.registry.push("registry.test/shop/api", "v1.0", content="v1")
    assert pushed.digest == project.history.release_of("v1").images["api"].digest
    project.target("test").calls.clear()
    result = project.promote("v1.0", "test")
    assert (result.outcome, result.delivery.release, result.delivery.revision) == ("delivered", "v1.0", 2)
    assert project.target("test").writes == []
    assert all(c.action == UNCHANGED for c in project.history.record("test", 2).plan.changes)


def test_drift_is_overwritten_and_shown(project):
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "environment": {**body["environment"], "LEVEL": "trace", "DEBUG": "1"}})
    plan = project.plan(promote.request("test", "v1"))
    assert [f.path for f in plan.drift[0].fields] == ["environment.DEBUG", "environment.LEVEL"]
    (change,) = [c for c in plan.changes if c.action == UPDATE]
    assert [(f.path, f.old, f.new) for f in change.fields] == [
        ("environment.DEBUG", "1", None),
        ("environment.LEVEL", "trace", "info"),
    ]
    project.promote("v1", "test")
    assert project.plan(promote.request("test", "v1")).nothing_to_do


def test_a_literal_over_a_secret_is_never_shown(project):
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "environment": {**body["environment"], "PASSWORD": "hunter-two"}})
    plan = project.plan(promote.request("test", "v1"))
    assert plan.drift[0].fields[0].live == "secret, replaced by a literal"
    assert "hunter-two" not in str(plan)


def test_a_changed_secret_is_a_change_and_an_unreadable_one_is_not(project):
    project.promote("v1", "test")
    project.secrets.values["SHOP_PASSWORD"] = "another-one"
    plan = project.plan(promote.request("test", "v1"))
    assert not plan.nothing_to_do
    assert [f.secret for c in plan.changes for f in c.fields] == [True]
    project.secrets.values.clear()
    plan = project.plan(promote.request("test", "v1"))
    assert plan.nothing_to_do
    assert any("unknown" in warning for warning in plan.warnings)
    project.secrets.values["SHOP_PASSWORD"] = "another-one"
    project.key.id = "key-2"
    assert project.plan(promote.request("test", "v1")).nothing_to_do


def test_images_are_confirmed_before_the_first_effect(project):
    project.promote("v1", "test")
    digest = project.history.release_of("v1").images["api"].digest
    project.registry.delete("registry.test/shop/api", digest)
    with pytest.raises(ImageNotFound):
        project.promote("v1", "staging")
    project.registry.failure = RegistryUnreachable("down")
    with pytest.raises(RegistryUnreachable):
        project.promote("v1", "staging")
    assert project.history.head("staging") is None


def test_a_missing_platform_is_refused(project):
    project.edit("pipeline.yaml", "project: shop", "project: shop\nplatforms: [linux/riscv64]")
    with pytest.raises(PlatformMissing, match="linux/riscv64"):
        project.promote("v1", "test")
