"""Times as people read them: in their own zone on a terminal, RFC 3339 in UTC where a program may read them."""

from datetime import UTC, datetime

from releaser.cli.output import Output
from releaser.model.delivery import Delivery

_UNITS = (("y", 365 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def moment(out: Output, time: datetime, now: datetime) -> str:
    """`24 Nov 14:02` on a terminal, with the year where it is another; `2026-11-24T14:02:11Z` elsewhere."""
    if not out.on_terminal:
        return iso(time)
    here, today = time.astimezone(), now.astimezone()
    day = f"{here.day:2} {here:%b}" if here.year == today.year else f"{here.day:2} {here:%b %Y}"
    return f"{day} {here:%H:%M}"


def iso(time: datetime) -> str:
    """`2026-11-24T14:02:11Z`."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def clock_time(out: Output, time: datetime) -> str:
    """The time of day, to the second."""
    return f"{time.astimezone():%H:%M:%S}" if out.on_terminal else f"{time.astimezone(UTC):%H:%M:%SZ}"


def age(time: datetime, now: datetime) -> str:
    """How long ago: `now`, `41s`, `3h`, `6d`."""
    return _span((now - time).total_seconds(), least="now")


def ago(time: datetime, now: datetime) -> str:
    """The same in a sentence: `just now`, `3h ago`."""
    span = age(time, now)
    return "just now" if span == "now" else f"{span} ago"


def took(delivery: Delivery, now: datetime) -> str:
    """How long a delivery took, or runs already."""
    end = delivery.finished_at or now
    return _span((end - delivery.started_at).total_seconds(), least="0s")


def _span(seconds: float, least: str) -> str:
    return next((f"{int(seconds // size)}{unit}" for unit, size in _UNITS if seconds >= size), least)
