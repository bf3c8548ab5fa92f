"""lock: who delivers now, and taking over from a holder that hangs."""

from collections.abc import Iterable

from releaser.model.delivery import RUNNING, Delivery
from releaser.model.documents import Locks, LockState
from releaser.operations.workspace import Workspace
from releaser.ports import LeaseState


def status(ws: Workspace, environments: tuple[str, ...] | None = None) -> Locks:
    """Who holds which environment's lease now."""
    leases = ws.history.leases()
    return Locks(
        locks=tuple(_state(lease) for lease in leases if environments is None or lease.environment in environments)
    )


def cut_off(ws: Workspace, deliveries: Iterable[Delivery]) -> frozenset[tuple[str, int]]:
    """(environment, revision) of what is `running` though nobody delivers: its holder died, and nothing settled it."""
    running = [delivery for delivery in deliveries if delivery.status == RUNNING]
    if not running:
        return frozenset()
    held = {lease.environment for lease in ws.history.leases() if lease.alive}
    return frozenset((item.environment, item.revision) for item in running if item.environment not in held)


def break_(ws: Workspace, environment: str, reason: str) -> Locks:
    """Take the lease from its holder, on the record; its next write is refused."""
    broken = ws.history.break_lease(environment, ws.actor.name, reason)
    return Locks(locks=() if broken is None else (_state(broken),))


def _state(lease: LeaseState) -> LockState:
    holder = lease.holder
    return LockState(
        environment=lease.environment,
        actor=holder.actor,
        host=holder.host,
        process=holder.process,
        verb=holder.verb,
        since=holder.since,
        alive=lease.alive,
    )
