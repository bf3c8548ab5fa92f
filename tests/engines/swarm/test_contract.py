import pytest

from tests.contracts.engine_contract import EngineContract


@pytest.mark.engines
@pytest.mark.oldest
class TestContract(EngineContract):
    pass
