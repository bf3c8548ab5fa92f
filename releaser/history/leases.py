"""What is said about leases, and the events about them: the same for every store."""

from datetime import UTC, datetime

from releaser.history import chain
from releaser.history.records import clean
from releaser.model.errors import LeaseLost, Locked
from releaser.ports import Holder, Lease, LeaseState


def locked(environment: str, holder: Holder) -> Locked:
    """What a second one is told: who delivers, from where, since when, and what to do."""
    return Locked(
        f"{environment} is locked: {told(holder)}",
        hint=f"wait until it is over, see `release lock status`, or take over: "
        f"`release lock break --env {environment} --reason …`",
    )


def lost(lease: Lease, state: LeaseState | None) -> LeaseLost:
    """What the old holder is told."""
    now = f"now {told(state.holder)}" if state else "it was broken or let go"
    return LeaseLost(
        f"{lease.environment}: the lease is lost, so nothing more is recorded: {now}",
        hint=f"see who took it and why: `release history --env {lease.environment}`, `release lock status`",
    )


def told(holder: Holder) -> str:
    """A holder in words."""
    since = holder.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{holder.actor} on {holder.host} (process {holder.process}) runs `{holder.verb}` since {since}"


def plain(holder: Holder) -> Holder:
    """A holder with words that JSON can hold."""
    return Holder(
        actor=clean(holder.actor),
        host=clean(holder.host),
        process=holder.process,
        verb=clean(holder.verb),
        since=holder.since.astimezone(UTC),
    )


def broken(state: LeaseState, token: int, by: tuple[str, str], at: datetime) -> chain.Fact:
    """The event of a lease that `by`, an actor for a reason, took from its holder."""
    actor, reason = by
    return chain.Fact(
        kind=chain.LEASE_BROKEN,
        at=at.astimezone(UTC),
        actor=clean(actor),
        environment=state.environment,
        token=token,
        details={"holder": told(state.holder), "reason": clean(reason)},
    )


def taken_over(lease: Lease, dead: Holder, at: datetime) -> chain.Fact:
    """The event of a lease whose holder died and which somebody else has now."""
    return chain.Fact(
        kind=chain.LEASE_TAKEN_OVER,
        at=at.astimezone(UTC),
        actor=lease.holder.actor,
        environment=lease.environment,
        token=lease.token,
        details={"holder": told(dead)},
    )
