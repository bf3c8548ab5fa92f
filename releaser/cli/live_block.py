"""A block of talk that moves on a terminal: what is being done and for how long, and below it what is rolling."""

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

from releaser.cli import styles
from releaser.cli.output import Output
from releaser.planning.wording import duration

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live


class LiveBlock:
    """The block; where nobody watches it is never shown."""

    def __init__(self, out: Output) -> None:
        self.watched = (
            styles.is_terminal(sys.stderr)
            and out.form != "ndjson"
            and not out.quiet
            and os.environ.get("TERM") not in {None, "", "dumb"}
        )
        self._out = out
        self._moving: Live | None = None
        self._doing: str | None = None
        self._since = 0.0
        self._rolling: dict[str, str] = {}  # what → how far it is

    def begin(self, text: str) -> None:
        """Show what is being done from now on."""
        self._doing, self._since = text, time.monotonic()
        self._move()

    def roll(self, name: str, text: str) -> None:
        """Show how far something is, in place of what was shown of it; nothing before something is being done."""
        if self._doing is not None:
            self._rolling[name] = text
            self._move()

    def forget(self, name: str | None = None) -> None:
        """Show it no longer; without a name nothing that rolls."""
        if name is None:
            self._rolling.clear()
        else:
            self._rolling.pop(name, None)

    def end(self, mark: str) -> None:
        """Leave a line of what was being done, with how it ended."""
        if self._doing is not None:
            style = {"✓": "good", "✗": "bad"}.get(mark, "warn")
            passed = time.monotonic() - self._since
            took = self._out.talk_style(f"  {duration(passed)}", "dim") if passed >= 1 else ""
            told, self._doing = self._doing, None
            self._out.say(f"  {self._out.talk_style(mark, style)} {told}{took}")

    def close(self) -> None:
        """Let go of the terminal."""
        if self._moving is not None:
            self._moving.stop()
            self._moving = None

    def _move(self) -> None:
        if self._moving is None:
            from rich.console import Console  # noqa: PLC0415 - only where a person watches
            from rich.live import Live  # noqa: PLC0415

            console = Console(stderr=True, no_color=not styles.wants_colour(sys.stderr, self._out.color))
            self._moving = Live(console=console, get_renderable=self._block, refresh_per_second=4, transient=True)
            self._moving.start()
        self._moving.refresh()

    def _block(self) -> "Group":
        """As far as the terminal is high."""
        from rich.console import Group  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415

        if self._doing is None:
            return Group()
        passed = time.monotonic() - self._since
        took = f"  {duration(passed)}" if passed >= 1 else ""
        lines = [f"  … {self._doing}{took}", *(f"      {text}" for text in list(self._rolling.values()))]
        room = max(2, shutil.get_terminal_size().lines - 2)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"      and {len(lines) - room + 1} more"]
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))
