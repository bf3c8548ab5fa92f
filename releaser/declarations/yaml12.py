"""YAML 1.2 text → nodes that know their places, with every rule of the declarations that needs no schema.

PyYAML reads the text and tells the places; what a scalar means is decided here, by YAML 1.2's core schema. Events are
read one by one, so that depth and size are limited before anything large is built and no input can exhaust the stack.
"""

import re
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
from releaser.declarations.scalars import scalar
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, SCALAR, Node
from releaser.model.value import Location

MAX_DEPTH = 64
MAX_NODES = 250_000  # an alias counts what it stands for
MAX_ALIASES = 10_000

_UNUSABLE = re.compile("[\0\ud800-\udfff]")  # no engine can be given them, and no file holds them
_UNUSABLE_IN_KEY = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_DROPPED = "\0"  # stands for a key that was refused; no key holds a NUL


def load(text: str | bytes, file: str, layer: str = "") -> Node:
    """The document as nodes. Raises InvalidDeclarations with everything that is wrong, each with its place."""
    node, problems = read(text, file, layer)
    if node is None or problems:
        raise InvalidDeclarations(problems)
    return node


def read(text: str | bytes, file: str, layer: str = "") -> tuple[Node | None, tuple[Problem, ...]]:
    """The document and what is wrong with it; no document where nothing could be made of it."""
    decoded, problems = yaml_text.decode(text, file)
    if problems:
        return None, problems
    return Composer(file, layer).compose(decoded)


