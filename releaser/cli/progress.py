"""Progress: what a running delivery tells, as it happens, on stderr; as a stream of documents where asked for."""

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from releaser.cli import styles
from releaser.cli.output import Output
from releaser.model.event import Event, Point
from releaser.planning.redact import printable

if TYPE_CHECKING:
    from rich.status import Status

# What a person need not see: what comes before the record, and the end, which the result tells.
_QUIET = frozenset({Point.LEASED, Point.SETTLED, Point.PLANNED, Point.FINISHED})


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
        self._status: Status | None = None
        self._last: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the terminal; what was being done when an error came stays to be read."""
        self._done("✗" if error is not None else "✓")
        if self._status is not None:
            self._status.stop()

    def event(self, event: Event) -> None:
        """One line; on a terminal the newest one moves until the next comes."""
        if self._out.form == "ndjson":
            self._out.data(event)
        elif event.point is Point.FINISHED:
            self._done("✓")
        elif event.point not in _QUIET or self._out.verbose:
            self._show(event)

    def _show(self, event: Event) -> None:
        text = printable(event.text)
        if self._live:
            self._done("✓")
            self._last = text
            self._moving(text)
        else:
            self._out.say(f"{event.at:%H:%M:%SZ}  {text}")

    def _done(self, mark: str) -> None:
        if self._last is not None:
            style = "good" if mark == "✓" else "bad"
            self._out.say(f"  {self._out.talk_style(mark, style)} {self._last}")
            self._last = None

    def _moving(self, text: str) -> None:
        if self._status is None:
            from rich.console import Console  # noqa: PLC0415 - only where a person watches

            colour = styles.wants_colour(sys.stderr, self._out.color)
            console = Console(stderr=True, no_color=not colour, highlight=False)
            self._status = console.status("", spinner="dots", spinner_style="none", refresh_per_second=4)
            self._status.start()
        from rich.text import Text  # noqa: PLC0415 - as above

        self._status.update(Text(text))
