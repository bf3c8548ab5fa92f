"""The edges of the program as protocols; every implementation passes the contract suite of its port.

Each docstring says which errors of `model.errors` may come out; nothing else may.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from releaser.model.delivery import DeclarationSource, Delivery, Intent, Outcome, Record, Step
from releaser.model.environment import Environment, Pipeline, Verify
from releaser.model.errors import Problem
from releaser.model.event import Event
from releaser.model.gate import Standing
from releaser.model.image import Image, Platforms, Resolved
from releaser.model.plan import PROMOTE, UNCHANGED, Change
from releaser.model.release import Release
from releaser.model.resource import (
    Inventory,
    InventoryItem,
    Mark,
    Observation,
    Rendering,
    Resource,
    ResourceId,
    SecretPrint,
    Target,
)
from releaser.model.value import JsonMap, Value


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""


class Progress(Protocol):
    """Who watches a delivery; events go one way."""

    def event(self, event: Event) -> None:
        """Take notice; what it raises stops the delivery as an interruption does."""


class Stop(Protocol):
    """Whether somebody asked to stop."""

    def requested(self) -> bool:
        """True from the first Ctrl-C or SIGTERM on; checked between steps and while waiting."""


# --- engines ---


class Capabilities(Value, frozen=True, kw_only=True):
    """What an engine can do, as data."""

    runs: bool  # False: it writes files and never sees them run
    owns_orphans: bool  # an unmarked thing inside the target is ours to remove (a service in our file)
    passes_secrets: bool  # it must be given values; False: it writes references
    gives_back: bool = False  # what it took over from others runs again where the delivery fails
    watches_configs: bool = True  # False: an edit inside a delivered config is not seen
    accepts: frozenset[str] | None = None
    """The words of a resource's body that a live value may be taken into; None: live bodies are bodies of resources."""


class Scope(Value, frozen=True, kw_only=True):
    """Whose things an engine is asked for."""

    project: str
    environment: str
    history: str  # the history's id
    wanted: frozenset[ResourceId] = frozenset()  # what is to be delivered, or was: looked for beside the inventory
    others: bool = False  # whether somebody else's things under those ids are shown, too


class Desired(Value, frozen=True, kw_only=True):
    """A resource that shall be live. `revision`: the delivery whose bytes these are, where a record is brought back."""

    resource: Resource
    revision: int | None = None
    before: InventoryItem | None = None  # what ran before a failed attempt: to be as it was, secret values included


class Work(Value, frozen=True, kw_only=True):
    """What an engine is to do: `changes` only, towards `desired`; everything that it needs to know is in here."""

    mark: Mark
    desired: tuple[Desired, ...]  # in the order in which they are needed
    changes: tuple[Change, ...]
    base: Inventory  # what the head left behind: what may be removed
    wait: float  # seconds, from the beginning of `apply` to the end of `wait`
    stable: float = 5.0  # seconds that what runs must go on running, within `wait`
    trigger: str = (
        PROMOTE  # promote | rollback | reconcile | restore: jobs run for the first, and where they ask for it
    )

    @property
    def changed(self) -> frozenset[ResourceId]:
        """The resources that are to be written."""
        return frozenset(change.resource for change in self.changes if change.action != UNCHANGED)


class Readiness(Value, frozen=True, kw_only=True):
    """Whether everything runs; if not, why, with the container's last words."""

    ready: bool
    message: str | None = None


class SecretValues(Protocol):
    """Values of secrets, read when they are asked for; unwrapped in an engine's last call only."""

    def value(self, name: str) -> bytes:
        """The value. Raises SecretMissing."""


