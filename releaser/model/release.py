"""A release: a version with one digest for every image, registered once and never changed."""

import re
from collections.abc import Mapping

from releaser.model.image import ReleaseImage
from releaser.model.value import Document, Time, Value

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z")


class ReleaseSource(Value, frozen=True, kw_only=True):
    """The commit that the images say they were built from."""

    revision: str


class Release(Document, frozen=True, kw_only=True, tag="releaser/release/v1"):
    """What goes through the environments; two releases are the same when `same_images` says so."""

    version: str
    images: Mapping[str, ReleaseImage]
    created_at: Time
    created_by: str
    source: ReleaseSource | None = None

    def digests(self) -> dict[str, str]:
        """Image name → digest: what a registered version is bound to."""
        return {name: image.digest for name, image in sorted(self.images.items())}


def same_images(one: Release, other: Release) -> bool:
    """Whether both hold the same digest for every image."""
    return one.digests() == other.digests()
