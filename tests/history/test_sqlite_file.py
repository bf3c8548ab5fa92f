"""The file of a SQLite history: when it is made, how it is opened, and by how many at once."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from releaser.history import sqlite_file
from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import HistoryUnreachable
from releaser.ports import DeliveryQuery
from tests.contracts.history_contract import deliver
from tests.contracts.history_samples import holder, intent, outcome, plan, release, step

Open = Callable[..., SqliteHistory]

READS: dict[str, Callable[[SqliteHistory], object]] = {
    "id": lambda store: store.id,
    "head": lambda store: store.head("test1"),
    "heads": lambda store: store.heads(),
    "deliveries": lambda store: store.deliveries(DeliveryQuery()),
    "standing": lambda store: store.standing("test1", "v1"),
    "release_of": lambda store: store.release_of("v1"),
    "releases": lambda store: store.releases(),
    "plan_executed": lambda store: store.plan_executed("sha256:0"),
    "leases": lambda store: store.leases(),
    "break_lease": lambda store: store.break_lease("test1", "bob", "why"),
    "verify": lambda store: store.verify(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_a_history_that_is_not_there_writes_nothing(
    open_history: Open, path: Path, read: Callable[[SqliteHistory], object]
) -> None:
    store = open_history()
    assert read(store) in (None, {}, (), store.id, store.verify(), store.standing("test1", "v1"))
    assert not path.parent.exists()


def test_a_reader_sees_what_another_one_creates(open_history: Open, path: Path) -> None:
    reader, writer = open_history(), open_history()
    assert reader.head("test1") is None
    done = deliver(writer, "test1")
    assert reader.head("test1") == done
    assert reader.id == writer.id


def test_only_its_owner_may_look_at_it(open_history: Open, path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_history()
        store.acquire("test1", holder())
    finally:
        os.umask(before)
    locks = path.with_name("history.db.locks")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(locks.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in locks.iterdir()] == [0o600]


def test_lock_files_do_not_pile_up(open_history: Open, path: Path) -> None:
    store = open_history()
    for _ in range(3):
        store.release(store.acquire("test1", holder()))
    for _ in range(3):
        dead = open_history()
        dead.acquire("test1", holder())
        dead.close()
    lease = store.acquire("test1", holder())
    locks = path.with_name("history.db.locks")
    assert len(list(locks.iterdir())) == 1
    store.release(lease)
    assert list(locks.iterdir()) == []


def test_a_file_that_a_killed_creation_left_empty_is_an_empty_history(open_history: Open, path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = open_history()
    assert store.heads() == {}
    assert path.stat().st_size == 0
    assert deliver(store, "test1").revision == 1
    assert store.verify().message is None


def test_a_path_with_everything_in_it(open_history: Open, tmp_path: Path) -> None:
    odd = tmp_path / "a ?#%41&mode=ro" / "späß \U0001f680.db"
    done = deliver(open_history(odd), "test1")
    assert odd.exists()
    assert open_history(odd).head("test1") == done


def test_the_settings_that_keep_a_commit(open_history: Open) -> None:
    store = open_history()
    deliver(store, "test1")
    with store._file.reading() as db:
        found = {
            name: db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "trusted_schema",
                "cell_size_check",
                "mmap_size",
            )
        }
        assert db.execute("PRAGMA application_id").fetchone() == (sqlite_file.APPLICATION_ID,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(store._file.migrations),)
    assert found == {
        "journal_mode": "delete",
        "synchronous": 3,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
    }


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE event SET body = '{}' WHERE seq = 1", "events are never changed"),
        ("DELETE FROM event", "events are never deleted"),
        ("UPDATE blob SET data = x'00'", "blobs are never changed"),
        ("DELETE FROM blob", "blobs are never deleted"),
        ("UPDATE release SET body = '{}'", "releases are never changed"),
        ("DELETE FROM release", "releases are never deleted"),
        ("UPDATE step SET body = '{}'", "steps are never changed"),
        ("DELETE FROM step", "steps are never deleted"),
        ("DELETE FROM delivery", "deliveries are never deleted"),
        ("UPDATE delivery SET plan_id = 'x'", "what a delivery intended is never changed"),
        ("UPDATE delivery SET revision = 9", "what a delivery intended is never changed"),
        ("UPDATE lease SET token = token - 1", "a token only grows"),
        ("DELETE FROM lease", "leases are never deleted"),
        ("UPDATE delivery SET status = 'odd'", "CHECK constraint failed"),
        ("UPDATE delivery SET status = 'running'", "UNIQUE constraint failed"),
        ("UPDATE delivery SET inventory = 'sha256:0'", "FOREIGN KEY constraint failed"),
    ],
)
def test_the_database_itself_refuses(open_history: Open, statement: str, why: str) -> None:
    store = open_history()
    lease = store.acquire("test1", holder())
    for base in (0, 1):
        store.begin(lease, intent(plan("test1", base)))
        store.step(lease, base + 1, step())
        store.finish(lease, base + 1, outcome())
    store.release(store.acquire("test2", holder()))
    store.release(store.acquire("test2", holder()))
    before = store.verify()
    with store._file.writing() as db, pytest.raises(sqlite3.IntegrityError, match=why):
        db.execute(statement)
    assert store.verify() == before


def test_a_file_that_was_replaced_is_opened_anew(open_history: Open, path: Path, tmp_path: Path) -> None:
    store = open_history()
    deliver(store, "test1")
    backup = tmp_path / "backup.db"
    backup.write_bytes(path.read_bytes())
    deliver(store, "test1", "v2")
    backup.replace(path)
    head = store.head("test1")
    assert head is not None
    assert head.revision == 1
    assert deliver(store, "test1", "v3").revision == 2
    path.unlink()
    assert store.heads() == {}
    assert deliver(store, "test1").revision == 1


def test_a_restored_backup_hands_out_no_token_that_somebody_lives_under(
    open_history: Open, path: Path, tmp_path: Path
) -> None:
    one, other = open_history(), open_history()
    one.release(one.acquire("test1", holder()))
    backup = tmp_path / "backup.db"
    backup.write_bytes(path.read_bytes())
    lost = one.acquire("test1", holder("ada"))
    backup.replace(path)
    assert other.acquire("test1", holder("bob")).token == lost.token + 1
    (state,) = other.leases()
    assert (state.alive, state.holder.actor) == (True, "bob")


def test_a_network_file_system_is_refused(open_history: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "network_kind", lambda _: "nfs4")
    with pytest.raises(HistoryUnreachable) as refused:
        open_history().acquire("test1", holder())
    assert "nfs4" in refused.value.message
    assert "local disk" in (refused.value.hint or "")
    assert not path.parent.exists()


def test_a_folder_is_no_history(open_history: Open, path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(HistoryUnreachable, match="is not a file"):
        open_history().head("test1")


def test_threads_share_one(open_history: Open) -> None:
    store, rounds = open_history(), 5
    start = threading.Barrier(8)

    def work(number: int) -> None:
        environment = f"test{number}"
        start.wait(timeout=30)
        for base in range(rounds):
            deliver(store, environment, f"v{base}")
            assert len(store.deliveries(DeliveryQuery(environments=(environment,)))) == base + 1
            store.heads()
            store.leases()
            store.standing(environment, "v0")

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, number) for number in range(8)]:
            done.result()
    assert [head.revision for head in store.heads().values()] == [rounds] * 8
    assert store.verify().message is None
    assert store.verify().events == 1 + rounds + 8 * rounds * 2


def test_threads_create_one_history(path: Path) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> str:
        store = SqliteHistory.open(path)
        start.wait(timeout=30)
        store.register(release(f"v{number}"))
        store.close()
        return store.id

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(create, range(8)))
    assert len(ids) == 1
    store = SqliteHistory.open(path)
    assert len(store.releases()) == 8
    assert store.verify().message is None
    store.close()


def test_nobody_opens_a_file_while_it_is_created(open_history: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the descriptor that creates it would drop the locks of a connection that was opened meanwhile."""
    close, other = os.close, open_history()
    threads: list[threading.Thread] = []

    def slow_close(descriptor: int) -> None:
        if not threads:
            threads.append(threading.Thread(target=lambda: other.register(release("v2"))))
            threads[0].start()
            threads[0].join(0.2)  # it would be done by now
            assert threads[0].is_alive()
        close(descriptor)

    monkeypatch.setattr(sqlite_file.os, "close", slow_close)
    store = open_history()
    store.register(release("v1"))
    threads[0].join(30)
    assert {one.version for one in store.releases()} == {"v1", "v2"}
    assert store.verify().message is None


def test_questions_take_a_fixed_number_of_statements(open_history: Open) -> None:
    def statements(store: SqliteHistory) -> dict[str, int]:
        counts = {}
        with store._file.reading() as db:
            pass
        seen: list[str] = []
        db.set_trace_callback(seen.append)
        questions = {
            **READS,
            "record": lambda store: store.record("test1", 1),
            "delivery": lambda store: store.delivery("test1", 1),
            "deliver": lambda store: deliver(store, "test1", "next"),
        }
        for name in questions.keys() - {"verify", "break_lease"}:
            seen.clear()
            questions[name](store)
            counts[name] = sum(not line.startswith(("BEGIN", "COMMIT", "ROLLBACK", "--")) for line in seen)
        db.set_trace_callback(None)
        return counts

    store = open_history()
    deliver(store, "test1", "next")
    few = statements(store)
    for number in range(30):
        deliver(store, f"test{number % 7}", f"v{number}")
    assert statements(store) == few
    assert few["heads"] == few["deliveries"] == few["standing"] == few["head"] == few["leases"] == 1
    assert few["record"] == 3