class _Frame:
    """A map or list that is not complete yet."""

    __slots__ = ("anchor", "before", "height", "key", "keys", "node")

    def __init__(self, node: Node, anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before  # how many nodes there were when it began
        self.height = 1  # how deep it is, with what its aliases stand for
        self.key: str | None = None  # MAP: the key whose value comes next
        self.keys: dict[str, tuple[int, int]] = {}
        if node.kind is MAP:
            node.keys = self.keys


class Stop(Exception):
    """Going on would only repeat what is wrong."""


class Composer:
    """Nodes out of one document's events."""

    def __init__(self, file: str, layer: str) -> None:
        self.file = file
        self.layer = layer
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # name → node, what it counts, how deep it is
        self.count = 0
        self.aliases = 0

    def compose(self, text: str) -> tuple[Node | None, tuple[Problem, ...]]:
        """The document, and what is wrong with it."""
        try:
            self._run(yaml_events.EVENTS(text))
        except Stop:
            return None, tuple(self.problems)
        except yaml_events.REFUSALS as error:
            return None, (*self.problems, yaml_events.syntax_problem(error, text, self.file))
        if self.root is None:
            start = Location(file=self.file, line=1, column=1)
            self._problem("the file is empty", "write `{}` for an empty document", start)
        return self.root, tuple(self.problems)

    def _run(self, events: Any) -> None:
        get_event = events.get_event
        frames = self.frames
        documents = 0
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                frame = frames[-1] if frames else None
                if frame is not None and frame.key is None and frame.node.kind is MAP:
                    self._key(frame, event)
                else:
                    self._attach(self._scalar(event), event)
            elif kind is MappingStartEvent:
                self._open(MAP, {}, event)
            elif kind is SequenceStartEvent:
                self._open(LIST, [], event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._next_document(event)

    def _next_document(self, event: Any) -> None:
        self._fatal("a second document begins", "keep one document in a file; remove the `---`", event)

    # --- what an event becomes ---

    def _scalar(self, event: Any) -> Node:
        mark = event.start_mark
        text = event.value
        if event.tag is not None:
            self._refuse_tag(event)
        if event.style:  # quoted or a block: always text
            node = Node(SCALAR, text, self.file, mark.line + 1, mark.column + 1)
            if _UNUSABLE.search(text):
                self._problem("an escape for a character that no text can hold", "remove it", node.location)
        else:
            node = Node(SCALAR, text, self.file, mark.line + 1, mark.column + 1, text)
            self._resolve(node, text)
        node.layer = self.layer
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1, 0)
        return node

    def _resolve(self, node: Node, text: str) -> None:
        if not text:
            self._no_value(node)
            return
        try:
            node.value = scalar(text)
        except ValueError:
            self._problem(f"`{text}` is not a number here", f'write "{text}" if it is a text', node.location)

    def _key(self, frame: _Frame, event: Any) -> None:
        key = event.value
        mark = event.start_mark
        keys = frame.keys
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is not None:
            self._problem("an anchor on a key", "anchor the value", self._place(event))
        if key in keys:
            line, column = keys[key]
            first = Location(file=self.file, line=line, column=column)
            self._problem(f"`{key}` is written twice", "keep one of them", self._place(event), first)
            frame.key = _DROPPED
        elif key == "<<" and not event.style:
            self._problem("`<<` merge keys are not part of YAML 1.2", "share by a layer instead", self._place(event))
            frame.key = _DROPPED
        elif not key or _UNUSABLE_IN_KEY.search(key):
            self._problem("a key is empty or holds control characters", "name it", self._place(event))
            frame.key = _DROPPED
        else:
            keys[key] = (mark.line + 1, mark.column + 1)
            frame.key = key

    def _open(self, kind: str, value: Any, event: Any) -> None:
        mark = event.start_mark
        if event.tag is not None:
            self._refuse_tag(event)
        if len(self.frames) >= MAX_DEPTH:
            self._fatal(f"nested deeper than {MAX_DEPTH} levels", "flatten it", event)
        node = Node(kind, value, self.file, mark.line + 1, mark.column + 1)
        node.layer = self.layer
        before = self.count
        self._attach(node, event)
        self.frames.append(_Frame(node, event.anchor, before))
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 0, 0)  # counts nothing: it is not complete

    def _close(self) -> None:
        frame = self.frames.pop()
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (frame.node, self.count - frame.before, frame.height)
        if self.frames and self.frames[-1].height <= frame.height:
            self.frames[-1].height = frame.height + 1

    def _alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._fatal(f"more than {MAX_ALIASES} aliases", "share by a layer instead", event)
        known = self.anchors.get(event.anchor)
        if known is None:
            self._fatal(f"`*{event.anchor}` stands for nothing", f"write `&{event.anchor}` before it", event)
            return
        node, size, height = known
        if size == 0:
            self._fatal(f"`*{event.anchor}` holds itself", "a document is a tree; write the value out", event)
        if len(self.frames) + height > MAX_DEPTH:
            self._fatal(f"nested deeper than {MAX_DEPTH} levels", "flatten it", event)
        self.count += size - 1
        self._attach(node, event)
        if self.frames and self.frames[-1].height <= height:
            self.frames[-1].height = height + 1

    def _attach(self, node: Node, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self._fatal(f"more than {MAX_NODES} values, aliases included", "split the file", event)
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        parent = frame.node
        if parent.kind is LIST:
            parent.value.append(node)
        elif frame.key is None:
            self._problem("a key that is not a plain text", "keys are texts or numbers", self._place(event))
            frame.key = _DROPPED
        else:
            if frame.key is not _DROPPED:
                parent.value[frame.key] = node
            frame.key = None

    # --- what is wrong ---

    def _no_value(self, node: Node) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame is None or frame.key is None:
            hint = "write a value, or remove the line"
            self._problem("nothing is written here", hint, node.location)
        elif frame.key is not _DROPPED:
            hint = 'write `""` for an empty text, `{}` or `[]` for an empty map or list, `null` to remove the key'
            self._problem(f"`{frame.key}` has no value", hint, frame.node.key_location(frame.key))

    def _refuse_tag(self, event: Any) -> None:
        self._problem(f"the tag `{event.tag}` is not read here", "remove it; quotes make a text", self._place(event))

    def _problem(self, message: str, hint: str, *places: Location) -> None:
        self.problems.append(problem(message, hint, *places))

    def _fatal(self, message: str, hint: str, event: Any) -> None:
        self._problem(message, hint, self._place(event))
        raise Stop

    def _place(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(file=self.file, line=mark.line + 1, column=mark.column + 1)
