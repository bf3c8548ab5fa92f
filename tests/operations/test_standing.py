"""How a release stands upstream: proven, soaked, unbroken; decided by what was recorded."""

import pytest

from releaser.model.errors import GateRefused
from releaser.model.event import Point
from releaser.operations import promote
from releaser.operations.resume import resume


def _soak(project):
    """The soak gate of production for v1, as its plan says it."""
    plan = project.plan(promote.request("production", "v1"))
    return next(gate for gate in plan.gates if gate.gate == "soak")


def _proven(project, version="v1"):
    (gate,) = project.plan(promote.request("staging", version)).gates
    return gate.passed


@pytest.fixture
def soaking(project):
    """v1 runs in staging since half an hour; production wants an hour."""
    project.promote("v1", "test")
    project.promote("v1", "staging")
    project.clock.move(minutes=30)
    return project


# --- soak ---


def test_too_short_and_long_enough(soaking):
    assert (_soak(soaking).passed, _soak(soaking).detail) == (False, "v1 ran 30m of 1h in staging, 29m 59s to go")
    soaking.clock.move(minutes=30)
    assert _soak(soaking).passed


@pytest.mark.parametrize("how", ["configuration", "reconcile", "accept", "failed", "interrupted and resumed", "crash"])
def test_deliveries_of_the_same_release_do_not_break_it(soaking, how):
    target = soaking.target("staging")
    if how == "configuration":
        soaking.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
        soaking.promote("v1", "staging")
    elif how in {"reconcile", "accept"}:
        target.change("service/api", {**target.things["service/api"].body, "restart": "no"})
        soaking.reconcile("staging", accept=how == "accept")
    elif how == "failed":
        soaking.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
        target.faults.fail_write = 1
        assert soaking.promote("v1", "staging").delivery.restored == 1
    elif how == "crash":
        soaking.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
        soaking.die_at(Point.VERIFIED)
        with soaking.dying():
            soaking.promote("v1", "staging")
        assert soaking.promote("v1", "staging").outcome == "unchanged"
    else:
        soaking.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
        soaking.watcher.at[Point.APPLIED] = lambda: setattr(soaking.stop, "stopped", True)
        soaking.promote("v1", "staging")
        soaking.stop.stopped = False
        soaking.watcher.at.clear()
        assert resume(soaking.workspace(), "staging").outcome == "delivered"
    assert soaking.head("staging").revision == 2
    soaking.clock.move(minutes=31)
    assert _soak(soaking).passed


def test_another_release_in_between_breaks_it(soaking):
    for version in ("v2", "v1"):
        soaking.promote(version, "test")
        soaking.promote(version, "staging")
    soaking.clock.move(minutes=31)
    assert (_soak(soaking).passed, _soak(soaking).detail[:9]) == (False, "v1 ran 31")
    soaking.clock.move(minutes=30)
    assert _soak(soaking).passed


def test_another_release_that_failed_breaks_it_too(soaking):
    """It did run for a while."""
    soaking.promote("v2", "test")
    soaking.verifier.refuses.add("v2")
    soaking.promote("v2", "staging")
    assert soaking.head("staging").current.release == "v1"
    soaking.clock.move(minutes=31)
    assert not _soak(soaking).passed
    soaking.clock.move(minutes=30)
    assert _soak(soaking).passed


def test_what_soaked_long_enough_may_be_followed_there(soaking):
    """Its latest unbroken time counts, also where it is over."""
    soaking.clock.move(minutes=45)
    soaking.promote("v2", "test")
    soaking.promote("v2", "staging")
    soaking.clock.move(days=3)
    assert (_soak(soaking).passed, _soak(soaking).detail) == (True, "v1 ran 1h 15m of 1h in staging")
    assert soaking.promote("v1", "production").outcome == "delivered"


def test_what_was_cut_off_is_not_known_to_run(soaking):
    soaking.promote("v2", "test")
    soaking.die_at(Point.COMMITTED)
    with soaking.dying():
        soaking.promote("v2", "staging")
    soaking.clock.move(days=1)
    assert not _soak(soaking).passed


# --- proven ---


def test_a_failed_delivery_proves_nothing_and_takes_nothing_away(project):
    project.verifier.refuses.add("v2")
    project.promote("v1", "test")
    project.promote("v2", "test")
    assert (_proven(project, "v1"), _proven(project, "v2")) == (True, False)


def test_an_interrupted_one_proves_once_it_is_resumed(project):
    project.watcher.at[Point.APPLIED] = lambda: setattr(project.stop, "stopped", True)
    project.promote("v1", "test")
    assert not _proven(project)
    project.stop.stopped = False
    project.watcher.at.clear()
    resume(project.workspace(), "test")
    assert _proven(project)


def test_rolled_back_away_from_and_delivered_again(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    assert (_proven(project, "v1"), _proven(project, "v2")) == (True, False)
    project.promote("v2", "test")
    assert _proven(project, "v2")


def test_a_rollback_to_another_configuration_of_the_same_release_is_not_away_from_it(project):
    project.promote("v1", "test")
    project.edit("base.yaml", "LEVEL: info", "LEVEL: debug")
    project.promote("v1", "test")
    assert project.rollback("test").delivery.restores == 1
    assert _proven(project)


def test_a_rollback_proves_what_it_brings_back(project):
    """A succeeded delivery by any trigger."""
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.rollback("test")
    project.rollback("test", revision=2)
    assert (_proven(project, "v2"), _proven(project, "v1")) == (True, False)


def test_a_failed_rollback_takes_nothing_away(project):
    project.promote("v1", "test")
    project.promote("v2", "test")
    project.verifier.refuses.add("v1")
    assert project.rollback("test").outcome == "failed"
    assert _proven(project, "v2")


def test_the_refusal_records_nothing(project):
    with pytest.raises(GateRefused):
        project.promote("v1", "staging")
    assert project.history.head("staging") is None
    assert project.history.releases() == ()
