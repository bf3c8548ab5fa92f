"""Shared by the tests of every history."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.contracts.history_contract")

from releaser.history.sqlite import SqliteHistory  # noqa: E402 - after the registration
from releaser.history.sqlite_file import SqliteFile  # noqa: E402
from tests.contracts.history_samples import FixedClock  # noqa: E402


@pytest.fixture(autouse=True)
def every_history_is_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test leaves open is closed behind it: a forgotten connection would be warned of in some later test."""
    opened: list[SqliteFile] = []
    make = SqliteFile.__init__

    def remembering(self: SqliteFile, *arguments: Any, **more: Any) -> None:
        opened.append(self)
        make(self, *arguments, **more)

    monkeypatch.setattr(SqliteFile, "__init__", remembering)
    yield
    for file in opened:
        file.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a history would be; nothing is there yet."""
    return tmp_path / ".release" / "history.db"


@pytest.fixture
def open_history(path: Path, clock: FixedClock) -> Iterator[Callable[..., SqliteHistory]]:
    """Open the history at `path` once more, as another process would."""
    opened: list[SqliteHistory] = []

    def opener(where: Path = path, timeout: float = 30.0) -> SqliteHistory:
        opened.append(SqliteHistory.open(where, clock, timeout))
        return opened[-1]

    yield opener
    for history in opened:
        history.close()
