"""Where the values of a merged document come from."""

from collections.abc import Iterator, Sequence

from releaser.model.environment import ChainLink
from releaser.model.tree import LIST, MAP, MERGE, REMOVE, Node
from releaser.model.value import Json, Location, at_path
from releaser.planning import interpolation


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
        nodes = list(_parts(self._root, tuple(path)))
        links = [
            ChainLink(location=place, layer=node.layer, action=node.action, value=interpolation.written(node, path))
            for node, place in nodes
        ]
        if nodes and nodes[0][0].action != REMOVE:
            first = links[0]
            value = at_path(self._config, path)
            links[0] = ChainLink(location=first.location, layer=first.layer, action=first.action, value=value)
        return tuple(reversed(links))


def _parts(node: Node, path: tuple[str, ...], place: Location | None = None) -> Iterator[tuple[Node, Location]]:
    """The nodes that had a part in the value at `path` below `node`, the winner first."""
    if not path:
        for part in node.chain():
            yield part, place if place is not None and part is node else part.location
        return
    child = _child(node, path[0])
    if child is not None:
        yield from _parts(child, path[1:], _place(node, path[0], child))
    elif node.removed and path[0] in node.removed:
        yield from _parts(node.removed[path[0]], path[1:], node.key_location(path[0]))
    # What a layer set as a whole stands over a whole of a lower layer; a merge has its children's chains already.
    whole = node
    while whole.action == MERGE and whole.below is not None:
        whole = whole.below
    if whole.action == REMOVE:
        yield whole, place or whole.location
    if whole.below is not None:
        yield from _parts(whole.below, path)


def _child(node: Node, key: str) -> Node | None:
    child: Node | None = None
    if node.kind == MAP:
        child = node.value.get(key)
    elif node.kind == LIST and key.isdecimal() and int(key) < len(node.value):
        child = node.value[int(key)]
    return child


def _place(node: Node, key: str, child: Node) -> Location:
    """Where a person looks for the value: at its key, where the value begins on a later line."""
    if node.kind == MAP:
        at = node.key_location(key)
        if at.file == child.file and at.line < child.line:
            return at
    return child.location
