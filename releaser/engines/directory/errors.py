"""What the operating system says, as errors that a person can act on."""

import errno

from releaser.model.errors import ApplyFailed, EngineUnreachable

_RIGHTS = "give the user who runs this the right to {verb} there, or declare another `engine.path`"
_HINTS = {
    errno.ENOSPC: "free some space on that file system, then run the same command again",
    errno.EDQUOT: "free some of the quota, then run the same command again",
    errno.EROFS: "the file system is mounted read-only: mount it writable, or declare another `engine.path`",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOTDIR: "something that is not a folder stands in the way: move it, or declare another `engine.path`",
    errno.EEXIST: "something that is not a folder stands in the way: move it, or declare another `engine.path`",
    errno.ENOTEMPTY: "a folder with files in it stands where a file has to be: move it",
    errno.EISDIR: "a folder with files in it stands where a file has to be: move it",
    errno.ELOOP: "a symbolic link stands there, and it is never followed: remove it, or declare another `engine.path`",
    errno.ENAMETOOLONG: "the path is too long for that file system: give the config a shorter name",
}
_HINT = "see what is at that path, then run the same command again"


def unreadable(error: OSError, path: str) -> EngineUnreachable:
    """The delivered folder, or a file of ours in it, cannot be read."""
    return EngineUnreachable(f"cannot read {path}: {_reason(error)}", hint=_hint(error, "read"))


def unwritable(error: OSError, path: str) -> ApplyFailed:
    """Something in the delivered folder cannot be written or removed."""
    return ApplyFailed(f"cannot write {path}: {_reason(error)}", hint=_hint(error, "write"))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _hint(error: OSError, verb: str) -> str:
    return _HINTS.get(error.errno or 0, _HINT).format(verb=verb)
