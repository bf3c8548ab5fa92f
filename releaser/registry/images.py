"""The one registry that a workspace has: layouts for `oci:PATH`, HTTP for everything else."""

from collections.abc import Mapping
from pathlib import Path

from releaser.model.environment import RegistrySettings
from releaser.model.image import Image, Platforms, Resolved
from releaser.ports import ImageRegistry
from releaser.registry.layout import PREFIX, LayoutRegistry


class Images:
    """The port's `ImageRegistry`, chosen by where each image is looked up."""

    def __init__(self, root: Path, settings: Mapping[str, RegistrySettings]) -> None:
        self._root = root
        self._settings = settings
        self._layouts = LayoutRegistry(root)
        self._remote: ImageRegistry | None = None

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now, an index where there is one."""
        return self._of(image).resolve(image, tag)

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms."""
        return self._of(image).pinned(image)

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there: its platforms."""
        return self._of(image).confirm(image, digest)

    def _of(self, image: Image) -> ImageRegistry:
        if image.lookup.startswith(PREFIX):
            return self._layouts
        if self._remote is None:
            # Late: the HTTP library is a good part of a short command's time, and layouts do not need it.
            from releaser.registry.oci import DistributionRegistry  # noqa: PLC0415 - imported when asked for

            self._remote = DistributionRegistry(self._root, self._settings)
        return self._remote
