"""Settling: what a delivery that crashed really did, judged from what is live."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from releaser.model.delivery import INTERRUPTED, SUCCEEDED, Current, Outcome, Record
from releaser.model.event import Point
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Live, Observation, Resource


def judge(record: Record, observation: Observation, since: datetime, now: datetime) -> Outcome:
    """The outcome of a delivery whose holder died: live as intended, live as before, or something between.

    Live as intended is a success unless a `verify` was to have the last word and had not been heard yet: a release
    that it would refuse must not count as proven. `resume` finishes that.

    `since`: when the delivery's release would have become current.
    """
    delivery = record.delivery
    if as_intended(record.resources, observation):
        if not verified(record):
            return Outcome(
                status=INTERRUPTED,
                inventory=taken(record, observation),
                message="settled after a crash: what is live is what was intended, but verify had not agreed yet",
                finished_at=now,
            )
        return Outcome(
            status=SUCCEEDED,
            inventory=taken(record, observation),
            message="settled after a crash: what is live is what was intended",
            current=Current(revision=delivery.revision, release=delivery.release, since=since),
            finished_at=now,
        )
    if as_recorded(record.base, observation):
        message = "settled after a crash: nothing had been changed"
        return Outcome(status=INTERRUPTED, inventory=record.base, message=message, finished_at=now)
    return Outcome(
        status=INTERRUPTED,
        inventory=taken(record, observation, record.base),
        message="settled after a crash: changed in part; the record holds what was found live",
        finished_at=now,
    )


def verified(record: Record) -> bool:
    """Whether `verify` agreed before the crash, or was never to be asked."""
    return record.plan.verify is None or any(step.point is Point.VERIFIED for step in record.steps)


def as_intended(resources: tuple[Resource, ...], observation: Observation) -> bool:
    """Whether exactly these resources are live."""
    if len(resources) != len(observation.resources):
        return False
    live = observation.resources
    return all(r.id in live and live[r.id].fingerprint == r.fingerprint for r in resources)


def as_recorded(inventory: Inventory, observation: Observation) -> bool:
    """Whether exactly the recorded things are live, as the engine answered for them then."""
    return inventory.items.keys() == observation.resources.keys() and all(
        item.snapshot == observation.resources[name].body for name, item in inventory.items.items()
    )


def taken(record: Record, observation: Observation, before: Inventory = EMPTY) -> Inventory:
    """The inventory that a delivery left: what is live, under the resources it was made from."""
    known = (*(item.resource for item in record.base.items.values()), *record.resources)
    inventory = inventory_of(observation, known, record.delivery.revision, before)
    return msgspec.structs.replace(
        inventory, secrets=record.plan.secrets, definitions=record.definitions, target=record.plan.target
    )


def inventory_of(
    observation: Observation, known: Iterable[Resource], revision: int, before: Inventory = EMPTY
) -> Inventory:
    """What is live as an inventory: each thing under the known resource it was made from, else as it was found.

    What nobody marked and no known resource names is not ours, and is left out. What is still as `before` had it
    keeps the answer recorded then, so that drift of that time stays drift.
    """
    resources = {(resource.id, resource.fingerprint): resource for resource in known}
    names = {name for name, _ in resources}
    items = {
        name: _kept(before.items.get(name), live)
        or InventoryItem(
            resource=resources.get((name, live.fingerprint)) or _as_found(live),
            snapshot=live.body,
            uid=live.uid,
            generation=live.generation,
            revision=live.mark.revision if live.mark else revision,
        )
        for name, live in observation.resources.items()
        if name in names or live.mark is not None
    }
    return Inventory(items=items, files=observation.files)


def _kept(item: InventoryItem | None, live: Live) -> InventoryItem | None:
    return item if item is not None and item.resource.fingerprint == live.fingerprint else None


def _as_found(live: Live) -> Resource:
    return Resource(id=live.id, body=live.body, fingerprint=live.fingerprint)
