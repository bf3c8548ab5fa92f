"""The delivery record in memory: for tests, with the same rules and the same chain as a database."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from releaser.clock import SYSTEM_CLOCK
from releaser.history import audit, chain, leases, records
from releaser.history.chain import Fact, Link
from releaser.history.records import Blob
from releaser.model.delivery import INTERRUPTED, RUNNING, SUCCEEDED, Delivery, Intent, Outcome, Record, Step
from releaser.model.errors import InternalError
from releaser.model.gate import Standing
from releaser.model.plan import ROLLBACK
from releaser.model.release import Release
from releaser.ports import ChainCheck, Clock, DeliveryQuery, Holder, Lease, LeaseState


class Memory:
    """What several clients of one history share."""

    def __init__(self, name: str | None = None) -> None:
        self.id = name or os.urandom(8).hex()
        self.guard = threading.RLock()
        self.events: list[Link] = []
        self.tokens: dict[str, int] = {}
        self.holders: dict[str, Lease] = {}
        self.dead: set[tuple[str, int]] = set()  # environment and token of holders that died
        self.releases: dict[str, tuple[int, str]] = {}  # version → event, body
        self.rows: dict[str, list[dict[str, str | int | None]]] = {}  # environment → deliveries' columns
        self.steps: dict[tuple[str, int], list[str]] = {}
        self.blobs: dict[str, bytes] = {}


class MemoryHistory:
    """A HistoryStore in memory; `client` gives a second one over the same history. Closing one is its death."""

    def __init__(self, memory: Memory | None = None, clock: Clock | None = None) -> None:
        self._memory = memory or Memory()
        self._clock = clock or SYSTEM_CLOCK
        self._mine: set[tuple[str, int]] = set()

    @property
    def id(self) -> str:
        """Made with the memory."""
        return self._memory.id

    def client(self) -> "MemoryHistory":
        """Another process's view of the same history."""
        return MemoryHistory(self._memory, self._clock)

    # --- leases ---

    def acquire(self, environment: str, holder: Holder) -> Lease:
        """The environment's lease, also where its last holder died."""
        memory = self._memory
        with memory.guard:
            state = self._state(environment)
            if state and state.alive:
                raise leases.locked(environment, state.holder)
            token = memory.tokens.get(environment, 0) + 1
            lease = Lease(environment=environment, token=token, holder=leases.plain(holder))
            self._create()
            memory.tokens[environment] = token
            memory.holders[environment] = lease
            self._mine.add((environment, token))
            if state:
                self._append(leases.taken_over(lease, state.holder, self._clock.now()))
        return lease

    def renew(self, lease: Lease) -> None:
        """Make sure that the lease is not lost."""
        with self._memory.guard:
            self._check(lease)

    def release(self, lease: Lease) -> None:
        """Let go; does nothing where it is lost already."""
        with self._memory.guard:
            held = self._memory.holders.get(lease.environment)
            if held and held.token == lease.token:
                del self._memory.holders[lease.environment]

    def leases(self) -> tuple[LeaseState, ...]:
        """Who holds what now."""
        with self._memory.guard:
            return tuple(state for name in sorted(self._memory.holders) if (state := self._state(name)))

    def break_lease(self, environment: str, actor: str, reason: str) -> LeaseState | None:
        """Take the lease from its holder, on the record."""
        with self._memory.guard:
            state = self._state(environment)
            if state:
                token = state.token + 1
                self._memory.tokens[environment] = token
                del self._memory.holders[environment]
                self._append(leases.broken(state, token, (actor, reason), self._clock.now()))
        return state

    def _state(self, environment: str) -> LeaseState | None:
        lease = self._memory.holders.get(environment)
        if lease is None:
            return None
        alive = (environment, lease.token) not in self._memory.dead
        return LeaseState(environment=environment, token=lease.token, holder=lease.holder, alive=alive)

    def _check(self, lease: Lease) -> None:
        state = self._state(lease.environment)
        if state is None or state.token != lease.token:
            raise leases.lost(lease, state)

    # --- reading ---

    def head(self, environment: str) -> Delivery | None:
        """The newest delivery."""
        with self._memory.guard:
            rows = self._memory.rows.get(environment)
            return _delivery(rows[-1]) if rows else None

    def heads(self) -> Mapping[str, Delivery]:
        """Every environment's head."""
        with self._memory.guard:
            return {name: _delivery(rows[-1]) for name, rows in sorted(self._memory.rows.items())}

    def delivery(self, environment: str, revision: int) -> Delivery:
        """One delivery."""
        with self._memory.guard:
            return _delivery(self._row(environment, revision))

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]:
        """Newest first."""
        with self._memory.guard:
            rows = [row for name in sorted(self._memory.rows) for row in reversed(self._memory.rows[name])]
        rows.sort(key=lambda row: str(row["position"]), reverse=True)  # stable: the revisions stay in order
        found = tuple(delivery for row in rows if _wanted(delivery := _delivery(row), query))
        return found if query.limit is None else found[: max(query.limit, 0)]

    def record(self, environment: str, revision: int) -> Record:
        """Everything stored of one delivery."""
        with self._memory.guard:
            row = self._row(environment, revision)
            digests = {name: row[name] for name in records.BLOBS}
            contents = {
                name: None if digest is None else records.unpack(str(digest), self._memory.blobs[str(digest)])
                for name, digest in digests.items()
            }
            steps = self._memory.steps.get((environment, revision), [])
            done = tuple(records.decode(Step, body, "a step") for body in steps)
            return records.record(_delivery(row), contents, done)

    def standing(self, environment: str, release: str) -> Standing:
        """How a release stands in an environment."""
        with self._memory.guard:
            deliveries = [_delivery(row) for row in self._memory.rows.get(environment, [])]
        proven = rolled_back = since = until = None
        for delivery in deliveries:
            if until is None and since is not None:
                until = delivery.started_at
            if delivery.current and delivery.current.release == release:
                since, until = delivery.current.since, None
            if delivery.status != SUCCEEDED:
                continue
            if delivery.release == release:
                proven, rolled_back = delivery.revision, None
            elif delivery.trigger == ROLLBACK and delivery.leaves == release and (proven or rolled_back):
                proven, rolled_back = None, delivery.revision
        return Standing(environment=environment, proven=proven, rolled_back=rolled_back, since=since, until=until)

    def release_of(self, version: str) -> Release | None:
        """The registered release."""
        with self._memory.guard:
            known = self._memory.releases.get(version)
        return records.decode(Release, known[1], f"the release {version}") if known else None

    def releases(self) -> tuple[Release, ...]:
        """All, newest first."""
        with self._memory.guard:
            bodies = [body for _, body in self._memory.releases.values()]
        return tuple(records.decode(Release, body, "a release") for body in reversed(bodies))

    def plan_executed(self, plan_id: str) -> Delivery | None:
        """The delivery that executed this plan."""
        with self._memory.guard:
            rows = (row for rows in self._memory.rows.values() for row in rows)
            return next((_delivery(row) for row in rows if row["plan_id"] == plan_id), None)

    def _row(self, environment: str, revision: int) -> dict[str, str | int | None]:
        rows = self._memory.rows.get(environment, [])
        if not 0 < revision <= len(rows):
            raise records.unknown_revision(environment, revision, self.head(environment))
        return rows[revision - 1]

    # --- writing ---

    def register(self, release: Release, logs: Sequence[str] = ()) -> Release:
        """Register once."""
        with self._memory.guard:
            known = self.release_of(release.version)
            if known is not None:
                records.check_registered(known, release)
                return known
            self._create()
            blobs = records.log_blobs(logs)
            for content in blobs:
                self._put(content)
            event = self._append(chain.registered(release, blobs))
            self._memory.releases[release.version] = (event.seq, records.text(release))
        return release

    def log(self, digest: str) -> str:
        """What a build printed."""
        with self._memory.guard:
            return records.unpack(digest, self._memory.blobs.get(digest)).decode()

    def begin(self, lease: Lease, intent: Intent) -> Delivery:
        """Commit an intent as the next revision, `running`."""
        plan = intent.plan
        if plan.environment != lease.environment:
            raise InternalError(f"a plan for {plan.environment} under the lease of {lease.environment}")
        blobs = records.intent_blobs(intent)
        with self._memory.guard:
            self._check(lease)
            head = self.head(lease.environment)
            records.check_begin(plan, head, self.plan_executed(plan.id))
            self.register(plan.release)
            delivery = records.begun(intent, head.revision + 1 if head else 1)
            rows = self._memory.rows.setdefault(lease.environment, [])
            row = records.columns(delivery) | {name: self._put(content) for name, content in blobs.items()}
            row |= {
                "inventory": None,
                "position": records.position(delivery, str(rows[-1]["position"]) if rows else None),
            }
            rows.append(row)
            self._append(chain.begun(lease, delivery, blobs))
        return delivery

    def resume(self, lease: Lease, revision: int) -> Delivery:
        """Set the interrupted head back to `running`."""
        with self._memory.guard:
            self._check(lease)
            head = self.head(lease.environment)
            delivery = records.resumed(records.check_open(lease.environment, head, revision, INTERRUPTED))
            self._row(lease.environment, revision).update(records.columns(delivery) | {"inventory": None})
            self._append(chain.resumed(lease, delivery, self._clock.now()))
        return delivery

    def step(self, lease: Lease, revision: int, *steps: Step) -> None:
        """Add steps to the running delivery."""
        with self._memory.guard:
            self._check(lease)
            records.check_open(lease.environment, self.head(lease.environment), revision, RUNNING)
            written = self._memory.steps.setdefault((lease.environment, revision), [])
            for step in map(records.plain_step, steps):
                written.append(records.text(step))
                self._append(chain.stepped(lease, revision, len(written), step))

    def finish(self, lease: Lease, revision: int, outcome: Outcome) -> Delivery:
        """Commit the outcome of the running delivery, or the new outcome of an interrupted one."""
        inventory = records.blob(outcome.inventory)
        with self._memory.guard:
            self._check(lease)
            head = self.head(lease.environment)
            running = records.check_open(lease.environment, head, revision, RUNNING, INTERRUPTED)
            delivery = records.finished(running, outcome)
            changed = records.columns(delivery) | {"inventory": self._put(inventory)}
            self._row(lease.environment, revision).update(changed)
            self._append(chain.finished(lease, delivery, inventory))
        return delivery

    def _put(self, content: Blob) -> str:
        self._memory.blobs.setdefault(content.digest, records.pack(content.data))
        return content.digest

    def _append(self, fact: Fact) -> Link:
        events = self._memory.events
        events.append(chain.link(events[-1] if events else None, fact))
        return events[-1]

    def _create(self) -> None:
        if not self._memory.events:
            self._append(chain.created(self._memory.id, self._clock.now()))

    # --- the whole ---

    def verify(self) -> ChainCheck:
        """Recompute the chain, and compare everything that is recorded with it."""
        with self._memory.guard:
            return audit.audit(_Everything(self._memory))

    def close(self) -> None:
        """Die: what is still held is free for the next one."""
        with self._memory.guard:
            self._memory.dead |= self._mine
            self._mine = set()


