"""The delivery record in one SQLite file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from releaser.clock import SYSTEM_CLOCK
from releaser.history import audit, chain, leases, records
from releaser.history import sqlite_rows as rows
from releaser.history.locks import LifeLocks
from releaser.history.sqlite_file import Connection, SqliteFile
from releaser.model.delivery import INTERRUPTED, RUNNING, Delivery, Intent, Outcome, Record, Step
from releaser.model.errors import InternalError
from releaser.model.gate import Standing
from releaser.model.release import Release
from releaser.ports import ChainCheck, Clock, DeliveryQuery, Holder, Lease, LeaseState


class SqliteHistory:
    """A HistoryStore in one file; may be used by several threads.

    A holder's life is a file lock beside the database, so a lease whose holder died is free at once. Closing lets go
    of the holder's life too: what it holds then looks as after its death.
    """

    def __init__(self, path: Path, clock: Clock, timeout: float, *, in_place: bool = False) -> None:
        self._file = SqliteFile(path, timeout, self._started, in_place=in_place)
        self._locks = LifeLocks(path.with_name(path.name + ".locks"))
        self._clock = clock
        self._new_id = os.urandom(8).hex()

    @classmethod
    def open(
        cls, path: Path, clock: Clock | None = None, timeout: float = 30.0, *, in_place: bool = False
    ) -> "SqliteHistory":
        """The history in `path`; nothing is created before the first write, and nothing is opened before it is used.

        `in_place`: its folder must be there already.
        """
        return cls(path, clock or SYSTEM_CLOCK, timeout, in_place=in_place)

    @property
    def id(self) -> str:
        """Made at the history's creation; until then, the one that it would get."""
        with self._file.reading() as db:
            return rows.history(db) or self._new_id

    # --- leases ---

    def acquire(self, environment: str, holder: Holder) -> Lease:
        """The environment's lease, also where its last holder died."""
        holder = leases.plain(holder)
        with ExitStack() as undo:
            with self._file.writing() as db:
                state = self._lease_state(db, environment)
                if state and state.alive:
                    raise leases.locked(environment, state.holder)
                lease = Lease(environment=environment, token=self._live(db, environment), holder=holder)
                undo.callback(self._locks.drop, environment, lease.token)
                rows.set_lease(db, lease)
                if state:
                    rows.append(db, leases.taken_over(lease, state.holder, self._clock.now()))
            undo.pop_all()
        with suppress(OSError):
            self._locks.sweep(environment, lease.token)
        return lease

    def renew(self, lease: Lease) -> None:
        """Make sure that the lease is not lost; the file lock itself shows that the holder lives."""
        with self._file.reading() as db:
            self._check(db, lease)

    def release(self, lease: Lease) -> None:
        """Let go; does nothing where it is lost already."""
        try:
            if self._file.exists():
                with self._file.writing() as db:
                    rows.let_go(db, lease)
        finally:
            with suppress(OSError):
                self._locks.drop(lease.environment, lease.token)

    def leases(self) -> tuple[LeaseState, ...]:
        """Who holds what now."""
        with self._file.reading() as db:
            return tuple(state for name in rows.held(db) if (state := self._lease_state(db, name)))

    def break_lease(self, environment: str, actor: str, reason: str) -> LeaseState | None:
        """Take the lease from its holder, on the record."""
        if not self._file.exists():
            return None
        with self._file.writing() as db:
            state = self._lease_state(db, environment)
            if state is None:
                return None
            token = state.token + 1
            rows.set_free(db, environment, token)
            rows.append(db, leases.broken(state, token, (actor, reason), self._clock.now()))
        return state

    def _live(self, db: Connection, environment: str) -> int:
        """The next token, with our life behind it; a restored backup may count up to one that is still lived."""
        token = rows.token(db, environment) + 1
        while not self._locks.take(environment, token):
            token += 1
        return token

    def _lease_state(self, db: Connection, environment: str) -> LeaseState | None:
        lease = rows.lease(db, environment)
        if lease is None:
            return None
        alive = self._locks.alive(environment, lease.token)
        return LeaseState(environment=environment, token=lease.token, holder=lease.holder, alive=alive)

    @contextmanager
    def _writing(self, lease: Lease) -> Iterator[Connection]:
        """A transaction under a lease; where there is no history, nobody has a lease, and none is created."""
        if not self._file.exists():
            raise leases.lost(lease, None)
        with self._file.writing() as db:
            self._check(db, lease)
            yield db

    def _check(self, db: Connection, lease: Lease) -> None:
        state = self._lease_state(db, lease.environment)
        if state is None or state.token != lease.token:
            raise leases.lost(lease, state)

    # --- reading ---

    def head(self, environment: str) -> Delivery | None:
        """The newest delivery."""
        with self._file.reading() as db:
            return rows.head(db, environment)

    def heads(self) -> Mapping[str, Delivery]:
        """Every environment's head."""
        with self._file.reading() as db:
            return rows.heads(db)

    def delivery(self, environment: str, revision: int) -> Delivery:
        """One delivery."""
        with self._file.reading() as db:
            return rows.revision(db, environment, revision).delivery

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]:
        """Newest first."""
        with self._file.reading() as db:
            return rows.deliveries(db, query)

    def record(self, environment: str, revision: int) -> Record:
        """Everything stored of one delivery."""
        with self._file.reading() as db:
            found = rows.revision(db, environment, revision)
            packed = rows.packed(db, found.digests)
            steps = rows.steps(db, environment, revision)
        contents = {
            name: None if digest is None else records.unpack(digest, packed.get(digest))
            for name, digest in found.digests.items()
        }
        return records.record(found.delivery, contents, steps)

    def standing(self, environment: str, release: str) -> Standing:
        """How a release stands in an environment, in one query."""
        with self._file.reading() as db:
            return rows.standing(db, environment, release)

    def release_of(self, version: str) -> Release | None:
        """The registered release."""
        with self._file.reading() as db:
            return rows.registered(db, version)

    def releases(self) -> tuple[Release, ...]:
        """All, newest first."""
        with self._file.reading() as db:
            return rows.releases(db)

    def log(self, digest: str) -> str:
        """What a build printed."""
        with self._file.reading() as db:
            return records.unpack(digest, rows.content(db, digest)).decode()

    def plan_executed(self, plan_id: str) -> Delivery | None:
        """The delivery that executed this plan."""
        with self._file.reading() as db:
            return rows.executed(db, plan_id)

    # --- writing ---

    def register(self, release: Release, logs: Sequence[str] = ()) -> Release:
        """Register once."""
        blobs = records.log_blobs(logs)
        with self._file.writing() as db:
            return rows.register(db, release, blobs)

    def begin(self, lease: Lease, intent: Intent) -> Delivery:
        """Commit an intent as the next revision, `running`."""
        plan = intent.plan
        if plan.environment != lease.environment:
            raise InternalError(f"a plan for {plan.environment} under the lease of {lease.environment}")
        blobs = records.intent_blobs(intent)
        with self._writing(lease) as db:
            head = rows.head(db, lease.environment)
            records.check_begin(plan, head, rows.executed(db, plan.id))
            rows.register(db, plan.release)
            delivery = records.begun(intent, head.revision + 1 if head else 1)
            rows.insert(db, delivery, blobs)
            rows.append(db, chain.begun(lease, delivery, blobs))
        return delivery

    def resume(self, lease: Lease, revision: int) -> Delivery:
        """Set the interrupted head back to `running`."""
        with self._writing(lease) as db:
            head = rows.head(db, lease.environment)
            delivery = records.resumed(records.check_open(lease.environment, head, revision, INTERRUPTED))
            rows.update(db, delivery, None)
            rows.append(db, chain.resumed(lease, delivery, self._clock.now()))
        return delivery

    def step(self, lease: Lease, revision: int, *steps: Step) -> None:
        """Add steps to the running delivery."""
        with self._writing(lease) as db:
            records.check_open(lease.environment, rows.head(db, lease.environment), revision, RUNNING)
            for step in map(records.plain_step, steps):
                number = rows.add_step(db, lease.environment, revision, step)
                rows.append(db, chain.stepped(lease, revision, number, step))

    def finish(self, lease: Lease, revision: int, outcome: Outcome) -> Delivery:
        """Commit the outcome of the running delivery, or the new outcome of an interrupted one."""
        inventory = records.blob(outcome.inventory)
        with self._writing(lease) as db:
            head = rows.head(db, lease.environment)
            running = records.check_open(lease.environment, head, revision, RUNNING, INTERRUPTED)
            delivery = records.finished(running, outcome)
            rows.put(db, inventory)
            rows.update(db, delivery, inventory.digest)
            rows.append(db, chain.finished(lease, delivery, inventory))
        return delivery

    # --- the whole ---

    def verify(self) -> ChainCheck:
        """Recompute the chain, and compare everything that is recorded with it.

        A tail that was cut off, and a chain that was built anew as a whole, cannot be seen from inside: compare
        `events` and `head` with a check that was kept elsewhere.
        """
        with self._file.reading() as db:
            self._file.check(db)
            return audit.audit(rows.Everything(db))

    def close(self) -> None:
        """Let go of the file, and of the life of what is still held."""
        self._locks.close()
        self._file.close()

    def _started(self, db: Connection) -> None:
        rows.set_history(db, self._new_id)
        rows.append(db, chain.created(self._new_id, self._clock.now()))
