"""OCI image layouts: a folder with `oci-layout`, `index.json` and content by digest (`oci:PATH`)."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec

from releaser.model.image import DIGEST, Image, Platforms, Resolved
from releaser.registry.manifests import (
    INDEXES,
    MANIFESTS,
    MAX_DOCUMENT,
    Body,
    Content,
    Descriptor,
    Document,
    decode,
    digest_of,
    images,
    platforms,
    read,
    resolved,
)
from releaser.registry.places import Place, printable

PREFIX = "oci:"

_VERSION = "1.0.0"
_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"
_NOT_A_LAYOUT = "write the image as an OCI layout: docker buildx build --output type=oci,tar=false,dest=PATH"
_AGAIN = "write the layout again"


class LayoutRegistry:
    """The port's `ImageRegistry` over layouts below a project's root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The one digest that is named by the tag, or by `repository:tag`."""
        layout = self._open(image)
        content = LayoutContent(layout)
        return resolved(content, content.document(layout.tagged(tag, image.repository)))

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest, which `index.json` must lead to."""
        if image.digest is None:
            raise Place.of(image).invalid("is not pinned by a digest", "add digest: to the image")
        return Resolved(digest=image.digest, platforms=self.confirm(image, image.digest))

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is reachable from `index.json` and its content is what it says."""
        content = LayoutContent(self._open(image))
        return platforms(content, content.confirmed(digest))

    def _open(self, image: Image) -> "Layout":
        return Layout.open(self._root, image.lookup.removeprefix(PREFIX), Place.of(image))


@dataclass(frozen=True)
class Layout:
    """A layout's index, read and checked."""

    folder: Path
    index: Body
    place: Place

    @classmethod
    def open(cls, root: Path, path: str, place: Place) -> "Layout":
        """The layout at a path relative to the root. Raises InvalidDeclarations, RegistryUnreachable."""
        folder = _folder(root, path, place)
        marker = _read(folder, "oci-layout", 4096, place)
        if marker is None:
            raise place.invalid(_what_else(folder), _NOT_A_LAYOUT)
        version = _layout_version(marker, place)
        if version != _VERSION:
            raise place.invalid(f"is a layout of version {printable(version)}, not {_VERSION}", _NOT_A_LAYOUT)
        index = _read(folder, "index.json", MAX_DOCUMENT, place)
        if index is None:
            raise place.unreachable("the layout has no index.json", _AGAIN)
        return cls(folder, decode(index, place, "index.json"), place)

    def tagged(self, tag: str, repository: str) -> Descriptor:
        """What the tag names. Raises ImageNotFound, InvalidDeclarations where it names several things."""
        wanted = {tag, f"{repository}:{tag}"}
        found = [entry for entry in self.entries if wanted & _names(entry)]
        if not found:
            known = {name.rpartition(":")[2] for entry in self.entries for name in _names(entry)}
            raise self.place.no_tag(tag, sorted(printable(name) for name in known))
        digests = sorted({entry.digest for entry in found})
        if len(digests) > 1:
            raise self.place.invalid(
                f"tag {tag} names {len(digests)} different images: {', '.join(map(printable, digests))}",
                "write the layout again, into an empty folder",
            )
        return found[0]

    @property
    def entries(self) -> tuple[Descriptor, ...]:
        """What index.json lists."""
        return self.index.manifests or ()

    def blob(self, descriptor: Descriptor) -> bytes:
        """The bytes of a digest, verified. Raises RegistryUnreachable."""
        digest = descriptor.digest
        if not DIGEST.match(digest):
            raise self.place.unreachable(
                f"the layout lists {printable(digest)}, which is no sha256 digest", _NOT_A_LAYOUT
            )
        if not 0 <= descriptor.size <= MAX_DOCUMENT:
            raise self.place.unreachable(f"{digest} is said to have {descriptor.size} bytes", _AGAIN)
        data = _read(self.folder, f"blobs/sha256/{digest.removeprefix('sha256:')}", descriptor.size, self.place)
        if data is None:
            raise self.place.unreachable(f"the layout lists {digest} but does not have it", _AGAIN)
        if len(data) != descriptor.size:
            raise self.place.unreachable(f"{digest} has {len(data)} bytes, not {descriptor.size}", _AGAIN)
        if digest_of(data) != digest:
            raise self.place.unreachable(f"the content of {digest} is not what the digest says", _AGAIN)
        return data


