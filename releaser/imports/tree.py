"""A Compose file as a tree that knows where everything was written."""

from collections.abc import Iterator
from typing import TypeGuard

from releaser.declarations.problems import problem
from releaser.imports.texts import Text
from releaser.model.errors import InvalidDeclarations
from releaser.model.value import Json, Location

RESET, OVERRIDE = "!reset", "!override"
"""Compose's tags: remove what a file below has, replace it."""


class Node:
    """One value with its place; never changed once it is made."""

    __slots__ = ("keys", "note", "place", "tag", "value", "written")

    def __init__(
        self, value: Json, place: Location, keys: dict[str, Location] | None = None, tag: str | None = None
    ) -> None:
        self.value = value  # dict[str, Node], list[Node], Text, str (not filled in yet), int, float, bool or None
        self.place = place
        self.keys = keys or {}  # of a map: where each key was written
        self.tag = tag
        self.written: Text | None = None  # the text that a number, or true or false, was made of
        self.note = ""  # a comment to write beside it

    def key_place(self, key: str) -> Location:
        """Where a map's key was written."""
        return self.keys.get(key, self.place)

    def with_value(self, value: Json, keys: dict[str, Location] | None = None) -> "Node":
        """The same place, another value; without the tag."""
        return Node(value, self.place, self.keys if keys is None else keys)

    def get(self, key: str) -> "Node | None":
        """A map's value that is not null."""
        found: Node | None = self.value.get(key) if is_map(self) else None
        return None if found is None or found.value is None else found


def made_of(value: float, written: Text, place: Location) -> Node:
    """A number, or true or false, that remembers its text."""
    made = Node(value, place)
    made.written = written
    return made


def is_map(node: Node | None) -> bool:
    """Whether it is a map."""
    return node is not None and isinstance(node.value, dict)


def is_list(node: Node | None) -> bool:
    """Whether it is a list."""
    return node is not None and isinstance(node.value, list)


def is_text(value: Json) -> TypeGuard[Text]:
    """Whether it is a text that is filled in."""
    return isinstance(value, Text)


def called(node: Node) -> str:
    """What kind of value it is, in words."""
    kinds = ((dict, "a map"), (list, "a list"), (bool, "true or false"), (int | float, "a number"), (Text, "a text"))
    return next((words for kind, words in kinds if isinstance(node.value, kind)), "nothing")


def entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    """A map's keys with their values; of anything else nothing."""
    return iter(node.value.items()) if node is not None and isinstance(node.value, dict) else iter(())


def items(node: Node | None) -> list[Node]:
    """A list's values; of anything else nothing."""
    return node.value if node is not None and isinstance(node.value, list) else []


def at(node: Node, *path: str) -> Node | None:
    """The value at a path of keys, where it is there and not null."""
    found: Node | None = node
    for key in path:
        found = found.get(key) if found is not None else None
    return found


def refused(message: str, hint: str, *places: Location) -> InvalidDeclarations:
    """What Compose does not read either."""
    return InvalidDeclarations((problem(message, hint, *places),))
