"""Settling: what a delivery that crashed really did, judged from what is live."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from releaser.model.delivery import INTERRUPTED, SUCCEEDED, Current, Outcome, Record
from releaser.model.event import Point
from releaser.model.plan import CREATE, PROMOTE, REPLACE, UPDATE, Change, Plan
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Live, Observation, Resource, SecretPrint
from releaser.model.value import Json, Path, at_path, named, parse_path
from releaser.planning.diff import same
from releaser.planning.drift import REPLACED
from releaser.planning.planner import differs
from releaser.planning.wording import listed


def judge(record: Record, observation: Observation, since: datetime, now: datetime, *, left: bool = True) -> Outcome:
    """The outcome of a delivery whose holder died: live as intended, live as before, or something between.

    Live as intended is a success unless something is still open: `verify` was to have the last word, say, and a
    release that it would refuse must not count as proven. `resume` finishes that.

    `since`: when the delivery's release would have become current. `left`: whether nothing is in the target that the
    environment moved from any more.
    """
    delivery = record.delivery
    done = as_intended(record, observation)
    still_open = _still_open(record, observation, left) if done else None
    if done and still_open is None:
        return Outcome(
            status=SUCCEEDED,
            inventory=_taken(record, observation),
            message="settled after a crash: what is live is what was intended",
            current=Current(revision=delivery.revision, release=delivery.release, since=since),
            finished_at=now,
        )
    untouched = as_recorded(_here(record), observation) and not written(delivery.revision, observation)
    if record.plan.accepts or (untouched and not done):
        return Outcome(
            status=INTERRUPTED,
            inventory=_as_before(record, observation),
            message="settled after a crash: nothing had been changed",
            finished_at=now,
        )
    moves = record.plan.moves_from is not None
    return Outcome(
        status=INTERRUPTED,
        inventory=record.base if moves else _taken(record, observation),
        message="settled after a crash: " + (still_open or _between(record)),
        finished_at=now,
    )


def _still_open(record: Record, observation: Observation, left: bool) -> str | None:
    """What is to be done though what is live is what was intended; None where nothing is."""
    intended = "what is live is what was intended, but "
    secrets = _doubtful_secrets(record, observation)
    if secrets:
        return f"{intended}whether the new value of secret {listed(secrets)} was delivered cannot be told"
    if any(
        live.ready is not None and live.ready.running < live.ready.desired for live in observation.resources.values()
    ):
        return f"{intended}not all of it runs yet"
    if not verified(record):
        return f"{intended}verify had not agreed yet"
    if record.plan.moves_from is not None and not left:
        old = record.plan.moves_from.place
        return (
            f"{intended}{old} is not known to be left: release resume {record.plan.environment} removes what is there"
        )
    return None


def _between(record: Record) -> str:
    plan = record.plan
    if plan.moves_from is not None:
        return f"{plan.target.place} was changed in part; the record holds what is in {plan.moves_from.place}"
    return "changed in part; the record holds what was found live"


def verified(record: Record) -> bool:
    """Whether `verify` agreed before the crash, or was never to be asked; a resumed delivery asks it again."""
    points = [step.point for step in record.steps]
    began = max((index for index, point in enumerate(points) if point is Point.INTENT), default=0)
    return record.plan.verify is None or Point.VERIFIED in points[began:]


def _here(record: Record) -> Inventory:
    """What was in the delivery's target before it: nothing, where the environment moved to it."""
    return EMPTY if record.plan.moves_from else record.base


def as_intended(record: Record, observation: Observation) -> bool:
    """Whether exactly the delivery's resources are live, each left as it was or written by the delivery."""
    live = observation.resources
    return len(record.resources) == len(live) and all(
        resource.id in live and _done(record, resource, live[resource.id]) for resource in record.resources
    )


