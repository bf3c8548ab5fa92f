"""BuildKit's progress in the wire format of Protocol Buffers."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.builders.buildkit_trace import Output, Vertex, read


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


STEP = field(1, b"sha256:1") + field(3, "[1/2] RUN é".encode()) + field(5, field(1, 1767225600))


def test_steps_and_their_output() -> None:
    done = STEP + field(4, 1) + field(6, b"") + field(7, b"exit code: 1")
    log = field(1, b"sha256:1") + field(3, 2) + field(4, b"giving up\n")
    vertices, outputs = read(field(1, STEP) + field(1, done) + field(2, b"ignored") + field(3, log))
    running = Vertex(digest="sha256:1", name="[1/2] RUN é", cached=False, started=True, completed=False, error="")
    ended = Vertex(
        digest="sha256:1", name="[1/2] RUN é", cached=True, started=True, completed=True, error="exit code: 1"
    )
    assert vertices == [running, ended]
    assert outputs == [Output(vertex="sha256:1", text="giving up\n")]


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read(data)


@pytest.mark.parametrize("data", [field(1, STEP)[:-1], b"\xff" * 12, b"\x0b", b"\x0a"])
def test_what_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|wire type"):
        read(data)
