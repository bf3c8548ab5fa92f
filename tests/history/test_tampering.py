"""Whoever changes the file is found out: by the chain, by what it vouches for, or by a head that is kept elsewhere."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from releaser.history import chain, records
from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import HistoryCorrupt
from releaser.planning.fingerprint import of_bytes
from releaser.ports import ChainCheck
from tests.contracts.history_contract import deliver
from tests.contracts.history_samples import holder, intent, outcome, plan, release, step

LOG = "[1/1] RUN make\n"
SEED = 20261124
Tamper = Callable[[sqlite3.Connection, random.Random], int | None]
"""Changes something; the number of the event that no longer holds, where it is known beforehand."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history with everything in it."""
    path = tmp_path_factory.mktemp("history") / "history.db"
    store = SqliteHistory.open(path)
    for number in range(4):
        for environment in ("test1", "test2", "staging"):
            deliver(store, environment, f"v{number}", minutes=number)
    lease = store.acquire("test1", holder())
    store.begin(lease, intent(plan("test1", 4, "v4")))
    for text in ("one", "two", "three"):
        store.step(lease, 5, step(text))
    store.finish(lease, 5, outcome("interrupted"))
    store.resume(lease, 5)
    store.break_lease("test1", "bob", "why")
    store.register(release("v9"), (LOG,))
    store.close()
    return path


def audit(path: Path) -> ChainCheck | HistoryCorrupt:
    store = SqliteHistory.open(path)
    try:
        return store.verify()
    except HistoryCorrupt as error:
        return error
    finally:
        store.close()


