"""What containers wrote, as it may be shown."""

import re

from releaser.planning.redact import printable

_FRAME = 8
_ENGINES_OWN = 3  # a Swarm's errors while it fetched the log
_STREAMS = {0, 1, 2, _ENGINES_OWN}
_COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LONGEST = 16384  # characters that are kept: the end says why


def shown(data: bytes) -> str:
    """The text of a log answer: both streams in their order, without colours and control characters."""
    text = demultiplexed(data).decode(errors="replace").replace("\r\n", "\n").strip()
    return printable(_COLOURS.sub("", text), lines=True)[-_LONGEST:]


def demultiplexed(data: bytes) -> bytes:
    """The text of a log stream: frames of a kind, three zeros, a length and that many bytes; else as it is (a tty)."""
    found, at = [], 0
    while data[at : at + _FRAME][1:4] == b"\0\0\0" and data[at] in _STREAMS and at + _FRAME <= len(data):
        end = at + _FRAME + int.from_bytes(data[at + 4 : at + _FRAME], "big")
        if data[at] != _ENGINES_OWN:
            found.append(data[at + _FRAME : end])
        at = end
    return b"".join((*found, data[at:]))
