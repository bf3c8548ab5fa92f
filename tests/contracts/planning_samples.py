"""Small values that planning is tested with: resources, what was recorded of them, and what is live."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from releaser.model.resource import (
    Inventory,
    InventoryItem,
    Live,
    Mark,
    Observation,
    Resource,
    SecretPrint,
    Target,
)
from releaser.planning import fingerprint

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TARGET = Target(engine="memory", identity="id-1", host="test")
OURS = Mark(project="shop", environment="test", history="history-1", revision=1)


def resource(name: str, body: Any = None, secrets: Mapping[str, str] | None = None) -> Resource:
    """`service/api` with a body of its own, unless one is given."""
    body = {"image": name} if body is None else body
    return Resource(id=name, body=body, fingerprint=fingerprint.of(body), secrets=secrets or {})


def item(of: Resource, snapshot: Any = None, *, revision: int = 1, uid: str | None = None) -> InventoryItem:
    """A resource as it was recorded, with the engine's own answer."""
    return InventoryItem(resource=of, snapshot=of.body if snapshot is None else snapshot, uid=uid, revision=revision)


def live(of: Resource, body: Any = None, *, mark: Mark | None = OURS, uid: str | None = None) -> Live:
    """A resource as it is live, or what somebody made of it."""
    return Live(id=of.id, body=of.body if body is None else body, fingerprint=of.fingerprint, mark=mark, uid=uid)


def inventory(*items: InventoryItem, **words: Any) -> Inventory:
    return Inventory(items={one.resource.id: one for one in items}, **words)


def observation(*found: Live, files: Mapping[str, str] | None = None) -> Observation:
    return Observation(resources={one.id: one for one in found}, at=NOW, files=files or {})


def signed(value: str | None, key: str = "key-1") -> SecretPrint:
    """The fingerprint of a secret; None for a value that could not be read."""
    return SecretPrint(key=key, fingerprint=value)
