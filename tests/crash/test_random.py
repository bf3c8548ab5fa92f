"""Kills at random times: `--kills N --seed S` repeats a run. A seed that fails becomes a case in test_points."""

import random
import signal
import subprocess
import sys
import time

import pytest

from tests.crash.conftest import REPOSITORY, SCENARIOS
from tests.crash.invariants import check


@pytest.mark.crash
def test_killed_at_random(fresh, kills, seed):
    for number in range(kills):
        killed(fresh, random.Random(seed + number))


def killed(fresh, chance: random.Random) -> None:
    """One delivery, killed at a random time within its usual length; then the next command."""
    scenario = chance.choice(sorted(SCENARIOS))
    root = fresh(scenario)
    command = [sys.executable, "-m", "tests.crash.driver", str(root), *SCENARIOS[scenario], "0"]
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        process.communicate(timeout=chance.uniform(0.15, 0.6))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, f"after {time.monotonic() - start:.3f}s"
    check(root, scenario, *SCENARIOS[scenario])
