"""A pull that the engine's disk has no room for, on an engine of its own with a small disk."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# The Swarm of the engine keeps 64 MB for itself.
SCRIPT = """
disk="$TESTBED_STATE/engine-${TESTBED_ENGINE:-26.1}/data"
mkdir -p "$disk"; mount -t tmpfs -o size=130m small "$disk"
"$0" up engine registry >&2
eval "$("$0" env)"
exec "$1" -m tests.engines.moby.filling
"""


@pytest.mark.engines
def test_the_engines_disk_is_full(require: Callable[[str], str]) -> None:
    testbed = require("RELEASER_TESTBED")
    environ = {**os.environ, "TESTBED_STATE": require("RELEASER_TESTBED_STATE"), "PYTHONPATH": str(ROOT)}

    ended = subprocess.run(
        [testbed, "apart", "sh", "-ec", SCRIPT, testbed, sys.executable],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    message, hint = ended.stdout.splitlines()
    assert message.startswith("the engine's disk is full while it pulls ")
    assert message.endswith("no space left on device")
    assert hint == "make room on the engine's host, for instance with docker image prune, then deliver again"
