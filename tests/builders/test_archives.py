"""What an archive has, read without trust: nothing is believed that it says of itself."""

import hashlib
import io
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from releaser.builders import entries
from releaser.builders.archives import members
from releaser.builders.entries import Member
from releaser.model.build import Package
from releaser.model.errors import BadArgument


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tarred(*infos: tuple[str, bytes | None, dict[str, object]], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, data, words in infos:
            info = tarfile.TarInfo(name)
            info.size = len(data or b"")
            for word, value in words.items():
                setattr(info, word, value)
            tar.addfile(info, io.BytesIO(data or b""))
    return buffer.getvalue()


def zipped(files: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, 0o644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def unpacked(data: bytes, strip: int = 0) -> list[Member]:
    return members(io.BytesIO(data), Package(file="app.tgz", sha256=sha256(data), strip=strip))


FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o700}
PLAIN: dict[str, object] = {}
TAR = tarred(
    ("app-1.0", None, FOLDER),
    ("app-1.0/run", b"#!/bin/sh\n", {"mode": 0o4755, "uid": 1000, "mtime": 99}),
    ("./app-1.0/lib/a.py", b"a", {"mode": 0o600}),
    ("app-1.0/link", None, {"type": tarfile.SYMTYPE, "linkname": "lib/a.py"}),
    ("app-1.0/same", None, {"type": tarfile.LNKTYPE, "linkname": "app-1.0/run"}),
)


def test_an_archive_without_owners_times_and_its_first_folder() -> None:
    assert unpacked(TAR, strip=1) == [
        Member(name="lib/a.py", mode=0o644, data=b"a"),
        Member(name="link", mode=0o777, link="lib/a.py"),
        Member(name="run", mode=0o755, data=b"#!/bin/sh\n"),
        Member(name="same", mode=0o644, data=b"#!/bin/sh\n"),
    ]


def test_a_zip() -> None:
    data = zipped({"run": b"x", "lib/": b"", "lib/link": b"../run"}, {"run": 0o755, "lib/link": stat.S_IFLNK | 0o777})
    assert unpacked(data) == [
        Member(name="lib", mode=0o755),
        Member(name="lib/link", mode=0o777, link="../run"),
        Member(name="run", mode=0o755, data=b"x"),
    ]


HARMFUL = {
    "an absolute name": tarred(("/etc/passwd", b"x", PLAIN)),
    "a way out": tarred(("a/../../x", b"x", PLAIN)),
    "a way out of a zip": zipped({"../x": b"x"}),
    "a name of Windows": zipped({"a\\..\\x": b"x"}),
    "a link out": tarred(("a/b", None, {"type": tarfile.SYMTYPE, "linkname": "../../etc"})),
    "a link out through a link": tarred(
        ("p/q/l", None, {"type": tarfile.SYMTYPE, "linkname": "../.."}),
        ("x", None, {"type": tarfile.SYMTYPE, "linkname": "p/q/l/../../etc/passwd"}),
    ),
    "a link out that comes before the link": tarred(
        ("a/x", None, {"type": tarfile.SYMTYPE, "linkname": "../b/.."}),
        ("b", None, {"type": tarfile.SYMTYPE, "linkname": "c/.."}),
        ("c", None, {"type": tarfile.SYMTYPE, "linkname": "d/../.."}),
    ),
    "a hard link to a link out": tarred(
        ("a/b/c", None, {"type": tarfile.SYMTYPE, "linkname": "../x"}),
        ("d", None, {"type": tarfile.LNKTYPE, "linkname": "a/b/c"}),
    ),
    "an absolute link": tarred(("a", None, {"type": tarfile.SYMTYPE, "linkname": "/etc"})),
    "a file below a link": tarred(("a", None, {"type": tarfile.SYMTYPE, "linkname": "b"}), ("a/c", b"x", PLAIN)),
    "a file below a file": tarred(("a", b"1", PLAIN), ("a/b", b"2", PLAIN)),
    "a file above a file": tarred(("a/b/c", b"2", PLAIN), ("a", b"1", PLAIN)),
    "a link twice": tarred(*[("a", None, {"type": tarfile.SYMTYPE, "linkname": "b"})] * 2),
    "a name that no system has": tarred(("a/" * 3000, b"x", PLAIN)),
    "a link that no system has": tarred(("a", None, {"type": tarfile.SYMTYPE, "linkname": "b/" * 3000})),
    "a hard link to nothing": tarred(("a", None, {"type": tarfile.LNKTYPE, "linkname": "gone"})),
    "a device": tarred(("a", None, {"type": tarfile.CHRTYPE})),
    "a pipe": tarred(("a", None, {"type": tarfile.FIFOTYPE})),
    "a file twice": tarred(("a", b"1", PLAIN), ("./a", b"2", PLAIN)),
    "a name that hides": tarred(("a\x1b[2Jb", b"x", PLAIN)),
    "no archive": b"<html>not found</html>" * 50,
    "one that is cut short": TAR[:-40],
    "nothing": b"",
    "an archive of nothing": tarred(),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_means_harm(name: str) -> None:
    with pytest.raises(BadArgument, match=r"the package app\.tgz (has|is no archive)") as refused:
        unpacked(HARMFUL[name])
    assert "\x1b" not in refused.value.message


def test_more_than_a_package_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST", 1000)
    monkeypatch.setattr(entries, "MANY", 3)
    bomb = b"\0" * 2000
    for data in (tarred(("a", bomb, PLAIN)), zipped({"a": bomb}), zipped({str(one): b"" for one in range(4)})):
        with pytest.raises(BadArgument, match=r"more than|larger than"):
            unpacked(data)


LINKED = {
    "the name of its target begins with dots": tarred(
        ("..data/x", b"1", PLAIN), ("x", None, {"type": tarfile.SYMTYPE, "linkname": "..data/x"})
    ),
    "it leads through a link that stays inside": tarred(
        ("releases/1/bin/x", b"1", PLAIN),
        ("current", None, {"type": tarfile.SYMTYPE, "linkname": "releases/1"}),
        ("x", None, {"type": tarfile.SYMTYPE, "linkname": "current/bin/x"}),
    ),
    "it leads to itself": tarred(("x", None, {"type": tarfile.SYMTYPE, "linkname": "x"})),
    "it is a hard link to a link to itself": tarred(
        ("s", None, {"type": tarfile.SYMTYPE, "linkname": "s"}), ("x", None, {"type": tarfile.LNKTYPE, "linkname": "s"})
    ),
}


@pytest.mark.parametrize("name", LINKED)
def test_a_link_that_leads_nowhere_else(name: str) -> None:
    assert {member.name: member.link for member in unpacked(LINKED[name])}["x"] is not None


# --- damage ---


def paxed(headers: dict[str, str], *, wide: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers if wide else {}) as tar:
        info = tarfile.TarInfo("f")
        info.size, info.pax_headers = 1, {} if wide else headers
        tar.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


def changed(data: bytes, *at: int) -> bytes:
    mutable = bytearray(data)
    for place in at:
        mutable[place] ^= 0xFF
    return bytes(mutable)


def lzma_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("f", random.Random(2).randbytes(500))
    return buffer.getvalue()


NOISE = random.Random(1).randbytes(3000)
PLAIN_TAR = tarred(("a", NOISE, PLAIN), ("b", NOISE, PLAIN), mode="w")
DAMAGED = {
    "a sparse map of no numbers": paxed({"GNU.sparse.map": "x,y", "GNU.sparse.size": "4"}),
    "a sparse size of no number": paxed(
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "zz"}
    ),
    "a size below nothing": paxed({"size": "-1"}),
    "a size that leads back": paxed({"size": "-1536"}),
    "a zip's name that is no UTF-8": zipped({"\u00e9.txt": b"x"}).replace("\u00e9".encode(), b"\xff\xfe"),
    "a zip that lzma has packed": lzma_zip(),
    "a zip that lzma has packed, damaged": changed(lzma_zip(), 60, 61, 100),
    "a damaged xz": changed(tarred(("a", NOISE, PLAIN), mode="w:xz"), 1500),
    "a damaged bz2": changed(tarred(("a", NOISE, PLAIN), mode="w:bz2"), 1500),
    "a damaged gz": changed(tarred(("a", NOISE, PLAIN)), 1500),
    "a damaged zip": changed(zipped({"a": NOISE}), 1500),
    "a damaged header of the second file": changed(PLAIN_TAR, 512 + 3072 + 5),
    "a header of the second file that is cut short": PLAIN_TAR[: 512 + 3072 + 100],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged(name: str) -> None:
    with pytest.raises(BadArgument, match=r"the package app\.tgz (has|is no archive)"):
        unpacked(DAMAGED[name])


def test_whatever_is_changed_it_is_read_or_refused() -> None:
    source = random.Random(7)
    seeds = [
        tarred(
            ("a/b", b"hello" * 40, PLAIN),
            ("a/l", None, {"type": tarfile.SYMTYPE, "linkname": "b"}),
            ("h", None, {"type": tarfile.LNKTYPE, "linkname": "a/b"}),
            mode=mode,
        )
        for mode in ("w", "w:gz", "w:bz2", "w:xz")
    ]
    seeds += [paxed({"path": "x" * 200, "GNU.sparse.map": "0,1"}), zipped({"\u00e9/f": b"hello" * 50, "g": b"x"})]
    for _ in range(1500):
        data = bytearray(source.choice(seeds))
        for _ in range(source.choice((1, 2, 4))):
            data[source.randrange(len(data))] = source.randrange(256)
        with suppress(BadArgument):  # nothing else comes out
            unpacked(bytes(data))


def test_the_compressions_of_a_tar() -> None:
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        assert unpacked(tarred(("a", NOISE, PLAIN), mode=mode)) == [Member(name="a", mode=0o644, data=NOISE)]


# --- bombs ---


def gzipped(*parts: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


def header(name: str, **words: object) -> bytes:
    info = tarfile.TarInfo(name)
    for word, value in words.items():
        setattr(info, word, value)
    return info.tobuf(tarfile.GNU_FORMAT)


ZEROS = b"\0" * (1 << 20)
MUCH = 24
KINDS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


def lying_zip(declared: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("f", ZEROS * MUCH)
    data = bytearray(buffer.getvalue())
    at = data.rindex(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", declared)
    return bytes(data)


def sparse_1_0(numbers: int) -> bytes:
    words = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    listed = b"%d\n" % numbers + b"1\n" * numbers * 2
    body = paxed(words)[: 3 * 512]
    file = header("f", size=len(listed)) + listed + b"\0" * (-len(listed) % 512)
    return gzipped(body[: 2 * 512], file, b"\0" * 1024)


def old_sparse() -> bytes:
    begin = bytearray(header("f", type=tarfile.GNUTYPE_SPARSE))
    begin[482] = 1  # more of the list follows, in blocks that end with the same
    begin[148:156] = b" " * 8
    begin[148:156] = b"%06o\0 " % sum(begin)
    return gzipped(begin, (b"1\0" + b"\0" * 10) * 42 * 50_000)


BOMBS = {
    **{
        f"a header of kind {kind!r}": gzipped(header("x", type=kind, size=MUCH << 20), *[ZEROS] * MUCH)
        for kind in KINDS
    },
    "many headers before one file": gzipped(
        *[header("x", type=tarfile.GNUTYPE_LONGNAME, size=1 << 20) + ZEROS] * MUCH, header("a")
    ),
    "an old sparse file's endless list": old_sparse(),
    "a sparse file's endless list": sparse_1_0(500_000),
    "a large file": gzipped(header("f", size=MUCH << 20), *[ZEROS] * MUCH),
    "a zip that declares less": lying_zip(1),
    "a zip that declares more": lying_zip(1 << 31),
    "a zip that declares what it has": lying_zip(MUCH << 20),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(entries, "MOST", 1 << 20)
    monkeypatch.setattr(entries, "MANY", 3)
    monkeypatch.setattr(entries, "_HEADERS", 1 << 17)
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_large(name: str, small: None) -> None:
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(BadArgument, match=r"the package app\.tgz (has|is no archive)"):
        unpacked(BOMBS[name])
    assert tracemalloc.get_traced_memory()[1] - before < 8 << 20


HOLE = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40)}
MANY = {
    "one folder a thousand times": tarred(*[("d", None, FOLDER)] * 1000, ("f", b"", PLAIN)),
    "entries that `strip` leaves out": tarred(
        *[(f"d{number}", b"", PLAIN) for number in range(1000)], ("a/f", b"", PLAIN)
    ),
    "one file under many names": tarred(
        ("a", b"x" * (600 << 10), PLAIN), ("b", None, {"type": tarfile.LNKTYPE, "linkname": "a"})
    ),
    "names": tarred(
        *[(f"{number}/" * 2000, None, FOLDER) for number in range(2)], ("f", b"x" * ((1 << 20) - 5000), PLAIN)
    ),
    "a sparse file": paxed(HOLE),
    "a hard link to a link to a sparse file": paxed(HOLE)[:-1024]
    + header("l", type=tarfile.SYMTYPE, linkname="f")
    + header("h", type=tarfile.LNKTYPE, linkname="l")
    + b"\0" * 1024,
    "more bytes packed than it may have": gzipped(b"") + b"\0" * (1 << 20),
}


@pytest.mark.parametrize("name", MANY)
def test_it_is_counted_what_is_read(name: str, small: None) -> None:
    with pytest.raises(BadArgument, match=r"more than 1 MiB or 3 files|sparse"):
        unpacked(MANY[name], strip=1 if "strip" in name else 0)


def test_words_that_stand_for_every_file() -> None:
    """tarfile copies them for each."""
    with pytest.raises(BadArgument, match="more than 1000 words about f"):
        unpacked(paxed({f"a{number}": "x" for number in range(5000)}, wide=True))
    assert [one.name for one in unpacked(paxed({"comment": "0" * 40}, wide=True))] == ["f"]
