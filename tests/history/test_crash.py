"""Processes that are killed: nothing is lost, nothing doubled, and what they leave is seen."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import LeaseLost, Locked
from releaser.ports import DeliveryQuery, Lease
from tests.contracts.history_contract import deliver
from tests.contracts.history_samples import holder, intent, outcome, plan, step
from tests.history.crash_worker import CONTEST

pytestmark = pytest.mark.crash

Open = Callable[..., SqliteHistory]
ROOT = Path(__file__).parents[2]


@contextmanager
def worker(path: Path, command: str, argument: object) -> Iterator[subprocess.Popen[str]]:
    """A process of `crash_worker`; killed at the end, at the latest."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "history" / "crash_worker.py"), str(path), command, str(argument)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "ready\n", process.stderr.read()


def test_workers_that_are_killed_at_random(open_history: Open, path: Path, kills: int, seed: int) -> None:
    chance, killed = random.Random(seed), 0
    with ExitStack() as stack:
        workers: list[subprocess.Popen[str]] = []
        while killed < kills:
            while len(workers) < 4:
                workers.append(stack.enter_context(worker(path, "deliver", chance.randrange(2**32))))
            victim = workers.pop(chance.randrange(4))
            ready(victim)
            time.sleep(chance.random() * 0.1)  # not a wait: the moment of the kill
            assert victim.poll() is None, f"seed {seed}: {victim.communicate()[1]}"
            victim.kill()
            victim.wait()
            killed += 1
        for process in workers:
            assert process.poll() is None, f"seed {seed}: {process.communicate()[1]}"
    store = open_history()
    check = store.verify()
    assert (check.broken_at, check.message) == (None, None), f"seed {seed}"
    states = {state.environment: state for state in store.leases()}
    assert not any(state.alive for state in states.values())
    for environment in CONTEST:
        found = store.deliveries(DeliveryQuery(environments=(environment,)))
        assert len(found) > kills / 4, f"seed {seed}: the workers did not get to work"
        assert [one.revision for one in found] == list(range(len(found), 0, -1)), f"seed {seed}"
        assert {one.status for one in found[1:]} <= {"succeeded", "interrupted"}, f"seed {seed}"
        if found[0].status == "running":
            assert environment in states, f"seed {seed}"
        for one in found[:20]:
            assert (store.record(environment, one.revision).inventory is None) == (one.status == "running")
        head = store.head(environment)
        lease = store.acquire(environment, holder())
        if head and head.status == "running":
            store.finish(lease, head.revision, outcome("interrupted"))
        store.release(lease)
        assert deliver(store, environment, "after").revision == len(found) + 1
    assert store.verify().message is None


def test_a_holder_that_is_killed_is_seen_and_followed_within_a_second(open_history: Open, path: Path) -> None:
    store = open_history()
    with worker(path, "hold", "staging") as process:
        ready(process)
        (state,) = store.leases()
        assert (state.alive, state.holder.actor) == (True, "held")
        with pytest.raises(Locked, match="held"):
            store.acquire("staging", holder())
        process.kill()
        process.wait()
        (state,) = store.leases()
        assert (state.alive, state.token) == (False, 1)
        head = store.head("staging")
        assert head is not None
        assert head.status == "running"
        begun = time.monotonic()
        lease = store.acquire("staging", holder("bob"))
        assert time.monotonic() - begun < 1
        assert lease.token == 2
        store.finish(lease, 1, outcome("interrupted"))
        assert store.verify().message is None


def test_a_stopped_holder_keeps_its_lease_and_loses_it_only_when_it_is_broken(open_history: Open, path: Path) -> None:
    store = open_history()
    with worker(path, "hold", "staging") as process:
        ready(process)
        process.send_signal(signal.SIGSTOP)  # it sleeps, and lives
        (state,) = store.leases()
        assert state.alive
        with pytest.raises(Locked):
            store.acquire("staging", holder())
        store.break_lease("staging", "bob", "it does not answer")
        lease = store.acquire("staging", holder("bob"))
        store.finish(lease, 1, outcome("interrupted"))
        process.send_signal(signal.SIGCONT)
        old = Lease(environment="staging", token=state.token, holder=state.holder)
        for write in (
            lambda: store.begin(old, intent(plan("staging", 1, "v2"))),
            lambda: store.step(old, 1, step()),
            lambda: store.finish(old, 1, outcome()),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert store.verify().message is None


def test_a_begin_that_is_killed_at_each_of_its_statements(open_history: Open, path: Path, tmp_path: Path) -> None:
    deliver(open_history(), "test1")
    template, killed = path.read_bytes(), 0
    for statement in range(100):
        copy = tmp_path / f"{statement}.db"
        copy.write_bytes(template)
        with worker(copy, "die", statement) as process:
            said, error = process.communicate(timeout=60)
        store = open_history(copy)
        assert store.verify().message is None
        lease = store.acquire("test1", holder())
        assert lease.token == 3
        if said == "done\n":
            break
        assert process.returncode == -9, error
        killed += 1
        assert store.head("test1") == store.delivery("test1", 1)
        assert len(store.releases()) == 1
        assert store.begin(lease, intent(plan("test1", 1, "v2"))).revision == 2
    assert killed > 15
    assert store.deliveries(DeliveryQuery(limit=1))[0].revision == 2


def test_what_a_killed_one_had_on_the_disk_already_is_taken_back(open_history: Open, path: Path) -> None:
    done = deliver(open_history(), "test1")
    before = path.stat().st_size
    with worker(path, "spill", 0) as process:
        process.communicate(timeout=60)
    journal = path.with_name("history.db-journal")
    assert journal.exists()
    assert path.stat().st_size > before
    store = open_history()
    assert store.head("test1") == done  # a reader already takes it back
    assert store.verify().message is None
    assert not journal.exists()


def test_a_creation_that_is_killed_at_its_statements(open_history: Open, tmp_path: Path) -> None:
    killed = 0
    for statement in range(0, 200, 4):
        path = tmp_path / str(statement) / "history.db"
        with worker(path, "create", statement) as process:
            said, error = process.communicate(timeout=60)
        store = open_history(path)
        assert store.verify().events in (0, 1, 2)
        assert store.verify().message is None
        if said == "done\n":
            assert len(store.releases()) == 1
            break
        assert process.returncode == -9, error
        killed += 1
        assert store.releases() == ()
        assert deliver(store, "test1").revision == 1
        assert store.verify().message is None
    assert killed > 8
