"""Times: in the reader's zone on a terminal, in UTC for programs."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from releaser.cli import times
from releaser.cli.output import Output

NOW = datetime(2026, 11, 24, 14, 2, 11, 654321, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class OnTerminal(Output):
    on_terminal = True


@pytest.mark.usefixtures("berlin")
def test_moments():
    assert times.moment(Output(), NOW, NOW) == "2026-11-24T14:02:11Z"
    assert times.moment(OnTerminal(), NOW, NOW) == "24 Nov 15:02"
    assert times.moment(OnTerminal(), datetime(2025, 7, 1, 22, 30, tzinfo=UTC), NOW) == " 2 Jul 2025 00:30"
    assert times.clock_time(OnTerminal(), NOW) == "15:02:11"
    assert times.clock_time(Output(), NOW) == "14:02:11Z"


def test_a_moment_with_another_zone_is_shown_in_utc():
    there = NOW.astimezone(tz=None)

    assert times.iso(there) == "2026-11-24T14:02:11Z"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        ({"seconds": -5}, "now"),
        ({"seconds": 0.9}, "now"),
        ({"seconds": 41}, "41s"),
        ({"seconds": 119}, "1m"),
        ({"minutes": 60}, "1h"),
        ({"hours": 47}, "1d"),
        ({"days": 400}, "1y"),
    ],
)
def test_ages(span, shown):
    assert times.age(NOW - timedelta(**span), NOW) == shown
    assert times.ago(NOW - timedelta(**span), NOW) == ("just now" if shown == "now" else f"{shown} ago")
