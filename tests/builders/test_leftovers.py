"""What other builds made on the engine: removed once they are over, and not before."""

import json
import time
from pathlib import Path

import pytest

from releaser.builders.command_line import DockerCommand
from releaser.builders.leftovers import BUILD, PROCESS, UNTIL, Owned, clean
from releaser.processes.identity import identity


def docker(folder: Path, labels: dict[str, str]) -> tuple[DockerCommand, Path]:
    """One that lists a container with these labels, and notes what it is told to remove."""
    removed = folder / "removed"
    script = f"""#!/bin/sh
case "$1 $2" in
  'container ls') echo one ;;
  'container inspect') echo '{json.dumps(labels)}' ;;
  'container rm') echo "$@" >> {removed} ;;
esac
"""
    (folder / "docker").write_text(script)
    (folder / "docker").chmod(0o755)
    return DockerCommand(None, {"PATH": f"{folder}:/usr/bin:/bin"}), removed


def elsewhere() -> str:
    machine, number, born = identity().split("/")
    return f"{machine.partition('.')[0]}.pid:[1]/{number}/{born}"


@pytest.mark.parametrize(
    ("process", "until", "goes"),
    [
        (identity(), 0, False),
        (identity() + "1", 1 << 40, True),
        (elsewhere(), 1 << 40, False),
        (elsewhere(), 0, True),
        ("", 0, True),
    ],
    ids=["ours", "ended", "another container's", "another container's, long ago", "nobody's"],
)
def test_what_goes(tmp_path: Path, process: str, until: int, *, goes: bool) -> None:
    command, removed = docker(tmp_path, {BUILD: "x", PROCESS: process, UNTIL: str(until)})
    assert clean(command) == (("one",) if goes else ())
    assert removed.exists() is goes


def test_what_is_made_says_whose_it_is_and_for_how_long() -> None:
    labels = dict(one.split("=", 1) for one in Owned(10).labels if "=" in one)
    assert labels[PROCESS] == identity()
    assert int(labels[UNTIL]) > time.time()
