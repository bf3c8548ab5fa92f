"""Quantities that are written as numbers: a server-side apply of 1.20 takes them as texts only."""

from collections.abc import Iterator
from typing import Any

from releaser.engines.kubernetes.manifests import images
from releaser.engines.kubernetes.references import pod_spec
from releaser.model.value import Json, JsonMap, at_path

_RESOURCES = ("limits", "requests")
_RANGES = ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")


def as_texts(body: JsonMap) -> None:
    """Make texts of the numbers in an object's quantities, in place."""
    for holder in _holders(body):
        for key, value in holder.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                holder[key] = str(value)


def _holders(body: JsonMap) -> Iterator[dict[str, Any]]:
    """The maps that hold quantities and nothing else that may be a number."""
    spec = body.get("spec")
    pods = pod_spec(body) or {}
    for container, _ in images.places(body):
        yield from _maps(container.get("resources"), _RESOURCES)
    yield from _maps(pods, ("overhead",))
    for volume in _list(pods.get("volumes")):
        yield from _maps(volume, ("emptyDir",))
        yield from _maps(at_path(volume, ("ephemeral", "volumeClaimTemplate", "spec", "resources")), _RESOURCES)
    own = [body] if body["kind"] == "PersistentVolumeClaim" else []
    for claim in (*own, *_list(at_path(spec, ("volumeClaimTemplates",)))):
        yield from _maps(at_path(claim, ("spec", "resources")), _RESOURCES)
    if body["kind"] == "ResourceQuota":
        yield from _maps(spec, ("hard",))
    if body["kind"] == "LimitRange":
        for limit in _list(at_path(spec, ("limits",))):
            yield from _maps(limit, _RANGES)


def _maps(holder: Json, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for key in keys:
        found = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(found, dict):
            yield found


def _list(items: Json) -> list[Json]:
    return items if isinstance(items, list) else []
