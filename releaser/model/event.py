"""Progress: one-way events from a running delivery to whoever watches."""

from enum import StrEnum

from releaser.model.value import Document, Time


class Point(StrEnum):
    """The named moments of a delivery, in order; a crash at each of them is a test case."""

    LEASED = "leased"  # the environment's lease is ours
    SETTLED = "settled"  # what a crash had left is recorded
    PLANNED = "planned"  # the plan was made again and is the same
    INTENT = "intent"  # the delivery is recorded as running
    APPLYING = "applying"  # the engine is about to be written
    STAGED = "staged"  # something is written that nothing refers to yet
    ROLLING = "rolling"  # something is being started or replaced; shown, not recorded
    COMMITTED = "committed"  # the engine has the new state
    PRUNED = "pruned"  # what the new state no longer needs is gone
    APPLIED = "applied"  # every change was written
    WAITING = "waiting"  # until it really runs
    VERIFYING = "verifying"  # the declared command runs
    VERIFIED = "verified"  # it did not refuse
    OBSERVED = "observed"  # read back
    RESTORING = "restoring"  # the previous revision is being brought back
    RESTORED = "restored"
    FINISHED = "finished"  # the outcome is recorded


class Event(Document, frozen=True, kw_only=True, tag="releaser/event/v1"):
    """Something happened: at which point, to which resource, in words."""

    at: Time
    environment: str
    point: Point
    text: str
    resource: str | None = None
