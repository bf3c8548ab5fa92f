"""The time of this machine, for whoever is given no other clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()