class Engine(Protocol):
    """What runs services. Raises EngineUnreachable from every call but `render`; `observe` and `target` only read."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def target(self) -> Target:
        """The engine's settings and identity; asks at most once in its life, and once more where `apply` made it."""

    def render(self, environment: Environment, release: Release) -> Rendering:
        """Services → resources; pure. Raises InvalidDeclarations for what this engine cannot do, by file and line."""

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:
        """What is live: ours by mark or name, and whatever stands under a name of `inventory`; one list call a kind."""

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:
        """Make the changes, idempotently; announces each point it passes.

        It waits where something has to run before something else is written. Raises ApplyFailed, NotReady,
        SecretMissing, and Interrupted where somebody asked to stop.
        """

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Until all that `work` changed runs, it is sure to fail, `work.wait` is over, or somebody asked to stop."""

    def close(self) -> None:
        """Let go of connections."""


# --- history ---


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

    def register(self, release: Release) -> Release:
        """Register once: with the same digests again gives the first registration; raises ReleaseConflict."""

    def begin(self, lease: Lease, intent: Intent) -> Delivery:
        """Commit an intent as the next revision, `running`, and its release if it is not registered.

        Raises StalePlan where `intent.plan.base_revision` is not the head's revision, the head still runs, or the
        plan was executed before; ReleaseConflict.
        """

    def resume(self, lease: Lease, revision: int) -> Delivery:
        """Set the interrupted head back to `running`; raises StalePlan where it is not the interrupted head."""

    def step(self, lease: Lease, revision: int, step: Step) -> None:
        """Add a step to the running delivery."""

    def finish(self, lease: Lease, revision: int, outcome: Outcome) -> Delivery:
        """Commit the outcome of the running delivery, or the new outcome of an interrupted one."""

    def plan_executed(self, plan_id: str) -> Delivery | None:
        """The delivery that executed this plan."""

    def verify(self) -> ChainCheck:
        """Recompute the chain of events."""

    def close(self) -> None:
        """Let go of the store."""


# --- images, secrets, the rest of the world ---


class ImageRegistry(Protocol):
    """Where tags become digests. Raises RegistryUnreachable, ImageNotFound, InvalidDeclarations (a bad reference)."""

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now, an index where there is one."""

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms."""

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there: its platforms."""


class RegistryLogins(Protocol):
    """The logins that an engine pulls with."""

    def header(self, host: str) -> str | None:
        """The value of X-Registry-Auth for a registry, None where no login is known. Raises RegistryUnreachable."""


class SecretSource(Protocol):
    """Where secrets come from."""

    def read(self, name: str, definition: JsonMap) -> bytes:
        """The value. Raises SecretMissing, without the value in any message."""

    def known(self) -> tuple[bytes, ...]:
        """Every value read so far, so that texts of others can be masked."""


class FingerprintKey(Protocol):
    """The key that secrets are fingerprinted with; never in the history."""

    @property
    def id(self) -> str:
        """The key's id: what tells two keys apart, and nothing more."""

    def sign(self, environment: str, name: str, value: bytes) -> SecretPrint:
        """The fingerprint of a value."""


class Verifier(Protocol):
    """Runs the declared `verify` command."""

    def run(self, verify: Verify, variables: Mapping[str, str], stop: Stop) -> None:
        """Raises VerifyFailed with the command's last words."""


class Declarations(Protocol):
    """The project's `envs/`. Raises InvalidDeclarations, with every problem found."""

    def pipeline(self) -> Pipeline:
        """What is delivered, in which order, under which rules."""

    def environment(self, name: str) -> Environment:
        """Resolved. Raises UnknownName."""

    def files(self, name: str) -> tuple[str, ...]:
        """The files that the environment rests on, mounted ones too, relative to the root."""

    def problems(self, names: Sequence[str]) -> tuple[Problem, ...]:
        """Every error of every file of these environments; empty where all is well."""


class SourceControl(Protocol):
    """The version control that the declarations are kept in."""

    def describe(self, files: Sequence[str]) -> DeclarationSource | None:
        """The commit, and whether any of these files (relative to the root) differ from it; None outside one."""


__all__ = [
    "Capabilities",
    "ChainCheck",
    "Clock",
    "Declarations",
    "DeliveryQuery",
    "Desired",
    "Engine",
    "FingerprintKey",
    "HistoryStore",
    "Holder",
    "ImageRegistry",
    "Lease",
    "LeaseState",
    "Progress",
    "Readiness",
    "RegistryLogins",
    "ResourceId",
    "Scope",
    "SecretSource",
    "SecretValues",
    "SourceControl",
    "Stop",
    "Verifier",
    "Work",
]
