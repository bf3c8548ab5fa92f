"""Progress: what a running delivery tells, as it happens, on stderr; as a stream of documents where asked for."""

from types import TracebackType
from typing import Self

from releaser.cli.output import Output
from releaser.model.event import Event, Point
from releaser.planning.redact import printable

_BEFOREHAND = frozenset({Point.LEASED, Point.SETTLED, Point.PLANNED, Point.FINISHED})


class Watching:
    """Prints events; implements ports.Progress, and never stops a delivery."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to put back."""

    def event(self, event: Event) -> None:
        """One line."""
        if self._out.form == "ndjson":
            self._out.data(event)
        elif event.point not in _BEFOREHAND or self._out.verbose:
            self._out.say(f"  {event.at:%H:%M:%SZ}  {printable(event.text)}")
