"""Folders for the length of a task; what a process that was killed left of them goes with the next one."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import uuid4

from releaser.processes.identity import identity, is_gone
from releaser.settings import cache_folder

_OLD = 86400.0
"""Seconds after which a folder goes whose process cannot be seen from here."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that only this user can read, in the user's cache. Raises BadArgument without a home, OSError."""
    above = cache_folder() / "scratch"
    above.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(above)
    folder = above / f"{quote(identity(), safe='')}-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(above: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in os.scandir(above):
        gone = is_gone(unquote(folder.name.rpartition("-")[0]))
        if gone or (gone is None and _is_old(folder)):
            shutil.rmtree(folder.path, ignore_errors=True)


def _is_old(folder: "os.DirEntry[str]") -> bool:
    try:
        return time.time() - folder.stat(follow_symlinks=False).st_mtime > _OLD
    except OSError:
        return False  # it went meanwhile
