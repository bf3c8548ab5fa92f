"""A secret's file, read so that nothing but a regular file is ever opened for its contents."""

import errno
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # a FIFO without a writer does not hang


class Refused(Exception):
    """The file is not read; `reason` completes the sentence "the file …"."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def read_regular(root: Path, path: str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file; raises Refused.

    A relative path stays below `root`, links included. An absolute one says by itself that it leaves it, as
    /run/secrets/x does, and its links are followed.
    """
    try:
        descriptor = os.open(path, _FLAGS) if Path(path).is_absolute() else _open_below(root, path)
    except (OSError, ValueError, RuntimeError) as error:
        raise _refused(error) from error
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise Refused(f"is {_kind(kind)}", "name a regular file")
        return _read(descriptor, limit)
    finally:
        os.close(descriptor)


def _open_below(root: Path, path: str) -> int:
    home = root.resolve(strict=True)
    real = (home / path).resolve(strict=True)
    if real == home:
        raise Refused("is a folder", "name a regular file")
    if not real.is_relative_to(home):
        raise Refused("is outside the project", "move it below the project's root, or name it by its absolute path")
    # The resolved path has no links. One that appears now is somebody's attempt to lead us elsewhere.
    *folders, last = real.relative_to(home).parts
    at = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        return os.open(last, _FLAGS | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


def _read(descriptor: int, limit: int) -> bytes:
    parts = bytearray()
    while len(parts) < limit and (part := os.read(descriptor, limit - len(parts))):
        parts += part
    return bytes(parts)


def _refused(error: OSError | ValueError | RuntimeError) -> Refused:
    number = error.errno if isinstance(error, OSError) else None
    known = {
        errno.ENOENT: ("is not there", "create it, or correct the path"),
        errno.ENOTDIR: ("is not there: a part of its path is no folder", "correct the path"),
        errno.EACCES: ("may not be read", "let the user who runs the command read it"),
        errno.EPERM: ("may not be read", "let the user who runs the command read it"),
        errno.ENXIO: ("is a socket or a device", "name a regular file"),
        errno.ELOOP: ("is a link that leads nowhere", "name the file itself"),
        errno.ENAMETOOLONG: ("has too long a name", "correct the path"),
    }
    if number in known:
        return Refused(*known[number])
    if isinstance(error, RuntimeError):  # how pathlib calls a loop of links
        return Refused(*known[errno.ELOOP])
    return Refused("cannot be read" + (f": {os.strerror(number)}" if number else ""), "name a regular file")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
