from tests.contracts.engine_contract import EngineContract


class TestContract(EngineContract):
    """The fixture `lab` is the folder's."""
