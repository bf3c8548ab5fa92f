"""The history in SQLite keeps the contract."""

from collections.abc import Callable

import pytest

from releaser.history.sqlite import SqliteHistory
from tests.contracts.history_contract import HistoryContract


class TestSqliteHistory(HistoryContract):
    @pytest.fixture
    def connect(self, open_history: Callable[[], SqliteHistory]) -> Callable[[], SqliteHistory]:
        return open_history
