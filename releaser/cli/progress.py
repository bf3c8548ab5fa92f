"""Progress: what a running delivery tells, as it happens, on stderr; as a stream of documents where asked for."""

from types import TracebackType
from typing import Self

from releaser.cli.live_block import LiveBlock
from releaser.cli.output import Output
from releaser.model.delivery import ABORTED, SUCCEEDED
from releaser.model.event import Event, Point
from releaser.planning.redact import printable

# What a person need not see: what comes before the record, inner stages, and the end, which the result tells.
_QUIET = frozenset(
    {Point.LEASED, Point.SETTLED, Point.PLANNED, Point.STAGED, Point.PRUNED, Point.APPLIED, Point.FINISHED}
)


class Watching:
    """Shows events; implements ports.Progress, and never stops a delivery."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._block = LiveBlock(out)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the terminal; what was being done when an error came stays to be read."""
        self._block.end("✗" if error is not None else "✓")
        self._block.close()

    def event(self, event: Event) -> None:
        """One line; on a terminal the newest one moves until the next comes, with what is rolling below it."""
        if self._out.form == "ndjson":
            self._out.data(event)
        elif event.point is Point.ROLLING:
            self._roll(event)
        elif event.point is Point.FINISHED:
            self._block.end("✓" if event.text.endswith((SUCCEEDED, ABORTED)) else "!")
        elif event.point not in _QUIET or event.resource or self._out.verbose:
            self._show(event)

    def _roll(self, event: Event) -> None:
        """One service's state, which the next one of it replaces on a terminal."""
        text = printable(event.text)
        if self._block.watched:
            self._block.roll(event.resource or text, text)
        else:
            self._out.say(f"{event.at:%H:%M:%SZ}  {text}")

    def _show(self, event: Event) -> None:
        text = printable(event.text)
        self._block.forget(event.resource)
        if self._block.watched:
            self._block.end("✗" if event.point is Point.RESTORING else "✓")
            self._block.begin(text)
        else:
            self._out.say(f"{event.at:%H:%M:%SZ}  {text}")
