"""The delivery record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from releaser.model.delivery import Delivery, Intent, Outcome, Record, Step
from releaser.model.gate import Standing
from releaser.model.release import Release
from releaser.model.value import Value


class Holder(Value, frozen=True, kw_only=True):
    """Who delivers: what a refused second one is told."""

    actor: str
    host: str
    process: int
    verb: str
    since: datetime


class Lease(Value, frozen=True, kw_only=True):
    """The right to write one environment's history; `token` only grows."""

    environment: str
    token: int
    holder: Holder


class LeaseState(Value, frozen=True, kw_only=True):
    """Who holds an environment's lease; `alive` is False where the holder died without letting go."""

    environment: str
    token: int
    holder: Holder
    alive: bool


class DeliveryQuery(Value, frozen=True, kw_only=True):
    """Which deliveries, newest first; conditions are and-ed."""

    environments: tuple[str, ...] | None = None
    release: str | None = None
    status: str | None = None
    trigger: str | None = None
    before: int | None = None  # revisions below it
    after: int | None = None  # revisions above it
    other_than: str | None = None  # another rendered_digest than this
    limit: int | None = None


class ChainCheck(Value, frozen=True, kw_only=True):
    """What verifying the chain of events found; `broken_at` is the first bad event's number."""

    events: int
    head: str | None
    broken_at: int | None = None
    message: str | None = None


class HistoryStore(Protocol):
    """The delivery record.

    Raises HistoryUnreachable from every call, HistoryCorrupt where what is read cannot be right; every method that
    takes a lease raises LeaseLost once its token is not the newest. Each write is one transaction, with its event.
    """

    @property
    def id(self) -> str:
        """Made at the history's creation; the marks on delivered things carry it."""

    def acquire(self, environment: str, holder: Holder) -> Lease:
        """The environment's lease, also where its last holder died. Raises Locked, naming the living holder."""

    def renew(self, lease: Lease) -> None:
        """Show that the holder lives; raises LeaseLost."""

    def release(self, lease: Lease) -> None:
        """Let go; does nothing where it is lost already."""

    def leases(self) -> tuple[LeaseState, ...]:
        """Who holds what now."""

    def break_lease(self, environment: str, actor: str, reason: str) -> LeaseState | None:
        """Take the lease from its holder, on the record; None where nobody held it."""

    def head(self, environment: str) -> Delivery | None:
        """The newest delivery; None for the empty environment (revision 0)."""

    def heads(self) -> Mapping[str, Delivery]:
        """Every environment's head, in one query."""

    def delivery(self, environment: str, revision: int) -> Delivery:
        """Raises UnknownName."""

    def deliveries(self, query: DeliveryQuery) -> tuple[Delivery, ...]:
        """Newest first: by start, within an environment by revision."""

    def record(self, environment: str, revision: int) -> Record:
        """Everything stored of one delivery. Raises UnknownName."""

    def standing(self, environment: str, release: str) -> Standing:
        """How a release stands in an environment, in a fixed number of queries.

        `proven`: its newest succeeded delivery, unless a later succeeded rollback has `leaves` = release and brought
        back another (then `rolled_back`). `since`, `until`: of the newest delivery whose `current.release` it is;
        `until` is the start of the delivery after it.
        """

    def release_of(self, version: str) -> Release | None:
        """The registered release."""

    def releases(self) -> tuple[Release, ...]:
        """All, newest first."""

    def register(self, release: Release, logs: Sequence[str] = ()) -> Release:
        """Register once: with the same digests again gives the first registration; raises ReleaseConflict.

        `logs`: what builds of its images printed, kept for ever; the release has their digests.
        """

    def log(self, digest: str) -> str:
        """What a build printed. Raises HistoryCorrupt where it is not there."""

    def begin(self, lease: Lease, intent: Intent) -> Delivery:
        """Commit an intent as the next revision, `running`, and its release if it is not registered.

        Raises StalePlan where `intent.plan.base_revision` is not the head's revision, the head still runs, or the
        plan was executed before; ReleaseConflict.
        """

    def resume(self, lease: Lease, revision: int) -> Delivery:
        """Set the interrupted head back to `running`; raises StalePlan where it is not the interrupted head."""

    def step(self, lease: Lease, revision: int, *steps: Step) -> None:
        """Add steps to the running delivery, all or none."""

    def finish(self, lease: Lease, revision: int, outcome: Outcome) -> Delivery:
        """Commit the outcome of the running delivery, or the new outcome of an interrupted one."""

    def plan_executed(self, plan_id: str) -> Delivery | None:
        """The delivery that executed this plan."""

    def verify(self) -> ChainCheck:
        """Recompute the chain of events."""

    def close(self) -> None:
        """Let go of the store."""
