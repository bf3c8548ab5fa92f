"""Drift: the head's inventory against what is live."""

from collections.abc import Iterator, Mapping

from releaser.model.drift import CHANGED, MISSING, ORPHAN, RECREATED, DriftField, DriftItem
from releaser.model.resource import Inventory, InventoryItem, Live, Observation
from releaser.model.value import Json, dotted
from releaser.planning.diff import diff, same

REPLACED = "secret, replaced by a literal"
"""What is shown for a literal that stands where the other side refers to a secret."""


def detect(inventory: Inventory, observation: Observation) -> tuple[DriftItem, ...]:
    """Every difference, in the order of the resources' ids; bytes alone are compared where nothing else differs."""
    items = tuple(_items(inventory, observation))
    return items or tuple(_formatting(inventory, observation))


def _items(inventory: Inventory, observation: Observation) -> Iterator[DriftItem]:
    for resource in sorted(inventory.items.keys() | observation.resources.keys()):
        item, live = inventory.items.get(resource), observation.resources.get(resource)
        if live is None:
            yield DriftItem(resource=resource, kind=MISSING)
        elif item is None:
            yield DriftItem(resource=resource, kind=ORPHAN, by=live.by, at=live.at)
        elif item.uid != live.uid and item.uid is not None:
            yield _item(RECREATED, item, live)
        elif not same(item.snapshot, live.body):
            yield _item(CHANGED, item, live)


def _item(kind: str, item: InventoryItem, live: Live) -> DriftItem:
    fields = tuple(
        _field(dotted(path), recorded, value, live)
        for path, recorded, value in masked(item.snapshot, live.body, item.resource.secrets)
    )
    return DriftItem(resource=live.id, kind=kind, fields=fields, by=live.by, at=live.at)


def _field(path: str, recorded: Json, value: Json, live: Live) -> DriftField:
    author = live.authors.get(path)
    by, at = (author.by, author.at) if author is not None else (None, None)
    return DriftField(path=path, recorded=recorded, live=value, by=by, at=at)


def notes(observation: Observation) -> tuple[str, ...]:
    """What differs from the record and is no drift, resource by resource."""
    return tuple(f"{name}: {note}" for name, live in sorted(observation.resources.items()) for note in live.notes)


def _formatting(inventory: Inventory, observation: Observation) -> Iterator[DriftItem]:
    for file, recorded in sorted(inventory.files.items()):
        live = observation.files.get(file)
        if live != recorded:
            field = DriftField(path="formatting", recorded=recorded, live=live)
            yield DriftItem(resource=f"file/{file}", kind=CHANGED, fields=(field,))


def masked(old: Json, new: Json, *secrets: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    """The differences of two bodies; where a path belongs to a secret, the side that is no reference is hidden.

    `secrets` are the secret paths of the old and, where it is known, of the new body: a side with a reference keeps
    it, as references are no secrets.
    """
    for path, one, other in diff(old, new):
        referred = [holds_secret(dotted(path), paths) for paths in secrets]
        if not any(referred):
            yield path, one, other
        else:
            yield path, one if referred[0] or one is None else REPLACED, other if _kept(referred, other) else REPLACED


def _kept(referred: list[bool], value: Json) -> bool:
    return value is None or (len(referred) > 1 and referred[1])


def holds_secret(path: str, secrets: Mapping[str, str]) -> bool:
    """Whether the dotted path is, holds or lies within a reference to a secret."""
    return any(
        path == secret or secret.startswith(path + ".") or path.startswith(secret + ".") or not path
        for secret in secrets
    )
