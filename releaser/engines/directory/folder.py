"""The delivered folder as an open directory: no link inside it is ever followed, no path is looked up twice."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

LIMIT = 64 * 1024 * 1024
"""Bytes of the largest file that is read or written."""

_STAGED = ".release-staged"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


class OddFile(Exception):
    """Something that is not a file of ours stands where one is expected; the text names it."""


class Place(NamedTuple):
    """A folder that is delivered into, and the project's root that paths are named from."""

    folder: Path
    root: Path

    @property
    def inside(self) -> bool:
        """Whether the folder lies within the root, or is it."""
        return self.folder.is_relative_to(self.root)

    def named(self, path: Path) -> str:
        """A path as people know it: from the root where it lies within."""
        return path.relative_to(self.root).as_posix() if self.root in path.parents else str(path)


class Folder:
    """One directory, held open; names are names in it, never paths."""

    def __init__(self, descriptor: int, place: str) -> None:
        self._descriptor = descriptor
        self.place = place  # what errors call it

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises FileNotFoundError, OddFile, OSError."""
        kind = stat.S_IFMT(self._status(name).st_mode)
        if kind != stat.S_IFREG:
            raise OddFile(_KINDS.get(kind, "a device"))
        with self._named(name), os.fdopen(os.open(name, _READ, dir_fd=self._descriptor), "rb") as file:
            data = file.read(LIMIT + 1)
        if len(data) > LIMIT:
            raise OddFile(f"a file larger than {LIMIT >> 20} MiB")
        return data

    def is_folder(self, name: str) -> bool:
        """Whether a directory, not a link to one, has the name."""
        try:
            return stat.S_ISDIR(self._status(name).st_mode)
        except FileNotFoundError:
            return False

    def names(self) -> list[str]:
        """Every name in it, but what a write that was cut off has left, and names that are no text."""
        return sorted(name for name in self._all() if not _is_staged(name) and _is_text(name))

    @contextmanager
    def inner(self, name: str) -> Iterator["Folder | None"]:
        """The directory of that name in it; None where there is none. Raises OddFile for anything else there."""
        try:
            kind = stat.S_IFMT(self._status(name).st_mode)
        except FileNotFoundError:
            yield None
            return
        if kind != stat.S_IFDIR:
            raise OddFile(_KINDS.get(kind, "a file"))
        with self._named(name):
            descriptor = os.open(name, _READ | os.O_DIRECTORY, dir_fd=self._descriptor)
        try:
            yield Folder(descriptor, f"{self.place}/{name}")
        finally:
            os.close(descriptor)

    def make(self, name: str) -> None:
        """Create a directory in it, durably, unless it is there."""
        if not self.is_folder(name):
            with self._named(name):
                os.mkdir(name, 0o755, dir_fd=self._descriptor)
            self.sync()

    def stage(self, name: str, data: bytes) -> None:
        """Write and sync a file's new bytes beside it, where nobody looks; nothing stays where that fails."""
        self.unstage(name)
        try:
            with self._named(name):
                descriptor = os.open(_staged(name), _WRITE, 0o644, dir_fd=self._descriptor)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                self.unstage(name)
            raise

    def unstage(self, name: str) -> None:
        """Remove what was staged, or a staging that was cut off has left."""
        with self._named(name), suppress(FileNotFoundError):
            os.unlink(_staged(name), dir_fd=self._descriptor)

    def commit(self, name: str) -> None:
        """Put what was staged under its name, at once; `sync` makes it durable. An empty directory gives way."""
        with self._named(name):
            if self.is_folder(name):
                os.rmdir(name, dir_fd=self._descriptor)
            os.rename(_staged(name), name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> bool:
        """Remove a file or link; an empty directory too. False where nothing has the name."""
        try:
            with self._named(name):
                if self.is_folder(name):
                    os.rmdir(name, dir_fd=self._descriptor)
                else:
                    os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True

    def sweep(self) -> None:
        """Remove what writes that were cut off have left."""
        for name in self._all():
            if _is_staged(name):
                self.remove(name)

    def sync(self) -> None:
        """Make what was created, renamed or removed in it durable."""
        with self._named(""):
            os.fsync(self._descriptor)

    def _all(self) -> list[str]:
        with self._named(""):
            return os.listdir(self._descriptor)  # noqa: PTH208 - pathlib cannot list an open directory

    def _status(self, name: str) -> os.stat_result:
        with self._named(name):
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = f"{self.place}/{name}" if name else self.place
            raise


@contextmanager
def opened(place: Place) -> Iterator[Folder | None]:
    """The open directory that is delivered into, links on the way followed as the operator's; None where none is."""
    try:
        descriptor = os.open(place.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield Folder(descriptor, place.named(place.folder))
    finally:
        os.close(descriptor)


def make(path: Path) -> None:
    """Create a directory and those above it, durably, unless they are there."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        with opened(Place(folder.parent, folder.parent)) as parent:
            if parent is not None:
                parent.sync()


def remove_empty(place: Place) -> None:
    """Remove the folder if it is empty; within the root, also those above it that are empty then."""
    path = place.folder
    while path != place.root:
        try:
            path.rmdir()
        except OSError:
            return  # not empty, not ours to remove, or gone: none of it matters
        path = path.parent if place.inside else place.root


def _staged(name: str) -> str:
    return f".{name}{_STAGED}"


def _is_staged(name: str) -> bool:
    return name.startswith(".") and name.endswith(_STAGED)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
