"""The database file of a SQLite history: opening, creating, migrating, transactions, and what its errors mean."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from releaser.history.mounts import network_kind
from releaser.history.records import RESTORE
from releaser.history.schema import Migration, migrations
from releaser.history.sqlite_errors import translated
from releaser.model.errors import HistoryCorrupt, HistoryTooNew, HistoryUnreachable

APPLICATION_ID = 0x52454C53  # "RELS"

_ELSEWHERE = "name another file: `history: sqlite:PATH` in envs/pipeline.yaml, or RELEASE_HISTORY"

_SETTINGS = """
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA mmap_size = 0;
PRAGMA journal_mode = DELETE;
PRAGMA synchronous = EXTRA;
"""

# Closing any descriptor of a file drops all locks that this process has on it, so no connection may be opened between
# the opening and the closing that create the file.
_OPENING = threading.Lock()

Connection = sqlite3.Connection


class SqliteFile:
    """One database file; `started` is called within the transaction that creates it.

    Nothing is written before the first `writing`: a file that is missing, or that a killed process left empty, reads
    as an empty history. With `in_place` its folder must be there.
    """

    def __init__(
        self, path: Path, timeout: float, started: Callable[[Connection], None], *, in_place: bool = False
    ) -> None:
        self.path = path
        self._in_place = in_place
        self._timeout = timeout
        self._started = started
        self._guard = threading.RLock()
        self._connection: Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._empty: Connection | None = None

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """What this program knows of the schema."""
        return migrations("sqlite")

    def exists(self) -> bool:
        """Whether there is a history to read."""
        with self._guard, self._translated():
            return self._open() is not None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view."""
        with self._guard, self._translated():
            connection = self._open() or self._nothing()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction of the only writer: committed at the end, undone where anything is raised."""
        with self._guard, self._translated():
            connection = self._open() or self._create()
            with _transaction(connection):
                yield connection

    def check(self, db: Connection) -> None:
        """Raise HistoryCorrupt where pages are damaged, or tables, triggers or migrations are not those of ours."""
        (damage,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if damage == "ok" and _number(db, "user_version") == len(self.migrations):
            odd = sorted(name for _, name, _ in _expected(self.migrations) ^ _shape(db))
            damage = f"its {odd[0]} is not as this program made it" if odd else damage
        if damage != "ok":
            raise HistoryCorrupt(f"the history {self.path} is damaged: {damage}", hint=RESTORE)

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._guard:
            self._forget()
            if self._empty is not None:
                self._empty.close()
            self._empty = None

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> Connection | None:
        """The connection; None where there is no history yet."""
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError) as missing:
            self._forget()
            if self._in_place and not self.path.parent.is_dir():
                raise HistoryUnreachable(
                    f"there is no folder {self.path.parent} for the history {self.path.name}",
                    hint=f"mount it, or make it: mkdir -p {self.path.parent}",
                ) from missing
            return None
        if not stat.S_ISREG(status.st_mode):
            raise HistoryUnreachable(f"the history {self.path} is not a file", hint=_ELSEWHERE)
        inode = (status.st_dev, status.st_ino)
        if self._connection is not None and inode == self._inode:
            return self._connection
        self._forget()  # another file stands there now
        connection = self._connect_file()
        try:
            if self._blank(connection):
                connection.close()
                return None
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, inode
        return connection

    def _connect_file(self) -> Connection:
        self._refuse_network()
        return self._connect(self.path.absolute().as_uri() + "?mode=rw")

    def _refuse_network(self) -> None:
        kind = network_kind(self.path)
        if kind is not None:
            raise HistoryUnreachable(
                f"the history {self.path} would be on a network file system ({kind}), where its locks are not safe",
                hint=f"keep it on a local disk: {_ELSEWHERE}",
            )

    def _connect(self, uri: str) -> Connection:
        with _OPENING:
            connection = sqlite3.connect(
                uri, uri=True, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
        try:
            for pragma in _SETTINGS.strip().splitlines():
                connection.execute(pragma).close()
        except BaseException:
            connection.close()
            raise
        return connection

    def _blank(self, connection: Connection) -> bool:
        """Whether the file is as it was made, before anything was committed to it."""
        if _number(connection, "user_version") or _number(connection, "application_id"):
            return False
        connection.execute("BEGIN")  # while we read, nobody who creates it can be writing
        try:
            table = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            return table is None and self.path.stat().st_size == 0
        finally:
            connection.execute("ROLLBACK")

    def _check(self, connection: Connection) -> None:
        application, version = _number(connection, "application_id"), _number(connection, "user_version")
        if application != APPLICATION_ID:
            raise HistoryCorrupt(f"{self.path} is not a history of `release`, and is left as it is", hint=_ELSEWHERE)
        known = self.migrations
        if version > len(known):
            (needed,) = connection.execute("SELECT value FROM meta WHERE name = 'min_reader'").fetchone() or (version,)
            if int(needed) > len(known):
                raise HistoryTooNew(
                    f"{self.path} was written by a newer `release` (schema {version}; this one knows {len(known)})",
                    hint="install the newer version: nothing was changed",
                )
        if version < len(known):
            self._migrate(connection)

    def _create(self) -> Connection:
        self._refuse_network()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _OPENING, suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = self._connect_file()
        try:
            self._migrate(connection)
        finally:
            connection.close()
        opened = self._open()
        if opened is None:
            raise HistoryUnreachable(f"{self.path} vanished while it was created", hint="try again")
        return opened

    def _migrate(self, connection: Connection) -> None:
        with _transaction(connection):
            version = _number(connection, "user_version")
            for migration in self.migrations[version:]:
                migrate(connection, migration)
            if version == 0:
                self._started(connection)

    def _nothing(self) -> Connection:
        """An empty history in memory, so that reading one that is not there needs no other statements."""
        if self._empty is None:
            self._empty = self._connect("file::memory:")
            with _transaction(self._empty):
                for migration in self.migrations:
                    migrate(self._empty, migration)
        return self._empty

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(self.path, error) from error
        except UnicodeDecodeError as error:  # a damaged file's name for one of its parts, in an error's text
            raise HistoryCorrupt(f"the history {self.path} is damaged", hint=RESTORE) from error
        except OSError as error:
            raise HistoryUnreachable(
                f"the history {self.path} cannot be used: {error.strerror or error}",
                hint="check the owner and the mode of the file and its folder, and the space on its disk",
            ) from error


def migrate(connection: Connection, migration: Migration) -> None:
    """Run one migration within the caller's transaction."""
    statement = ""
    for line in migration.sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(
        "INSERT INTO migration (number, name, checksum) VALUES (?, ?, ?)",
        (migration.number, migration.name, migration.checksum),
    )
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('min_reader', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(migration.min_reader),),
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {migration.number}")


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@cache
def _expected(known: tuple[Migration, ...]) -> frozenset[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for migration in known:
            migrate(db, migration)
        return _shape(db)


def _shape(db: Connection) -> frozenset[tuple[str, str, str | None]]:
    # SQLite may rewrite the text of a table, but not that of a trigger or an index
    made = db.execute("SELECT type, name, CASE type WHEN 'table' THEN NULL ELSE sql END FROM sqlite_master")
    run = db.execute("SELECT 'migration', 'migration ' || number, name || checksum FROM migration")
    least = db.execute("SELECT 'meta', name, value FROM meta WHERE name = 'min_reader'")
    return frozenset([*made.fetchall(), *run.fetchall(), *least.fetchall()])


def _number(connection: Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
