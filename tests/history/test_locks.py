"""A life that the kernel ends."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from releaser.history.locks import LifeLocks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def test_a_life(folder: Path) -> None:
    one, other = LifeLocks(folder), LifeLocks(folder)
    assert not other.alive("test1", 1)
    assert one.take("test1", 1)
    assert other.alive("test1", 1)
    assert one.alive("test1", 1)
    assert not other.alive("test1", 2)
    assert not other.alive("test2", 1)
    assert not other.take("test1", 1)
    assert other.take("test1", 2)
    one.close()
    assert not other.alive("test1", 1)
    assert other.alive("test1", 2)
    other.drop("test1", 2)
    other.drop("test1", 2)
    assert not other.alive("test1", 2)
    assert [file.name.rpartition(".")[2] for file in folder.iterdir()] == ["1"]


def test_looking_does_not_look_like_living(folder: Path) -> None:
    one, other = LifeLocks(folder), LifeLocks(folder)
    one.take("test1", 1)
    one.close()
    with next(folder.iterdir()).open() as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # another one who looks at the same moment
        assert not other.alive("test1", 1)


def test_hostile_names_stay_in_the_folder(folder: Path) -> None:
    locks = LifeLocks(folder)
    names = ["../../etc/passwd", "a/b", "\0", "x" * 5000, "", ".", "caf\udce9"]
    for name in names:
        assert locks.take(name, 1)
    assert len(list(folder.iterdir())) == len(names)
    locks.close()


def test_sweeping_leaves_the_others_alone(folder: Path) -> None:
    locks = LifeLocks(folder)
    for token in (1, 2, 10):
        locks.take("test1", token)
    locks.take("test2", 1)
    locks.sweep("test1", 10)
    assert not locks.alive("test1", 2)
    assert locks.alive("test1", 10)
    assert locks.alive("test2", 1)
    locks.close()


def test_a_child_does_not_live_on_for_its_parent(folder: Path) -> None:
    parent = """
import subprocess, sys
from pathlib import Path
from releaser.history.locks import LifeLocks
locks = LifeLocks(Path(sys.argv[1]))
assert locks.take("test1", 1)
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=0, stderr=subprocess.DEVNULL, close_fds=False)
print("ready", flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        locks = LifeLocks(folder)
        assert locks.alive("test1", 1)
        process.kill()
        process.wait()
        # the child waits for input, so it lives; its parent's lock does not
        assert not locks.alive("test1", 1)
