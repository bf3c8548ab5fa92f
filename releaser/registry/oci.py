"""Registries that speak the OCI distribution protocol over HTTP(S)."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from releaser.model.environment import RegistrySettings
from releaser.model.errors import ImageNotFound, RegistryUnreachable
from releaser.model.image import DIGEST, Image, Platforms, Resolved
from releaser.model.value import Value
from releaser.registry.conversation import Conversation, Registry
from releaser.registry.logins import DockerLogins
from releaser.registry.manifests import (
    ACCEPT,
    INDEXES,
    MANIFESTS,
    MAX_DOCUMENT,
    Content,
    Descriptor,
    Document,
    digest_of,
    platforms,
    read,
    resolved,
)
from releaser.registry.places import Place, printable
from releaser.registry.references import Repository, check_tag, is_tag, repository
from releaser.registry.transport import Answer, Limits

_DIGEST_HEADER = "docker-content-digest"
_LIE = "do not use this image before the registry's operator has explained this"
_TAGS_ASKED = 1000
_PIECE = MAX_DOCUMENT
"""Bytes of a layer that are asked for at a time: what one answer may have."""


_NOT_A_REGISTRY = "check the registry's name, and that no proxy answers in its place"
_SAYS_NOTHING = frozenset({"", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain"})


class _TagList(Value, frozen=True, kw_only=True):
    tags: tuple[str, ...] | None = None


class _Read(Value, frozen=True, kw_only=True):
    body: bytes
    media_type: str | None


class DistributionRegistry:
    """The port's `ImageRegistry` over HTTP; what was read by digest is read once."""

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, RegistrySettings],
        *,
        limits: Limits | None = None,
        logins: DockerLogins | None = None,
    ) -> None:
        self._root = root
        self._settings = settings
        self._limits = limits or Limits()
        self._logins = logins or DockerLogins()
        self._registries: dict[str, Registry] = {}
        self._read: dict[Repository, dict[str, _Read]] = {}  # digest → content, verified

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now, an index where there is one."""
        content = self._content(image)
        check_tag(tag, content.place)
        return resolved(content, content.tagged(tag))

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms; the commit it was built from is its maker's business."""
        if image.digest is None:
            raise Place.of(image).invalid("is not pinned by a digest", "add digest: to the image")
        return Resolved(digest=image.digest, platforms=self.confirm(image, image.digest))

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there now: its platforms."""
        content = self._content(image)
        return platforms(content, content.confirmed(digest))

    def content(self, image: Image) -> Content:
        """The repository's manifests and small blobs."""
        return self._content(image)

    def layer(self, image: Image, descriptor: Descriptor) -> "Blob":
        """The bytes of a layer, of any size."""
        conversation = self._conversation(image)
        return Blob(conversation, descriptor)

    def _content(self, image: Image) -> "_Manifests":
        conversation = self._conversation(image)
        return _Manifests(conversation, self._read.setdefault(repository(image), {}))

    def _conversation(self, image: Image) -> Conversation:
        where = repository(image)
        place = Place(f"{where.host}/{where.path}", Place.of(image).locations)
        if where.host not in self._registries:
            settings = self._settings.get(where.host) or RegistrySettings()
            ca = self._root / settings.ca if settings.ca else None
            self._registries[where.host] = Registry.of(where, settings, ca, self._logins, self._limits, place)
        return Conversation(self._registries[where.host], where, place)


class Blob:
    """A blob as it comes: in pieces, each with its own tries and time; verified when it was read to its end."""

    def __init__(self, conversation: Conversation, descriptor: Descriptor) -> None:
        self._conversation = conversation
        self._descriptor = descriptor
        self._kept, self._given = b"", 0  # the last piece, and how much of it was read
        self._at = 0
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end alone. Raises RegistryUnreachable, ImageNotFound."""
        parts = []
        while size > 0:
            if self._given == len(self._kept):
                if self._at == self._descriptor.size:
                    break
                self._kept, self._given = self._piece(), 0
            parts.append(self._kept[self._given : self._given + size])
            self._given += len(parts[-1])
            size -= len(parts[-1])
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over so many; they are read, as the digest is of all of them."""
        while size and (passed := len(self.read(min(size, _PIECE)))):
            size -= passed

    def _piece(self) -> bytes:
        place, digest = self._conversation.place, self._descriptor.digest
        last = min(self._at + _PIECE, self._descriptor.size) - 1
        answer = self._conversation.again().piece(f"blobs/{digest}", self._at, last)
        if answer.status == 404:
            raise place.not_found(f"has no layer {printable(digest)}", "push the image again")
        whole = answer.status == 200 and len(answer.body) == self._descriptor.size
        if not whole and (answer.status != 206 or len(answer.body) != last + 1 - self._at):
            raise place.unreachable(f"the registry answers {answer.status} for a part of {digest}", _NOT_A_REGISTRY)
        self._digest.update(answer.body)
        self._at += len(answer.body)
        if self._at == self._descriptor.size and f"sha256:{self._digest.hexdigest()}" != digest:
            raise place.unreachable(f"the registry sends other bytes for {printable(digest)}", _LIE)
        return answer.body


