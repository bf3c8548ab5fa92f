"""Signals: the first asks a delivery to stop after the running step, the second stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from releaser.cli.output import Output


class Terminated(BaseException):
    """SIGTERM came, and nothing runs that could be stopped gently."""


class Signals:
    """What came so far; implements ports.Stop."""

    def __init__(self) -> None:
        self.received: int | None = None

    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self.received is not None

    @contextmanager
    def gentle(self, out: Output) -> Iterator[None]:
        """For the length of a block, the first signal only asks."""

        def handle(number: int, frame: FrameType | None) -> None:
            if self.received is not None:
                at_once(number, frame)
            self.received = number
            out.tell("stopping after the running step; once more stops at once")

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, former in before.items():
                signal.signal(number, former)


def at_once(number: int, _frame: FrameType | None) -> None:
    """Leave now."""
    if number == signal.SIGTERM:
        raise Terminated
    raise KeyboardInterrupt


def install() -> None:
    """SIGTERM ends a command as Ctrl-C does: what is open is closed."""
    signal.signal(signal.SIGTERM, at_once)
