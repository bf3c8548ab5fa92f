"""Folders for the length of a task."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from releaser.scratch import scratch

KEEPS = (
    "import sys, time\nfrom releaser.scratch import scratch\nwith scratch() as f:\n  print(f, flush=True)\n  input()\n"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_folder_is_ours_alone_and_goes() -> None:
    with scratch() as folder:
        (folder / "a").write_text("a")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_a_killed_process_left_goes_with_the_next_and_what_others_use_stays() -> None:
    def begun() -> "tuple[subprocess.Popen[bytes], Path]":
        going = subprocess.Popen([sys.executable, "-c", KEEPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert going.stdout is not None
        return going, Path(going.stdout.readline().decode().strip())

    (killed, left), (lives, kept) = begun(), begun()
    with killed, lives:
        killed.kill()
        killed.wait()
        assert left.is_dir()
        with scratch():
            assert not left.exists()
            assert kept.is_dir()
        lives.communicate(b"\n")
    assert not kept.exists()


def test_a_folder_of_a_process_that_is_not_seen_from_here_goes_when_it_is_old(cache: Path) -> None:
    old, new = (cache / "releaser" / "scratch" / f"elsewhere-{name}" for name in ("old", "new"))
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, 0))
    with scratch():
        assert (old.exists(), new.exists()) == (False, True)
