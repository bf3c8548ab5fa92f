"""Bad files, bad disks, bad rights: a message that says what to do, and never half a delivery."""

import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest

from releaser.history.sqlite import SqliteHistory
from releaser.history.sqlite_errors import translated
from releaser.history.sqlite_file import APPLICATION_ID
from releaser.model.errors import HistoryCorrupt, HistoryUnreachable, UnknownName, Unreachable
from releaser.ports import DeliveryQuery, Lease
from tests.conftest import unavailable
from tests.contracts.history_contract import deliver
from tests.contracts.history_samples import holder, intent, outcome, plan, release, step
from tests.permissions import permissions_count

Open = Callable[..., SqliteHistory]

READS: dict[str, Callable[[SqliteHistory], object]] = {
    "id": lambda store: store.id,
    "head": lambda store: store.head("test1"),
    "heads": lambda store: store.heads(),
    "deliveries": lambda store: store.deliveries(DeliveryQuery()),
    "record": lambda store: store.record("test1", 1),
    "standing": lambda store: store.standing("test1", "v1"),
    "releases": lambda store: store.releases(),
    "leases": lambda store: store.leases(),
    "verify": lambda store: store.verify(),
}

WRITES: dict[str, Callable[[SqliteHistory, Lease], object]] = {
    "acquire": lambda store, _: store.acquire("test2", holder()),
    "break_lease": lambda store, _: store.break_lease("test1", "bob", "why"),
    "register": lambda store, _: store.register(release("v9")),
    "begin": lambda store, lease: store.begin(lease, intent(plan("test1", 1, "v2"))),
    "resume": lambda store, lease: store.resume(lease, 1),
    "finish": lambda store, lease: store.finish(lease, 1, outcome("aborted")),
}


def prepared(store: SqliteHistory) -> Lease:
    """An interrupted delivery, and the lease for what comes next."""
    deliver(store, "test1", status="interrupted")
    return store.acquire("test1", holder())


def everything(path: Path) -> list[object]:
    """All rows of all tables."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [row for table in tables for row in db.execute(f"SELECT '{table}', * FROM {table}")]


# --- files that are no history ---


@pytest.mark.parametrize("use", READS.values(), ids=READS)
@pytest.mark.parametrize(
    "content",
    [b"this is no database, but a text that is long enough" * 100, b"SQLite format 3\0" + b"\xff" * 4080, b"x"],
)
def test_garbage_is_told_and_left_alone(
    open_history: Open, path: Path, use: Callable[[SqliteHistory], object], content: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    for attempt in (use, lambda store: store.acquire("test1", holder())):
        with pytest.raises(HistoryCorrupt) as told:
            attempt(open_history())
        assert str(path) in told.value.message
        assert told.value.hint
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(open_history: Open, path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmark (url TEXT)")
    before = path.read_bytes()
    for use in (lambda store: store.heads(), lambda store: store.acquire("test1", holder())):
        with pytest.raises(HistoryCorrupt) as told:
            use(open_history())
        assert "not a history" in told.value.message
        assert "RELEASE_HISTORY" in (told.value.hint or "")
    assert path.read_bytes() == before


def test_a_truncated_file_never_answers_wrongly(open_history: Open, path: Path, tmp_path: Path) -> None:
    store = open_history()
    for version in ("v1", "v2"):
        deliver(store, "test1", version)
    whole = path.read_bytes()
    answers = {name: read(store) for name, read in READS.items()}
    cut = tmp_path / "cut.db"
    for size in range(1024, len(whole), 4096 + 512):
        cut.write_bytes(whole[:size])
        broken = open_history(cut)
        with pytest.raises(HistoryCorrupt):
            broken.verify()
        for name, read in READS.items():
            with suppress(HistoryCorrupt):
                assert read(broken) == answers[name]
        broken.close()


def test_random_damage_never_answers_wrongly(open_history: Open, path: Path, tmp_path: Path) -> None:
    store = open_history()
    deliver(store, "test1")
    whole = path.read_bytes()
    kept = store.verify()
    damaged = tmp_path / "damaged.db"
    found = 0
    for page in range(0, len(whole), 4096):
        for at in (page, page + 8, page + 4000):
            damaged.write_bytes(whole[:at] + b"\xa5" * 64 + whole[at + 64 :])
            broken = open_history(damaged)
            try:
                check = broken.verify()
                found += (check.broken_at is not None) or check != kept
            except Unreachable:
                found += 1
            for read in READS.values():
                with suppress(Unreachable, UnknownName):
                    read(broken)
            broken.close()
    assert found >= len(whole) // 4096


def test_a_table_that_is_gone(open_history: Open, path: Path) -> None:
    deliver(open_history(), "test1")
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE step")
    with pytest.raises(HistoryCorrupt, match="no such table"):
        open_history().record("test1", 1)


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE delivery SET body = '{'", "head"),
        ("UPDATE delivery SET body = '{}'", "deliveries"),
        ("UPDATE delivery SET body = CAST(x'ff' AS TEXT)", "heads"),
        ("UPDATE delivery SET body = 5", "head"),
        ("UPDATE lease SET holder = '[]'", "leases"),
        ("DROP TRIGGER release_stays; UPDATE release SET body = ''", "releases"),
        ("DROP TRIGGER step_stays; UPDATE step SET body = 'x'", "record"),
        ("DROP TRIGGER blob_remains; DELETE FROM blob", "record"),
    ],
)
def test_rows_that_cannot_be_right(open_history: Open, path: Path, damage: str, read: str) -> None:
    store = open_history()
    lease = store.acquire("test1", holder())
    store.begin(lease, intent(plan("test1", 0)))
    store.step(lease, 1, step())
    with closing(sqlite3.connect(path)) as db:
        db.executescript(damage)
    with pytest.raises(HistoryCorrupt) as told:
        READS[read](store)
    assert told.value.hint


# --- locked by another ---


@pytest.mark.parametrize("use", WRITES.values(), ids=WRITES)
def test_a_database_that_another_one_keeps_locked(
    open_history: Open, path: Path, use: Callable[[SqliteHistory, Lease], object]
) -> None:
    store = open_history(timeout=0.05)
    lease = prepared(store)
    before = everything(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.head("test1")  # who only reads does not wait
        with pytest.raises(HistoryUnreachable) as told:
            use(store, lease)
        assert str(path) in told.value.message
        assert "locked" in told.value.message
        assert "nothing recorded is lost" in (told.value.hint or "")
        other.execute("ROLLBACK")
        assert everything(path) == before
        use(store, lease)
    assert everything(path) != before


@pytest.mark.parametrize("use", READS.values(), ids=READS)
def test_a_reader_waits_for_a_commit_but_not_for_ever(
    open_history: Open, path: Path, use: Callable[[SqliteHistory], object]
) -> None:
    prepared(open_history())
    store = open_history(timeout=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryUnreachable, match="locked"):
            use(store)
        other.execute("ROLLBACK")
    use(store)


def test_a_commit_waits_for_readers_but_not_for_ever(open_history: Open, path: Path) -> None:
    store = open_history(timeout=0.05)
    lease = prepared(store)
    before = everything(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM delivery").fetchall()
        for use in WRITES.values():
            with pytest.raises(HistoryUnreachable, match="locked"):
                use(store, lease)
        other.execute("ROLLBACK")
    assert everything(path) == before
    assert [state.environment for state in store.leases()] == ["test1"]
    assert store.acquire("test2", holder()).token == 1  # no lock of the failed one stands in the way


# --- disks and rights ---


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder whose rights may be taken away."""
    yield tmp_path
    for inner in (tmp_path, tmp_path / ".release"):
        if inner.exists():
            inner.chmod(0o700)


