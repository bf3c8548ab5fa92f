"""Migrations: numbered, forward only, all of one or nothing of it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from releaser.history import sqlite_file
from releaser.history.schema import Migration, migrations, read
from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import HistoryCorrupt, HistoryTooNew
from tests.contracts.history_contract import deliver
from tests.contracts.history_samples import holder

Open = Callable[..., SqliteHistory]

# what is released never changes: a change is a new migration
RELEASED = {"0001_record.sqlite.sql": "sha256:3dfcd7ca10328595240406e135861ad8703374b500013db4667085f5b399110e"}

SECOND = """-- min_reader: 2
ALTER TABLE delivery ADD COLUMN note TEXT;
CREATE TABLE note (text TEXT NOT NULL);
INSERT INTO note (text) SELECT 'of ' || environment FROM delivery;
CREATE TRIGGER note_stays BEFORE UPDATE ON note
BEGIN
    SELECT RAISE(ABORT, 'a note stays');
END;
CREATE INDEX note_text ON note (text);
"""


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make this program one that knows another migration."""

    def use(sql: str, min_reader: int = 2) -> None:
        more = (*migrations("sqlite"), Migration(2, "note", sql, min_reader))
        monkeypatch.setattr(sqlite_file, "migrations", lambda _: more)

    return use


def shape(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        return [
            *db.execute("SELECT name, sql FROM sqlite_master ORDER BY name"),
            *db.execute("SELECT name, value FROM meta ORDER BY name"),
            *db.execute("SELECT number, checksum FROM migration ORDER BY number"),
            *db.execute("PRAGMA user_version"),
        ]


def test_what_is_released_is_never_changed() -> None:
    found = {f"{m.number:04}_{m.name}.sqlite.sql": m.checksum for m in migrations("sqlite")}
    assert found == RELEASED


def test_a_history_is_brought_up_to_date(open_history: Open, path: Path, newer: Callable[..., None]) -> None:
    done = deliver(open_history(), "test1")
    newer(SECOND)
    store = open_history()
    assert store.head("test1") == done
    assert store.verify().message is None
    deliver(store, "test1", "v2")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT text FROM note").fetchall() == [("of test1",)]
        assert db.execute("SELECT number, name FROM migration").fetchall() == [(1, "record"), (2, "note")]
        assert db.execute("SELECT value FROM meta WHERE name = 'min_reader'").fetchone() == ("2",)


def test_a_new_history_gets_all(open_history: Open, newer: Callable[..., None]) -> None:
    newer(SECOND)
    store = open_history()
    deliver(store, "test1")
    assert store.verify().message is None


def faults() -> Iterator[str]:
    """The second migration, failing at each of its statements, and at its end."""
    lines, statement = SECOND.splitlines(keepends=True), ""
    for number, line in enumerate(lines):
        statement += line
        if sqlite3.complete_statement(statement):
            yield "".join(lines[: number + 1]) + "INSERT INTO nowhere VALUES (1);\n"
            statement = ""


@pytest.mark.parametrize("sql", list(faults()))
def test_a_migration_that_fails_leaves_the_old_version(
    open_history: Open, path: Path, newer: Callable[..., None], monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    store = open_history()
    done = deliver(store, "test1")
    before = shape(path)
    newer(sql)
    with pytest.raises(HistoryCorrupt, match="nowhere"):
        open_history().head("test1")
    assert shape(path) == before
    monkeypatch.undo()
    assert open_history().head("test1") == done
    newer(SECOND)
    assert open_history().head("test1") == done


def test_an_old_program_refuses_a_newer_history(
    open_history: Open, path: Path, newer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(SECOND)
    deliver(open_history(), "test1")
    monkeypatch.undo()
    before = path.read_bytes()
    for use in (lambda store: store.head("test1"), lambda store: store.acquire("test1", holder())):
        with pytest.raises(HistoryTooNew) as refused:
            use(open_history())
        assert "newer" in refused.value.message
        assert "install the newer version" in (refused.value.hint or "")
    assert path.read_bytes() == before


def test_an_old_program_uses_a_newer_history_that_allows_it(
    open_history: Open, newer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(SECOND, min_reader=1)
    done = deliver(open_history(), "test1")
    monkeypatch.undo()
    store = open_history()
    assert store.head("test1") == done
    assert deliver(store, "test1", "v2").revision == 2
    assert store.verify().message is None


def test_numbers_have_no_gap(tmp_path: Path) -> None:
    (tmp_path / "0001_one.sqlite.sql").write_text("-- min_reader: 1\nSELECT 1;\n")
    (tmp_path / "0001_one.postgres.sql").write_text("-- min_reader: 1\nSELECT 1;\n")
    (tmp_path / "README.md").write_text("no migration")
    assert [m.name for m in read("sqlite", tmp_path)] == ["one"]
    (tmp_path / "0003_three.sqlite.sql").write_text("-- min_reader: 1\nSELECT 1;\n")
    with pytest.raises(ValueError, match="not numbered"):
        read("sqlite", tmp_path)
    (tmp_path / "0002_two.sqlite.sql").write_text("SELECT 1;\n")
    with pytest.raises(ValueError, match="min_reader"):
        read("sqlite", tmp_path)