def _done(record: Record, resource: Resource, live: Live) -> bool:
    item = _here(record).items.get(resource.id)
    if is_as_left(resource, live, item):
        return True
    if live.fingerprint != resource.fingerprint:
        return False
    if item is None or (live.mark is not None and live.mark.revision == record.delivery.revision):
        return True
    # What is brought back keeps the revision that first wrote it, so only its change tells that it was written.
    changed = item.resource.fingerprint != resource.fingerprint and not same(item.snapshot, live.body)
    return changed and record.plan.trigger != PROMOTE


def is_as_left(resource: Resource, live: Live, item: InventoryItem | None) -> bool:
    """Whether a resource is in the record and its thing is live as the engine answered for it then."""
    return item is not None and item.resource.fingerprint == resource.fingerprint and same(item.snapshot, live.body)


def as_recorded(inventory: Inventory, observation: Observation) -> bool:
    """Whether exactly the recorded things are live, as the engine answered for them then."""
    return inventory.items.keys() == observation.resources.keys() and all(
        same(item.snapshot, observation.resources[name].body) for name, item in inventory.items.items()
    )


def _as_before(record: Record, observation: Observation) -> Inventory:
    """The former inventory; a new value of a secret may have been delivered where no mark tells."""
    if record.plan.moves_from or record.plan.accepts:
        return record.base
    found = written(record.delivery.revision, observation)
    left = secrets_left(record.plan, record.base, record.resources, found)
    return msgspec.structs.replace(
        record.base, secrets={name: left.get(name, was) for name, was in record.base.secrets.items()}
    )


def _taken(record: Record, observation: Observation) -> Inventory:
    """The inventory that a delivery left: what is live, under the resources it was made from."""
    known = (*(item.resource for item in record.base.items.values()), *record.resources)
    inventory = inventory_of(
        observation, known, record.delivery.revision, record.base, cut_off=to_put_right(record.plan)
    )
    secrets = secrets_left(record.plan, record.base, record.resources, written(record.delivery.revision, observation))
    return msgspec.structs.replace(
        inventory, secrets=secrets, definitions=record.definitions, target=record.plan.target
    )


# --- what a delivery left ---


def inventory_of(
    observation: Observation,
    known: Iterable[Resource],
    revision: int,
    base: Inventory = EMPTY,
    *,
    cut_off: AbstractSet[str] | None = None,
) -> Inventory:
    """What is live as an inventory: each thing under the known resource it was made from, else as it was found.

    What nobody marked and no known resource names is not ours, and is left out. Of a delivery that did not get through,
    `cut_off` is what it was to put right: the rest, and drift that is still there, keeps the answer in `base`.
    """
    resources = {(resource.id, resource.fingerprint): resource for resource in known}
    names: dict[str, list[Resource]] = {}
    for (name, _), resource in resources.items():
        names.setdefault(name, []).append(resource)
    items = {}
    for name, live in observation.resources.items():
        if name not in names and live.mark is None:
            continue
        before = base.items.get(name)
        if before is not None and cut_off is not None and _still(before, live, revision, name in cut_off):
            items[name] = before
            continue
        made_from = resources.get((name, live.fingerprint))
        if made_from is None:
            body = without_secrets(live.body, names.get(name, ()))
            made_from = _found(live, body, before, names.get(name, ()))
        else:
            body = live.body
        items[name] = InventoryItem(
            resource=made_from,
            snapshot=body,
            uid=live.uid,
            generation=live.generation,
            revision=live.mark.revision if live.mark else (before.revision if before else revision),
        )
    return Inventory(items=items, files=observation.files)


def _still(before: InventoryItem, live: Live, revision: int, to_write: bool) -> bool:
    """Whether a delivery that did not get through left a thing as it was, drift included."""
    as_before = same(before.snapshot, live.body)
    written = live.mark is not None and live.mark.revision == revision != before.revision
    if written or (to_write and as_before):  # what is brought back bears an earlier mark, and may be created anew
        return False
    return as_before or before.resource.fingerprint == live.fingerprint


