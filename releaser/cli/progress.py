"""Progress: what a running delivery tells, as it happens, on stderr; as a stream of documents where asked for."""

import os
import shutil
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from releaser.cli import styles
from releaser.cli.output import Output
from releaser.model.delivery import ABORTED, SUCCEEDED
from releaser.model.event import Event, Point
from releaser.planning.redact import printable
from releaser.planning.wording import duration

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

# What a person need not see: what comes before the record, inner stages, and the end, which the result tells.
_QUIET = frozenset(
    {Point.LEASED, Point.SETTLED, Point.PLANNED, Point.STAGED, Point.PRUNED, Point.APPLIED, Point.FINISHED}
)


class Watching:
    """Shows events; implements ports.Progress, and never stops a delivery."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._live = (
            styles.is_terminal(sys.stderr)
            and out.form != "ndjson"
            and not out.quiet
            and os.environ.get("TERM") not in {None, "", "dumb"}
        )
        self._moving: Live | None = None
        self._last: str | None = None
        self._since = 0.0
        self._rolling: dict[str, str] = {}  # resource → how far it is

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the terminal; what was being done when an error came stays to be read."""
        self._done("✗" if error is not None else "✓")
        if self._moving is not None:
            self._moving.stop()
            self._moving = None

    def event(self, event: Event) -> None:
        """One line; on a terminal the newest one moves until the next comes, with what is rolling below it."""
        if self._out.form == "ndjson":
            self._out.data(event)
        elif event.point is Point.ROLLING:
            self._roll(event)
        elif event.point is Point.FINISHED:
            self._done("✓" if event.text.endswith((SUCCEEDED, ABORTED)) else "!")
        elif event.point not in _QUIET or event.resource or self._out.verbose:
            self._show(event)

    def _roll(self, event: Event) -> None:
        """One service's state, which the next one of it replaces on a terminal."""
        text = printable(event.text)
        if not self._live:
            self._out.say(f"{event.at:%H:%M:%SZ}  {text}")
        elif self._last is not None:
            self._rolling[event.resource or text] = text
            self._move()

    def _show(self, event: Event) -> None:
        text = printable(event.text)
        if event.resource is None:
            self._rolling.clear()
        else:
            self._rolling.pop(event.resource, None)
        if self._live:
            self._done("✗" if event.point is Point.RESTORING else "✓")
            self._last, self._since = text, time.monotonic()
            self._move()
        else:
            self._out.say(f"{event.at:%H:%M:%SZ}  {text}")

    def _done(self, mark: str) -> None:
        if self._last is not None:
            style = {"✓": "good", "✗": "bad"}.get(mark, "warn")
            passed = time.monotonic() - self._since
            took = self._out.talk_style(f"  {duration(passed)}", "dim") if passed >= 1 else ""
            told, self._last = self._last, None
            self._out.say(f"  {self._out.talk_style(mark, style)} {told}{took}")

    def _move(self) -> None:
        if self._moving is None:
            from rich.console import Console  # noqa: PLC0415 - only where a person watches
            from rich.live import Live  # noqa: PLC0415

            console = Console(stderr=True, no_color=not styles.wants_colour(sys.stderr, self._out.color))
            self._moving = Live(console=console, get_renderable=self._block, refresh_per_second=4, transient=True)
            self._moving.start()
        self._moving.refresh()

    def _block(self) -> "Group":
        """What is being done and for how long, and below it what is rolling, as far as the terminal is high."""
        from rich.console import Group  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415

        if self._last is None:
            return Group()
        passed = time.monotonic() - self._since
        took = f"  {duration(passed)}" if passed >= 1 else ""
        lines = [f"  … {self._last}{took}", *(f"      {text}" for text in self._rolling.values())]
        room = max(2, shutil.get_terminal_size().lines - 2)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"      and {len(lines) - room + 1} more"]
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))