class _Manifests(Content):
    """A repository's manifests and small blobs, verified; each is asked for once."""

    def __init__(self, conversation: Conversation, known: dict[str, _Read]) -> None:
        self._conversation = conversation
        self._known = known

    @property
    def place(self) -> Place:
        return self._conversation.place

    def tagged(self, tag: str) -> Document:
        """The document of a tag. Raises ImageNotFound."""
        head = self._conversation.ask("HEAD", f"manifests/{tag}", ACCEPT)
        if head.status == 404:
            raise self._no_tag(tag)
        digest = head.headers.get(_DIGEST_HEADER, "")
        if head.status == 200 and DIGEST.match(digest) and _media_type(head) in INDEXES | MANIFESTS:
            try:
                return self._document(digest)
            except ImageNotFound as error:
                raise self.place.unreachable(f"says that {tag} is {digest}, but does not have it", _LIE) from error
        # HEAD is not everybody's, and the digest's header is optional: the bytes have the last word.
        answer = self._conversation.ask("GET", f"manifests/{tag}", ACCEPT)
        if answer.status == 404:
            raise self._no_tag(tag)
        return self._take(answer)

    def confirmed(self, digest: str) -> Document:
        """The document of a digest, which is there now. Raises ImageNotFound."""
        if not DIGEST.match(digest):
            raise self.place.invalid(f"{printable(digest)} is no sha256 digest", "write sha256: and 64 digits")
        if digest in self._known:
            head = self._conversation.ask("HEAD", f"manifests/{digest}", ACCEPT)
            if head.status != 200:
                self._known.pop(digest)  # gone, or HEAD is refused: asked for anew
        return self._document(digest)

    def document(self, descriptor: Descriptor) -> Document:
        return self._document(descriptor.digest)

    def blob(self, descriptor: Descriptor) -> bytes:
        digest = descriptor.digest
        if not DIGEST.match(digest) or not 0 <= descriptor.size <= MAX_DOCUMENT:
            raise self.place.unreachable(
                f"describes {printable(digest)} with {descriptor.size} bytes as an image's configuration", _LIE
            )
        if digest not in self._known:
            answer = self._conversation.ask("GET", f"blobs/{digest}")
            if answer.status == 404:
                raise self.place.not_found(f"the image's configuration {digest} is gone", "push the image again")
            self._keep(answer, digest)
        return self._known[digest].body

    def _document(self, digest: str) -> Document:
        if digest not in self._known:
            answer = self._conversation.ask("GET", f"manifests/{digest}", ACCEPT)
            if answer.status == 404:
                raise self._no_digest(digest)
            self._keep(answer, digest)
        known = self._known[digest]
        return read(known.body, known.media_type, self.place)

    def _take(self, answer: Answer) -> Document:
        self._check_status(answer)
        digest = digest_of(answer.body)
        self._keep(answer, digest)
        return read(answer.body, _media_type(answer), self.place)

    def _keep(self, answer: Answer, digest: str) -> None:
        """Keep the bytes of a digest. Raises RegistryUnreachable where they are not its bytes."""
        self._check_status(answer)
        said = answer.headers.get(_DIGEST_HEADER, "")
        if digest_of(answer.body) != digest or (DIGEST.match(said) and said != digest):
            raise self.place.unreachable(
                f"the registry lies about a digest: it sends {digest_of(answer.body)} for {said or digest}", _LIE
            )
        self._known[digest] = _Read(body=answer.body, media_type=_media_type(answer))

    def _check_status(self, answer: Answer) -> None:
        if answer.status != 200:
            raise self.place.unreachable(f"the registry answers {answer.status}", _NOT_A_REGISTRY)
        if answer.headers.get("content-type", "").lower().startswith("text/html"):
            raise self.place.unreachable("the answer is a web page, not an image", _NOT_A_REGISTRY)

    def _no_digest(self, digest: str) -> ImageNotFound:
        return self.place.not_found(
            f"has no image {digest}", "push it again, or see whether the registry's retention rules deleted it"
        )

    def _no_tag(self, tag: str) -> ImageNotFound:
        try:
            answer = self._conversation.briefly().ask("GET", f"tags/list?n={_TAGS_ASKED}")
        except RegistryUnreachable:  # the list is a courtesy
            answer = None
        if answer is not None and answer.status == 404:
            return self.place.not_found("there is no such repository", "push the image, or correct the name")
        known = [] if answer is None else _tags(answer)
        if not known:
            return self.place.not_found(f"has no tag {tag}", "push the image with this tag first")
        return self.place.no_tag(tag, known)


def _media_type(answer: Answer) -> str | None:
    """What the answer is called; None where the name says nothing about images."""
    named = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if named in _SAYS_NOTHING else named


def _tags(answer: Answer) -> list[str]:
    try:
        told = msgspec.json.decode(answer.body, type=_TagList).tags or ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [tag for tag in told if is_tag(tag)]