def unlocked(path: Path) -> sqlite3.Connection:
    """A connection of somebody who knows what stands in the way, and puts it back afterwards."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("BEGIN")
    return db


def mangled(value: object, chance: random.Random) -> object:
    """Almost the same."""
    if value is None:
        return "x"
    if isinstance(value, int):
        return value + chance.choice([-1, 1, 1000])
    if isinstance(value, bytes):
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    text = str(value)
    at = chance.randrange(len(text)) if text else 0
    return chance.choice([text[:at] + chr(ord("a") + chance.randrange(26)).upper() + text[at + 1 :], text + " ", None])


def a_row(db: sqlite3.Connection, table: str, chance: random.Random) -> int:
    return int(chance.choice(db.execute(f"SELECT rowid FROM {table}").fetchall())[0])


def edit_event(db: sqlite3.Connection, chance: random.Random) -> int:
    seq, column = a_row(db, "event", chance), chance.choice(["body", "hash"])
    (old,) = db.execute(f"SELECT {column} FROM event WHERE seq = ?", (seq,)).fetchone()
    at = chance.randrange(len(old))
    new = old[:at] + ("0" if old[at] != "0" else "1") + old[at + 1 :]
    db.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (new, seq))
    return seq


def delete_event(db: sqlite3.Connection, chance: random.Random) -> int:
    (last,) = db.execute("SELECT max(seq) FROM event").fetchone()
    seq = chance.randrange(1, last)
    db.execute("DELETE FROM event WHERE seq = ?", (seq,))
    if chance.random() < 0.5:  # and the others move up
        for number in range(seq + 1, last + 1):
            db.execute("UPDATE event SET seq = seq - 1 WHERE seq = ?", (number,))
    return seq


def swap_events(db: sqlite3.Connection, chance: random.Random) -> int:
    (last,) = db.execute("SELECT max(seq) FROM event").fetchone()
    one, other = sorted(chance.sample(range(1, last + 1), 2))
    bodies = dict(db.execute("SELECT seq, body FROM event WHERE seq IN (?, ?)", (one, other)))
    db.execute("UPDATE event SET body = ? WHERE seq = ?", (bodies[other], one))
    db.execute("UPDATE event SET body = ? WHERE seq = ?", (bodies[one], other))
    return one


def insert_event(db: sqlite3.Connection, chance: random.Random) -> int:
    (last,) = db.execute("SELECT max(seq) FROM event").fetchone()
    seq = chance.randrange(2, last + 1)
    for number in range(last, seq - 1, -1):
        db.execute("UPDATE event SET seq = seq + 1 WHERE seq = ?", (number,))
    db.execute("INSERT INTO event SELECT ?, body, hash FROM event WHERE seq = ?", (seq, seq - 1))
    return seq


def cut_tail(db: sqlite3.Connection, chance: random.Random) -> None:
    (last,) = db.execute("SELECT max(seq) FROM event").fetchone()
    db.execute("DELETE FROM event WHERE seq > ?", (chance.randrange(0, last),))


def cut_tail_with_rows(db: sqlite3.Connection, chance: random.Random) -> None:
    """The last event, and what it vouches for, so that only the head tells."""
    db.execute("DELETE FROM blob WHERE digest = ?", (of_bytes(LOG.encode()),))
    db.execute("DELETE FROM release WHERE seq = (SELECT max(seq) FROM event)")
    db.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")


def append_event(db: sqlite3.Connection, chance: random.Random) -> None:
    last = chain.Link(*db.execute("SELECT seq, body, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone())
    made = release(f"w{chance.randrange(1000)}")
    event = chain.link(last, chain.registered(made))
    db.execute("INSERT INTO event VALUES (?, ?, ?)", event)
    if chance.random() < 0.5:
        db.execute("INSERT INTO release VALUES (?, ?, ?)", (made.version, event.seq, records.text(made)))


def rebuild_chain(db: sqlite3.Connection, chance: random.Random) -> None:
    """Another actor in one event, and every hash made again: only the head tells."""
    target, before = a_row(db, "event", chance), None
    for seq, body in db.execute("SELECT seq, body FROM event ORDER BY seq").fetchall():
        changed = body.replace('"actor":"', '"actor":"not-', 1) if seq == target else body
        before = chain.hash_of(before, changed)
        db.execute("UPDATE event SET body = ?, hash = ? WHERE seq = ?", (changed, before, seq))


def edit_row(db: sqlite3.Connection, chance: random.Random) -> None:
    table, names = chance.choice(
        [
            ("delivery", None),
            ("delivery", None),
            ("delivery", ("body",)),
            ("release", None),
            ("step", None),
            ("blob", None),
            ("migration", ("checksum", "number")),
        ]
    )
    row = a_row(db, table, chance)
    cursor = db.execute(f"SELECT * FROM {table} WHERE rowid = ?", (row,))
    old = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    name = chance.choice(names or list(old))
    new = old[name]
    while new == old[name] or (new is None and name != "inventory"):
        new = mangled(old[name], chance)
    try:
        db.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (new, row))
    except sqlite3.IntegrityError:  # what the file itself refuses is no tampering
        edit_row(db, chance)


def delete_row(db: sqlite3.Connection, chance: random.Random) -> None:
    table = chance.choice(["delivery", "release", "step", "blob", "migration", "lease"])
    db.execute(f"DELETE FROM {table} WHERE rowid = ?", (a_row(db, table, chance),))


def insert_row(db: sqlite3.Connection, chance: random.Random) -> None:
    content = records.blob(chance.random())
    statement = chance.choice(
        [
            "INSERT INTO step VALUES ('test1', 5, 4, '{}')",
            "INSERT INTO step VALUES ('nowhere', 1, 1, '{}')",
            "INSERT INTO release SELECT 'v77', -1, body FROM release LIMIT 1",
            """INSERT INTO delivery SELECT environment, 99, position, 'failed', cause, version, 'p', rendered_digest,
            leaves, current_version, body, plan, resources, base, definitions, inventory FROM delivery LIMIT 1""",
        ]
    )
    if chance.random() < 0.25:
        db.execute("INSERT INTO blob VALUES (?, ?)", (content.digest, records.pack(content.data)))
    else:
        db.execute(statement)


def another_content(db: sqlite3.Connection, chance: random.Random) -> None:
    """Good bytes under the wrong digest."""
    row = a_row(db, "blob", chance)
    db.execute("UPDATE blob SET data = ? WHERE rowid = ?", (records.pack(records.blob(chance.random()).data), row))


def swap_contents(db: sqlite3.Connection, chance: random.Random) -> None:
    """A delivery that points to what another one stored."""
    column = chance.choice(["plan", "inventory"])
    rows = db.execute(f"SELECT rowid, {column} FROM delivery WHERE {column} IS NOT NULL").fetchall()
    one, other = chance.sample(rows, 2)
    while one[1] == other[1]:
        one, other = chance.sample(rows, 2)
    db.execute(f"UPDATE delivery SET {column} = ? WHERE rowid = ?", (other[1], one[0]))


def outcome_of_another(db: sqlite3.Connection, chance: random.Random) -> None:
    """A failure made a success, in the columns and in the body alike."""
    body = 'replace(body, \'"status":"running"\', \'"status":"succeeded"\')'
    db.execute(f"UPDATE delivery SET status = 'succeeded', body = {body} WHERE status = 'running'")


def set_back(db: sqlite3.Connection, chance: random.Random) -> None:
    db.execute("UPDATE lease SET token = 1 WHERE environment = ?", (chance.choice(["test1", "test2", "staging"]),))


def another_history(db: sqlite3.Connection, chance: random.Random) -> int:
    db.execute("UPDATE meta SET value = 'f00' WHERE name = 'id'")
    return 1


def least_reader(db: sqlite3.Connection, chance: random.Random) -> None:
    db.execute("UPDATE meta SET value = '0' WHERE name = 'min_reader'")


TAMPERS: tuple[Tamper, ...] = (
    edit_event,
    delete_event,
    swap_events,
    insert_event,
    cut_tail,
    cut_tail_with_rows,
    append_event,
    rebuild_chain,
    edit_row,
    edit_row,
    edit_row,
    delete_row,
    insert_row,
    another_content,
    swap_contents,
    outcome_of_another,
    set_back,
    another_history,
    least_reader,
)


def tampered(path: Path, tamper: Tamper, chance: random.Random) -> int | None:
    with closing(unlocked(path)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        seq = tamper(db, chance)
        for _, sql in triggers:
            db.execute(sql)
        db.execute("COMMIT")
    return seq


def test_a_thousand_tamperings_are_found(original: Path, tmp_path: Path) -> None:
    clean, kept = original.read_bytes(), audit(original)
    assert isinstance(kept, ChainCheck)
    assert kept.message is None
    chance = random.Random(SEED)
    copy = tmp_path / "copy.db"
    for number in range(1000):
        tamper = TAMPERS[number % len(TAMPERS)]
        copy.write_bytes(clean)
        seq = tampered(copy, tamper, chance)
        found = audit(copy)
        case = f"{tamper.__name__}, number {number} of seed {SEED}: {found}"
        if isinstance(found, ChainCheck):
            assert found != kept, case
            assert found.broken_at is not None or (found.events, found.head) != (kept.events, kept.head), case
            assert (found.broken_at is None) == (found.message is None), case
            assert seq is None or found.broken_at == seq, case


def test_what_only_a_head_that_is_kept_elsewhere_tells(original: Path, tmp_path: Path) -> None:
    kept = audit(original)
    for tamper in (cut_tail_with_rows, rebuild_chain):
        copy = tmp_path / "copy.db"
        copy.write_bytes(original.read_bytes())
        tampered(copy, tamper, random.Random(1))
        found = audit(copy)
        assert isinstance(found, ChainCheck)
        assert isinstance(kept, ChainCheck)
        assert found.message is None
        assert found.head != kept.head


def test_a_copy_that_was_opened_by_somebody_is_no_tampering(original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(original.read_bytes())
    tampered(copy, lambda _db, _chance: None, random.Random(1))
    with closing(sqlite3.connect(copy)) as db:
        db.execute("VACUUM")
    assert audit(copy) == audit(original)


@pytest.mark.parametrize(
    "statement",
    ["DROP TRIGGER event_stays", "DROP INDEX delivery_running", "CREATE TABLE more (x)", "DROP INDEX delivery_leaves"],
)
def test_a_missing_guard_is_found(original: Path, tmp_path: Path, statement: str) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(original.read_bytes())
    with closing(sqlite3.connect(copy)) as db:
        db.execute(statement)
    found = audit(copy)
    assert isinstance(found, HistoryCorrupt)
    assert statement.split()[2] in found.message


def test_a_changed_content_is_not_handed_out(original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(original.read_bytes())
    tampered(copy, lambda db, _: db.execute("UPDATE blob SET data = zeroblob(9)") and None, random.Random(1))
    store = SqliteHistory.open(copy)
    with pytest.raises(HistoryCorrupt) as corrupt:
        store.record("staging", 1)
    assert "backup" in (corrupt.value.hint or "")
    store.close()
