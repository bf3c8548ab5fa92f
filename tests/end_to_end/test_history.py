"""A history that is locked, damaged, too new, gone, or somebody else's: told as such, never overwritten."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from releaser.history.sqlite import SqliteHistory
from tests.end_to_end.shop import LONG, Shop, told

READING = {
    "status": ("status",),
    "live": ("status", "--live"),
    "drift": ("drift", "--all"),
    "history": ("history",),
    "show": ("show", "staging"),
    "releases": ("releases",),
    "releases show": ("releases", "show", "v1.4"),
    "diff": ("diff", "staging/1", "staging/2"),
    "lock status": ("lock", "status"),
    "render": ("render", "--env", "staging"),
    "plan": ("plan", "v1.4", "--to", "production"),
}
WRITING = {
    "create": ("create", "v1.5"),
    "promote": ("promote", "v1.4", "--to", "production", "--yes"),
    "rollback": ("rollback", "--to", "staging", "--yes"),
    "reconcile": ("reconcile", "--to", "staging", "--yes"),
    "lock break": ("lock", "break", "--env", "staging", "--reason", "it hangs"),
}
ALL = {**READING, **WRITING}


@pytest.fixture
def file(shop: Shop) -> Path:
    return shop.root / ".release/history.db"


def refused(shop: Shop, words: tuple[str, ...], kind: str, says: str = "", hint: str = "") -> None:
    """Exit 5 in both forms, with the file's name; the file stays as it is, and so does what was delivered."""
    file = shop.root / ".release/history.db"
    before = file.read_bytes() if file.is_file() else None
    delivered = shop.delivered()
    document, said = shop("--json", *words), shop(*words)
    assert (document.code, said.code) == (5, 5), (document, said)
    problems = document.document["errors"]
    told(said, problems)
    assert [problem["code"] for problem in problems] == [kind]
    assert "history.db" in problems[0]["message"]
    assert says in problems[0]["message"]
    assert hint in problems[0]["hint"]
    assert (file.read_bytes() if file.is_file() else None) == before
    assert shop.delivered() == delivered


# --- locked ---


