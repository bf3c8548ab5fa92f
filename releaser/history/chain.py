"""The append-only chain of events: each one's hash covers the one before it.

The chain proves order and content, not that its end is still there: whoever can write the database can cut its tail, or
build the whole chain again. Only a head that is kept elsewhere shows that.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from releaser.history.records import Blob, clean
from releaser.model.delivery import Delivery, Step
from releaser.model.release import Release
from releaser.model.value import Json, Value
from releaser.planning.fingerprint import canonical, of
from releaser.ports import Lease

CREATED, REGISTERED, BEGUN, STEPPED, RESUMED, FINISHED = "created", "registered", "begun", "step", "resumed", "finished"
LEASE_BROKEN, LEASE_TAKEN_OVER = "lease-broken", "lease-taken-over"

_DOMAIN = b"releaser-event-v1\0"
_START = bytes(32)


class Fact(Value, frozen=True, kw_only=True):
    """What an event tells: contents as digests only, so that a content may go without breaking the chain."""

    kind: str
    at: datetime
    actor: str
    environment: str | None = None
    revision: int | None = None
    token: int | None = None
    digests: Mapping[str, str] = {}
    details: Mapping[str, Json] = {}


class Entry(Value, frozen=True, kw_only=True):
    """An event's body: its number and what it tells."""

    seq: int
    fact: Fact


class Link(NamedTuple):
    """An event as it is stored."""

    seq: int
    body: str
    hash: str


def link(previous: Link | None, fact: Fact) -> Link:
    """The next event after `previous`."""
    seq = previous.seq + 1 if previous else 1
    body = canonical(Entry(seq=seq, fact=fact)).decode()
    return Link(seq, body, hash_of(previous.hash if previous else None, body))


def hash_of(previous: str | None, body: str) -> str:
    """`sha256:<hex>` over the hash before it and the body."""
    before = bytes.fromhex(previous.removeprefix("sha256:")) if previous else _START
    return "sha256:" + hashlib.sha256(_DOMAIN + before + body.encode()).hexdigest()


def created(history: str, at: datetime) -> Fact:
    """The first event of every chain: the history's id."""
    return Fact(kind=CREATED, at=at.astimezone(UTC), actor="release", details={"history": history})


def registered(release: Release, logs: Sequence[Blob] = ()) -> Fact:
    """A release is registered, with what the builds of its images printed."""
    return Fact(
        kind=REGISTERED,
        at=release.created_at.astimezone(UTC),
        actor=clean(release.created_by),
        digests={"release": of(release), **{f"log{number}": log.digest for number, log in enumerate(logs)}},
        details={"version": release.version},
    )


def begun(lease: Lease, delivery: Delivery, blobs: Mapping[str, Blob]) -> Fact:
    """A delivery is about to change things."""
    digests = {name: content.digest for name, content in blobs.items()}
    return _of_delivery(BEGUN, lease, delivery, delivery.started_at, digests)


def resumed(lease: Lease, delivery: Delivery, at: datetime) -> Fact:
    """An interrupted delivery goes on."""
    return _of_delivery(RESUMED, lease, delivery, at.astimezone(UTC), {})


def finished(lease: Lease, delivery: Delivery, inventory: Blob) -> Fact:
    """A delivery has an outcome."""
    at = delivery.finished_at or delivery.started_at
    return _of_delivery(FINISHED, lease, delivery, at, {"inventory": inventory.digest})


def stepped(lease: Lease, revision: int, number: int, step: Step) -> Fact:
    """Something happened during a delivery."""
    return Fact(
        kind=STEPPED,
        at=step.at,
        actor=lease.holder.actor,
        environment=lease.environment,
        revision=revision,
        token=lease.token,
        digests={"step": of(step)},
        details={"number": number},
    )


def _of_delivery(kind: str, lease: Lease, delivery: Delivery, at: datetime, digests: Mapping[str, str]) -> Fact:
    return Fact(
        kind=kind,
        at=at,
        actor=lease.holder.actor,
        environment=delivery.environment,
        revision=delivery.revision,
        token=lease.token,
        digests={"delivery": of(delivery), **digests},
        details={"status": delivery.status},
    )
