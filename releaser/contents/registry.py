"""Images in registries and layouts: manifests by the registry's own rules, layers as they come."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO

from releaser.contents import configuration
from releaser.contents.archive import FOREIGN, layers_of, texts_of
from releaser.contents.forward import Forward
from releaser.contents.layer import Layer, Stored, Told
from releaser.model.errors import ImageNotFound, PlatformMissing
from releaser.model.image import DIGEST, Image, Platforms
from releaser.model.image_content import ImageContent
from releaser.model.value import JsonMap
from releaser.planning.wording import listed
from releaser.registry.layout import PREFIX, Layout, LayoutContent
from releaser.registry.manifests import Content, Descriptor, Document, platforms
from releaser.registry.oci import DistributionRegistry
from releaser.registry.places import Place, printable

_AGAIN = "write the layout again"


class RegistryContents:
    """Reads images of registries, and of layouts below the root."""

    def __init__(self, root: Path, registry: DistributionRegistry) -> None:
        self._root = root
        self._registry = registry

    def read(self, image: Image, digest: str, platform: str | None, *, files: bool) -> ImageContent:
        """The image that a digest is, or that an index has for a platform.

        Raises PlatformMissing, ImageNotFound, RegistryUnreachable, InvalidDeclarations.
        """
        content = self._content(image)
        document, known = self._document(content, image, digest, platform)
        config = self._config(content, document, image.lookup)
        told = Told()
        layers = []
        for descriptor in document.body.layers or ():
            if not DIGEST.match(descriptor.digest):  # it becomes a path
                message = f"lists a layer {printable(descriptor.digest)}, which is no sha256 digest"
                raise content.place.unreachable(message, "do not use this image before its maker has explained this")
            layer = Layer(told, files=files)
            self._fill(layer, image, descriptor)
            layers.append(Stored(descriptor.digest, descriptor.size, layer))
        return ImageContent(
            reference=f"{image.lookup}@{digest}",
            digest=document.digest,
            platforms=tuple(sorted(known)),
            config=config,
            layers=layers_of(config, layers),
            texts=texts_of(layers),
        )

    def size(self, image: Image, digest: str) -> int:
        """The bytes of an image's layers as they are stored. Raises as `read`."""
        document, _ = self._document(self._content(image), image, digest, None)
        return sum(layer.size for layer in document.body.layers or ())

    @staticmethod
    def _document(content: Content, image: Image, digest: str, platform: str | None) -> tuple[Document, Platforms]:
        """The manifest for a platform, and all platforms that there are."""
        document = content.confirmed(digest)
        known = platforms(content, document)
        chosen = _chosen(known, platform, image)
        return content.confirmed(chosen) if document.index else document, known

    def _content(self, image: Image) -> Content:
        return LayoutContent(self._layout(image)) if image.lookup.startswith(PREFIX) else self._registry.content(image)

    def _layout(self, image: Image) -> Layout:
        return Layout.open(self._root, image.lookup.removeprefix(PREFIX), Place.of(image))

    @staticmethod
    def _config(content: Content, document: Document, reference: str) -> JsonMap:
        descriptor = document.body.config
        return configuration.read(content.blob(descriptor), reference) if descriptor is not None else {}

    def _fill(self, layer: Layer, image: Image, descriptor: Descriptor) -> None:
        """Read a layer; one that its maker alone hands out stays empty where it is not there."""
        try:
            with self._layer(image, descriptor) as stream:
                layer.read(stream, descriptor.digest)
        except ImageNotFound:
            if not _is_foreign(descriptor):
                raise

    @contextmanager
    def _layer(self, image: Image, descriptor: Descriptor) -> Iterator[IO[bytes] | Forward]:
        if not image.lookup.startswith(PREFIX):
            blob = self._registry.layer(image, descriptor)
            yield Forward(blob)
            blob.skip(descriptor.size)  # a tar ends before its stream does, and the digest is of all of it
            return
        layout = self._layout(image)
        path = layout.folder / "blobs" / descriptor.digest.replace(":", "/", 1)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and _is_foreign(descriptor):
                raise layout.place.not_found(f"has no layer {descriptor.digest}", _AGAIN) from error
            raise layout.place.unreachable(f"{descriptor.digest} cannot be read: {error.strerror}", _AGAIN) from error
        with os.fdopen(handle, "rb") as file:
            _verified(file, descriptor, layout.place)
            yield file


def _is_foreign(descriptor: Descriptor) -> bool:
    return any(word in descriptor.media_type for word in FOREIGN)


def _verified(file: BufferedReader, descriptor: Descriptor, place: Place) -> None:
    """The file of a layout is what its digest says; it is read twice, the second time from memory as a rule."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise place.unreachable(f"{descriptor.digest} is no file", _AGAIN)
    if found.st_size != descriptor.size:
        raise place.unreachable(f"{descriptor.digest} has {found.st_size} bytes, not {descriptor.size}", _AGAIN)
    if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != descriptor.digest:
        raise place.unreachable(f"the content of {descriptor.digest} is not what the digest says", _AGAIN)
    file.seek(0)


def _chosen(known: Platforms, platform: str | None, image: Image) -> str:
    """The digest for a platform; without one linux/amd64, else the first."""
    if platform is None:
        return known.get("linux/amd64") or next(iter(known.values()))
    if platform not in known:
        raise PlatformMissing(
            f"{image.lookup} has no image for {platform}", hint=f"it has {listed(sorted(known)) or 'none'}"
        )
    return known[platform]
