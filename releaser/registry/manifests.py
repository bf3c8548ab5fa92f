"""Image manifests and indexes: which document has which platforms, and the commit it was built from."""

import hashlib
from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec

from releaser.model.errors import ImageNotFound, InvalidDeclarations
from releaser.model.image import DIGEST, Platforms, Resolved
from releaser.model.value import Value
from releaser.registry.places import Place, printable

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPT = f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
"""One header with commas: without it, or with a part of it, the same tag has another digest."""

_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
_REVISION = "org.opencontainers.image.revision"
ATTESTATION = "vnd.docker.reference.type"

_Shape = TypeVar("_Shape")

MAX_DOCUMENT = 4 << 20
"""Bytes of a manifest, an index or an image's configuration; registries take no larger ones."""


class Platform(Value, frozen=True, kw_only=True):
    """What an index says about a child."""

    os: str = ""
    architecture: str = ""
    variant: str | None = None

    @property
    def name(self) -> str:
        """`linux/amd64`, `linux/arm/v7`."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(Value, frozen=True, kw_only=True, rename="camel"):
    """A reference to content: its digest, size and kind."""

    digest: str
    size: int
    media_type: str = ""
    annotations: Mapping[str, str] | None = None
    platform: Platform | None = None
    artifact_type: str | None = None

    @property
    def is_image(self) -> bool:
        """False for attestations and other artifacts that ride along in an index."""
        if ATTESTATION in (self.annotations or {}) or (self.artifact_type and not self.platform):
            return False
        return not (self.platform and self.platform.os == "unknown" and self.platform.architecture == "unknown")


class Body(Value, frozen=True, kw_only=True, rename="camel"):
    """The parts of a manifest or an index that we read."""

    schema_version: int = 0
    media_type: str | None = None
    manifests: tuple[Descriptor, ...] | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    annotations: Mapping[str, str] | None = None


class _Labelled(Value, frozen=True, kw_only=True):
    Labels: Mapping[str, str] | None = None


class _Config(Platform, frozen=True, kw_only=True):
    config: _Labelled | None = None


class Document(Value, frozen=True, kw_only=True):
    """A manifest or an index, read, with the digest of its bytes."""

    digest: str
    index: bool
    body: Body


class Content(Protocol):
    """Where documents are read by digest; what comes out is what the digest says."""

    @property
    def place(self) -> Place:
        """What errors name."""

    def document(self, descriptor: Descriptor) -> Document:
        """A manifest or an index. Raises RegistryUnreachable, ImageNotFound, InvalidDeclarations."""

    def confirmed(self, digest: str) -> Document:
        """The document of a digest, which is there now. Raises the same."""

    def blob(self, descriptor: Descriptor) -> bytes:
        """A small blob. Raises RegistryUnreachable, ImageNotFound."""


def digest_of(data: bytes) -> str:
    """The digest of bytes as they are stored."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def decode(data: bytes, place: Place, what: str) -> Body:
    """The body of a manifest or an index. Raises RegistryUnreachable where it is none."""
    return _decode(data, Body, place, what)


def read(data: bytes, media_type: str | None, place: Place) -> Document:
    """The document that the bytes are, if it is of a kind that engines run.

    Raises RegistryUnreachable, InvalidDeclarations.
    """
    digest = digest_of(data)
    body = decode(data, place, digest)
    kind = _kind(body, media_type, place)
    # A document with the parts of both kinds is read differently by different tools: CVE-2021-41190.
    if body.manifests is not None and (body.config is not None or body.layers is not None):
        raise place.unreachable(
            f"{digest} is an index and a manifest at once", "do not use this image: one of the two hides the other"
        )
    if kind in INDEXES:
        return Document(digest=digest, index=True, body=body)
    if body.config is None or body.layers is None:
        raise place.unreachable(f"{digest} says it is a manifest, but has no config or layers", "push the image again")
    if body.config.media_type not in _CONFIGS:
        raise place.invalid(
            f"{digest} is not a container image but {printable(body.config.media_type) or 'something unnamed'}",
            "name a container image; charts, signatures and other artifacts do not run",
        )
    return Document(digest=digest, index=False, body=body)


