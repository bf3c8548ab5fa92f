"""A layer's tar as it comes: every entry, nothing unpacked, nothing kept but what is asked for.

Source: the OCI image specification's layer.md.
"""

import hashlib
import tarfile
import zlib
from typing import IO, NamedTuple

from releaser.contents.forward import Forward
from releaser.contents.tars import entries, opened, unpacked
from releaser.model.errors import RegistryUnreachable
from releaser.model.image_content import FILE, FOLDER, HARD_LINK, LINK, OPAQUE, OTHER, WHITEOUT, Entry
from releaser.planning.packages import told_within

_HIDES, _HIDES_ALL = ".wh.", ".wh..wh..opq"
MANY = 2_000_000
"""Entries of a layer that are read: they are kept in memory."""
MOST_TOLD = 256 << 20
"""Bytes of files that say what packages there are, of all layers of an image: they are kept too."""
_HOLES = 1 << 36
"""Bytes of a layer's files with holes that are hashed: holes cost nothing to write."""
_CHUNK = 1 << 20


class Told:
    """How much more an image's layers may tell of packages."""

    def __init__(self) -> None:
        self.left = MOST_TOLD


class Layer:
    """What is read of one layer: those files that tell of packages; `files` hashes each file's content too."""

    def __init__(self, told: Told, *, files: bool) -> None:
        self._told = told
        self._files = files
        self._holes = 0
        self.entries: list[Entry] = []
        self.texts: dict[str, bytes] = {}

    def read(self, stream: IO[bytes] | Forward, name: str) -> None:
        """Read it to its end; one of no bytes has no entries. Raises RegistryUnreachable where we cannot read it."""
        try:
            file = unpacked(stream, f"the layer {name}")
            if file is None:
                return
            with opened(file) as tar:
                for info in entries(tar):
                    if len(self.entries) >= MANY:
                        raise _too_much(name, f"{MANY} entries")
                    self.entries.append(self._entry(tar, info))
                    if self._told.left < 0:
                        raise _too_much(name, f"{MOST_TOLD} bytes that tell of packages")
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
            kind, leads = (LINK, info.linkname) if info.issym() else (HARD_LINK, _plain(info.linkname))
            return self._made(info, path, kind, content=leads)
        if info.isdir():
            return self._made(info, path, FOLDER)
        if not info.isreg():
            return self._made(info, path, OTHER)
        content = self._content(tar, info, path)
        return self._made(info, path, FILE, size=info.size, content=content)

    def _content(self, tar: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> str | None:
        """The digest of a file's content, where files are hashed; what tells of packages is kept."""
        within = told_within(path)
        if within and info.size <= within:
            self._told.left -= info.size
            if self._told.left < 0:
                return None
            file = tar.extractfile(info)
            text = self.texts[path] = b"" if file is None else file.read()
            return hashlib.sha256(text).hexdigest() if self._files else None
        if within:
            self.texts[path] = b""  # what a layer below has in its place does not count
        return self._hashed(tar, info) if self._files else None

    def _hashed(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> str:
        if info.issparse():
            self._holes += info.size
            if self._holes > _HOLES:
                raise tarfile.ReadError("its files have more holes than any")
        file, digest = tar.extractfile(info), hashlib.sha256()
        while file is not None and (chunk := file.read(_CHUNK)):
            digest.update(chunk)
        return digest.hexdigest()

    @staticmethod
    def _made(info: tarfile.TarInfo, path: str, kind: str, *, size: int = 0, content: str | None = None) -> Entry:
        return Entry(path=path, kind=kind, mode=info.mode, uid=info.uid, gid=info.gid, size=size, content=content)


class Stored(NamedTuple):
    """A layer that was read, under the name and with the size that it is stored with."""

    name: str
    size: int
    layer: Layer


def _too_much(name: str, what: str) -> RegistryUnreachable:
    return RegistryUnreachable(f"the layer {name} has more than {what}", hint="no image needs as many: see who made it")


def _plain(name: str) -> str:
    """A path as it is in the image: no `./`, no slash at either end. A name that begins with a dot keeps it."""
    while name.startswith(("./", "/")):
        name = name[2:] if name.startswith("./") else name[1:]
    return "" if name == "." else name.rstrip("/")
