"""Deliveries: the versioned record of what was done in an environment."""

from typing import Annotated

from releaser.model.event import Point
from releaser.model.plan import Plan, Trigger
from releaser.model.resource import Inventory, Resource, Target
from releaser.model.value import Document, Json, Time, Value, one_of

RUNNING, SUCCEEDED, FAILED, INTERRUPTED, ABORTED = "running", "succeeded", "failed", "interrupted", "aborted"

DeliveryStatus = Annotated[str, one_of(RUNNING, SUCCEEDED, FAILED, INTERRUPTED, ABORTED)]


class DeclarationSource(Value, frozen=True, kw_only=True):
    """The commit of `envs/` and the files it mounts; dirty where they differ from it."""

    commit: str
    dirty: bool


class Current(Value, frozen=True, kw_only=True):
    """What is known to run after a delivery, and since when that release has run unbroken."""

    revision: int
    release: str
    since: Time


class Delivery(Value, frozen=True, kw_only=True):
    """One execution of one plan in one environment."""

    environment: str
    revision: int
    status: DeliveryStatus
    trigger: Trigger
    release: str  # its version
    restores: int | None = None  # the revision that a rollback brings back
    restored: int | None = (
        None  # the revision that a failed or aborted delivery returned to; 0 is the empty environment
    )
    actor: str
    reason: str | None = None
    message: str | None = None
    hint: str | None = None  # what to do about a failure
    started_at: Time
    finished_at: Time | None = None
    config_digest: str
    rendered_digest: str
    source: DeclarationSource | None = None
    tool_version: str
    plan_id: str
    base_revision: int
    target: Target
    leaves: str | None = None  # the release that was current before: what a rollback goes away from
    current: Current | None = None  # what is known to run after it


class Step(Value, frozen=True, kw_only=True):
    """One thing that happened during a delivery."""

    at: Time
    text: str
    point: Point | None = None


class Intent(Value, frozen=True, kw_only=True):
    """What is committed before the first call that changes anything."""

    plan: Plan
    resources: tuple[Resource, ...]
    base: Inventory  # the head's inventory: what was there before
    definitions: Json = {}  # secret → its source, as declared
    actor: str
    reason: str | None = None
    source: DeclarationSource | None = None
    tool_version: str
    leaves: str | None = None
    started_at: Time


class Outcome(Value, frozen=True, kw_only=True):
    """What is committed when it is over."""

    status: DeliveryStatus
    inventory: Inventory
    message: str | None = None
    hint: str | None = None
    restored: int | None = None
    current: Current | None = None
    finished_at: Time


class Record(Value, frozen=True, kw_only=True):
    """Everything stored of one delivery; `inventory` is None while it has no outcome."""

    delivery: Delivery
    plan: Plan
    resources: tuple[Resource, ...]
    base: Inventory
    definitions: Json = {}
    inventory: Inventory | None
    steps: tuple[Step, ...] = ()


class ResourceBody(Value, frozen=True, kw_only=True):
    """A resource as `show` and `render` print it."""

    id: str
    body: Json


class Details(Document, frozen=True, kw_only=True, tag="releaser/details/v1"):
    """One delivery, whole: what `show` prints."""

    delivery: Delivery
    plan: Plan
    resources: tuple[ResourceBody, ...]
    steps: tuple[Step, ...]
    cut_off: bool = False  # it is `running`, and its holder died


class History(Document, frozen=True, kw_only=True, tag="releaser/history/v1"):
    """Deliveries, newest first."""

    deliveries: tuple[Delivery, ...]
    cut_off: tuple[str, ...] = ()  # ENV/REVISION of those that are `running`, and whose holder died


class Result(Document, frozen=True, kw_only=True, tag="releaser/result/v1"):
    """What a verb that delivers ended with."""

    outcome: Annotated[str, one_of("delivered", "unchanged", "failed", "interrupted")]
    delivery: Delivery | None
    plan_id: str | None
