"""BuildKit's progress, as an engine's answer has it: steps, whether they were cached, their output; pure.

Source: moby.buildkit.v1.StatusResponse in BuildKit's api/services/control/control.proto, in the wire format of Protocol
Buffers; the few fields that are read here are numbered in comments.
"""

from collections.abc import Iterator

from releaser.model.value import Value

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class Vertex(Value, frozen=True, kw_only=True):
    """One step of a build."""

    digest: str
    name: str
    cached: bool
    started: bool
    completed: bool
    error: str


class Output(Value, frozen=True, kw_only=True):
    """What a step printed."""

    vertex: str
    text: str


def read(data: bytes) -> tuple[list[Vertex], list[Output]]:
    """The steps and the output of one message. Raises ValueError where it is none."""
    vertices, outputs = [], []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):  # vertexes
            vertices.append(_vertex(value))
        elif number == 3 and isinstance(value, bytes):  # logs
            found = dict(_fields(value))
            text = bytes(found.get(4, b"")).decode(errors="replace")  # msg
            outputs.append(Output(vertex=_text(found.get(1)), text=text))
    return vertices, outputs


def _vertex(data: bytes) -> Vertex:
    found = dict(_fields(data))
    return Vertex(
        digest=_text(found.get(1)),
        name=_text(found.get(3)),
        cached=bool(found.get(4)),
        started=5 in found,
        completed=6 in found,
        error=_text(found.get(7)),
    )


def _text(value: int | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind in {_EIGHT, _FOUR}:
            at += 8 if kind == _EIGHT else 4
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("a field is cut short")
            yield number, data[at : at + size]
            at += size
        else:
            raise ValueError(f"no wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut short")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