@pytest.fixture
def locked(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`locked("EXCLUSIVE")`: another process keeps the database locked, and nobody waits for it long."""
    opened = SqliteHistory.open.__func__
    monkeypatch.setattr(
        SqliteHistory,
        "open",
        classmethod(lambda cls, path, clock=None, timeout=0.05, **more: opened(cls, path, clock, timeout, **more)),
    )
    code = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('BEGIN ' + sys.argv[2])\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    started: list[subprocess.Popen[str]] = []

    def lock(how: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(file), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "locked\n"

    yield lock
    for process in started:
        process.communicate(timeout=LONG)


@pytest.mark.parametrize("words", ALL.values(), ids=ALL)
def test_locked_by_another_process(shop: Shop, locked: Callable[[str], None], words: tuple[str, ...]) -> None:
    locked("EXCLUSIVE")
    refused(shop, words, "history-unreachable", says="locked", hint="fuser")


def test_while_another_process_writes_it_is_read(shop: Shop, locked: Callable[[str], None]) -> None:
    locked("IMMEDIATE")
    for words in READING.values():
        shop.ok(*words)
    for words in WRITING.values():
        if words[0] != "reconcile":  # nothing drifted, so it has nothing to write
            refused(shop, words, "history-unreachable", says="locked")


# --- damaged ---


def garbage(file: Path) -> None:
    file.write_bytes(b"this was a history once\n" * 1000)


def half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096 + 100)


def header_only(file: Path) -> None:
    os.truncate(file, 100)


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for at in range(4096, len(data)):
        data[at] ^= 0xFF
    file.write_bytes(data)


def foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")


def dropped(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE delivery")


@pytest.mark.parametrize("damage", [garbage, half, header_only, flipped, foreign, dropped])
def test_damaged(shop: Shop, file: Path, damage: Callable[[Path], None]) -> None:
    whole = file.read_bytes()
    damage(file)
    for name, words in ALL.items():
        if name == "render" and shop(*words).code == 0:
            continue
        if damage is dropped and name in {"lock status", "create", "lock break", "releases show"}:
            continue  # they do not read that table
        refused(shop, words, "history-corrupt", hint="")
    file.write_bytes(whole)
    shop.clean("staging")
    shop.promote("v1.4", "production")


def test_bytes_flipped_here_and_there_never_give_a_wrong_answer(shop: Shop, file: Path) -> None:
    """Whatever is damaged, a command answers as before or says that it cannot, and delivers nothing on it."""
    whole = file.read_bytes()
    right = {name: shop("--json", *words).out for name, words in READING.items() if name in {"history", "releases"}}
    delivered = shop.delivered()
    noticed = 0
    for at in range(0, len(whole), 4096 * 3 + 512):
        file.write_bytes(whole[:at] + bytes(byte ^ 0xA5 for byte in whole[at : at + 40]) + whole[at + 40 :])
        for name in right:
            ran = shop("--json", *READING[name])
            assert ran.code in {0, 5}, ran
            noticed += ran.code == 5
        ran = shop("doctor", "--json")
        assert ran.code in {0, 5}, ran
        assert shop("plan", "v1.4", "--to", "production", "--json").code in {0, 3, 5, 64}
        assert shop.delivered() == delivered
    assert noticed
    file.write_bytes(whole)
    assert {name: shop("--json", *READING[name]).out for name in right} == right


def test_a_row_that_somebody_changed_is_found_by_doctor(shop: Shop, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE delivery SET body = replace(body, '\"ann\"', '\"eve\"')")
        db.commit()
    found = shop("doctor", "--json")
    assert found.code == 5
    failed = [check for check in found.document["checks"] if check["passed"] is False]
    assert any("history" in check["check"] for check in failed), failed
    assert all(check["hint"] for check in failed)


# --- too new, gone, no file ---


def test_of_a_newer_version(shop: Shop, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'min_reader'")
        db.execute("PRAGMA user_version = 99")
        db.commit()
    for words in ALL.values():
        refused(shop, words, "history-too-new", says="newer", hint="install the newer version")


def test_of_a_newer_version_that_older_ones_may_read(shop: Shop, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
        db.commit()
    shop.ok("status")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "circle"])
def test_no_file(shop: Shop, file: Path, kind: str) -> None:
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero" if kind == "device" else file.name)
    for words in (*READING.values(), WRITING["promote"]):
        refused(shop, words, "history-unreachable")


@pytest.mark.parametrize("empty", [True, False], ids=["emptied", "deleted"])
def test_without_its_history_what_was_delivered_is_not_taken_over(shop: Shop, file: Path, empty: bool) -> None:
    """A lost history must not look like an environment where nothing was delivered yet."""
    os.truncate(file, 0) if empty else file.unlink()
    delivered = shop.delivered()
    assert shop.json("history")["deliveries"] == []
    for name in ("test1", "staging", "production"):
        words = ("promote", "v1.3", "--to", name, "--yes")
        ran = shop(*words, "--json")
        assert (ran.code, ran.document["errors"][0]["code"]) == (4, "foreign-target")
        assert "--adopt" in ran.document["errors"][0]["hint"]
    assert shop.delivered() == delivered


def test_adopting_what_another_history_delivered(shop: Shop, file: Path) -> None:
    file.unlink()
    shop.ok("promote", "v1.4", "--to", "test1", "--yes", "--adopt")
    shop.clean("test1")
    assert [one["revision"] for one in shop.json("history")["deliveries"]] == [1]


def test_a_copy_brought_back_is_an_older_record(shop: Shop, file: Path) -> None:
    """Restored from a backup: what was delivered since is drift, and nothing is lost silently."""
    backup = shop.root.parent / "backup.db"
    shutil.copy(file, backup)
    shop.promote("v1.4", "production")
    shutil.copy(backup, file)
    found = shop.json("drift", "--env", "production", "--exit-code", code=2)
    assert found["environments"][0]["clean"] is False
    shop.ok("promote", "v1.4", "--to", "production", "--yes")
    shop.clean("production")


def test_where_the_history_may_not_be(shop: Shop) -> None:
    for address in ("postgres", "mysql://x", "sqlite:", "", "sqlite"):
        document = shop("--history", address, "status", "--json") if address else shop("status", "--history=", "--json")
        assert document.code in {0, 64}, document
        if address:
            assert document.document["errors"][0]["hint"]


def test_declarations_are_checked_without_a_history(shop: Shop, file: Path) -> None:
    shop.edit("envs/pipeline.yaml", "  test1: {layers: [base, test]}\n", "")
    shop.edit("envs/pipeline.yaml", "any: [test1, ", "any: [")
    assert "test1" not in shop.json("validate")["environments"]
    garbage(file)
    assert shop.json("validate")["environments"][0] == "test2"
    shop.ok("explain", "api.image", "--env", "test2")
    shop.ok("diff", "staging", "production")