class LayoutContent(Content):
    """A layout as a source of documents."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def place(self) -> Place:
        """The layout."""
        return self._layout.place

    def document(self, descriptor: Descriptor) -> Document:
        """A manifest or an index, verified."""
        media_type = descriptor.media_type or None
        if media_type is not None and media_type not in INDEXES | MANIFESTS:
            raise self.place.invalid(
                f"{printable(descriptor.digest)} is of the kind {printable(media_type)}, not an image",
                "name a tag of a container image",
            )
        return read(self._layout.blob(descriptor), media_type, self.place)

    def blob(self, descriptor: Descriptor) -> bytes:
        """A small blob, verified."""
        return self._layout.blob(descriptor)

    def confirmed(self, digest: str) -> Document:
        """The document with this digest in index.json or in an index that it lists. Raises ImageNotFound."""
        for entry in self._layout.entries:
            if entry.digest == digest:
                return self.document(entry)
        for entry in self._layout.entries:
            if entry.media_type in INDEXES:
                for child in images(self.document(entry), self.place):
                    if child.digest == digest:
                        return self.document(child)
        raise self.place.not_found(
            f"has no image {printable(digest)}", "write the layout with this image again, or look it up elsewhere"
        )


def _names(entry: Descriptor) -> set[str]:
    annotations = entry.annotations or {}
    return {annotations[key] for key in (_NAME, _FULL_NAME) if annotations.get(key)}


def _layout_version(marker: bytes, place: Place) -> str:
    try:
        return str(msgspec.json.decode(marker, type=dict[str, str]).get("imageLayoutVersion"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise place.unreachable("the layout's file oci-layout cannot be read", _AGAIN) from error


def _folder(root: Path, path: str, place: Place) -> Path:
    """The layout's folder, which is below the root also when every link is followed."""
    if not path or "\0" in path:
        raise place.invalid("names no folder", "write oci:PATH, relative to the project's root")
    try:
        top = root.resolve()
        folder = (top / path).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise place.invalid("cannot be followed: its links lead in a circle", _NOT_A_LAYOUT) from error
    if not folder.is_relative_to(top):
        raise place.invalid("lies outside the project", "keep the layout below the project's root")
    if folder.is_file():
        raise place.invalid(
            "is a file; a layout is a folder",
            "unpack an OCI archive with tar -xf; what docker save writes has no registry digests",
        )
    if not folder.is_dir():
        raise place.invalid("there is no such folder", "make the layout first, or correct the path")
    return folder


def _what_else(folder: Path) -> str:
    if (folder / "manifest.json").exists():
        return "is what docker save writes: it has no digests that a registry would have"
    return "has no file oci-layout, so it is no OCI layout"


def _read(folder: Path, name: str, limit: int, place: Place) -> bytes | None:
    """At most `limit` + 1 bytes of a regular file that no link leads to; None where nothing is."""
    path = folder / name
    if not path.parent.resolve().is_relative_to(folder):
        raise place.invalid(f"{path.parent.name} is a link out of the layout", _NOT_A_LAYOUT)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise place.invalid(f"{name} is a link; a layout has files only", _NOT_A_LAYOUT) from error
        raise place.unreachable(f"{name} cannot be read: {error.strerror}", "make the layout readable") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise place.invalid(f"{name} is not a regular file", _NOT_A_LAYOUT)
        return file.read(limit + 1)
