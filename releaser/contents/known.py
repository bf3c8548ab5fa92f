"""What is known of images by their digest, kept in the user's cache folder: a digest never means another image."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from releaser.model.errors import BadArgument
from releaser.model.image import DIGEST, Image
from releaser.model.image_content import ImageContent, ImageSummary
from releaser.planning.image_difference import summary
from releaser.ports.contents import ImageContents
from releaser.scratch import scratch
from releaser.settings import cache_folder

_LAYOUT = "oci:"
_SMALL = 16 << 20
"""Bytes of a layout's layers that are read in a moment."""


class KnownImages:
    """Summaries of images, a file each; implements ports.KnownImages."""

    def __init__(self, open_contents: Callable[[], ImageContents]) -> None:
        self._open_contents = open_contents

    def summary(self, image: Image, digest: str) -> ImageSummary | None:
        """What is at hand of an image: it was read before, or lies in a small layout."""
        found = self._read(digest)
        if found is not None or not image.lookup.startswith(_LAYOUT):
            return found
        contents = self._open_contents()
        if contents.size_of_registry(image, digest) > _SMALL:
            return None
        content = contents.of_registry(image, digest, None, files=False)
        self.keep(digest, content)
        return summary(content)

    def _read(self, digest: str) -> ImageSummary | None:
        """None where nothing is known, or where the file is damaged."""
        try:
            return msgspec.json.decode(self._path(digest).read_bytes(), type=ImageSummary)
        except (OSError, msgspec.DecodeError, ValueError, BadArgument):
            return None

    def keep(self, digest: str, content: ImageContent) -> None:
        """Know it from now on; where nothing can be written it is not."""
        with suppress(OSError, ValueError, BadArgument):
            path = self._path(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            with scratch() as folder:
                (folder / path.name).write_bytes(msgspec.json.encode(summary(content)))
                (folder / path.name).replace(path)

    @staticmethod
    def _path(digest: str) -> Path:
        if not DIGEST.match(digest):  # it becomes a path
            raise ValueError(f"{digest} is no sha256 digest")
        name = digest.removeprefix("sha256:")
        return cache_folder() / "images" / "sha256" / name[:2] / f"{name}.json"
