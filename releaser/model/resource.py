"""Resources, what an engine left behind (inventory), and what is live (observation)."""

from collections.abc import Mapping
from datetime import datetime

from releaser.model.value import Json, Value

ResourceId = str
"""`kind/name`, as in `service/api`; Kubernetes adds group and namespace."""


ABSENT = "absent"
"""The identity of a target that the first delivery to it makes, as a namespace."""


class Target(Value, frozen=True, kw_only=True):
    """What services run on: the engine's settings and who it said it is."""

    engine: str
    identity: str
    path: str | None = None  # directory
    host: str | None = None  # docker, swarm
    context: str | None = None  # kubernetes
    namespace: str | None = None

    @property
    def runs(self) -> bool:
        """Whether the engine sees what it delivers run; `directory` only writes."""
        return self.engine != "directory"

    @property
    def place(self) -> str:
        """The setting a person knows the target by."""
        return self.path or self.host or "/".join(filter(None, (self.context, self.namespace))) or self.identity

    def is_same(self, other: "Target") -> bool:
        """Whether both are one target; by its place where it is not there, or was not when it was recorded."""
        if ABSENT in {self.identity, other.identity}:
            return (self.engine, self.place) == (other.engine, other.place)
        return (self.engine, self.identity) == (other.engine, other.identity)


class Resource(Value, frozen=True, kw_only=True):
    """One thing an engine keeps: its body as the engine gets it, secrets as references only."""

    id: ResourceId
    body: Json
    fingerprint: str  # planning.fingerprint.of(body)
    secrets: Mapping[str, str] = {}  # dotted path in the body → name of the secret that is referred to there


class Rendering(Value, frozen=True, kw_only=True):
    """What an engine makes of an environment and a release: resources in the order in which they are needed."""

    resources: tuple[Resource, ...]
    # resource → ((path in its body, path in the declarations), …): the longest body path that leads wins
    sources: Mapping[ResourceId, tuple[tuple[str, str], ...]] = {}
    secrets: tuple[str, ...] = ()  # the secrets that the resources refer to
    warnings: tuple[str, ...] = ()


class Mark(Value, frozen=True, kw_only=True):
    """Whose a live thing is: the engine keeps it beside the thing; the revision is never compared."""

    project: str
    environment: str
    history: str
    revision: int  # the delivery that last wrote it


class Ready(Value, frozen=True, kw_only=True):
    """How many of a service's wanted instances run and are healthy."""

    running: int
    desired: int


class Author(Value, frozen=True, kw_only=True):
    """Who wrote a field, and when, where the engine tells."""

    by: str
    at: datetime | None = None


class Live(Value, frozen=True, kw_only=True):
    """One live thing as the engine answers for it, without what the engine itself keeps changing."""

    id: ResourceId
    body: Json
    fingerprint: str  # of the resource it was made from, as its mark says; of the body where the engine keeps bodies
    mark: Mark | None = None  # None: nobody marked it
    uid: str | None = None
    generation: int | None = None
    ready: Ready | None = None  # None: not a service, or this engine does not run anything
    by: str | None = None  # who changed it last, and when, where the engine tells
    at: datetime | None = None
    authors: Mapping[str, Author] = {}  # dotted path that is not as recorded → who wrote it
    notes: tuple[str, ...] = ()  # what differs from the record and is no drift: a server's new default, say


class Observation(Value, frozen=True, kw_only=True):
    """What is live in one environment's target at one moment."""

    resources: Mapping[ResourceId, Live]
    at: datetime
    files: Mapping[str, str] = {}  # files that hold several resources → sha256 of their bytes


class InventoryItem(Value, frozen=True, kw_only=True):
    """One resource that a delivery left behind, with the engine's own answer for it."""

    resource: Resource
    snapshot: Json  # Live.body right after the delivery; drift compares with this
    uid: str | None = None
    generation: int | None = None
    revision: int  # the delivery that last wrote it


class SecretPrint(Value, frozen=True, kw_only=True):
    """A keyed fingerprint of a secret's value; comparable only under the same key."""

    key: str  # the key's id
    fingerprint: str | None  # None: the value could not be read


class Inventory(Value, frozen=True, kw_only=True):
    """The resources that a delivery really left behind: enough for drift, pruning and rollback."""

    items: Mapping[ResourceId, InventoryItem] = {}
    files: Mapping[str, str] = {}
    secrets: Mapping[str, SecretPrint] = {}
    definitions: Mapping[str, Json] = {}  # secret → its source as declared then
    target: Target | None = None  # where they are


EMPTY = Inventory()
