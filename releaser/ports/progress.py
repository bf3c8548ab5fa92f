"""Time, who watches a delivery, and who stops it."""

from datetime import datetime
from typing import Protocol

from releaser.model.event import Event


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""


class Progress(Protocol):
    """Who watches a delivery; events go one way."""

    def event(self, event: Event) -> None:
        """Take notice; what it raises stops the delivery as an interruption does."""


class Stop(Protocol):
    """Whether somebody asked to stop."""

    def requested(self) -> bool:
        """True from the first Ctrl-C or SIGTERM on; checked between steps and while waiting."""
