"""A registry that is a dictionary, with failures that can be switched on."""

from releaser.model.errors import ReleaseError
from releaser.model.image import Image, Platforms, Resolved
from releaser.registry.manifests import digest_of
from releaser.registry.places import Place


class MemoryRegistry:
    """The port's `ImageRegistry` over what was pushed to it; a repository is named as `Image.lookup` has it."""

    def __init__(self) -> None:
        self._tags: dict[tuple[str, str], str] = {}
        self._images: dict[tuple[str, str], Resolved] = {}
        self.failure: ReleaseError | None = None
        """Raised by every question while it is set."""
        self.asked: list[tuple[str, str, str]] = []
        """Every question: which, of which repository, and for which tag or digest."""

    def push(
        self,
        repository: str,
        tag: str,
        *,
        platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64"),
        revision: str | None = None,
        content: str = "",
    ) -> Resolved:
        """Set a tag; equal arguments but the tag give equal digests."""
        children = {name: digest_of(f"{repository} {name} {revision} {content}".encode()) for name in platforms}
        digest = digest_of(" ".join(sorted(children.values())).encode())
        pushed = Resolved(digest=digest, platforms=children, revision=revision)
        self._tags[repository, tag] = digest
        self._images[repository, digest] = pushed
        for name, child in children.items():
            self._images[repository, child] = Resolved(digest=child, platforms={name: child}, revision=revision)
        return pushed

    def delete(self, repository: str, digest: str) -> None:
        """Forget a digest, as a registry's retention rules do."""
        del self._images[repository, digest]

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now."""
        self._ask("resolve", image, tag)
        digest = self._tags.get((image.lookup, tag))
        if digest is None:
            raise Place.of(image).no_tag(tag, [name for repository, name in self._tags if repository == image.lookup])
        return self._image(image, digest)

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms."""
        if image.digest is None:
            raise Place.of(image).invalid("is not pinned by a digest", "add digest: to the image")
        self._ask("pinned", image, image.digest)
        return self._image(image, image.digest)

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there: its platforms."""
        self._ask("confirm", image, digest)
        return self._image(image, digest).platforms

    def _ask(self, question: str, image: Image, about: str) -> None:
        self.asked.append((question, image.lookup, about))
        if self.failure is not None:
            raise self.failure

    def _image(self, image: Image, digest: str) -> Resolved:
        found = self._images.get((image.lookup, digest))
        if found is None:
            raise Place.of(image).not_found(f"has no image {digest}", "push the image again")
        return found