@pytest.mark.parametrize("use", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_history_is_read_and_not_written(
    place: Path, what: str, use: Callable[[SqliteHistory, Lease], object]
) -> None:
    path = place / ".release" / "history.db"
    with permissions_count():
        store = SqliteHistory.open(path)
        lease = prepared(store)
        store.close()
        before = path.read_bytes()
        path.chmod(0o400 if what == "file" else 0o600)
        path.parent.chmod(0o500 if what == "folder" else 0o700)
        store = SqliteHistory.open(path)
        for read in READS.values():
            read(store)
        with pytest.raises(HistoryUnreachable) as told:
            use(store, lease)
        store.close()
        assert str(path) in told.value.message
        assert told.value.hint
        assert path.read_bytes() == before


def test_a_folder_in_which_nothing_may_be_made(place: Path) -> None:
    path = place / ".release" / "history.db"
    with permissions_count():
        place.chmod(0o500)
        store = SqliteHistory.open(path)
        assert store.heads() == {}
        with pytest.raises(HistoryUnreachable) as told:
            store.acquire("test1", holder())
        assert "Permission denied" in told.value.message
        assert "owner" in (told.value.hint or "")


@pytest.mark.parametrize("mode", [0o000, 0o200])
def test_a_file_that_may_not_be_read(place: Path, mode: int) -> None:
    path = place / ".release" / "history.db"
    with permissions_count():
        store = SqliteHistory.open(path)
        deliver(store, "test1")
        store.close()
        path.chmod(mode)
        store = SqliteHistory.open(path)
        for read in READS.values():
            with pytest.raises(HistoryUnreachable, match="cannot be opened"):
                read(store)
        store.close()


def test_a_folder_that_may_not_be_entered(place: Path) -> None:
    path = place / ".release" / "history.db"
    with permissions_count():
        deliver(SqliteHistory.open(path), "test1")
        path.parent.chmod(0o000)
        for use in (lambda store: store.heads(), lambda store: store.acquire("test1", holder())):
            with pytest.raises(HistoryUnreachable):
                use(SqliteHistory.open(path))


def LARGE(store: SqliteHistory, lease: Lease) -> object:  # noqa: N802 - stands beside WRITES
    """A delivery of more bytes than fit into a few pages, however they are compressed."""
    noise = random.Random(1).randbytes(30_000).hex()
    return store.begin(lease, msgspec.structs.replace(intent(plan("test1", 1, "v2")), definitions={"noise": noise}))


@pytest.mark.parametrize("use", [*WRITES.values(), LARGE], ids=[*WRITES, "large"])
def test_a_disk_that_is_full_at_each_page(
    open_history: Open, path: Path, use: Callable[[SqliteHistory, Lease], object]
) -> None:
    store = open_history()
    lease = prepared(store)
    before, check = everything(path), store.verify()
    with store._file.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    refused: list[HistoryUnreachable] = []
    for more in range(100):
        db.execute(f"PRAGMA max_page_count = {pages + more}")
        try:
            use(store, lease)
        except HistoryUnreachable as error:
            refused.append(error)
        else:
            break
        assert everything(path) == before
        assert store.verify() == check
    assert everything(path) != before
    assert store.verify().message is None
    for error in refused:
        assert "no space left" in error.message
        assert "free some space" in (error.hint or "")
    if use is LARGE:
        assert len(refused) >= 5


@pytest.mark.parametrize("use", WRITES.values(), ids=WRITES)
def test_a_write_that_is_cut_off_anywhere_leaves_nothing(
    open_history: Open, path: Path, use: Callable[[SqliteHistory, Lease], object]
) -> None:
    """SQLite itself stops after so many of its instructions, more each time, until it gets through."""
    store = open_history()
    lease = prepared(store)
    before, check = everything(path), store.verify()
    with store._file.reading() as db:
        pass
    refused: list[str] = []
    for allowed in range(1, 4000, 7):
        calls = iter([0])
        db.set_progress_handler(lambda calls=calls: next(calls, 1), allowed)
        try:
            use(store, lease)
        except HistoryUnreachable as error:
            refused.append(error.message)
        else:
            break
        finally:
            db.set_progress_handler(None, 0)
        assert everything(path) == before
        assert store.verify() == check
    assert refused
    assert all("SQLITE_INTERRUPT" in message for message in refused)
    assert everything(path) != before
    assert store.verify().message is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if not umount or not done or done.returncode != 0:
        unavailable("only root may mount a small disk")
    yield disk
    subprocess.run([umount, str(disk)], check=True)


def fill(file: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(b"x" * 512):
            pass
    assert shutil.disk_usage(file.parent).free == 0


@pytest.mark.engines
def test_a_disk_that_runs_full(small_disk: Path) -> None:
    path = small_disk / ".release" / "history.db"
    store = SqliteHistory.open(path)
    deliver(store, "test1")
    lease = store.acquire("test1", holder())
    ballast = small_disk / "ballast"
    fill(ballast)
    before, check = everything(path), store.verify()
    with pytest.raises(HistoryUnreachable) as told:
        store.begin(lease, intent(plan("test1", 1, "v2")))
    assert told.value.hint
    assert everything(path) == before
    assert store.verify() == check
    ballast.unlink()
    assert store.begin(lease, intent(plan("test1", 1, "v2"))).revision == 2
    store.close()


@pytest.mark.engines
def test_a_disk_that_is_full_from_the_start(small_disk: Path) -> None:
    fill(small_disk / "ballast")
    path = small_disk / ".release" / "history.db"
    store = SqliteHistory.open(path)
    assert store.heads() == {}
    with pytest.raises(HistoryUnreachable):
        store.acquire("test1", holder())
    (small_disk / "ballast").unlink()
    assert deliver(store, "test1").revision == 1
    assert store.verify().message is None
    store.close()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("SQLITE_BUSY", HistoryUnreachable, "busy"),
        ("SQLITE_BUSY_SNAPSHOT", HistoryUnreachable, "busy"),
        ("SQLITE_LOCKED", HistoryUnreachable, "busy"),
        ("SQLITE_READONLY_DBMOVED", HistoryUnreachable, "read-only"),
        ("SQLITE_FULL", HistoryUnreachable, "space"),
        ("SQLITE_CANTOPEN_ISDIR", HistoryUnreachable, "cannot be opened"),
        ("SQLITE_IOERR_FSYNC", HistoryUnreachable, "disk"),
        ("SQLITE_NOTADB", HistoryCorrupt, "damaged"),
        ("SQLITE_CORRUPT_INDEX", HistoryCorrupt, "damaged"),
        ("SQLITE_NOMEM", HistoryUnreachable, "SQLITE_NOMEM"),
    ],
)
def test_what_errors_mean(code: str, kind: type[Unreachable], words: str) -> None:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = getattr(sqlite3, code)
    error.sqlite_errorname = code
    meant = translated(Path("history.db"), error)
    assert type(meant) is kind
    assert words in meant.message
    assert "history.db" in meant.message
    assert meant.hint


def test_the_mark_of_our_files_never_changes() -> None:
    assert int.from_bytes(b"RELS", "big") == APPLICATION_ID
