"""Deliveries that fail on a real Swarm: what ran before runs again, and the message says why."""

import pytest

from tests.engines.images import HEALTHY, NEVER_HEALTHY, OTHER
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

QUICK = {"parallelism": 0, "monitor": "500ms"}


def service(**words: object) -> dict[str, object]:
    return {"image": "api", "stop_grace_period": "1s", "deploy": {"update_config": QUICK}, **words}


def image_of(lab: SwarmLab, name: str = "api") -> str:
    return lab.service(name)["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]


@pytest.fixture
def first(shop: Shop) -> Shop:
    """v1 is delivered."""
    shop.declare({"api": service()})
    delivered(shop.promote("v1"))
    return shop


def failed(shop: Shop, version: str) -> str:
    """The message of a promotion that fails and is taken back to v1."""
    result = shop.promote(version)
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert result.delivery.restored == 1, result.delivery.message
    assert result.delivery.current is not None
    assert result.delivery.current.release == "v1"
    assert shop.drift() == ()
    return result.delivery.message or ""


def test_it_exits(first: Shop, lab: SwarmLab) -> None:
    before = image_of(lab)
    api = first.image("api")
    api.tag(api.exit3("v2"), "v2")
    message = failed(first, "v2")
    assert message.startswith("service/api: 0/1 running")
    assert "task: non-zero exit (3)" in message
    log = message.partition("; its log ends: ")[2].partition("; #1 (v1) is back")[0]
    assert sorted(log.splitlines()) == ["giving up: no database", "starting"]
    assert image_of(lab) == before


def test_the_engine_rolls_it_back_itself(first: Shop, lab: SwarmLab) -> None:
    first.declare({"api": service(deploy={"update_config": {**QUICK, "failure_action": "rollback"}})})
    delivered(first.promote("v1"))
    before = lab.service("api")["Spec"]
    api = first.image("api")
    api.tag(api.exit3("v2"), "v2")
    result = first.promote("v2")
    assert result.outcome == "failed"
    assert result.delivery is not None
    message = result.delivery.message or ""
    assert message.startswith("service/api: the engine rolled it back: task: non-zero exit (3); its log ends: ")
    assert "giving up: no database" in message
    assert (result.delivery.restored, result.delivery.current and result.delivery.current.release) == (2, "v1")
    assert lab.service("api")["Spec"] == before
    assert first.watcher.rolled("api")[-1] == "api: the engine rolled it back"


def test_it_is_never_healthy(first: Shop, lab: SwarmLab) -> None:
    before = image_of(lab)
    first.declare({"api": service(healthcheck=NEVER_HEALTHY)})
    message = failed(first, "v2")
    assert "its health check said: no database here" in message
    assert "its log ends: serving v2" in message
    assert image_of(lab) == before


def test_it_cannot_be_pulled(first: Shop) -> None:
    nowhere = f"{first.images.registry}/releaser-test/nowhere"
    first.declare({"api": service()}, sources={"api": nowhere})
    message = failed(first, "v2")
    assert f"No such image: {nowhere}@sha256:" in message


def test_it_is_for_another_platform(first: Shop) -> None:
    api = first.image("api")
    api.tag(api.other("v2"), "v2")
    first.declare({"api": service()}, pipeline={"platforms": [f"linux/{OTHER}"]})
    message = failed(first, "v2")
    assert "the image is for other platforms than the nodes" in message
    assert "unsupported platform on 1 node" in message


def test_a_first_delivery_that_crashes_is_no_success(shop: Shop, lab: SwarmLab) -> None:
    api = shop.image("api")
    api.tag(api.exit3("v1"), "v1")
    shop.declare({"api": service(deploy={"restart_policy": {"delay": "300ms"}})})
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "task: non-zero exit (3)" in (result.delivery.message or "")
    assert result.delivery.restored == 0
    assert lab.content() == ()


def test_nothing_can_be_placed(first: Shop) -> None:
    nowhere = {"update_config": QUICK, "placement": {"constraints": ["node.labels.none==there"]}}
    first.declare({"api": service(deploy=nowhere)}, wait="4s")
    message = failed(first, "v2")
    assert message.startswith("not ready after 4s: service/api: 0/1 running, 1 pending (no suitable node (")
    assert any("no suitable node" in text for text in first.watcher.rolled("api"))


def test_a_port_is_taken(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": service(ports={"http": {"target": 8080, "published": 28080}})})
    lab.project, other = f"{shop.project}", lab.add()
    assert other == "service/extra"
    lab.change("extra", lambda spec: spec.update(EndpointSpec={"Ports": [{"TargetPort": 1, "PublishedPort": 28080}]}))
    result = shop.promote("v1", adopt=True)
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "port '28080' is already in use by service" in (result.delivery.message or "")


def test_healthy_at_last(first: Shop) -> None:
    first.declare({"api": service(healthcheck=HEALTHY)})
    delivered(first.promote("v2"))
    assert first.watcher.rolled("api")[-1] == "api: 1/1 running"
