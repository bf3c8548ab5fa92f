"""A process that uses a history until it is killed: `crash_worker.py PATH COMMAND ARGUMENT`.

deliver SEED   delivers to the environments of the contest as fast as it can, settling what others left, for ever
hold ENV       begins a delivery, says so, and waits
die N          kills itself right before the Nth statement of a begin
create N       kills itself right before the Nth statement of a creation
spill N        kills itself before the commit of a begin whose pages are on the disk already
"""

import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from releaser.history.sqlite import SqliteHistory
from releaser.model.delivery import Intent
from releaser.model.errors import Locked
from tests.contracts.history_samples import holder, intent, outcome, plan, release, step

CONTEST = ("test1", "test2")


def large(base: int) -> Intent:
    """An intent whose bytes fill many pages."""
    noise = random.Random(1).randbytes(100_000).hex()
    return msgspec.structs.replace(intent(plan("test1", base, "v2")), definitions={"noise": noise})


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def killer(statements: int) -> Callable[[str], None]:
    """What SQLite calls before each statement; it kills this process before one of them."""
    left = iter(range(statements))

    def kill(_: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def deliver(store: SqliteHistory, seed: int) -> None:
    chance = random.Random(seed)
    say("ready")
    while True:
        with suppress(Locked):
            once(store, chance.choice(CONTEST), chance)


def once(store: SqliteHistory, environment: str, chance: random.Random) -> None:
    lease = store.acquire(environment, holder(f"worker {os.getpid()}"))
    head = store.head(environment)
    if head and head.status == "running":
        store.finish(lease, head.revision, outcome("interrupted", revision=head.revision))
    base = head.revision if head else 0
    begun = store.begin(lease, intent(plan(environment, base, f"v{base % 5}", salt="", rendered=str(chance.random()))))
    for number in range(chance.randrange(3)):
        store.step(lease, begun.revision, step(f"step {number}"))
    store.finish(lease, begun.revision, outcome(revision=begun.revision))
    store.release(lease)


def hold(store: SqliteHistory, environment: str) -> None:
    lease = store.acquire(environment, holder("held"))
    head = store.head(environment)
    store.begin(lease, intent(plan(environment, head.revision if head else 0)))
    say("ready")
    sys.stdin.read()


def die(store: SqliteHistory, statement: int) -> None:
    lease = store.acquire("test1", holder("dies"))
    with store._file.reading() as db:
        pass
    db.set_trace_callback(killer(statement))
    store.begin(lease, large(1))
    say("done")


def create(store: SqliteHistory, statement: int) -> None:
    connect, kill = sqlite3.connect, killer(statement)

    def connected(*arguments: Any, **settings: Any) -> sqlite3.Connection:
        db = connect(*arguments, **settings)
        db.set_trace_callback(kill)
        return db

    sqlite3.connect = connected  # type: ignore[assignment]
    store.register(release("v1"))
    say("done")


def spill(store: SqliteHistory) -> None:
    lease = store.acquire("test1", holder("dies"))
    with store._file.reading() as db:
        db.execute("PRAGMA cache_size = 2")
    db.set_trace_callback(lambda sql: os.kill(os.getpid(), signal.SIGKILL) if sql == "COMMIT" else None)
    store.begin(lease, large(1))


def main() -> None:
    path, command, argument = sys.argv[1:]
    store = SqliteHistory.open(Path(path))
    if command == "deliver":
        deliver(store, int(argument))
    elif command == "hold":
        hold(store, argument)
    elif command == "create":
        create(store, int(argument))
    elif command == "die":
        die(store, int(argument))
    else:
        spill(store)


if __name__ == "__main__":
    main()
