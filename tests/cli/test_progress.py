"""What a running delivery shows, on a terminal and elsewhere."""

import io
import sys
from datetime import UTC, datetime

import pytest

from releaser.cli.output import Output
from releaser.cli.progress import Watching
from releaser.model.event import Event, Point

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def event(point: Point, text: str, resource: str | None = None) -> Event:
    return Event(at=NOW, environment="test1", point=point, text=text, resource=resource)


ROLL = (
    event(Point.WAITING, "waiting until it runs"),
    event(Point.ROLLING, "api: 0/2 running", "service/api"),
    event(Point.ROLLING, "web: pulling", "service/web"),
    event(Point.ROLLING, "api: 2/2 running", "service/api"),
    event(Point.COMMITTED, "service/api runs", "service/api"),
    event(Point.FINISHED, "#1 succeeded"),
)


ERASE = "\x1b[2K"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test itself: pytest gives each of its phases a stderr of its own."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    return stream


def test_elsewhere_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Watching(Output()) as watching:
        for each in ROLL:
            watching.event(each)
    assert capsys.readouterr().err.splitlines() == [
        "12:30:00Z  waiting until it runs",
        "12:30:00Z  api: 0/2 running",
        "12:30:00Z  web: pulling",
        "12:30:00Z  api: 2/2 running",
        "12:30:00Z  service/api runs",
    ]


def test_as_a_stream_each_event_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    with Watching(Output(form="ndjson")) as watching:
        for each in ROLL:
            watching.event(each)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ROLL)
    assert '"point":"rolling"' in lines[1].replace(" ", "")


def test_on_a_terminal_only_what_is_done_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with Watching(Output(color="never")) as watching:
        for each in ROLL:
            watching.event(each)
    stays = [line for line in terminal.getvalue().splitlines() if "✓" in line]
    assert [line.rpartition("✓ ")[2].split("  ")[0] for line in stays] == ["waiting until it runs", "service/api runs"]
    assert "      web: pulling" in terminal.getvalue()


def test_as_many_lines_as_the_terminal_has(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("LINES", "6")
    with Watching(Output(color="never")) as watching:
        watching.event(ROLL[0])
        for number in range(9):
            watching.event(event(Point.ROLLING, f"s{number}: starting", f"service/s{number}"))
        assert "and 7 more" in terminal.getvalue()
    assert "s8: starting" not in terminal.getvalue()


def test_what_rolled_is_gone_when_the_next_step_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with Watching(Output(color="never")) as watching:
        for each in ROLL[:3]:
            watching.event(each)
        watching.event(event(Point.RESTORING, "web exits: bringing back #1"))
        told, _, frame = terminal.getvalue().rpartition(ERASE)
    assert "✗ waiting until it runs" in told
    assert "bringing back #1" in frame
    assert "web: pulling" not in frame
