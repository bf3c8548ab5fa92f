"""Shared by the tests of every history."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.contracts.history_contract")

from releaser.history.sqlite import SqliteHistory  # noqa: E402 - after the registration
from tests.contracts.history_samples import FixedClock  # noqa: E402


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
