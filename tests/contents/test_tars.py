"""Tars of those who mean no good, or that are damaged: each is refused in words, and soon."""

import gzip
import io
import struct
import tarfile
from collections.abc import Mapping

import pytest

from releaser.contents import archive
from releaser.contents import layer as layers
from releaser.model.errors import RegistryUnreachable
from releaser.model.image_content import Entry
from tests.contents.archives import layer, saved

ONE = layer({"a": b"x" * 512})
END = bytes(1024)


def pax(words: Mapping[str, str], data: bytes = b"x") -> bytes:
    """A file with pax headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo("f")
        info.size, info.pax_headers = len(data), dict(words)
        made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def patched(made: bytes, at: int, data: bytes) -> bytes:
    """A header that tarfile does not write."""
    found = bytearray(made)
    found[at : at + len(data)] = data
    found[148:156] = b" " * 8
    found[148:156] = b"%06o\0 " % sum(found)
    return bytes(found)


def with_size(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    return patched(header("x", kind=kind), 124, b"\xff" * 4 + struct.pack(">q", size))


def read(data: bytes, *, files: bool = False) -> tuple[Entry, ...]:
    return archive.read(io.BytesIO(saved(data)), "tar:x", files=files).layers[0].entries


SPARSE = "GNU.sparse."
BAD = {
    "map": {SPARSE + "major": "0", SPARSE + "minor": "1", SPARSE + "map": "a,b"},
    "map of a size": {SPARSE + "map": "a,b", SPARSE + "size": "1"},
    "real size": {SPARSE + "realsize": "x"},
    "map in the file": {SPARSE + "realsize": "9" * 30, SPARSE + "major": "1", SPARSE + "minor": "0"},
    "digits": {SPARSE + "size": "9" * 255},
    "more digits than tarfile takes": {SPARSE + "size": "9" * 5000},
    "holes": {SPARSE + "size": str(10**13), SPARSE + "map": "0,1"},
    "negative": {"size": "-2000"},
    "large": {"size": "9" * 30},
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_headers_that_say_what_none_can(words: dict[str, str]) -> None:
    with pytest.raises(RegistryUnreachable, match=r"the layer blobs/sha256/.* cannot be read: "):
        read(pax(words), files=True)


GLOBALS = {f"word{number}": "x" for number in range(200)}
CUT = {
    "a bad header": ONE[:1024] + b"garbage!" * 64 + ONE,
    "half a header": ONE[:1024] + b"cut" * 40,
    "half a file": ONE[:700],
    "more behind its end": ONE[:1024] + bytes(512) + ONE,
    "a header about nothing": header("././@PaxHeader", 0, tarfile.XHDTYPE),
    "headers about headers": header("././@PaxHeader", 0, tarfile.XHDTYPE) * 400 + ONE,
    "a header of 300 MB": header("././@PaxHeader", 300 << 20, tarfile.XHDTYPE) + bytes(1 << 20) + ONE,
    "a name of 300 MB": header("././@LongLink", 300 << 20, tarfile.GNUTYPE_LONGNAME) + bytes(1 << 20) + ONE,
    "a number without an end": pax({"comment": "1" * 200_000}),
    "a negative size": with_size(-512) + END,
    "a negative size of a header": with_size(-512, tarfile.XHDTYPE) + END,
    "a negative size of a file with holes": with_size(-512, tarfile.GNUTYPE_SPARSE) + END,
    "a sparse map that is cut": patched(header("x", 0, tarfile.GNUTYPE_SPARSE), 482, b"\1"),
    "many slashes": layer({"a/" * 300 + "f": b""}),
    "a long name": layer({"a" * 5000: b""}),
    "words about nothing": header("x", 0, tarfile.XGLTYPE),
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
@pytest.mark.parametrize("packed", [False, True])
def test_tars_that_are_damaged(data: bytes, packed: bool) -> None:
    with pytest.raises(RegistryUnreachable, match=r"the layer blobs/sha256/.* cannot be read: "):
        read(gzip.compress(data) if packed else data)


def test_an_archive_that_leads_back() -> None:
    with pytest.raises(RegistryUnreachable, match="tar:x cannot be read: an entry has a size that none has"):
        archive.read(io.BytesIO(with_size(-512) + END), "tar:x", files=False)


@pytest.mark.parametrize("data", [END, bytes(512), ONE[:1024], ONE[:1024] + bytes(512), layer({"a\udcff/x": b"1"})])
def test_ends_that_engines_take(data: bytes) -> None:
    assert len(read(data)) in {0, 1}


def test_words_about_everything() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=GLOBALS) as made:
        made.addfile(tarfile.TarInfo("f"))
    with pytest.raises(RegistryUnreachable, match="too much is said of all its entries"):
        read(buffer.getvalue())


def test_files_with_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are hashed with their zeros, as others are; but not without an end."""
    holed = pax({SPARSE + "map": "9,1", SPARSE + "size": "10"})
    full = layer({"f": bytes(9) + b"x"})
    assert (read(holed, files=True)[0].size, read(holed, files=True)[0].content) == (
        10,
        read(full, files=True)[0].content,
    )
    monkeypatch.setattr(layers, "_HOLES", 9)
    assert read(holed)[0].size == 10
    with pytest.raises(RegistryUnreachable, match="its files have more holes than any"):
        read(holed, files=True)
