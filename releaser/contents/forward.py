"""Streams that are read once, for readers that step over what they do not want: what is skipped is never copied."""

import io
from collections.abc import Iterator
from typing import Protocol

_BACK = 1024
"""Bytes that a reader may go back: tarfile looks at the byte before a header, and first bytes are looked at twice."""


class Source(Protocol):
    """Bytes that come once."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end alone."""

    def skip(self, size: int, /) -> None:
        """Pass over so many."""


class Forward:
    """A source as a file of which only what was just read can be read again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._came = 0  # bytes that the source has given
        self._at = 0
        self._back = b""  # the last of them

    def seekable(self) -> bool:
        """It is, in its one direction."""
        return True

    def tell(self) -> int:
        """As a file's."""
        return self._at

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """As a file's, but forward. Raises io.UnsupportedOperation further back."""
        if whence == io.SEEK_CUR:
            position += self._at
        if position > self._came:
            self._source.skip(position - self._came)
            self._came, self._back = position, b""
        elif position < self._came - len(self._back) or whence == io.SEEK_END:
            raise io.UnsupportedOperation("a stream does not go back")
        self._at = position
        return position

    def read(self, size: int) -> bytes:
        """As a file's: fewer bytes at the end alone."""
        behind = self._came - self._at
        kept = self._back[len(self._back) - behind :][:size] if behind else b""
        more = self._source.read(size - len(kept)) if len(kept) < size else b""
        self._came += len(more)
        self._back = (self._back + more[-_BACK:])[-_BACK:]
        self._at += len(kept) + len(more)
        return kept + more if kept else more


class Pieces:
    """A source of pieces of any size that come as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._kept = b""

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end alone."""
        found, length = [self._kept], len(self._kept)
        while length < size and (more := next(self._pieces, b"")):
            found.append(more)
            length += len(more)
        whole = b"".join(found)
        self._kept = whole[size:]
        return whole[:size]

    def skip(self, size: int) -> None:
        """Pass over so many."""
        while size > len(self._kept):
            size -= len(self._kept)
            self._kept = next(self._pieces, b"")
            if not self._kept:
                return
        self._kept = self._kept[size:]
