"""A Compose file's text → trees with places, as Compose's own YAML reader has them.

Anchors, aliases, merge keys and the tags `!reset` and `!override` work; size, depth and what aliases stand for are
limited. A file may hold several documents: each is laid over those before it.
"""

from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from releaser.declarations import yaml_events, yaml_text
from releaser.declarations.problems import problem
from releaser.imports.scalars import printed, scalar
from releaser.imports.tree import OVERRIDE, RESET, Node, is_map
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.value import Json, Location

MAX_DEPTH = 64
MAX_NODES = 250_000  # an alias counts what it stands for

_MERGE = "<<"
_STANDARD = "tag:yaml.org,2002:"
_KEPT = {"!", *(_STANDARD + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "merge"))}
_DROPPED = "\0"  # stands for a key that was refused


def read(data: bytes, file: str) -> tuple[Node, ...]:
    """The documents of a file. Raises InvalidDeclarations with everything that is wrong, each with its place."""
    text, problems = yaml_text.decode(data, file)
    if problems:
        raise InvalidDeclarations(problems)
    return _Composer(file).compose(text)


class _Stop(Exception):
    """Going on would only repeat what is wrong."""


class _Frame:
    """A map or list that is not complete yet."""

    __slots__ = ("anchor", "before", "height", "key", "merged", "node")

    def __init__(self, node: Node, anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before  # how many nodes there were when it began
        self.height = 1  # how deep it is, with what its aliases stand for
        self.key: str | None = None  # of a map: the key whose value comes next
        self.merged: list[Node] = []  # of a map: what its merge keys name


class _Composer:
    """Nodes out of a stream of events."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._documents: list[Node] = []
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # name → node, what it counts, how deep it is
        self._count = 0

    def compose(self, text: str) -> tuple[Node, ...]:
        try:
            self._run(yaml_events.EVENTS(text))
        except _Stop:
            pass
        except yaml_events.REFUSALS as error:
            self._problems.append(yaml_events.syntax_problem(error, text, self._file))
        if self._problems:
            raise InvalidDeclarations(self._problems)
        return tuple(self._documents)

    def _run(self, events: Any) -> None:
        while (event := events.get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent:
                self._open({}, event)
            elif kind is SequenceStartEvent:
                self._open([], event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._anchors = {}

    # --- what an event becomes ---

    def _scalar(self, event: Any) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.key is None and is_map(frame.node):
            self._key(frame, event.value, self._place(event), plain=not event.style)
            return
        node = Node(self._value(event), self._place(event), tag=self._tag(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1, 0)
        self._attach(node, event)

    def _value(self, event: Any) -> Json:
        text = event.value
        if event.tag == _STANDARD + "str" or (event.style and event.tag in {None, "!"}):
            return text
        if event.tag == _STANDARD + "null":
            return None
        return scalar(text)

    def _tag(self, event: Any) -> str | None:
        tag: str | None = event.tag
        if tag is None or tag in _KEPT:
            return None
        if tag not in {RESET, OVERRIDE}:
            self._problem(f"the tag `{tag}` is not read here", "Compose knows !reset and !override", event)
        return tag

    def _key(self, frame: _Frame, key: str, place: Location, *, plain: bool) -> None:
        if key == _MERGE and plain:
            frame.key = key
        elif key in frame.node.keys:
            first = frame.node.keys[key]
            self._problems.append(problem(f"`{key}` is written twice", "keep one of them", place, first))
            frame.key = _DROPPED
        else:
            frame.node.keys[key] = place
            frame.key = key

    def _open(self, value: Json, event: Any) -> None:
        if len(self._frames) >= MAX_DEPTH:
            self._fatal(f"nested deeper than {MAX_DEPTH} levels", "flatten it", event)
        node = Node(value, self._place(event), tag=self._tag(event))
        before = self._count
        self._attach(node, event)
        self._frames.append(_Frame(node, event.anchor, before))
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 0, 0)  # counts nothing: it is not complete

    def _close(self) -> None:
        frame = self._frames.pop()
        for merged in frame.merged:
            self._merge(frame.node, merged)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.node, self._count - frame.before, frame.height)
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, frame.height + 1)

    def _merge(self, node: Node, merged: Node) -> None:
        """`<<: *other`: the other's keys, where the map has none of its own."""
        for one in merged.value if isinstance(merged.value, list) else [merged]:
            if not is_map(one):
                self._problems.append(problem("`<<` takes a map, or a list of maps", "name an anchor", merged.place))
                return
            for key, value in one.value.items():
                if key not in node.value:
                    node.value[key] = value
                    node.keys[key] = one.key_place(key)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            self._fatal(f"`*{event.anchor}` stands for nothing", f"write `&{event.anchor}` before it", event)
            return
        node, size, height = known
        if size == 0:
            self._fatal(f"`*{event.anchor}` holds itself", "a file is a tree; write the value out", event)
        if len(self._frames) + height > MAX_DEPTH:
            self._fatal(f"nested deeper than {MAX_DEPTH} levels", "flatten it", event)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.key is None and is_map(frame.node):
            key = printed(node.value) if height == 0 else ""
            self._key(frame, key, self._place(event), plain=False)
            return
        self._count += size - 1
        self._attach(node, event)
        if frame is not None:
            frame.height = max(frame.height, height + 1)

    def _attach(self, node: Node, event: Any) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            self._fatal(f"more than {MAX_NODES} values, aliases included", "split the file", event)
        if not self._frames:
            self._documents.append(node)
            return
        frame = self._frames[-1]
        parent = frame.node.value
        if isinstance(parent, list):
            parent.append(node)
            return
        if frame.key is None:
            self._problem("a key that is not a plain text", "keys are texts or numbers", event)
            frame.key = _DROPPED
            return
        if frame.key == _MERGE and _MERGE not in frame.node.keys:
            frame.merged.append(node)
        elif frame.key is not _DROPPED:
            parent[frame.key] = node
        frame.key = None

    # --- what is wrong ---

    def _problem(self, message: str, hint: str, event: Any) -> None:
        self._problems.append(problem(message, hint, self._place(event)))

    def _fatal(self, message: str, hint: str, event: Any) -> None:
        self._problem(message, hint, event)
        raise _Stop

    def _place(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(file=self._file, line=mark.line + 1, column=mark.column + 1)
