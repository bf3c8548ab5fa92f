"""A scanner for secrets that got where they must not be: plant a canary, run, search everything.

It shares no code with `planning.redact`, so that one mistake cannot hide in both.
"""

import base64
import html
import json
import shlex
import urllib.parse
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_LARGEST = 64 * 1024 * 1024


class Find(NamedTuple):
    """A canary in a blob; `layer` is empty, or says what had to be unpacked first."""

    blob: str
    at: int
    encoding: bytes
    layer: str = ""


def encodings(value: bytes) -> set[bytes]:
    """The bytes by which a canary is recognised: whatever of it survives its way through formats and tools."""
    found = {value, value[::-1], value.hex().encode(), value.hex().upper().encode()}
    for shift in range(3):
        # Of the three ways to stand in base64, what neither neighbour can change.
        text = base64.b64encode(b"\0" * shift + value)
        first, last = -(-shift * 8 // 6), (shift + len(value)) * 8 // 6
        found |= {text[first:last], text[first:last].replace(b"+", b"-").replace(b"/", b"_")}
    found.add(base64.b32encode(value).rstrip(b"=")[:-1])
    found.add(base64.b85encode(value))
    for line in value.splitlines():
        if len(line.strip()) >= 6:
            found |= _texts(line.strip())
    return found | _texts(value)


def _texts(value: bytes) -> set[bytes]:
    text = value.decode("utf-8", "surrogateescape")
    forms = {
        text,
        json.dumps(text)[1:-1],
        json.dumps(json.dumps(text))[3:-3],
        json.dumps(text, ensure_ascii=False)[1:-1],
        urllib.parse.quote(value),
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        html.escape(text),
        repr(text)[1:-1],
        repr(value)[2:-1],
    }
    if shlex.quote(text) != text:
        forms.add(shlex.quote(text)[1:-1])
    found = {form.encode("utf-8", "surrogateescape") for form in forms}
    found |= {form.encode(code, "surrogatepass") for form in (text,) for code in ("utf-16-le", "utf-16-be")}
    return found


def find(value: bytes, blobs: Mapping[str, bytes]) -> list[Find]:
    """Every blob that holds the canary in some encoding, also in a compressed part of it."""
    assert len(value) >= 6, "a canary is long enough to be found by itself only"
    wanted = encodings(value)
    return [
        Find(name, at, encoding, layer)
        for name, blob in blobs.items()
        for layer, data in (("", blob), *_unpacked(blob))
        for encoding in sorted(wanted)
        if (at := data.find(encoding)) >= 0
    ]


def _unpacked(blob: bytes) -> Iterator[tuple[str, bytes]]:
    """What zlib and gzip streams anywhere in the blob hold."""
    for magic in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b\x08"):
        at = blob.find(magic)
        while at >= 0:
            try:
                data = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(blob[at:], _LARGEST)
            except zlib.error:
                data = b""
            if data:
                yield f"compressed at {at}", data
            at = blob.find(magic, at + 1)


def files(*folders: Path) -> dict[str, bytes]:
    """Every file below the folders, its name and its bytes, for `find`; of a link, where it leads."""
    found: dict[str, bytes] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found[f"name of {path}"] = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
            if path.is_symlink():
                found[f"link {path}"] = str(path.readlink()).encode("utf-8", "surrogateescape")
            elif path.is_file():
                found[str(path)] = path.read_bytes()
    return found
