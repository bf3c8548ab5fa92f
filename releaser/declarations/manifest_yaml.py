"""A file of Kubernetes manifests → its documents as nodes that know their places.

It is read as kubectl reads it where YAML 1.2 agrees: what kubectl takes for something else, by YAML 1.1, is refused by
its place, so that a file never means two things. `0644` is the one exception: file modes are written so, and it is the
number that kubectl makes of it. Nothing, and `null`, is the same as not written.
"""

import re
from functools import lru_cache
from typing import Any

from releaser.declarations import yaml_events, yaml_text
from releaser.declarations.scalars import scalar
from releaser.declarations.yaml12 import Composer, Stop
from releaser.model.errors import Problem
from releaser.model.tree import LIST, MAP, SCALAR, Node
from releaser.model.value import Json

MAX_DOCUMENTS = 5_000

_OLD_BOOLEANS = frozenset(
    word for text in ("y", "yes", "on", "n", "no", "off") for word in (text, text.title(), text.upper())
)
_STARTS = frozenset("+-.0123456789")  # of a number
_OCTAL = re.compile(r"[-+]?0[0-7]+\Z")
_OTHERWISE = re.compile(r"[-+]?(?:0[0-9]+|0b[01_]+|0[xo]?[0-9a-fA-F]*_[0-9a-fA-F_]*|[0-9][0-9_]*_[0-9_]*)\Z")
_WHOLE = re.compile(r"[-+]?[0-9]{16,}\Z")
_INT64 = 2**63
_EXACT = 2.0**53


def read(data: bytes, file: str) -> tuple[list[Node], tuple[Problem, ...]]:
    """The file's documents that hold something, and what is wrong."""
    decoded, problems = yaml_text.decode(data, file)
    if problems:
        return [], problems
    return _Stream(file, "").documents_of(decoded)


class _Stream(Composer):
    """Nodes out of many documents' events."""

    def documents_of(self, text: str) -> tuple[list[Node], tuple[Problem, ...]]:
        self.documents: list[Node] = []
        self.separators = 1
        try:
            self._run(yaml_events.EVENTS(text))
        except Stop:
            pass
        except yaml_events.REFUSALS as error:
            self.problems.append(yaml_events.syntax_problem(error, text, self.file))
        self._keep()
        return self.documents, tuple(self.problems)

    def _next_document(self, event: Any) -> None:
        self.separators += 1
        if self.separators > MAX_DOCUMENTS:
            self._fatal(f"more than {MAX_DOCUMENTS} documents", "split the file", event)
        self._keep()
        self.anchors.clear()

    def _keep(self) -> None:
        if self.root is not None and (self.root.kind != SCALAR or self.root.value is not None):
            self.documents.append(self.root)
        self.root = None

    def _resolve(self, node: Node, text: str) -> None:
        if not text:
            node.value = None
            return
        try:
            node.value = _value(text)
        except ValueError:
            hint = f'write "{text}" if it is a text, else the value that is meant'
            self._problem(f"kubectl reads `{text}` otherwise than YAML 1.2 does", hint, node.location)

    def _key(self, frame: Any, event: Any) -> None:
        if not event.style and event.value and not _stays(event.value):
            message = f"kubectl reads the key `{event.value}` as another one"
            self._problem(message, f'write "{event.value}" in quotes if this is meant', self._place(event))
        super()._key(frame, event)

    def _attach(self, node: Node, event: Any) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame is None or node.kind is not SCALAR or node.value is not None:
            super()._attach(node, event)
        elif frame.node.kind is LIST:
            self._problem("an element without a value", "write it, or remove the line", self._place(event))
        else:
            key = frame.key
            super()._attach(node, event)
            if key is not None:
                frame.node.value.pop(key, None)


def _value(text: str) -> Json:
    """The value of a plain scalar. Raises ValueError where kubectl takes another one."""
    if text in _OLD_BOOLEANS:
        raise ValueError(text)
    if text[0] not in _STARTS:
        return scalar(text)
    if _OCTAL.match(text):
        return int(text, 8)
    if _OTHERWISE.match(text):
        raise ValueError(text)
    if _WHOLE.match(text):
        number = int(text) if len(text) < 21 else _INT64
        if not -_INT64 <= number < _INT64:
            raise ValueError(text)
        return number
    value = scalar(text)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


@lru_cache(maxsize=4096)
def _stays(key: str) -> bool:
    """Whether a plain key is the same text for kubectl, which makes a value of it first."""
    try:
        value = _value(key)
    except ValueError:
        return False
    if isinstance(value, bool):
        return key == str(value).lower()
    return value is not None and str(value) == key


def placed(documents: list[Node], file: str) -> None:
    """Give every value the file's first line: of what a program made, the lines mean nothing."""
    seen: set[int] = set()
    left = list(documents)
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        node.file, node.line, node.column, node.keys = file, 1, 1, None
        if node.kind == MAP:
            left.extend(node.value.values())
        elif node.kind == LIST:
            left.extend(node.value)
