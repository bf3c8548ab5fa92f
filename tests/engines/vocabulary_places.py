"""The places that the table of words names, found in an API's body."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLACE = re.compile(r"[A-Z]\w*(\[\])?(\.([A-Z]\w*(\[\])?|\*))*")


def place_of(text: str) -> tuple[str, ...]:
    """`HostConfig.Mounts[].Type` as keys with `*` for every element; nothing where a cell does not begin with one."""
    found = _PLACE.match(text)
    return tuple(found[0].replace("[]", ".*").split(".")) if found else ()


def at(tree: Any, place: tuple[str, ...]) -> list[Any]:
    """Everything that stands at a place."""
    if not place:
        return [tree]
    if place[0] == "*":
        return [value for one in _children(tree) for value in at(one, place[1:])]
    return at(tree[place[0]], place[1:]) if isinstance(tree, Mapping) and place[0] in tree else []


def _children(tree: Any) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        yield from tree.values()
    elif isinstance(tree, list):
        yield from tree
