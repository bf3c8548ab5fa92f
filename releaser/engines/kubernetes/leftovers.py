"""Leftovers: parts of an object that an apply cannot take away, as a server fills what is left of them; pure.

An apply removes the fields that we managed, and leaves the part that held them, which the server fills with defaults: a
probe without a handler, a volume of two sources, a strategy that its type forbids. It then refuses all of it (tried on
1.20; kubernetes/kubernetes#89711 and its like). A JSON Patch takes such parts away, in one write with all that changes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from releaser.engines.kubernetes import managed_fields
from releaser.engines.kubernetes.fields import path_of
from releaser.model.plan import Change
from releaser.model.value import Json, JsonMap, Path, at_path, named, parse_path


def operations(raw: JsonMap, body: JsonMap, change: Change, fields: Sequence[str]) -> list[dict[str, Json]]:
    """The JSON Patch (RFC 6902) that makes all changes of a plan in one write; empty where nothing would be left over.

    `raw` is what is live, `fields` are those that the server refused, as it spells them.
    """
    gone = list(dict.fromkeys(_gone(raw, body, change, fields)))
    if not gone:
        return []
    paths = (parse_path(field.path) for field in change.fields)
    values = (_put(raw, body, path) for path in paths if path[0] != "metadata" and at_path(body, path) is not None)
    puts = [{"op": "add", "path": pointer(raw, path), "value": at_path(body, path)} for path in dict.fromkeys(values)]
    return [*puts, *removal(raw, gone)]


def removal(raw: JsonMap, paths: Sequence[Path]) -> list[dict[str, Json]]:
    """Each is removed only as it was seen; a version of the whole object would move with each status."""
    pointers = {pointer(raw, path): at_path(raw, path) for path in paths}
    found: list[dict[str, Json]] = []
    for place in sorted(pointers, key=_order, reverse=True):
        found.append({"op": "test", "path": place, "value": pointers[place]})
        found.append({"op": "remove", "path": place})
    return found


def pointer(tree: Any, path: Path) -> str:
    """A JSON Pointer (RFC 6901); to the end of a list for an element that is not there."""
    parts = []
    for key in path:
        if isinstance(tree, list):
            names = list(named(tree) or {})
            index = names.index(key) if key in names else int(key) if key.isdecimal() else len(tree)
            parts.append(str(index) if index < len(tree) else "-")
            tree = tree[index] if index < len(tree) else None
        else:
            parts.append(key.replace("~", "~0").replace("/", "~1"))
            tree = tree[key] if isinstance(tree, dict) and key in tree else None
    return "/" + "/".join(parts)


def _gone(raw: JsonMap, body: JsonMap, change: Change, fields: Sequence[str]) -> Iterator[Path]:
    """The parts that go as a whole: what is not declared any more, and what the server refuses of its own making."""
    for field in change.fields:
        path = parse_path(field.path)
        if path[0] != "metadata" and at_path(body, path) is None and at_path(raw, path) is not None:
            yield _top(body, path)
    for spelled in fields:
        path = path_of(raw, spelled)
        if path and at_path(body, path) is None and managed_fields.owner(raw, path) is None:
            yield _top(body, path)


def _top(tree: Json, path: Path) -> Path:
    """The shortest part of a path that leads to nothing in the tree; the path itself where it leads somewhere."""
    for length in range(1, len(path)):
        if at_path(tree, path[:length]) is None:
            return path[:length]
    return path


def _put(raw: JsonMap, body: JsonMap, path: Path) -> Path:
    """What is put for a change: a list without names as a whole, as an `add` at an index puts one in between."""
    for length in range(1, len(path)):
        above = at_path(body, path[:length])
        if isinstance(above, list) and named(above) is None:
            return _top(raw, path[:length])
    return _top(raw, path)


def _order(place: str) -> list[tuple[int, str]]:
    """Later elements of a list first, so that an index stays right while others go."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in place.split("/")]
