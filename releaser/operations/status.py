"""status: what is known to run where; with `live`, whether it is ready and untouched."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from releaser.model.delivery import Delivery
from releaser.model.documents import CurrentState, DriftState, EnvironmentStatus, HeadState, ServiceState, Status
from releaser.model.errors import ReleaseError
from releaser.model.resource import EMPTY, Inventory, Live
from releaser.model.value import Json, at_path
from releaser.operations import lock
from releaser.operations.workspace import Workspace
from releaser.planning import drift as drifting


def report(ws: Workspace, names: Sequence[str], *, live: bool = False) -> Status:
    """Every environment's state from the record; engines are asked only for `live`."""
    heads = ws.history.heads()
    cut_off = {name for name, _ in lock.cut_off(ws, heads.values())}
    found = _reported(ws, names, heads, live=live)
    return Status(environments=tuple(_marked(item) if item.environment in cut_off else item for item in found))


def _marked(item: EnvironmentStatus) -> EnvironmentStatus:
    """The same, its head cut off."""
    assert item.head is not None  # noqa: S101 - only heads are cut off
    return msgspec.structs.replace(item, head=msgspec.structs.replace(item.head, cut_off=True))


def _reported(
    ws: Workspace, names: Sequence[str], heads: Mapping[str, Delivery], *, live: bool
) -> Iterable[EnvironmentStatus]:
    if not live:
        return [_recorded(ws, name, heads.get(name)) for name in names]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only where engines are asked

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda name: _live(ws, name, heads.get(name)), names))


def _recorded(ws: Workspace, name: str, head: Delivery | None) -> EnvironmentStatus:
    if head is None:
        return EnvironmentStatus(environment=name, engine=None)
    return _status(name, head, _inventory(ws, head), {}, None)


def _live(ws: Workspace, name: str, head: Delivery | None) -> EnvironmentStatus:
    if head is None:
        return EnvironmentStatus(environment=name, engine=None)
    record = ws.history.record(name, head.revision)
    inventory = record.inventory or record.base
    try:
        engine = ws.engine_at(inventory.target or head.target)
        observation = engine.observe(ws.scope(name, record.plan.project), inventory)
    except ReleaseError as error:
        unknown = DriftState(state="unknown", checked_at=ws.clock.now())
        return _status(name, head, inventory, {}, unknown, error.message)
    drifted = "some" if drifting.detect(inventory, observation) else "none"
    drift = DriftState(state=drifted if head.finished_at else "unknown", checked_at=ws.clock.now())
    return _status(name, head, inventory, observation.resources, drift)


def _inventory(ws: Workspace, head: Delivery) -> Inventory:
    """What is known to run after the head; of one that still runs, what ran before it."""
    record = ws.history.record(head.environment, head.revision)
    return record.base if record.inventory is None else record.inventory


def _status(  # noqa: PLR0913, PLR0917 - one row of the document
    name: str,
    head: Delivery,
    inventory: Inventory,
    live: Mapping[str, Live],
    drift: DriftState | None,
    error: str | None = None,
) -> EnvironmentStatus:
    current = head.current
    return EnvironmentStatus(
        environment=name,
        engine=(inventory.target or head.target).engine,
        head=HeadState(revision=head.revision, status=head.status),
        current=CurrentState(revision=current.revision, release=current.release, since=current.since)
        if current
        else None,
        services=services(inventory, live),
        drift=drift,
        error=error,
    )


def services(inventory: Inventory = EMPTY, live: Mapping[str, Live] | None = None) -> dict[str, ServiceState]:
    """The services of an inventory with their images, as every engine's bodies name them."""
    found = {}
    for resource, item in sorted(inventory.items.items()):
        image = _image(resource, item.resource.body)
        if image is not None:
            repository, _, digest = image.partition("@")
            seen = (live or {}).get(resource)
            found[resource.partition("/")[2]] = ServiceState(
                image=repository, digest=digest or None, ready=seen.ready if seen else None
            )
    return found


_WORKLOADS = frozenset({"deployment.apps", "statefulset.apps", "daemonset.apps"})
"""What runs on in Kubernetes."""


def _image(resource: str, body: Json) -> str | None:
    """The image of what runs on, of its first container; None for what runs nothing."""
    kind = resource.partition("/")[0]
    if kind in _WORKLOADS:
        containers = at_path(body, ("spec", "template", "spec", "containers"))
        image = containers[0].get("image") if containers else None
    else:
        image = body.get("image") if kind == "service" and isinstance(body, dict) else None
    return image if isinstance(image, str) else None
