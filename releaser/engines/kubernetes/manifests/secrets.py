"""Declared secrets in one's own manifests: a Secret's name that is a declared secret's means that one.

What the pods of a manifest refer to by a declared name is made and named anew with each value, as for a service.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from releaser.engines.kubernetes.manifests import images
from releaser.engines.kubernetes.manifests.refusals import Wrong
from releaser.engines.kubernetes.references import pod_spec
from releaser.engines.kubernetes.render.container import KEY
from releaser.model.value import JsonMap, Path, dotted, named

_ONLY = f"a declared secret has one key, `{KEY}`"


class _Reference(NamedTuple):
    name: str
    path: Path  # where the diff would say that it is
    wrong: tuple[str, str] | None = None  # what is wrong with the form, and what to write


def references(body: JsonMap, declared: Mapping[str, JsonMap]) -> dict[str, str]:
    """Dotted path in the body → the declared secret that is referred to there."""
    return {dotted(one.path): one.name for one in _found(body) if one.name in declared and one.wrong is None}


def wrong(body: JsonMap, declared: Mapping[str, JsonMap], namespace: str) -> Iterator[Wrong]:
    """References to declared secrets in a form that cannot be, or from elsewhere than the environment's namespace."""
    there = body["metadata"].get("namespace") or namespace
    for one in _found(body):
        if one.name in declared and there != namespace:
            message = f"`{one.name}` is a declared secret, which is made in {namespace}, and no pod in {there} sees it"
            yield Wrong(one.path, message, f"move the object to {namespace}, or name a Secret that is in {there}")
            continue
        if one.name in declared and one.wrong is not None:
            message, hint = one.wrong
            yield Wrong(one.path, f"`{one.name}` is a declared secret: {message}", hint)


def _found(body: JsonMap) -> Iterator[_Reference]:
    spec: Any = pod_spec(body)
    if spec is None:
        return
    where = images.pod_path(body)
    for container, path in images.places(body):
        yield from _variables(container, path)
    for volume, path in _elements(spec.get("volumes"), (*where, "volumes")):
        yield from _volume(volume, path)
    for one, path in _elements(spec.get("imagePullSecrets"), (*where, "imagePullSecrets")):
        yield from _refused(one, path, "it is no login of a registry")


def _variables(container: JsonMap, path: Path) -> Iterator[_Reference]:
    for variable, at in _elements(container.get("env"), (*path, "env")):
        source = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if isinstance(source, dict) and isinstance(source.get("name"), str):
            fits = source.get("key") == KEY
            yield _Reference(source["name"], at, None if fits else (_ONLY, f"write `key: {KEY}`"))
    for one, at in _elements(container.get("envFrom"), (*path, "envFrom")):
        yield from _refused(one.get("secretRef"), at, _ONLY)


def _volume(volume: JsonMap, path: Path) -> Iterator[_Reference]:
    source = volume.get("secret")
    if isinstance(source, dict) and isinstance(source.get("secretName"), str):
        yield _Reference(source["secretName"], path, _items(source))
    projected = volume.get("projected") or {}
    for one, at in _elements(projected.get("sources"), (*path, "projected", "sources")):
        source = one.get("secret")
        if isinstance(source, dict) and isinstance(source.get("name"), str):
            yield _Reference(source["name"], (*at, "secret"), _items(source))


def _items(source: JsonMap) -> tuple[str, str] | None:
    items = source.get("items") or ()
    fits = all(item.get("key") == KEY for item in items if isinstance(item, dict))
    return None if fits else (_ONLY, f"write `items: [{{key: {KEY}, path: FILE}}]`")


def _refused(source: Any, path: Path, why: str) -> Iterator[_Reference]:
    if isinstance(source, dict) and isinstance(source.get("name"), str):
        hint = f"refer to it by `secretKeyRef: {{name: …, key: {KEY}}}` or by a volume, or rename the Secret you mean"
        yield _Reference(source["name"], path, (why, hint))


def _elements(items: Any, path: Path) -> Iterator[tuple[JsonMap, Path]]:
    """The maps of a list with their paths: by name where each has one of its own."""
    if not isinstance(items, list):
        return
    keys = list(named(items) or ()) or [str(index) for index in range(len(items))]
    for key, item in zip(keys, items, strict=True):
        if isinstance(item, dict):
            yield item, (*path, key)
