"""Images as `docker save` and OCI archives have them: one pass over a tar, whose parts come in any order.

Source: https://github.com/moby/moby/blob/master/image/spec/v1.2.md (manifest.json), and the OCI image layout.
"""

import posixpath
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import msgspec

from releaser.contents import configuration
from releaser.contents.forward import Forward
from releaser.contents.layer import Layer, Stored, Told
from releaser.contents.tars import entries, opened, unpacked
from releaser.model.errors import PlatformMissing, RegistryUnreachable
from releaser.model.image_content import ImageContent, LayerContent
from releaser.model.value import JsonMap
from releaser.planning.wording import listed
from releaser.registry.manifests import ATTESTATION

_MAX_DOCUMENT = 8 << 20
_MOST = 256 << 20
"""Bytes of all documents: they are kept in memory, as what they mean is told by the last of them."""
_HEAD = 512
_HINT = "name what docker save or an OCI archive wrote"
FOREIGN = ("rootfs.foreign.diff", "layer.nondistributable")
"""In the kinds of layers that nobody but their maker hands out, so that they need not be there."""


def read(stream: IO[bytes] | Forward, reference: str, platform: str | None = None, *, files: bool) -> ImageContent:
    """The image of an archive, compressed or not, for a platform; without one for linux/amd64, else its first.

    Raises RegistryUnreachable where it is none, PlatformMissing.
    """
    parts = _Parts(files=files)
    try:
        file = unpacked(stream, reference)
        if file is None:
            raise tarfile.ReadError("it is empty")
        with opened(file) as tar:
            for info in entries(tar):
                parts.take(tar, info)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise RegistryUnreachable(f"{reference} cannot be read: {error}", hint=_HINT) from error
    config, wanted, known = _image(parts.documents, reference, platform)
    layers = [parts.layer(one, reference) for one in wanted]
    return ImageContent(
        reference=reference,
        digest=None,
        platforms=tuple(sorted(known)),
        config=config,
        layers=layers_of(config, layers),
        texts=texts_of(layers),
    )


def layers_of(config: JsonMap, layers: list[Stored]) -> tuple[LayerContent, ...]:
    """The layers under the digests of their uncompressed bytes, which are the same wherever an image is.

    Where the configuration does not name as many, none is lost: all are under the names that they are stored with.
    """
    rootfs: Any = config.get("rootfs") or {}
    names = rootfs.get("diff_ids") or ()
    if len(names) != len(layers):
        names = [one.name for one in layers]
    return tuple(
        LayerContent(digest=name, size=one.size, entries=tuple(one.layer.entries))
        for name, one in zip(names, layers, strict=True)
    )


def texts_of(layers: list[Stored]) -> Mapping[str, bytes]:
    """What tells of packages, as the last layer that has it does."""
    return {path: text for one in layers for path, text in one.layer.texts.items()}


class _Wanted(NamedTuple):
    """A layer that an image lists; one that need not be there has its size."""

    name: str
    foreign: int | None = None


