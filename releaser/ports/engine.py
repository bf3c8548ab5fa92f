"""What runs services, and what it is told and tells."""

from typing import Protocol

from releaser.model.environment import Environment
from releaser.model.plan import PROMOTE, UNCHANGED, Change
from releaser.model.preview import Preview
from releaser.model.release import Release
from releaser.model.resource import (
    Inventory,
    InventoryItem,
    Mark,
    Observation,
    Rendering,
    Resource,
    ResourceId,
    Target,
)
from releaser.model.value import Value
from releaser.ports.progress import Progress, Stop


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
    """What runs services. Raises EngineUnreachable from every call but `render`; before `apply` nothing is written."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def target(self) -> Target:
        """The engine's settings and identity; asks at most once in its life, and once more where `apply` made it."""

    def render(self, environment: Environment, release: Release) -> Rendering:
        """Services → resources; pure. Raises InvalidDeclarations for what this engine cannot do, by file and line."""

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:
        """What is live: ours by mark or name, and whatever stands under a name of `inventory`; one list call a kind."""

    def preview(self, work: Work) -> Preview:
        """What the engine would do, set and refuse if `work` were applied now; writes nothing.

        It stands on what the last `observe` saw, and asks for what changes only.
        """

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:
        """Make the changes, idempotently; announces each point it passes.

        It waits where something has to run before something else is written. Raises ApplyFailed, NotReady,
        SecretMissing, and Interrupted where somebody asked to stop.
        """

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Until all that `work` changed runs, it is sure to fail, `work.wait` is over, or somebody asked to stop."""

    def close(self) -> None:
        """Let go of connections."""
