"""Secrets: read in the engine's last call alone, and their fingerprints are those of what the engine was given."""

import shutil

import msgspec
import pytest

from releaser.engines.memory import RUNS
from releaser.model.errors import SecretSourceChanged
from releaser.model.event import Point
from releaser.model.plan import UPDATE
from releaser.operations import promote, reconcile, rollback
from releaser.operations.resume import abort, resume

WRITES_REFERENCES = msgspec.structs.replace(RUNS, passes_secrets=False)
TWO = """
services:
  api:
    image: api
    environment:
      LEVEL: info
      PASSWORD: {secret: password}
      TOKEN: {secret: token}
secrets:
  password: {from: env, name: SHOP_PASSWORD}
  token: {from: env, name: SHOP_TOKEN}
"""


def _changed(plan):
    return {change.resource for change in plan.changes if change.action == UPDATE}


def _rotate(project, **values):
    project.secrets.values.update({"SHOP_PASSWORD": "rotated-one", **values})


def test_a_rotated_value_is_delivered_once(project):
    project.promote("v1", "test")
    _rotate(project)
    result = project.promote("v1", "test")
    assert (result.outcome, result.delivery.revision) == ("delivered", 2)
    assert project.target("test").passed["password"] == b"rotated-one"
    assert project.promote("v1", "test").outcome == "unchanged"


def test_a_value_that_nothing_runs_with_goes_and_the_former_one_is_back(project):
    project.promote("v1", "test")
    _rotate(project)
    project.verifier.refuses.add("v1")  # it does not run with the new value
    project.watcher.at[Point.RESTORING] = project.verifier.refuses.clear
    failed = project.promote("v1", "test")
    assert (failed.outcome, failed.delivery.restored) == ("failed", 1)
    assert project.target("test").passed["password"] == b"hunter-two"
    again = project.promote("v1", "test")  # the record knows which value the engine has
    assert (again.outcome, project.target("test").passed["password"]) == ("delivered", b"rotated-one")


@pytest.mark.parametrize("point", [Point.INTENT, Point.APPLYING, Point.STAGED])
def test_a_value_that_a_crash_kept_back_is_delivered_by_the_next_one(project, point):
    project.promote("v1", "test")
    _rotate(project)
    project.die_at(point)
    with project.dying():
        project.promote("v1", "test")
    assert project.target("test").passed["password"] == b"hunter-two"
    assert project.promote("v1", "test").outcome == "delivered"
    assert project.target("test").passed["password"] == b"rotated-one"
    assert project.promote("v1", "test").outcome == "unchanged"


@pytest.mark.parametrize("point", [Point.INTENT, Point.STAGED, Point.COMMITTED, Point.APPLIED])
def test_resume_delivers_the_value_too(project, point):
    project.write("base.yaml", TWO)
    project.secrets.values["SHOP_TOKEN"] = "first-token"
    project.promote("v1", "test")
    _rotate(project, SHOP_TOKEN="second-token")
    project.die_at(point)  # at COMMITTED: after the first of the two
    with project.dying():
        project.promote("v1", "test")
    assert resume(project.workspace(), "test").delivery.status == "succeeded"
    assert project.target("test").passed == {"password": b"rotated-one", "token": b"second-token"}
    assert project.promote("v1", "test").outcome == "unchanged"


def test_stopped_before_anything_was_written(project):
    project.promote("v1", "test")
    _rotate(project)
    project.watcher.at[Point.INTENT] = lambda: setattr(project.stop, "stopped", True)
    result = project.promote("v1", "test")
    assert "nothing had been changed" in result.delivery.message
    project.stop.stopped = False
    project.watcher.at.clear()
    assert project.promote("v1", "test").outcome == "delivered"
    assert project.target("test").passed["password"] == b"rotated-one"


@pytest.mark.parametrize("keep", [False, True])
def test_a_refused_write_does_not_count_as_delivered(project, keep):
    if keep:
        project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.promote("v1", "test")
    _rotate(project)
    project.target("test").faults.fail_write = 1
    assert project.promote("v1", "test").outcome == "failed"
    assert _changed(project.plan(promote.request("test", "v1"))) == {"secret/password"}
    project.promote("v1", "test")
    assert project.target("test").passed["password"] == b"rotated-one"


def test_accepting_drift_delivers_no_value(project):
    project.promote("v1", "test")
    target = project.target("test")
    body = target.things["service/api"].body
    target.change("service/api", {**body, "restart": "no"})
    _rotate(project)
    project.reconcile("test", accept=True)
    assert target.passed["password"] == b"hunter-two"
    assert "secret/password" in _changed(project.plan(promote.request("test", "v1")))


