"""doctor: every check, also where an earlier one fails."""

import pytest

from releaser.model.event import Point
from releaser.operations.doctor import Machine, examine
from releaser.ports import ChainCheck, Holder

MACHINE = Machine(in_ci=False, history_below_root=True, git=True)


@pytest.fixture
def found(project):
    def look(machine=MACHINE):
        return {check.check: check for check in examine(project.workspace(), (), machine).checks}

    return look


def test_all_is_well(project, found):
    project.promote("v1", "test")

    checks = found()

    assert all(check.passed for check in checks.values()), checks
    assert checks["engine of test"].detail == "memory test: 2 resources"
    assert checks["images at registry.test"].detail.startswith("it has api ")
    assert checks["fingerprint key"].detail == "its id is key-1"
    assert checks["git"].detail == "the declarations are at cccccccccccc, as committed"
    assert checks["deliveries"].detail == "none is unfinished"


def test_an_engine_that_does_not_answer_keeps_the_others_from_nothing(project, found):
    project.target("staging").faults.unreachable = True

    checks = found()

    assert checks["engine of staging"].passed is False
    assert checks["engine of test"].passed is True
    assert checks["history"].passed is True


def test_a_delivery_that_was_cut_off_and_its_lock(project, found):
    project.die_at(Point.APPLYING)
    with project.dying():
        project.promote("v1", "test")
    dead = project.history.client()
    dead.acquire("test", Holder(actor="eve", host="there", process=8, verb="promote", since=project.clock.now()))
    dead.close()

    checks = found()

    assert checks["test #1"].passed is None
    assert checks["test #1"].hint == "release resume test, or release abort test"
    assert checks["lock of test"].passed is None
    assert "died" in checks["lock of test"].detail
    assert project.head("test").status == "running"  # nothing was settled


def test_a_delivery_that_runs(project, found):
    project.die_at(Point.APPLYING)
    with project.dying():
        project.promote("v1", "test")
    holder = Holder(actor="eve", host="there", process=8, verb="promote", since=project.clock.now())
    lease = project.history.acquire("test", holder)

    checks = found()

    assert checks["test #1"].passed is True
    assert checks["lock of test"].detail == "held by eve (there, process 8, promote), who delivers now"
    project.history.release(lease)


def test_what_runs_is_unknown_after_a_failure_that_is_kept(project, found):
    project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.verifier.refuses.add("v1")
    project.promote("v1", "test")

    check = found()["test #1"]

    assert check.passed is None
    assert check.hint == "release show test/1"


def test_an_interrupted_delivery(project, found):
    project.watcher.at[Point.APPLIED] = lambda: setattr(project.stop, "stopped", True)
    project.promote("v1", "test")
    assert project.head("test").status == "interrupted"

    assert "release resume test" in found()["test #1"].hint


def test_a_broken_chain(project, found, monkeypatch):
    chain = ChainCheck(events=9, head="h", broken_at=4, message="its hash is another")
    monkeypatch.setattr(project.history, "verify", lambda: chain, raising=False)

    checks = found()

    assert checks["history"].passed is False
    assert "broken at event 4: its hash is another" in checks["history"].detail
    assert "locks" not in checks


def test_a_digest_that_is_gone_is_told_from_a_registry_that_is(project, found):
    project.promote("v1", "test")
    project.registry = type(project.registry)()
    project.registry.push("registry.test/shop/api", "v9", content="other")

    check = found()["images at registry.test"]

    assert check.passed is None
    assert check.detail.startswith("it answers, but ")


def test_the_machine(found):
    assert found(Machine(in_ci=True, history_below_root=True, git=False))["history in CI"].passed is None
    assert "history in CI" not in found(Machine(in_ci=True, history_below_root=False, git=False))
    assert found(Machine(in_ci=False, history_below_root=True, git=False))["git"].passed is None


def test_broken_declarations(project, found):
    project.write("pipeline.yaml", "project: [")

    checks = found()

    assert checks["declarations"].passed is False
    assert checks["registries"].passed is False
    assert checks["history"].passed is True
