"""Images in one's own manifests: each is one of the release, or pinned by its own digest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from releaser.engines.kubernetes.references import pod_spec
from releaser.model.image import ReleaseImage
from releaser.model.value import JsonMap, Path, at_path, parse_path

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\Z")
_TAG = re.compile(r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_HUB = "docker.io"


def places(body: JsonMap) -> Iterator[tuple[dict[str, Any], Path]]:
    """Every container of an object's pods, with its path in the object."""
    spec: Any = pod_spec(body)
    if spec is None:
        return
    where = pod_path(body)
    for word in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(_maps(spec.get(word))):
            name = container.get("name")
            yield container, (*where, word, name if isinstance(name, str) else str(index))


def fields(body: JsonMap, declared: Mapping[str, Sequence[str]]) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """Every field with an image: the map that has it, its key, and its path; where kinds have more is declared."""
    for container, path in places(body):
        yield container, "image", (*path, "image")
    group = str(body["apiVersion"]).rpartition("/")[0]
    kind = str(body["kind"]).lower()
    for text in declared.get(f"{kind}.{group}" if group else kind, ()):
        path = parse_path(text)
        holder = at_path(body, path[:-1])
        if isinstance(holder, dict) and path[-1] in holder:
            yield holder, path[-1], path


def pod_path(body: JsonMap) -> Path:
    """Where in an object the spec of its pods is."""
    if body["kind"] == "Pod":
        return ("spec",)
    template = ("spec", "template", "spec")
    return ("spec", "jobTemplate", *template) if body["kind"] == "CronJob" else template


def match(text: str, images: Mapping[str, ReleaseImage]) -> str | None:
    """The name of the release's image that a text means: by its repository, else by its name."""
    repository = repository_of(text)
    for name, image in images.items():
        if repository_of(image.repository) == repository:
            return name
    bare = _without_end(text)
    return bare if bare in images else None


def is_pinned(text: str) -> bool:
    """Whether a digest stands at its end."""
    return _DIGEST.search(text) is not None


def repository_of(text: str) -> str:
    """The repository with its registry, without tag and digest: `redis:7` is in docker.io/library/redis."""
    bare = _without_end(text)
    first, slash, rest = bare.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = _HUB, bare
    if first == f"index.{_HUB}":
        first = _HUB
    return f"{first}/{rest if '/' in rest or first != _HUB else f'library/{rest}'}"


def _without_end(text: str) -> str:
    return _TAG.sub("", text.partition("@")[0])


def _maps(items: Any) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
