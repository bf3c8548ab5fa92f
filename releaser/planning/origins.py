"""Where the values of a merged document come from."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from releaser.model.environment import ChainLink
from releaser.model.tree import LIST, MAP, MERGE, REMOVE, Node
from releaser.model.value import Json, Location, Path, at_path
from releaser.planning import interpolation
from releaser.planning.overlay import named


class LayerOrigins:
    """The origins of a document that `overlay.merge` made; `config` has its values with names replaced."""

    def __init__(self, root: Node, config: Json) -> None:
        self._root = root
        self._config = config

    def locate(self, path: Sequence[str]) -> Location | None:
        """The place of the value at `path`, or of the nearest value above it."""
        node = self._root
        place = node.location
        for key in path:
            child = _child(node, key)
            if child is None:
                return place
            place = _place(node, key, child)
            node = child
        return place

    def chain(self, path: Sequence[str]) -> tuple[ChainLink, ...]:
        """Every layer's part in the value at `path`, the winner last; empty where no layer ever had it."""
        parts = list(_parts(self._root, tuple(path), lambda node: node.location))
        links = [
            ChainLink(
                location=part.place,
                layer=part.node.layer,
                action=part.action,
                value=None if part.action == REMOVE else interpolation.written(part.node, path),
            )
            for part in parts
        ]
        if links and links[0].action != REMOVE:
            links[0] = msgspec.structs.replace(links[0], value=at_path(self._config, path))
        return tuple(reversed(links))


class _Part(NamedTuple):
    """What one layer did to a value, and where."""

    node: Node
    place: Location
    action: str


def _parts(node: Node, path: Path, place_of: Callable[[Node], Location]) -> Iterator[_Part]:
    """The parts of all layers in the value at `path` below `node`, the last layer's first."""
    if not path:
        for part in node.chain():
            yield _Part(part, place_of(part), part.action)
        return
    key, rest = path[0], path[1:]
    child = _child(node, key)
    if child is None and node.removed:
        child = node.removed.get(key)
    if child is not None:
        yield from _parts(child, rest, partial(_place, node, key))
    if node.kind == LIST:
        return  # an element is the same element in no other list
    # A merge has its children's chains. What a layer set or removed as a whole stands over another whole.
    whole = node
    while whole.action == MERGE and whole.below is not None:
        whole = whole.below
    below = list(_parts(whole.below, path, place_of)) if whole.below is not None else []
    if below and (child is None or whole.action == REMOVE):
        yield _Part(whole, place_of(whole), REMOVE)
    yield from below


def _child(node: Node, key: str) -> Node | None:
    child: Node | None = None
    if node.kind == MAP:
        child = node.value.get(key)
    elif node.kind == LIST:
        by_name = named(node)
        if by_name is not None:
            child = by_name.get(key)
        elif key.isdecimal() and int(key) < len(node.value):
            child = node.value[int(key)]
    return child


def _place(parent: Node, key: str, child: Node) -> Location:
    """Where a person looks for a value: at its key, where the value begins on a later line."""
    for node in parent.chain():
        if node.file == child.file and node.keys and key in node.keys:
            line, column = node.keys[key]
            if line < child.line:
                return Location(file=node.file, line=line, column=column)
    return child.location
