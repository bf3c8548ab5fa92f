"""What fails brings back what ran before, within the same delivery, and says all of it."""

import pytest

from releaser.model.delivery import FAILED
from releaser.model.errors import EngineUnreachable, Refused
from releaser.model.event import Point
from releaser.operations.resume import abort


def _state(target):
    return {name: (thing.body, thing.fingerprint) for name, thing in target.things.items()}


def _break(project, how):
    faults = project.target("test").faults
    if how == "refused":
        faults.fail_write = 1
    elif how == "lost":
        faults.fail_write, faults.took_effect = 1, True
    elif how == "never ready":
        project.edit("base.yaml", "verify:", "wait: 3s\nverify:")
        faults.never_ready = True
    else:
        project.verifier.refuses.add("v2")


@pytest.mark.parametrize("how", ["refused", "lost", "verify"])
def test_what_ran_before_runs_again(project, how):
    project.promote("v1", "test")
    before = _state(project.target("test"))
    _break(project, how)
    result = project.promote("v2", "test")
    delivery = result.delivery
    assert (result.outcome, delivery.status, delivery.restored) == ("failed", FAILED, 1)
    assert (delivery.current.release, delivery.current.revision) == ("v1", 1)
    assert "#1 (v1) is back" in delivery.message
    assert _state(project.target("test")) == before
    project.verifier.refuses.clear()
    assert project.promote("v1", "test").outcome == "unchanged"
    assert project.promote("v2", "test").outcome == "delivered"


def test_not_ready_has_the_last_words(project):
    project.promote("v1", "test")
    _break(project, "never ready")
    faults = project.target("test").faults
    result = project.promote("v2", "test")
    assert faults.last_words in result.delivery.message
    assert result.outcome == "failed"


def test_what_to_do_about_a_failure_is_recorded_with_it(project):
    project.promote("v1", "test")
    _break(project, "refused")
    failed = project.promote("v2", "test").delivery
    assert failed.hint == "switch the fault off"
    assert project.history.delivery("test", 2).hint == failed.hint
    assert project.promote("v2", "test").delivery.hint is None


@pytest.mark.parametrize("how", ["refused", "lost", "verify"])
def test_a_failed_first_delivery_leaves_nothing(project, how):
    if how == "verify":
        project.verifier.refuses.add("v1")
    else:
        _break(project, how)
    result = project.promote("v1", "test")
    assert (result.outcome, result.delivery.restored, result.delivery.current) == ("failed", 0, None)
    assert project.target("test").things == {}


def test_a_secret_in_the_last_words_is_masked(project):
    project.promote("v1", "test")
    _break(project, "never ready")
    project.target("test").faults.last_words = "exit 3: cannot log in with hunter-two"
    result = project.promote("v2", "test")
    assert "cannot log in with ***" in result.delivery.message
    assert "hunter-two" not in str(project.history.record("test", 2))


def test_a_first_delivery_that_is_never_ready_leaves_nothing(project):
    _break(project, "never ready")
    result = project.promote("v1", "test")
    assert (result.outcome, result.delivery.restored) == ("failed", 0)
    assert "the empty environment is back" in result.delivery.message


def test_keep(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.verifier.refuses.add("v2")
    result = project.promote("v2", "test")
    assert (result.outcome, result.delivery.restored, result.delivery.current) == ("failed", None, None)
    record = project.history.record("test", 2)
    assert record.inventory.items["service/api"].snapshot == project.target("test").things["service/api"].body
    with pytest.raises(Refused, match="nothing to abort"):
        abort(project.workspace(), "test")
    assert project.rollback("test").delivery.restores == 1


def test_an_engine_that_is_gone_leaves_it_to_the_next_command(project):
    project.promote("v1", "test")
    faults = project.target("test").faults

    def cut() -> None:
        faults.unreachable = True

    project.watcher.at[Point.APPLIED] = cut
    with pytest.raises(EngineUnreachable):
        project.promote("v2", "test")
    assert project.head("test").status == "running"
    project.watcher.at.clear()
    with pytest.raises(EngineUnreachable):
        project.promote("v2", "test")
    faults.unreachable = False
    project.target("test").calls.clear()
    result = project.promote("v2", "test")
    assert (result.outcome, project.head("test").status, project.head("test").revision) == ("delivered", "succeeded", 3)
    assert project.history.delivery("test", 2).status == "interrupted"
    assert project.target("test").writes == []


def test_verify_refuses_what_was_restored_too(project):
    project.promote("v1", "test")
    project.verifier.refuses |= {"v1", "v2"}
    delivery = project.promote("v2", "test").delivery
    assert (delivery.restored, delivery.current.release) == (1, "v1")
    assert delivery.message == "check refuses it; #1 (v1) is back, but for it too: check refuses it"
    assert [(run["RELEASE_VERSION"], run["RELEASE_REVISION"]) for run in project.verifier.ran[-2:]] == [
        ("v2", "2"),
        ("v1", "1"),
    ]


def test_what_ran_before_is_what_unchanged_names(project):
    project.promote("v1", "test")
    project.verifier.refuses.add("v2")
    project.promote("v2", "test")
    result = project.promote("v1", "test")
    assert (result.outcome, result.delivery.revision, result.delivery.status) == ("unchanged", 1, "succeeded")


def test_a_stop_does_not_stop_the_way_back(project):
    project.promote("v1", "test")
    before = _state(project.target("test"))
    project.verifier.refuses.add("v2")
    project.watcher.at[Point.RESTORING] = lambda: setattr(project.stop, "stopped", True)
    assert project.promote("v2", "test").delivery.restored == 1
    assert _state(project.target("test")) == before


def test_a_failure_twice_returns_to_the_same(project):
    project.promote("v1", "test")
    project.verifier.refuses |= {"v2", "v3"}
    assert [project.promote(version, "test").delivery.restored for version in ("v2", "v3")] == [1, 1]
    assert project.head("test").current.revision == 1


def test_after_what_was_kept_it_returns_to_the_newest_that_succeeded(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "verify:", "on_failure: keep\nverify:")
    project.verifier.refuses |= {"v2", "v3"}
    project.promote("v2", "test")
    project.edit("base.yaml", "on_failure: keep\n", "")
    assert project.promote("v3", "test").delivery.restored == 1
    assert project.head("test").current.release == "v1"
