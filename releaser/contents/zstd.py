"""What is compressed by zstd, as BuildKit makes layers with `compression=zstd`."""

from typing import IO, cast

from releaser.contents.forward import Forward
from releaser.model.errors import RegistryUnreachable

_CHUNK = 1 << 20
_WINDOW = 128 << 20
"""Bytes that unpacking may keep at most: what `zstd` itself allows without being asked."""


class Unpacked:
    """The bytes of a compressed stream, once; a source of `Forward`. Raises RegistryUnreachable where it is damaged."""

    def __init__(self, stream: IO[bytes] | Forward, what: str) -> None:
        import zstandard  # noqa: PLC0415 - few layers are compressed so

        self._error = zstandard.ZstdError
        self._what = what
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._file = reader.stream_reader(cast("IO[bytes]", stream), read_across_frames=True, closefd=False)

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end alone."""
        found, left = [], size
        try:
            while left > 0 and (more := self._file.read(min(left, _CHUNK))):
                found.append(more)
                left -= len(more)
        except self._error as error:
            raise RegistryUnreachable(
                f"{self._what} cannot be read: {error}",
                hint="it is cut short or damaged: push the image again",
            ) from error
        return b"".join(found)

    def skip(self, size: int, /) -> None:
        """Pass over so many."""
        while size > 0 and (passed := len(self.read(min(size, _CHUNK)))):
            size -= passed