class _Everything:
    """All rows, for the audit."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def history(self) -> str | None:
        return self._memory.id if self._memory.events else None

    def events(self) -> Iterable[Link]:
        return self._memory.events

    def releases(self) -> Iterator[tuple[str, int, str]]:
        return ((version, seq, body) for version, (seq, body) in self._memory.releases.items())

    def deliveries(self) -> Iterator[dict[str, str | int | None]]:
        return (row for name in sorted(self._memory.rows) for row in self._memory.rows[name])

    def steps(self) -> Iterator[tuple[str, int, int, str]]:
        for (environment, revision), bodies in self._memory.steps.items():
            for number, body in enumerate(bodies, 1):
                yield environment, revision, number, body

    def blobs(self) -> Iterable[tuple[str, bytes]]:
        return self._memory.blobs.items()

    def tokens(self) -> Iterable[tuple[str, int]]:
        return self._memory.tokens.items()


def _delivery(row: Mapping[str, str | int | None]) -> Delivery:
    return records.decode(Delivery, str(row["body"]), "a delivery")


def _wanted(delivery: Delivery, query: DeliveryQuery) -> bool:
    return (
        (query.environments is None or delivery.environment in query.environments)
        and query.release in {None, delivery.release}
        and query.status in {None, delivery.status}
        and query.trigger in {None, delivery.trigger}
        and (query.before is None or delivery.revision < query.before)
        and (query.after is None or delivery.revision > query.after)
        and query.other_than != delivery.rendered_digest
    )
