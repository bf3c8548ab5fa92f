"""settle: what a crash left `running` gets its outcome, by looking; nothing is written to the engine."""

from datetime import datetime

import msgspec

from releaser.model.delivery import RUNNING, Delivery, Outcome, Record
from releaser.model.errors import EngineUnreachable, Locked
from releaser.model.resource import EMPTY
from releaser.operations.workspace import Workspace
from releaser.planning import settling
from releaser.ports import Lease, Scope


def settle(ws: Workspace, lease: Lease) -> Delivery | None:
    """Record the outcome of a delivery whose holder died; we hold the lease, so a running head has no holder.

    Gives the settled delivery, None where nothing was to settle.
    """
    head = ws.history.head(lease.environment)
    if head is None or head.status != RUNNING:
        return None
    record = ws.history.record(lease.environment, head.revision)
    return ws.history.finish(lease, head.revision, look(ws, record))


def look(ws: Workspace, record: Record) -> Outcome:
    """What a delivery that was cut off really did. Raises EngineUnreachable."""
    engine = ws.engine_at(record.delivery.target)
    scope = ws.scope(record.delivery.environment, record.plan.project, record.resources)
    moved = record.plan.moves_from is not None
    observation = engine.observe(scope, EMPTY if moved else record.base)
    began = since(ws, record.delivery, ws.clock.now())
    return settling.judge(record, observation, began, ws.clock.now(), left=not moved or _left(ws, record, scope))


def _left(ws: Workspace, record: Record, scope: Scope) -> bool:
    """Whether nothing is in the target that the environment moved from any more, as far as can be told."""
    assert record.plan.moves_from is not None  # noqa: S101 - the caller's branch
    try:
        observation = ws.engine_at(record.plan.moves_from).observe(scope, record.base)
    except EngineUnreachable:
        return False
    return not record.base.items.keys() & observation.resources.keys()


def since(ws: Workspace, delivery: Delivery, now: datetime) -> datetime:
    """Since when the delivery's release is current once it succeeds: unbroken over deliveries of the same release."""
    if delivery.base_revision:
        before = ws.history.delivery(delivery.environment, delivery.base_revision)
        if before.current and before.current.release == delivery.release:
            return before.current.since
    return now


def refuse_running(ws: Workspace, environment: str) -> None:
    """Raises Locked, naming the holder, while somebody delivers to the environment."""
    for lease in ws.history.leases():
        if lease.alive and lease.environment == environment:
            holder = lease.holder
            who = f"{holder.actor} ({holder.host}, process {holder.process})"
            raise Locked(
                f"{who} delivers to {environment}: {holder.verb}, since {holder.since:%H:%M:%SZ}",
                hint="wait for it: release lock status",
            )


def settled_head(ws: Workspace, environment: str) -> Record | None:
    """The head as it will be once it is settled: what a plan is made on. Writes nothing.

    A delivery that really runs is taken as it was recorded: its plan will be stale when it ends.
    """
    record = ws.head_record(environment)
    if record is None or record.delivery.status != RUNNING or holder_lives(ws, environment):
        return record
    outcome = look(ws, record)
    delivery = msgspec.structs.replace(record.delivery, status=outcome.status, current=outcome.current)
    return msgspec.structs.replace(record, delivery=delivery, inventory=outcome.inventory)


def holder_lives(ws: Workspace, environment: str) -> bool:
    """Whether somebody delivers to the environment right now."""
    return any(lease.alive for lease in ws.history.leases() if lease.environment == environment)
