"""Every named point of promote, rollback, reconcile and a restore: once aborted within the process, once killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from releaser.model.event import Point
from tests.crash.conftest import REPOSITORY, SCENARIOS
from tests.crash.driver import Abort, Watcher, deliver
from tests.crash.invariants import check

PASSED = set(Point) - {Point.RESTORING, Point.RESTORED}
ALWAYS = {Point.LEASED, Point.SETTLED, Point.PLANNED, Point.INTENT, Point.APPLYING, Point.COMMITTED, Point.FINISHED}


def points(root: Path, scenario: str) -> list[Point]:
    """The points that the delivery passes when nobody disturbs it."""
    watcher = Watcher(at=0, kill=False)
    deliver(root, *SCENARIOS[scenario], watcher)
    return watcher.seen


def test_the_scenarios_pass_every_point(fresh):
    seen = {scenario: set(points(fresh(scenario), scenario)) for scenario in SCENARIOS}
    assert all(found >= ALWAYS for found in seen.values())
    assert set.union(*seen.values()) == set(Point) - {Point.ROLLING}  # a folder does not roll


@pytest.mark.crash
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_aborted_at_each_point(fresh, scenario):
    for at in range(1, len(points(fresh(scenario), scenario)) + 1):
        root = fresh(scenario)
        with pytest.raises(Abort):
            deliver(root, *SCENARIOS[scenario], Watcher(at=at, kill=False))
        check(root, scenario, *SCENARIOS[scenario])


@pytest.mark.crash
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_each_point(fresh, scenario):
    for at in range(1, len(points(fresh(scenario), scenario)) + 1):
        root = fresh(scenario)
        command = [sys.executable, "-m", "tests.crash.driver", str(root), *SCENARIOS[scenario], str(at)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        check(root, scenario, *SCENARIOS[scenario])
