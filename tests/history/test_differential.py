"""SQLite and memory answer every sequence of commands alike, down to the hash of the chain."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from releaser.history.memory import Memory, MemoryHistory
from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import ReleaseError
from releaser.ports import DeliveryQuery, HistoryStore, Lease
from tests.contracts.history_samples import (
    FixedClock,
    at,
    holder,
    intent,
    inventory,
    outcome,
    plan,
    release,
    step,
)

ENVIRONMENTS = ("test1", "staging")
VERSIONS = ("v1", "v2", "v3")
STATUSES = ("succeeded", "failed", "interrupted", "aborted")

environments = st.sampled_from(ENVIRONMENTS)
versions = st.sampled_from(VERSIONS)
clients = st.integers(0, 1)


class Histories(RuleBasedStateMachine):
    """Two clients each of a history in SQLite and one in memory; every command goes to both."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FixedClock()
        self.minute = 0
        path = Path(self.folder.name) / "history.db"
        self.sqlite = [SqliteHistory.open(path, self.clock), SqliteHistory.open(path, self.clock)]
        first = MemoryHistory(Memory(self.sqlite[0]._new_id), self.clock)
        self.sqlite[1]._new_id = self.sqlite[0]._new_id
        self.memory = [first, first.client()]
        self.held: list[Lease] = [Lease(environment=name, token=1, holder=holder()) for name in ENVIRONMENTS]

    def teardown(self) -> None:
        for store in self.sqlite:
            store.close()
        self.folder.cleanup()

    def both(self, client: int, method: str, *arguments: object) -> Any:
        """The answer of both, which is the same, also where it is an error; None for an error."""
        answers = []
        stores: tuple[HistoryStore, HistoryStore] = (self.sqlite[client], self.memory[client])
        for store in stores:
            try:
                answers.append((getattr(store, method)(*arguments), None))
            except ReleaseError as error:
                answers.append((None, (type(error), error.message, error.hint)))
        assert answers[0] == answers[1], method
        return answers[0][0]

    @rule(client=clients, environment=environments, actor=st.sampled_from(["ada", "bob"]))
    def acquire(self, client: int, environment: str, actor: str) -> None:
        lease = self.both(client, "acquire", environment, holder(actor))
        if lease is not None:
            self.held.append(lease)

    @rule(client=clients, which=st.integers(0, 3))
    def release(self, client: int, which: int) -> None:
        self.both(client, "release", self.lease(which))

    @rule(client=clients, which=st.integers(0, 3))
    def renew(self, client: int, which: int) -> None:
        self.both(client, "renew", self.lease(which))

    @rule(client=clients, environment=environments)
    def break_lease(self, client: int, environment: str) -> None:
        self.both(client, "break_lease", environment, "eve", "because")

    @rule(client=clients)
    def die(self, client: int) -> None:
        self.both(client, "close")

    @rule(minutes=st.integers(-30, 90))
    def time_passes(self, minutes: int) -> None:
        self.minute += minutes
        self.clock.time = at(self.minute)

    @rule(client=clients, version=versions, salt=st.sampled_from(["", "", "moved"]))
    def register(self, client: int, version: str, salt: str) -> None:
        self.both(client, "register", release(version, salt))

    @rule(
        client=clients,
        which=st.integers(0, 3),
        version=versions,
        trigger=st.sampled_from(["promote", "rollback", "reconcile"]),
        leaves=st.sampled_from([None, *VERSIONS]),
        off=st.sampled_from([0, 0, 0, 0, 1, -1]),
    )
    def begin(self, client: int, which: int, version: str, trigger: str, leaves: str | None, off: int) -> None:
        lease = self.lease(which)
        head = self.memory[0].head(lease.environment)
        base = max(0, (head.revision if head else 0) + off)
        made = plan(lease.environment, base, version, trigger, rendered=version if base % 2 else "same")
        self.both(client, "begin", lease, intent(made, inventory(base), self.minute, leaves))
        self.both(client, "plan_executed", made.id)

    @rule(client=clients, which=st.integers(0, 3), off=st.sampled_from([0, 0, 0, 1, -1]), text=st.text(max_size=8))
    def step(self, client: int, which: int, off: int, text: str) -> None:
        lease = self.lease(which)
        self.both(client, "step", lease, self.newest(lease) + off, step(text))

    @rule(
        client=clients,
        which=st.integers(0, 3),
        off=st.sampled_from([0, 0, 0, 0, -1]),
        status=st.sampled_from(STATUSES),
        current=st.sampled_from([None, *VERSIONS]),
    )
    def finish(self, client: int, which: int, off: int, status: str, current: str | None) -> None:
        lease = self.lease(which)
        revision = self.newest(lease) + off
        after = (revision, current, self.minute) if current else None
        ended = outcome(status, revision=revision, minutes=self.minute, current=after)
        self.both(client, "finish", lease, revision, ended)

    @rule(client=clients, which=st.integers(0, 3), off=st.sampled_from([0, 0, 0, -1]))
    def resume(self, client: int, which: int, off: int) -> None:
        lease = self.lease(which)
        self.both(client, "resume", lease, self.newest(lease) + off)

    @rule(
        client=clients,
        query=st.builds(
            DeliveryQuery,
            environments=st.sampled_from([None, None, ENVIRONMENTS, ("staging",), ()]),
            release=st.sampled_from([None, None, *VERSIONS]),
            status=st.sampled_from([None, None, *STATUSES]),
            trigger=st.sampled_from([None, None, "rollback"]),
            before=st.sampled_from([None, None, 3]),
            after=st.sampled_from([None, None, 1]),
            limit=st.sampled_from([None, 0, 1, 2]),
        ),
    )
    def ask(self, client: int, query: DeliveryQuery) -> None:
        found = self.both(client, "deliveries", query)
        for one in found[:1]:
            self.both(client, "deliveries", msgspec.structs.replace(query, other_than=one.rendered_digest))
            self.both(client, "record", one.environment, one.revision)
            self.both(client, "delivery", one.environment, one.revision + 1)

    @invariant()
    def alike(self) -> None:
        for question in ("heads", "leases", "releases"):
            self.both(1, question)
        for name in ENVIRONMENTS:
            self.both(0, "head", name)
            for version in VERSIONS:
                self.both(0, "standing", name, version)
        self.both(1, "deliveries", DeliveryQuery())
        check = self.both(0, "verify")
        assert (check.broken_at, check.message) == (None, None)

    def lease(self, which: int) -> Lease:
        """A lease that was given, mostly one of the newest."""
        return self.held[-1 - which % len(self.held)]

    def newest(self, lease: Lease) -> int:
        head = self.memory[0].head(lease.environment)
        return head.revision if head else 0


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
