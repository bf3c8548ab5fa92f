"""What a Swarm does at the worst moment: the engine dies in mid-delivery and comes back, and a node is drained."""

from collections.abc import Iterator

import pytest

from releaser.engines.moby.client import Client
from releaser.model.errors import EngineUnreachable
from releaser.model.event import Event, Point
from tests.engines.alone import EngineAlone
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, Watcher, delivered

pytestmark = pytest.mark.engines

QUICK = {"update_config": {"parallelism": 0, "monitor": "300ms"}}


@pytest.fixture
def shop1(shop: Shop) -> Shop:
    shop.declare({"api": {"image": "api", "deploy": QUICK}, "web": {"image": "api", "deploy": QUICK}})
    delivered(shop.promote("v1"))
    return shop


class Killing(Watcher):
    """Ends the engine when the first service is written."""

    engine: EngineAlone

    def event(self, event: Event) -> None:
        super().event(event)
        if event.point is Point.COMMITTED:
            self.engine.kill()


def test_the_engine_dies_and_comes_back(
    shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch, engine_alone: EngineAlone
) -> None:
    Killing.engine = engine_alone
    with monkeypatch.context() as patched:
        patched.setattr("tests.engines.swarm.shop.Watcher", Killing)
        with pytest.raises(EngineUnreachable) as lost:
            shop1.promote("v2")
    assert lost.value.hint == "when it is back: release resume test1, or release abort test1"
    assert shop1.head().status == "running"
    engine_alone.start()
    delivered(shop1.promote("v2"))
    assert {lab.service(name)["Spec"]["Labels"]["releaser.revision"] for name in ("api", "web")} <= {"2", "3"}
    assert shop1.drift() == ()
    assert shop1.promote("v2").outcome == "unchanged"


@pytest.fixture
def drained(client: Client, engine_alone: EngineAlone) -> Iterator[None]:
    """No node takes tasks."""
    availability(client, "drain")
    yield
    availability(client, "active")


def availability(client: Client, word: str) -> None:
    (node,) = client.call("GET", "/nodes")
    spec = {**node["Spec"], "Availability": word}
    client.call("POST", f"/nodes/{node['ID']}/update", params={"version": node["Version"]["Index"]}, body=spec)


@pytest.mark.usefixtures("drained")
def test_the_node_is_drained(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": {"image": "api", "deploy": QUICK}}, wait="3s")
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    why = "0/1 running, 1 pending (no suitable node (1 node not available for new tasks))"
    assert (result.delivery.message or "").startswith(f"not ready after 3s: service/api: {why}")
    assert lab.services() == []
