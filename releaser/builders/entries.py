"""What an archive has, entry by entry: a tar or zip of files, folders and links.

Who made it may mean harm, so nothing is believed that it says of itself: what counts is what was read.
"""

import bz2
import gzip
import io
import lzma
import os
import posixpath
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO

import msgspec

from releaser.model.value import Value
from releaser.planning.redact import printable

MOST, MANY = 1 << 30, 200_000
"""Bytes that an archive may have, packed and unpacked, and its entries."""
_HEADERS, _WORDS = 1 << 20, 1000
"""Bytes that a tar may say about one entry, and words of pax among them."""
_LISTED = 64 << 20
"""Bytes of a zip's list of its entries."""
LONGEST = 4096
"""Characters of a path, as Linux has it."""
_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_PACKED: Mapping[bytes, Callable[[IO[bytes]], IO[bytes] | gzip.GzipFile]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x5d\0\0": lzma.LZMAFile,
}


class Harmful(Exception):
    """What completes the sentence "the package …"."""


class Member(Value, frozen=True, kw_only=True):
    """One entry of a package."""

    name: str
    mode: int
    data: bytes | None = None  # None: a folder or a link
    link: str | None = None

    @property
    def is_folder(self) -> bool:
        """Neither a file nor a link."""
        return self.data is None and self.link is None


def entries(file: IO[bytes]) -> Iterator[Member]:
    """Files, folders and links as they come, with the names that they have there.

    Raises Harmful for what is refused; whatever Python's modules raise for an archive that is damaged.
    """
    bounds = _Bounds()
    bounds.packed(file.seek(0, os.SEEK_END))
    file.seek(0)
    zip_ = file.read(len(_ZIP)) == _ZIP
    file.seek(0)
    return _zipped(file, bounds) if zip_ else _tarred(file, bounds)


class _Bounds:
    """How much may still come of one archive."""

    def __init__(self) -> None:
        self._bytes, self._entries = MOST, MANY

    def packed(self, size: int) -> None:
        """The archive's own bytes. Raises Harmful."""
        if size > MOST:
            raise self._exceeded()

    def take(self, size: int) -> None:
        """Bytes that are kept. Raises Harmful."""
        self._bytes -= size
        if self._bytes < 0:
            raise self._exceeded()

    def entry(self, *names: str) -> None:
        """One entry with its names, whether it is left out or not. Raises Harmful."""
        self._entries -= 1
        if self._entries < 0:
            raise self._exceeded()
        if any(len(name) > LONGEST for name in names):
            raise Harmful(f"has a name of more than {LONGEST} characters: {printable(max(names, key=len)[:50])}…")
        self.take(sum(map(len, names)))

    def whole(self, source: IO[bytes], size: int) -> bytes:
        """A file that says it has so many bytes: no more of it, and piece by piece. Raises Harmful."""
        if size > self._bytes:
            raise self._exceeded()
        pieces = []
        while size > 0 and (piece := source.read(min(_CHUNK, size))):
            self.take(len(piece))
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _exceeded(self) -> Harmful:
        return Harmful(f"has more than {MOST >> 20} MiB or {MANY} files")


class _Stream(io.RawIOBase):
    """A file of which no more can be read than was allowed: headers say themselves how large they are."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file, self._left = file, 0

    def allow(self, size: int) -> None:
        """From here on so many bytes."""
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """As a file does it. Raises Harmful."""
        data = self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise Harmful("has a header that is larger than any has to be")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As a file does it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file does it."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Both modules ask."""
        return True


# --- tar ---


def _tarred(file: IO[bytes], bounds: _Bounds) -> Iterator[Member]:
    begin = file.read(max(map(len, _PACKED)))
    file.seek(0)
    stream = _Stream(next((opened(file) for magic, opened in _PACKED.items() if begin.startswith(magic)), file))
    stream.allow(_HEADERS)
    known: dict[str, Member] = {}  # tarfile's own way to a hard link's file reads all headers, and follows links
    with tarfile.TarFile(fileobj=stream) as tar:
        while (info := tar.next()) is not None:
            bounds.entry(info.name, info.linkname)
            if len(info.pax_headers) > _WORDS:
                raise Harmful(f"has more than {_WORDS} words about {printable(info.name)}")
            info.pax_headers = {}  # tarfile keeps a copy of the whole archive's in each entry
            member = _of_tar(tar, info, stream, bounds, known)
            known[posixpath.normpath(info.name)] = member
            yield member
            stream.allow(_HEADERS)
        _refuse_rest(stream, tar.offset)


def _of_tar(
    tar: tarfile.TarFile, info: tarfile.TarInfo, stream: _Stream, bounds: _Bounds, known: Mapping[str, Member]
) -> Member:
    mode = 0o755 if info.mode & stat.S_IXUSR or info.isdir() else 0o644
    if info.size < 0:
        raise Harmful(f"has {printable(info.name)}, whose size is below nothing")
    if info.issym():
        return Member(name=info.name, mode=0o777, link=info.linkname)
    if info.isdir():
        return Member(name=info.name, mode=mode)
    if info.islnk():
        same = known.get(posixpath.normpath(info.linkname))
        if same is None or same.is_folder:
            raise Harmful(f"has {printable(info.name)}, a link to {printable(info.linkname)}, which is not before it")
        bounds.take(len(same.data or same.link or ""))
        return msgspec.structs.replace(same, name=info.name, mode=mode if same.link is None else same.mode)
    source = tar.extractfile(info) if info.isreg() and not info.issparse() else None
    if source is None:
        kind = "a sparse file" if info.issparse() else "which is no file, folder or link"
        raise Harmful(f"has {printable(info.name)}, {kind}")
    stream.allow(info.size)
    return Member(name=info.name, mode=mode, data=bounds.whole(source, info.size))


def _refuse_rest(stream: _Stream, end: int) -> None:
    """What follows the last entry is empty: tarfile takes a damaged header for the end. Raises Harmful."""
    stream.allow(MOST)
    stream.seek(end)
    if stream.read(tarfile.BLOCKSIZE).strip(tarfile.NUL):
        raise Harmful("is no archive that can be read: it has a header that is damaged")
    while stream.read(_CHUNK):  # to the checksum of what is packed
        pass


# --- zip ---


def _zipped(file: IO[bytes], bounds: _Bounds) -> Iterator[Member]:
    stream = _Stream(file)
    stream.allow(_LISTED)
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            bounds.entry(info.filename)
            stream.allow(2 * MOST)  # its bytes, packed: they may be more than the file's
            yield _of_zip(archive, info, bounds)


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, bounds: _Bounds) -> Member:
    mode = info.external_attr >> 16
    if info.flag_bits & 1:
        raise Harmful(f"has {printable(info.filename)}, which is encrypted")
    if info.is_dir():
        return Member(name=info.filename, mode=0o755)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Harmful(f"has {printable(info.filename)}, which is packed in a way that few can unpack")
    with archive.open(info) as source:
        data = bounds.whole(source, info.file_size)
    if stat.S_ISLNK(mode):
        return Member(name=info.filename, mode=0o777, link=data.decode(errors="surrogateescape"))
    return Member(name=info.filename, mode=0o755 if mode & stat.S_IXUSR else 0o644, data=data)
