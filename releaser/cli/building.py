"""How far builds are, as they go: a line an image that moves on a terminal, and elsewhere a line for each step."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from releaser.cli.live_block import LiveBlock
from releaser.cli.output import Output
from releaser.planning.redact import printable


class Building:
    """Shows what builds and pushes do now; called from several threads."""

    def __init__(self, out: Output, title: str) -> None:
        self._out = out
        self._block = LiveBlock(out)
        self._told: dict[str, str] = {}
        if self._block.watched:
            self._block.begin(title)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the terminal; what failed stays to be read."""
        if error is not None:
            self._block.end("✗")
        self._block.close()

    def tell(self, image: str, text: str) -> None:
        """What happens with an image now."""
        if self._told.get(image) == text:
            return
        self._told[image] = text
        shown = printable(f"{image}: {text}")
        if self._block.watched:
            self._block.roll(image, shown)
        else:
            self._out.say(f"{datetime.now(UTC):%H:%M:%SZ}  {shown}")