def resolved(content: Content, document: Document) -> Resolved:
    """The digest of a document with its platforms and the commit it was built from."""
    return Resolved(
        digest=document.digest, platforms=platforms(content, document), revision=_revision(content, document)
    )


def platforms(content: Content, document: Document) -> Platforms:
    """Every platform's manifest; for an image without an index the image itself."""
    if not document.index:
        return {_platform(content, _config(content, document)): document.digest}
    found: dict[str, str] = {}
    for child in images(document, content.place):
        # Engines take the first one that fits, so the first one counts.
        found.setdefault(_platform(content, child.platform or _config(content, content.document(child))), child.digest)
    if not found:
        raise content.place.invalid(
            f"the index {document.digest} has no image for any platform", "push the image for a platform"
        )
    return found


def images(document: Document, place: Place) -> tuple[Descriptor, ...]:
    """An index's children that engines can run. Raises InvalidDeclarations for an index of indexes."""
    children = tuple(child for child in document.body.manifests or () if child.is_image)
    for child in children:
        if not DIGEST.match(child.digest):
            raise place.unreachable(
                f"the index {document.digest} lists {printable(child.digest)}, which is no sha256 digest",
                "push the image again",
            )
        if child.media_type in INDEXES:
            raise _nested(place, child.digest)
    return children


def _kind(body: Body, media_type: str | None, place: Place) -> str:
    said = {kind for kind in (media_type, body.media_type) if kind in INDEXES | MANIFESTS}
    if len(said) > 1:
        raise place.unreachable(
            f"the answer is called {printable(str(media_type))} and calls itself {printable(str(body.media_type))}",
            "do not use this image: tools do not agree on what it is",
        )
    if said and body.schema_version == 2:
        return said.pop()
    if body.schema_version == 2 and media_type is None:  # a type is optional within, and a layout may leave it out
        return OCI_INDEX if body.manifests is not None else OCI_MANIFEST
    named = printable(body.media_type or media_type or "nothing known")
    old = "an image of the old schema 1" if body.schema_version == 1 else f"of the kind {named}"
    raise place.invalid(
        f"the answer is {old}, not an OCI or Docker schema 2 image", "push the image again with a current tool"
    )


def _platform(content: Content, platform: Platform) -> str:
    name = platform.name
    if not platform.os or not platform.architecture or printable(name) != name or name.count("/") > 2:
        raise content.place.invalid(
            f"an image says that its platform is {printable(name) or 'nothing'!r}",
            "build it with a tool that records os and architecture",
        )
    return name


def _config(content: Content, manifest: Document) -> _Config:
    if manifest.index or manifest.body.config is None:
        raise _nested(content.place, manifest.digest)
    descriptor = manifest.body.config
    return _decode(content.blob(descriptor), _Config, content.place, descriptor.digest)


def _revision(content: Content, document: Document) -> str | None:
    told = (document.body.annotations or {}).get(_REVISION)
    if document.index and not told:
        children = images(document, content.place)
        return _revision_of_child(content, children[0]) if children else None
    if not told:
        labels = _config(content, document).config
        told = ((labels and labels.Labels) or {}).get(_REVISION)
    return printable(told) if told else None


def _revision_of_child(content: Content, child: Descriptor) -> str | None:
    try:
        manifest = content.document(child)
    except ImageNotFound:  # an index may list platforms that were not copied with it
        return None
    if manifest.index:
        raise _nested(content.place, manifest.digest)
    return _revision(content, manifest)


def _nested(place: Place, digest: str) -> InvalidDeclarations:
    return place.invalid(
        f"{digest} is an index within an index",
        "push one index that lists the platforms' manifests; engines do not agree on what a nested one means",
    )


def _decode(data: bytes, shape: type[_Shape], place: Place, what: str) -> _Shape:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise place.unreachable(
            f"{what} cannot be read: {printable(str(error)).replace('?', ' ')}", "push the image again"
        ) from error
