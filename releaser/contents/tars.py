"""Tars of strangers, as Python's tarfile reads them, but refused where it would crash, go in circles or end early.

Source: POSIX pax; the limits are Linux' of a path, and near those of Go's archive/tar, by which engines read them.
"""

import gzip
import re
import tarfile
from collections.abc import Iterator
from typing import IO, Any, Self, cast

from releaser.contents.forward import Forward
from releaser.contents.zstd import Unpacked

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_HEADERS = 256 << 10
"""Bytes of what describes one entry: tarfile takes them into memory, and searches them in squares of their length."""
_LARGEST = 1 << 36
"""Bytes of an entry: holes cost nothing to write."""
_LONGEST, _DEEPEST = 4096, 256
"""Bytes and slashes of a path."""
_GLOBALS = 100
"""Words that are said of all entries; each of them has a copy."""
_DIGITS = re.compile(rb"\d{256}")


def unpacked(stream: IO[bytes] | Forward, what: str) -> IO[bytes] | None:
    """The bytes of a stream that may be compressed; None where it is empty. `what` is for errors."""
    first = stream.read(len(_ZSTD))
    stream.seek(0)
    if first == _ZSTD:
        return cast("IO[bytes]", Forward(Unpacked(stream, what)))
    whole = cast("IO[bytes]", stream)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=whole)) if first.startswith(_GZIP) else whole if first else None


def opened(file: IO[bytes]) -> tarfile.TarFile:
    """A tar that is not compressed. Raises tarfile.TarError, here and where it is read."""
    return tarfile.open(fileobj=cast("IO[bytes]", _Bounded(file)), mode="r:", tarinfo=_Entry)


def entries(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Each in turn, and none kept."""
    for info in tar:
        tar.members.clear()  # type: ignore[attr-defined] # else it keeps all of them
        yield info


class _Bounded:
    """The file below a tar, which gives so much of it at most while headers are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell, self.seek = file.tell, file.seek
        self.left: int | None = None  # None while contents are read

    def seekable(self) -> bool:
        """As all that is read here."""
        return True

    def read(self, size: int) -> bytes:
        """As a file's. Raises tarfile.ReadError."""
        if self.left is None:
            return self._file.read(size)
        self.left -= size
        if size < 0 or self.left < 0:
            raise tarfile.ReadError(f"a header of {size if size < 0 else 'too many'} bytes")
        found = self._file.read(size)
        if size > tarfile.BLOCKSIZE and _DIGITS.search(found):  # tarfile would search a long number in squares
            raise tarfile.ReadError("a header has a number of more than 255 digits")
        return found


class _Entry(tarfile.TarInfo):
    """An entry that is what it says, or tarfile.ReadError."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        """The next one. tarfile itself ends silently at some damage, and at other fails with what comes to its mind."""
        file = cast("_Bounded", tar.fileobj)
        if file.left is not None:  # tarfile asks for what the header that it reads is about
            return super().fromtarfile(tar)
        file.left = _HEADERS
        try:
            made = super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            _at_end(error, file)
            raise
        except (ValueError, OverflowError, IndexError, RecursionError) as error:
            raise tarfile.ReadError("a header that says what none can") from error
        finally:
            file.left = None
        _believed(made, tar)
        return made


def _at_end(error: tarfile.HeaderError, file: _Bounded) -> None:
    """Whether no header means the end: nothing more, or two empty blocks. Raises tarfile.ReadError."""
    names: Any = tarfile
    if isinstance(error, names.EOFHeaderError):
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError("there is more behind its end")
    elif not isinstance(error, names.EmptyHeaderError):
        raise tarfile.ReadError(str(error)) from error


def _believed(made: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
    if not 0 <= made.size <= _LARGEST:
        raise tarfile.ReadError("an entry has a size that none has")
    if tar.offset < made.offset_data:  # where the next one begins
        raise tarfile.ReadError("an entry leads back to itself")
    if len(made.name) > _LONGEST or len(made.linkname) > _LONGEST or made.name.count("/") > _DEEPEST:
        raise tarfile.ReadError("an entry has a path that is longer than any")
    if len(tar.pax_headers) > _GLOBALS:
        raise tarfile.ReadError("too much is said of all its entries")