def _found(live: Live, body: Json, before: InventoryItem | None, known: Sequence[Resource]) -> Resource:
    """The resource of a thing whose mark names none that is known: the recorded one if the thing is as it was."""
    if before is not None and same(before.snapshot, body):
        return before.resource
    secrets = {path: name for resource in known for path, name in resource.secrets.items()}
    return Resource(id=live.id, body=body, fingerprint=live.fingerprint, secrets=secrets)


def without_secrets(body: Json, known: Iterable[Resource]) -> Json:
    """A live body as it may be recorded: what stands where `known` refer to secrets, and is no reference, is hidden."""
    references: dict[str, list[Json]] = {}
    for resource in known:
        for path in resource.secrets:
            references.setdefault(path, []).append(at_path(resource.body, parse_path(path)))
    for path, allowed in references.items():
        body = _hidden(body, parse_path(path), allowed)
    return body


def _hidden(tree: Json, path: Path, allowed: list[Json]) -> Json:
    if not path:
        return tree if tree in allowed else REPLACED
    key = path[0]
    if isinstance(tree, dict):
        return {**tree, key: _hidden(tree[key], path[1:], allowed)} if key in tree else tree
    if isinstance(tree, list):
        names = named(tree) or {str(at): one for at, one in enumerate(tree)}
        return [_hidden(one, path[1:], allowed) if name == key else one for name, one in names.items()]
    return REPLACED  # of another kind: who knows what is in it


UNSURE = "unsure"
"""The fingerprint of a value that may be the former or the new one; equal to none, so the next plan delivers it."""


def secrets_left(
    plan: Plan, base: Inventory, resources: Iterable[Resource], written: AbstractSet[str] | None = None
) -> dict[str, SecretPrint]:
    """The fingerprints of the values that the engine has after a delivery.

    `written`: the resources that are known to be written; None where all changes were.
    """
    return {
        name: value_left(base.secrets.get(name), now, _delivered(name, plan, resources, written))
        for name, now in plan.secrets.items()
    }


def value_left(then: SecretPrint | None, now: SecretPrint, delivered: bool | None) -> SecretPrint:
    """The fingerprint of the value that the engine has; `delivered` is None where that cannot be told."""
    if delivered or then == now:
        return now
    if delivered is None:
        return SecretPrint(key=now.key, fingerprint=UNSURE if then is None or differs(then, now) else None)
    return then or now


def _delivered(name: str, plan: Plan, resources: Iterable[Resource], written: AbstractSet[str] | None) -> bool | None:
    secret = f"secret/{name}"
    written_anew = changing(plan.changes)
    touched = written_anew & {secret, *referring(name, resources)}
    # A secret that is a thing of its own keeps its value when only what refers to it is written.
    if secret not in written_anew and any(change.resource == secret for change in plan.changes):
        return False
    if not touched:
        return False
    if written is None or touched <= written:
        return True
    # What is brought back keeps the revision that first wrote it, so its mark does not tell.
    return False if plan.trigger == PROMOTE and not touched & written else None


def to_put_right(plan: Plan) -> AbstractSet[str]:
    """What a delivery writes, and what it saw drift."""
    return changing(plan.changes) | {item.resource for item in plan.drift}


def changing(changes: Iterable[Change]) -> AbstractSet[str]:
    """The resources that are written."""
    return {change.resource for change in changes if change.action in {CREATE, UPDATE, REPLACE}}


def referring(secret: str, resources: Iterable[Resource]) -> AbstractSet[str]:
    """The resources that are given the value of a secret."""
    return {resource.id for resource in resources if secret in resource.secrets.values()}


def written(revision: int, observation: Observation) -> AbstractSet[str]:
    """The things whose mark says that this delivery wrote them."""
    return {name for name, live in observation.resources.items() if live.mark and live.mark.revision == revision}


def _doubtful_secrets(record: Record, observation: Observation) -> tuple[str, ...]:
    """The secrets that the delivery was to give a new value, and that nothing tells whether it did."""
    left = secrets_left(record.plan, record.base, record.resources, written(record.delivery.revision, observation))
    return tuple(sorted(name for name, now in record.plan.secrets.items() if differs(left[name], now)))
