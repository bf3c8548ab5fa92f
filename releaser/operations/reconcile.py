"""reconcile: the recorded state over the drift, or the drift into the record."""

import dataclasses
from collections.abc import Iterator

import msgspec

from releaser.model.delivery import INTERRUPTED, RUNNING
from releaser.model.drift import MISSING, DriftItem
from releaser.model.errors import AcceptRefused, Refused
from releaser.model.plan import RECONCILE
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Live, Observation, Resource
from releaser.model.value import Json, at_path, parse_path, with_value
from releaser.operations.proposing import Proposal, Request, conclude
from releaser.operations.recorded import draft_recorded, goal, known_environment, readable
from releaser.operations.settle import refuse_running, settled_head
from releaser.operations.workspace import Workspace
from releaser.planning import drift as drifting
from releaser.planning import fingerprint


def request(environment: str, *, accept: bool = False, adopt: bool = False, replace: bool = False) -> Request:
    """A request to reconcile."""
    return Request(trigger=RECONCILE, environment=environment, accept=accept, adopt=adopt, replace=replace)


def propose(ws: Workspace, asked: Request) -> Proposal:
    """The proposal to put the record back, or to take the drift in. Raises Refused, AcceptRefused."""
    name = asked.environment
    head = settled_head(ws, name)
    if head is None:
        known_environment(ws, name)
        raise Refused(f"nothing was delivered to {name} yet, so there is nothing to reconcile it with")
    if head.delivery.status == RUNNING:
        refuse_running(ws, name)
    if head.delivery.current is None:
        ways = {INTERRUPTED: f"release resume {name}, to finish it, or release abort {name}"}
        raise Refused(
            f"{name} #{head.delivery.revision} {head.delivery.status}: what should run there is not known",
            hint=ways.get(head.delivery.status, f"release promote RELEASE --to {name}"),
        )
    current = ws.history.record(name, head.delivery.current.revision)
    release = current.plan.release
    inventory = head.inventory or EMPTY
    declared = readable(ws, name)
    engine = ws.engine_at(inventory.target or head.delivery.target, declared.engine)
    wanted = inventory
    if asked.accept:
        live = engine.observe(ws.scope(name, head.plan.project), inventory)
        wanted = accepted(inventory, live, release.digests(), engine.capabilities.accepts)
    recorded = dataclasses.replace(goal(current, wanted, declared, engine), project=head.plan.project)
    return conclude(draft_recorded(ws, asked, recorded, head), declared.confirmation)


def accepted(
    inventory: Inventory, observation: Observation, digests: dict[str, str], words: frozenset[str] | None = None
) -> Inventory:
    """The inventory with the drift taken in; `words` as in Capabilities.accepts.

    Raises AcceptRefused for another image digest, a secret, or what the engine's words cannot say.
    """
    items = dict(inventory.items)
    for item in drifting.detect(inventory, observation):
        _refuse_secrets(item)
        _refuse_unreadable(item)
        if item.kind == MISSING:
            del items[item.resource]
        elif item.resource in observation.resources:
            live = observation.resources[item.resource]
            _refuse_images(live, digests)
            before = items.get(item.resource)
            items[item.resource] = _as_live(live, before) if words is None else _reworded(item, live, before, words)
    return Inventory(items=items, files=observation.files, secrets=inventory.secrets, definitions=inventory.definitions)


def _as_live(live: Live, before: InventoryItem | None) -> InventoryItem:
    body = live.body
    if before is not None and before.snapshot == body:
        resource = before.resource  # it was recreated, and is the same
    else:
        known = before.resource.secrets if before else {}
        secrets = {path: name for path, name in known.items() if at_path(body, parse_path(path)) is not None}
        resource = Resource(id=live.id, body=body, fingerprint=fingerprint.of(body), secrets=secrets)
    revision = live.mark.revision if live.mark else (before.revision if before else 0)
    return InventoryItem(resource=resource, snapshot=body, uid=live.uid, generation=live.generation, revision=revision)


def _reworded(item: DriftItem, live: Live, before: InventoryItem | None, words: frozenset[str]) -> InventoryItem:
    """The recorded resource with the live values in it, where its words can say them."""
    if before is None:
        raise AcceptRefused(
            f"{item.resource} is not in the record, and what it was made from is not known",
            hint="declare it and promote, or remove it by hand",
        )
    resource = before.resource
    body = resource.body
    for field in item.fields:
        path = parse_path(field.path)
        if path[0] not in words:
            raise AcceptRefused(
                f"{item.resource}: {field.path} cannot be taken in as it is live",
                hint="declare it and promote, or put the record back: release reconcile --to ENV",
            )
        body = with_value(body, path, field.live)
    if body != resource.body:
        resource = msgspec.structs.replace(resource, body=body, fingerprint=fingerprint.of(body))
    return msgspec.structs.replace(
        before, resource=resource, snapshot=live.body, uid=live.uid, generation=live.generation
    )


def _refuse_secrets(item: DriftItem) -> None:
    if item.resource.startswith("secret/"):
        raise AcceptRefused(
            f"{item.resource} drifted ({item.kind}), and a secret is never accepted",
            hint="put the record back: release reconcile --to ENV",
        )
    for field in item.fields:
        if drifting.REPLACED in (field.live, field.recorded):
            raise AcceptRefused(
                f"{item.resource}: {field.path} is a secret in the record, and a literal would take its place",
                hint="put the record back: release reconcile --to ENV",
            )


def _refuse_unreadable(item: DriftItem) -> None:
    for field in item.fields:
        if item.resource.startswith("file/") and field.path == "error":
            raise AcceptRefused(
                f"{item.resource} cannot be read ({field.live}), so there is nothing to accept",
                hint="put the record back: release reconcile --to ENV",
            )


def _refuse_images(live: Live, digests: dict[str, str]) -> None:
    for image in _images(live.body):
        if image.rpartition("@")[2] not in digests.values():
            raise AcceptRefused(
                f"{live.id} runs {image}, which is no image of the release",
                hint="register a release with that image and promote it",
            )


def _images(body: Json) -> Iterator[str]:
    """Every image that a body names, in Compose's and in Kubernetes' and Swarm's spelling."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key in {"image", "Image"} and isinstance(value, str):
                yield value
            else:
                yield from _images(value)
    elif isinstance(body, list):
        for value in body:
            yield from _images(value)
