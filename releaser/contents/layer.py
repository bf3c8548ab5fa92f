"""A layer's tar as it comes: every entry, nothing unpacked, nothing kept but what is asked for.

Source: the OCI image specification's layer.md.
"""

import gzip
import hashlib
import tarfile
import zlib
from typing import IO, Any, cast

from releaser.contents.forward import Forward
from releaser.contents.zstd import Unpacked
from releaser.model.errors import RegistryUnreachable
from releaser.model.image_content import FILE, FOLDER, HARD_LINK, LINK, OPAQUE, OTHER, WHITEOUT, Entry
from releaser.planning.packages import is_told_by

_HIDES, _HIDES_ALL = ".wh.", ".wh..wh..opq"
MANY = 2_000_000
"""Entries of a layer that are read: they are kept in memory."""
_CHUNK = 1 << 20
_LONGEST = 32 << 20
"""Bytes of a file that says what packages there are."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Layer:
    """What is read of one layer: those files that tell of packages; `files` hashes each file's content too."""

    def __init__(self, *, files: bool) -> None:
        self._files = files
        self.entries: list[Entry] = []
        self.texts: dict[str, bytes] = {}

    def read(self, stream: IO[bytes] | Forward, name: str) -> None:
        """Read it to its end. Raises RegistryUnreachable where it is no tar that we can read."""
        try:
            with _tar(stream, name) as tar:
                for info in tar:
                    if len(self.entries) >= MANY:
                        raise RegistryUnreachable(
                            f"the layer {name} has more than {MANY} entries",
                            hint="no image needs as many: see who made it",
                        )
                    self.entries.append(self._entry(tar, info))
                    tar.members.clear()  # type: ignore[attr-defined] # else it keeps all of them
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise RegistryUnreachable(
                f"the layer {name} cannot be read: {error}", hint="it is cut short or damaged: push the image again"
            ) from error

    def _entry(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
        path = _plain(info.name)
        folder, _, last = path.rpartition("/")
        if last == _HIDES_ALL:
            return self._made(info, folder, OPAQUE)
        if last.startswith(_HIDES):
            return self._made(info, f"{folder}/{last[len(_HIDES) :]}".lstrip("/"), WHITEOUT)
        if info.issym() or info.islnk():
            return self._made(info, path, LINK if info.issym() else HARD_LINK, content=info.linkname)
        if info.isdir():
            return self._made(info, path, FOLDER)
        if not info.isreg():
            return self._made(info, path, OTHER)
        content = self._content(tar, info, path) if self._files or is_told_by(path) else None
        return self._made(info, path, FILE, size=info.size, content=content if self._files else None)

    def _content(self, tar: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> str:
        file, digest = tar.extractfile(info), hashlib.sha256()
        kept = bytearray() if is_told_by(path) and info.size <= _LONGEST else None
        while file is not None and (chunk := file.read(_CHUNK)):
            digest.update(chunk)
            if kept is not None:
                kept += chunk
        if kept is not None:
            self.texts[path] = bytes(kept)
        return digest.hexdigest()

    @staticmethod
    def _made(info: tarfile.TarInfo, path: str, kind: str, *, size: int = 0, content: str | None = None) -> Entry:
        return Entry(path=path, kind=kind, mode=info.mode, uid=info.uid, gid=info.gid, size=size, content=content)


def _tar(stream: IO[bytes] | Forward, name: str) -> tarfile.TarFile:
    """The tar that a layer is, compressed or not."""
    first = stream.read(len(_ZSTD))
    stream.seek(0)
    if first == _ZSTD:
        file: Any = Forward(Unpacked(stream, name))
    else:
        file = gzip.GzipFile(fileobj=cast("IO[bytes]", stream)) if first.startswith(_GZIP) else stream
    return tarfile.open(fileobj=file, mode="r:")


def _plain(name: str) -> str:
    """A path as it is in the image: no `./`, no slash at either end. A name that begins with a dot keeps it."""
    while name.startswith(("./", "/")):
        name = name[2:] if name.startswith("./") else name[1:]
    return "" if name == "." else name.rstrip("/")
