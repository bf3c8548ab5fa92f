"""What SQLite's errors mean for a person, and what to do about them."""

import sqlite3
from pathlib import Path

from releaser.history.records import RESTORE
from releaser.model.errors import HistoryCorrupt, HistoryUnreachable

_NOTHING_LOST = "nothing was recorded by this step, and nothing recorded is lost"

_UNREACHABLE = {
    sqlite3.SQLITE_READONLY: (
        "is read-only",
        f"allow this user to write the file and its folder, or unlock the disk; {_NOTHING_LOST}",
    ),
    sqlite3.SQLITE_FULL: ("has no space left on its disk", f"free some space and try again; {_NOTHING_LOST}"),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "check the owner and the mode of the file and its folder, and that the folder can be written",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        f"check the disk and the space on it; {_NOTHING_LOST}",
    ),
}


def translated(path: Path, error: sqlite3.Error) -> HistoryUnreachable | HistoryCorrupt:
    """What a SQLite error means for a person."""
    name = getattr(error, "sqlite_errorname", "")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HistoryUnreachable(
            f"the history {path} is busy: another process has kept it locked for too long",
            hint=f"see who uses the file (`fuser {path}`) and try again; {_NOTHING_LOST}",
        )
    if code in _UNREACHABLE:
        what, hint = _UNREACHABLE[code]
        return HistoryUnreachable(f"the history {path} {what} ({name})", hint=hint)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or not name or "no such" in str(error):
        return HistoryCorrupt(f"the history {path} is damaged: {error}", hint=RESTORE)
    return HistoryUnreachable(f"the history {path} cannot be used: {error} ({name})", hint="run `release doctor`")