class _Parts:
    """What one pass over an archive finds. What is neither a document nor a layer is passed over."""

    def __init__(self, *, files: bool) -> None:
        self._files = files
        self._told = Told()
        self._left = _MOST
        self.documents: dict[str, bytes] = {}
        self._layers: dict[str, Stored | RegistryUnreachable] = {}  # an error matters where an image lists the part
        self._links: dict[str, str] = {}

    def take(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        """A part. Raises tarfile.TarError, OSError."""
        name = posixpath.normpath(info.name)
        if info.issym() or info.islnk():
            # Where a hard link leads is said from the archive's top.
            base = posixpath.dirname(name) if info.issym() else ""
            self._links[name] = posixpath.normpath(posixpath.join(base, info.linkname))
        file = tar.extractfile(info) if info.isreg() else None
        if file is None:
            return
        head = file.read(_HEAD)
        file.seek(0)
        if head[:1] in {b"{", b"["} and b"\0" not in head:
            if info.size > _MAX_DOCUMENT:
                return
            self._left -= info.size
            if self._left < 0:
                raise tarfile.ReadError("it has more documents than any")
            self.documents[name] = file.read()
        elif name.startswith("blobs/") or name.endswith((".tar", ".tar.gz", ".tgz")):
            self._layers[name] = self._read(file, name, info.size)

    def _read(self, file: IO[bytes], name: str, size: int) -> Stored | RegistryUnreachable:
        layer = Layer(self._told, files=self._files)
        try:
            layer.read(file, name)
        except RegistryUnreachable as error:
            return error
        return Stored(_digest(name), size, layer)

    def layer(self, wanted: _Wanted, reference: str) -> Stored:
        """A layer that an image lists. Raises RegistryUnreachable."""
        found = self._layers.get(self._links.get(wanted.name, wanted.name))
        if isinstance(found, RegistryUnreachable):
            raise found
        if found is not None:
            return found
        if wanted.foreign is None:
            raise RegistryUnreachable(f"{reference} lists layers that it does not have", hint=_HINT)
        return Stored(_digest(wanted.name), wanted.foreign, Layer(self._told, files=self._files))


def _image(
    documents: Mapping[str, bytes], reference: str, platform: str | None
) -> tuple[JsonMap, list[_Wanted], tuple[str, ...]]:
    """An archive's configuration, the layers that it lists, and every platform that it has."""
    try:
        manifest = _json(documents, "manifest.json")
        several = list(_manifests(documents))
        known = {_platform(_json(documents, _blob(one["config"]))): one for one in reversed(several)}
        if platform is None and manifest:
            config = configuration.read(documents[posixpath.normpath(manifest[0]["Config"])], reference)
            names = [_Wanted(posixpath.normpath(name)) for name in manifest[0]["Layers"]]
            return config, names, tuple(known) or (_platform(config),)
        if platform is not None and platform not in known:
            hint = f"it has {listed(sorted(known)) or 'one alone'}"
            raise PlatformMissing(f"{reference} has no image for {platform}", hint=hint)
        chosen = known[platform] if platform is not None else known.get("linux/amd64") or several[0]
        wanted = [_Wanted(_blob(one), _foreign(one)) for one in chosen["layers"]]
        return configuration.read(documents[_blob(chosen["config"])], reference), wanted, tuple(known)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise RegistryUnreachable(f"{reference} has no image in it", hint=_HINT) from error


def _manifests(documents: Mapping[str, bytes]) -> Iterator[JsonMap]:
    """The images of index.json that are there, and of the indexes within it, each once; attestations are none."""
    ahead, seen = ["index.json"], set()
    while ahead:
        name = ahead.pop()
        body = None if name in seen else _json(documents, name)
        seen.add(name)
        if body is None:
            continue
        if "manifests" in body:
            images = [one for one in body["manifests"] if ATTESTATION not in (one.get("annotations") or {})]
            ahead += map(_blob, reversed(images))
        elif isinstance(_json(documents, _blob(body["config"])), dict):
            yield body


def _json(documents: Mapping[str, bytes], name: str) -> Any:
    """A document; None where there is none, or something else."""
    try:
        return msgspec.json.decode(documents[name])
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _foreign(descriptor: Mapping[str, Any]) -> int | None:
    kind = descriptor.get("mediaType") or ""
    return int(descriptor["size"]) if any(word in kind for word in FOREIGN) else None


def _platform(config: JsonMap) -> str:
    return "/".join(str(config[word]) for word in ("os", "architecture", "variant") if config.get(word))


def _blob(descriptor: Mapping[str, str]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/", 1)


def _digest(name: str) -> str:
    """The digest that a blob is named for; what is none keeps its name."""
    return name.removeprefix("blobs/").replace("/", ":", 1) if name.startswith("blobs/") else name
