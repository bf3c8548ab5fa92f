"""The bytes of a compose file, which anybody may have edited, as a JSON tree.

Scalars are those of the YAML 1.2 core schema, as in Compose. The builder is a loop over the parser's events, so that
depth, aliases and duplicate keys cost what they are worth and never more; no text of the file is in its errors, as a
secret may be in the file.
"""

import math
import re
from typing import NamedTuple, Protocol

import yaml

from releaser.model.value import Json

MAXIMUM = 2_000_000
"""Values in a file, aliases expanded."""

DEPTH = 100
"""Maps and lists within each other."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_EXACT = 2**53
_STRING = "tag:yaml.org,2002:str"


class _Mark(Protocol):
    line: int
    column: int


class Broken(Exception):
    """The bytes are not one YAML document that can be delivered; the text says why and on which line."""


class _Open(NamedTuple):
    """A map or list whose end has not come yet."""

    value: Json
    anchor: str | None
    before: int  # values seen before it
    keys: list[str]  # the key that waits for its value


class _Anchor(NamedTuple):
    value: Json
    size: int


def parse(data: bytes) -> Json:
    """The one document in `data`. Raises Broken."""
    builder = _Builder()
    try:
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise Broken(_at(error.problem or "not YAML", error.problem_mark)) from None
    except yaml.YAMLError:
        raise Broken("it holds characters that no YAML file may hold") from None
    return builder.document


class _Builder:
    """Makes a tree of the events of a parser."""

    def __init__(self) -> None:
        self.document: Json = None
        self._documents = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchor] = {}
        self._size = 0

    def take(self, event: yaml.Event) -> None:
        """One event more."""
        if isinstance(event, yaml.ScalarEvent):
            self._value(_scalar(event), event, event.value)
            if event.anchor:
                self._anchors[event.anchor] = _Anchor(_scalar(event), 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            value: Json = {} if isinstance(event, yaml.MappingStartEvent) else []
            before = self._size
            if len(self._open) == DEPTH:
                raise Broken(_at(f"more than {DEPTH} levels", event.start_mark))
            self._value(value, event, None)
            self._open.append(_Open(value, event.anchor, before, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._open.pop()
            if ended.anchor:
                self._anchors[ended.anchor] = _Anchor(ended.value, self._size - ended.before)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Broken(_at("a second document begins", event.start_mark))

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor = self._anchors.get(event.anchor or "")
        if anchor is None:
            raise Broken(_at("an alias refers to nothing before it", event.start_mark))
        self._size += anchor.size - 1
        self._value(anchor.value, event, anchor.value if isinstance(anchor.value, str) else None)

    def _value(self, value: Json, event: yaml.Event, key: str | None) -> None:
        self._size += 1
        if self._size > MAXIMUM:
            raise Broken(_at(f"more than {MAXIMUM:,} values, aliases expanded", event.start_mark))
        if not self._open:
            self.document = value
            return
        parent, waiting = self._open[-1].value, self._open[-1].keys
        if isinstance(parent, list):
            parent.append(value)
        elif waiting:
            parent[waiting.pop()] = value
        elif key is None:
            raise Broken(_at("a key is not a plain text", event.start_mark))
        elif key in parent:
            raise Broken(_at("a key is there twice", event.start_mark))
        else:
            waiting.append(key)


def _scalar(event: yaml.ScalarEvent) -> Json:
    text = event.value
    if event.tag not in {None, "!", _STRING}:
        return f"{event.tag} {text}"
    if event.tag is not None or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return _exact(int(text, 0 if text[:2] in {"0o", "0x"} else 10), text)
    if _FLOAT.match(text):
        return _exact(float(text), text)
    return text


def _exact(number: float, text: str) -> float | str:
    """The number, or its text where JSON could not hold it."""
    return number if -_EXACT <= number <= _EXACT and math.isfinite(number) else text


def _at(problem: str, mark: _Mark | None) -> str:
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem
