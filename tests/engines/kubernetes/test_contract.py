import pytest

from tests.contracts.engine_contract import EngineContract


@pytest.mark.engines
class TestContract(EngineContract):
    pass
