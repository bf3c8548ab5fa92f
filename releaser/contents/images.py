"""Where an image is read from, by the words that name it; implements ports.ImageContents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from releaser.contents import archive
from releaser.contents.forward import Forward, Pieces
from releaser.contents.registry import RegistryContents
from releaser.engines.moby.client import Client, Refused
from releaser.model.errors import BadArgument, ImageNotFound, UnknownName
from releaser.model.image import Image
from releaser.model.image_content import ContainerFile, ContainerLayer, ImageContent

_KINDS = ("changed", "added", "removed")
"""As the engine's API counts them."""
_SIZED = 60.0
"""Seconds that the engine may take to add up a container's files."""


class Contents:
    """Reads images of registries, layouts, engines and archives."""

    def __init__(self, registry: RegistryContents, client: Callable[[str | None], Client]) -> None:
        self._registry = registry
        self._client = client

    def of_registry(self, image: Image, digest: str, platform: str | None, *, files: bool) -> ImageContent:
        """Of a registry or a layout."""
        return self._registry.read(image, digest, platform, files=files)

    def size_of_registry(self, image: Image, digest: str) -> int:
        """The bytes of its layers as they are stored."""
        return self._registry.size(image, digest)

    def of_engine(self, name: str, platform: str | None, *, files: bool, host: str | None = None) -> ImageContent:
        """Of an engine, by name or id: at `host`, or where the docker command would go. Raises EngineUnreachable."""
        client = self._client(host)
        try:
            with client.saved(name) as pieces:
                return archive.read(Forward(Pieces(pieces)), f"docker:{name}", platform, files=files)
        except Refused as refused:
            raise ImageNotFound(f"the engine has no {name}: {refused.message}", hint="docker image ls") from refused
        finally:
            client.close()

    def of_container(self, name: str) -> ContainerLayer:
        """What a container of that engine has written, by name or id. Raises EngineUnreachable, UnknownName."""
        client = self._client(None)
        try:
            found: Any = client.call("GET", f"/containers/{name}/json", params={"size": True}, timeout=_SIZED)
            changes: Any = client.call("GET", f"/containers/{name}/changes", timeout=_SIZED)
        except Refused as refused:
            raise UnknownName(f"the engine has no container {name}: {refused.message}", hint="docker ps") from refused
        finally:
            client.close()
        return ContainerLayer(
            id=found["Id"],
            name=found["Name"].lstrip("/"),
            image=found["Image"],
            running=found["State"]["Running"],
            size=found.get("SizeRw") or 0,
            files=tuple(ContainerFile(path=one["Path"].lstrip("/"), what=_KINDS[one["Kind"]]) for one in changes or ()),
        )

    def of_archive(self, path: Path, platform: str | None, *, files: bool) -> ImageContent:
        """Of a file that docker save wrote, or an OCI archive."""
        try:
            with path.open("rb") as file:
                return archive.read(file, f"tar:{path}", platform, files=files)
        except OSError as error:
            raise BadArgument(f"{path} cannot be read: {error}", hint="name what docker save wrote") from error
