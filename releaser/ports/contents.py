"""What is in images."""

from pathlib import Path
from typing import Protocol

from releaser.model.image import Image
from releaser.model.image_content import ContainerLayer, ImageContent, ImageSummary


class ImageContents(Protocol):
    """Reads images whole, layer by layer; `files`: each file's content too, to be compared.

    Raises ImageNotFound, RegistryUnreachable.
    """

    def of_registry(self, image: Image, digest: str, platform: str | None, *, files: bool) -> ImageContent:
        """Of a registry or a layout. Raises PlatformMissing, InvalidDeclarations."""

    def size_of_registry(self, image: Image, digest: str) -> int:
        """The bytes of its layers as a registry or a layout has them. Raises as `of_registry`."""

    def of_engine(self, name: str, platform: str | None, *, files: bool, host: str | None = None) -> ImageContent:
        """Of an engine, by name or id: at `host`, or where the docker command would go.

        Raises EngineUnreachable, PlatformMissing.
        """

    def of_container(self, name: str) -> ContainerLayer:
        """What a container of that engine has written, by name or id. Raises EngineUnreachable, UnknownName."""

    def of_archive(self, path: Path, platform: str | None, *, files: bool) -> ImageContent:
        """Of a file that docker save wrote, or an OCI archive. Raises BadArgument, PlatformMissing."""


class KnownImages(Protocol):
    """What is known of images without fetching any."""

    def summary(self, image: Image, digest: str) -> ImageSummary | None:
        """What is at hand of an image: it was read before, or lies in a small layout.

        Raises ImageNotFound, RegistryUnreachable, InvalidDeclarations for a layout.
        """

    def keep(self, digest: str, content: ImageContent) -> None:
        """Know an image from now on."""
