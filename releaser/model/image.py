"""Images: where their tags are looked up, and the digests that a release holds."""

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from releaser.model.value import Location, Value

Digest = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$", description="A content digest as OCI writes it.")]

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")

Platforms = Mapping[str, Digest]
"""`linux/amd64` or `linux/arm/v7` → the digest of that platform's manifest."""


class Image(Value, frozen=True, kw_only=True):
    """An `images` entry of the pipeline: a repository, where its digests are looked up, a pinned digest."""

    name: str
    repository: str
    source: str | None = None  # `oci:PATH`, or another repository, asked in place of `repository`
    digest: Digest | None = None  # pinned: a tag is never asked for
    location: Location | None = None

    @property
    def lookup(self) -> str:
        """Where tags and digests are asked for: `oci:PATH` or a repository."""
        return self.source or self.repository


class ImageSource(Value, frozen=True, kw_only=True):
    """What an image was built from, as far as it is known: the same again would be built of the same."""

    builder: str  # engine | buildkit | dood | dind
    context: str | None  # a folder of the project
    package: str | None  # a file or a URL
    context_digest: Digest
    dockerfile: str | None  # None: made of the declaration
    dockerfile_digest: Digest
    bases: Mapping[str, Digest | None]  # as the Dockerfile names them; None: no registry knew it
    revision: str | None  # the commit, where the context was committed
    attestations: tuple[str, ...] = ()  # provenance | sbom: what the index has beside the images
    log: Digest | None = None  # of what the build printed, which is kept with the release


class ReleaseImage(Value, frozen=True, kw_only=True):
    """One image of a release: the digest that its tag had at registration, an index where there was one."""

    repository: str
    tag: str | None  # None: pinned by digest in the declarations
    digest: Digest
    platforms: Platforms
    source: ImageSource | None = None  # of an image that `release build` made

    @property
    def reference(self) -> str:
        """`repository@digest`, what engines are given."""
        return f"{self.repository}@{self.digest}"


class Resolved(Value, frozen=True, kw_only=True):
    """A registry's answer: the digest, its platforms, and the commit the image says it was built from."""

    digest: Digest
    platforms: Platforms
    revision: str | None = None  # the label or annotation org.opencontainers.image.revision


def pinned_in(reference: str) -> Digest | None:
    """The digest that a reference names."""
    digest = reference.partition("@")[2]
    return digest if DIGEST.match(digest) else None


def named(reference: str) -> tuple[str, str]:
    """(repository with its registry, tag) of a reference as a Dockerfile has it: `alpine` is docker.io/library/alpine.

    Source: the familiar names of the Docker distribution's reference package.
    """
    name = reference.partition("@")[0]
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, tag = name, "latest"
    first, slash, _ = path.partition("/")
    if not slash:
        return f"docker.io/library/{path}", tag
    return (path if "." in first or ":" in first or first == "localhost" else f"docker.io/{path}"), tag


def missing_platforms(have: Platforms, want: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted platforms that an image does not have; `linux/arm64` is served by `linux/arm64/v8` and back."""
    known = {_plain(platform) for platform in have}
    return tuple(platform for platform in want if _plain(platform) not in known)


def _plain(platform: str) -> str:
    return platform.removesuffix("/v8") if platform.startswith("linux/arm64") else platform
