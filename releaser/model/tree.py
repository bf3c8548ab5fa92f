"""A YAML document as nodes that know where they were written, and what a merge made of them."""

from collections.abc import Iterator

from releaser.model.value import Json, Location

MAP, LIST, SCALAR = "map", "list", "scalar"

SET, MERGE, APPEND, PREPEND, REMOVE = "set", "merge", "append", "prepend", "remove"


class Node:
    """One YAML value: a plain class, not a struct, as a large document has hundreds of thousands of them.

    A parser makes nodes; a merge makes new ones and never changes those of a layer.
    """

    __slots__ = ("action", "below", "column", "file", "keys", "kind", "layer", "line", "removed", "text", "value")

    def __init__(  # noqa: PLR0913, PLR0917 - made in the loader's hot path
        self, kind: str, value: Json, file: str, line: int, column: int, text: str | None = None
    ) -> None:
        self.kind = kind
        self.value = value  # MAP: dict[str, Node]; LIST: list[Node]; SCALAR: str, int, float, bool or None
        self.file = file
        self.line = line  # of the value's first character; line and column count from 1
        self.column = column
        self.text = text  # the source text of a scalar written plain, not quoted; else None
        self.keys: dict[str, tuple[int, int]] | None = None  # MAP: key → the key's own line and column
        self.layer = ""  # the layer's name, once it is part of a merge
        self.action = SET  # what that layer did here
        self.below: Node | None = None  # what it was merged with, replaced or removed: the chain of origins
        self.removed: dict[str, Node] | None = None  # MAP: key → the removal of what a lower layer had there

    @property
    def location(self) -> Location:
        """Where the value was written."""
        return Location(file=self.file, line=self.line, column=self.column)

    def key_location(self, key: str) -> Location:
        """Where the highest layer that has it wrote a map's key; the map's own place where none has."""
        for node in self.chain():
            if node.keys and key in node.keys:
                line, column = node.keys[key]
                return Location(file=node.file, line=line, column=column)
        return self.location

    def chain(self) -> Iterator["Node"]:
        """This node and what lies below it, the winner first."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.below


def plain(node: Node) -> Json:
    """The node's value as a JSON tree."""
    if node.kind == MAP:
        return {key: plain(child) for key, child in node.value.items()}
    if node.kind == LIST:
        return [plain(child) for child in node.value]
    return node.value