def test_another_release_with_equal_resources_delivers_no_value(project):
    project.promote("v1", "test")
    project.registry.push("registry.test/shop/api", "v1.0", content="v1")
    project.key.id = "key-2"  # somebody else delivers
    project.promote("v1.0", "test")
    assert project.target("test").writes.count("update service/api") == 0
    assert project.history.record("test", 2).inventory.secrets["password"].key == "key-1"
    project.key.id = "key-1"
    _rotate(project)
    assert _changed(project.plan(promote.request("test", "v1.0"))) == {"secret/password"}


def test_another_key_is_a_warning_and_no_change(project):
    project.promote("v1", "test")
    project.key.id = "key-2"
    plan = project.plan(promote.request("test", "v1"))
    assert plan.nothing_to_do
    assert [w for w in plan.warnings if "fingerprinted with another key" in w and "password" in w] != []


def test_a_value_that_cannot_be_read_keeps_what_is_known(project):
    project.capabilities = WRITES_REFERENCES
    project.promote("v1", "test")
    project.registry.push("registry.test/shop/api", "v1.0", content="v1")
    project.secrets.values.clear()
    project.promote("v1.0", "test")
    _rotate(project)
    assert not project.plan(promote.request("test", "v1.0")).nothing_to_do


# --- commands in the record ---

RECORDED = ("vault", "read", "shop")


def _with_command(project, *command):
    words = ", ".join(command)
    project.edit("base.yaml", "{from: env, name: SHOP_PASSWORD}", f"{{from: exec, command: [{words}]}}")


def _two_releases(project):
    _with_command(project, *RECORDED)
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.secrets.commands.clear()


@pytest.mark.parametrize("declarations", ["changed", "gone"])
def test_a_recorded_command_that_is_not_todays_is_not_run(project, declarations):
    _two_releases(project)
    if declarations == "changed":
        project.edit("base.yaml", "vault, read, shop", "vault, read, shop, --other")
    else:
        shutil.rmtree(project.root / "envs")
    with pytest.raises(SecretSourceChanged, match="secret password") as refused:
        project.rollback("test")
    assert "declare the same command again" in refused.value.hint
    assert project.secrets.commands == []
    assert project.head("test").revision == 2


def test_the_same_command_is_run(project):
    _two_releases(project)
    assert project.rollback("test").outcome == "delivered"
    assert set(project.secrets.commands) == {RECORDED}


def test_an_engine_that_writes_references_needs_no_value(project):
    project.capabilities = WRITES_REFERENCES
    _two_releases(project)
    project.edit("base.yaml", "vault, read, shop", "cat, /etc/shadow")
    plan = project.plan(rollback.request(project.workspace(), "test"))
    assert "secret password: the recorded command is not today's, and is not run" in plan.warnings
    assert project.rollback("test").outcome == "delivered"
    assert project.secrets.commands == []
    # what is recorded is still the source of then, so it stays barred, and readable where it is declared again
    assert project.history.record("test", 3).definitions["password"]["command"] == list(RECORDED)
    assert any("is not run" in w for w in project.plan(reconcile.request("test")).warnings)
    project.promote("v2", "test")
    assert project.rollback("test").outcome == "delivered"
    assert project.secrets.commands == [("cat", "/etc/shadow")] * 2  # the declared one, to see whether it changed


def test_a_reconciliation_that_needs_a_barred_value_is_refused(project):
    _two_releases(project)
    project.edit("base.yaml", "vault, read, shop", "cat, /etc/shadow")
    assert project.reconcile("test").outcome == "unchanged"  # nothing is to be written
    project.target("test").remove("service/api")
    with pytest.raises(SecretSourceChanged):
        project.reconcile("test")
    assert project.secrets.commands == []


def test_resume_and_abort_do_not_run_it_either(project):
    _two_releases(project)
    project.die_at(Point.APPLYING)
    with project.dying():
        project.promote("v3", "test")
    project.edit("base.yaml", "vault, read, shop", "cat, /etc/shadow")
    project.secrets.commands.clear()
    with pytest.raises(SecretSourceChanged):
        resume(project.workspace(), "test")
    assert project.head("test").status == "interrupted"
    assert abort(project.workspace(), "test").delivery.status == "aborted"  # nothing had been changed
    assert project.secrets.commands == []
