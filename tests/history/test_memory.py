"""The history in memory keeps the contract."""

from collections.abc import Callable

import pytest

from releaser.history.memory import MemoryHistory
from tests.contracts.history_contract import HistoryContract
from tests.contracts.history_samples import FixedClock


class TestMemoryHistory(HistoryContract):
    @pytest.fixture
    def connect(self, clock: FixedClock) -> Callable[[], MemoryHistory]:
        return MemoryHistory(clock=clock).client
