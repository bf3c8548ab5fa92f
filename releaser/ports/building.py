"""What makes images."""

from collections.abc import Callable
from typing import Protocol

from releaser.model.build import Build, Built

Tell = Callable[[str], None]
"""What happens now, in words; called at least four times a second, and what it raises breaks the work off."""


class Builder(Protocol):
    """Makes an image of a context and brings it to a registry. Raises EngineUnreachable from every call."""

    def build(self, build: Build, tell: Tell) -> Built:
        """The image of a context. Raises BuildFailed with the step's last lines, BadArgument without a context."""

    def push(self, image_id: str, repository: str, tag: str, tell: Tell) -> str:
        """The digest that the registry has it under now. Raises PushFailed."""

    def close(self) -> None:
        """Let go of connections."""
