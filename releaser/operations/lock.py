"""lock: who delivers now, and taking over from a holder that hangs."""

from releaser.model.documents import Locks, LockState
from releaser.operations.workspace import Workspace
from releaser.ports import LeaseState


def status(ws: Workspace, environments: tuple[str, ...] | None = None) -> Locks:
    """Who holds which environment's lease now."""
    leases = ws.history.leases()
    return Locks(
        locks=tuple(_state(lease) for lease in leases if environments is None or lease.environment in environments)
    )


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
