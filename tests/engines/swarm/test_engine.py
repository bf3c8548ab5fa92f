"""A Swarm engine where there is no Swarm to deliver to, and what a look does not depend on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from releaser.engines.moby.client import Client
from releaser.engines.swarm.engine import SwarmEngine
from releaser.model.errors import EngineUnreachable
from releaser.model.resource import EMPTY
from tests.contracts.engine_contract import SCOPE
from tests.engines.moby import stub

ACTIVE = {"LocalNodeState": "active", "ControlAvailable": True, "NodeID": "n", "Nodes": 1, "Cluster": {"ID": "c"}}


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SwarmEngine]:
    refused = (503, {"message": "This node is not a swarm manager."})
    answers = {"GET /info": {"ID": "e", "Swarm": request.param}}
    answers |= {f"GET /{kind}": refused for kind in ("services", "networks", "configs", "secrets")}
    with stub.engine(tmp_path, answers) as found:
        made = SwarmEngine(Client(found.host), tmp_path)
        yield made
        made.close()


@pytest.mark.parametrize("engine", [{"LocalNodeState": "inactive", "ControlAvailable": False}], indirect=True)
def test_no_swarm(engine: SwarmEngine) -> None:
    for call in (engine.target, lambda: engine.observe(SCOPE, EMPTY)):
        with pytest.raises(EngineUnreachable, match=r"stub\.sock is in no Swarm \(inactive\)") as found:
            call()
        assert "swarm init" in (found.value.hint or "")


WORKER = {
    "LocalNodeState": "active",
    "ControlAvailable": False,
    "RemoteManagers": [{"NodeID": "m", "Addr": "10.0.0.1:2377"}],
}


@pytest.mark.parametrize("engine", [WORKER], indirect=True)
def test_a_worker(engine: SwarmEngine) -> None:
    for call in (engine.target, lambda: engine.observe(SCOPE, EMPTY)):
        with pytest.raises(EngineUnreachable, match="is a worker of its Swarm, and only managers are asked") as found:
            call()
        assert found.value.hint == "name a manager as `host`: 10.0.0.1:2377"


@pytest.mark.parametrize("engine", [ACTIVE], indirect=True)
def test_a_swarm_without_a_leader(engine: SwarmEngine) -> None:
    assert engine.target().identity == "c"
    with pytest.raises(EngineUnreachable, match="refused to tell: This node is not a swarm manager"):
        engine.observe(SCOPE, EMPTY)
