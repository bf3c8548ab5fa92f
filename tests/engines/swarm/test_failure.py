"""Deliveries that fail on a real Swarm: what ran before runs again, and the message says why."""

from pathlib import Path

import pytest

from releaser.model.event import Event, Point
from tests.engines.images import HEALTHY, NEVER_HEALTHY, OTHER
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

QUICK = {"parallelism": 0, "monitor": "2s"}


def service(**words: object) -> dict[str, object]:
    return {"image": "api", "stop_grace_period": "1s", "deploy": {"update_config": QUICK}, **words}


def image_of(lab: SwarmLab, name: str = "api") -> str:
    return lab.service(name)["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """What ends at once must not count as ready, whatever else the machine has to do."""
    shop.stable = "2s"
    return shop


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
    first.declare({"api": service(deploy=nowhere)}, wait="10s")
    message = failed(first, "v2")
    assert message.startswith("not ready after 10s: service/api: 0/1 running, 1 pending (no suitable node (")
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


def test_what_was_fine_goes_back_too(shop: Shop, lab: SwarmLab) -> None:
    for version in ("v1", "v2"):
        shop.image("web").tag(shop.image("web").sleep(version), version)
    services = {"api": service(), "web": service(image="web"), "still": service()}
    shop.declare(services)
    delivered(shop.promote("v1"))
    before = {name: image_of(lab, name) for name in services}
    still = lab.running("still")
    web = shop.image("web")
    web.tag(web.exit3("v2"), "v2")
    shop.image("api").tag(shop.image("api").serve("v1"), "v2")
    shop.declare({**services, "api": service(environment={"LEVEL": "2"}), "new": service()})
    message = failed(shop, "v2")
    assert message.startswith("service/web: ")
    assert {name: image_of(lab, name) for name in services} == before
    assert "Env" not in lab.service("api")["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert {one["Spec"]["Name"] for one in lab.services()} == {lab.real(name) for name in services}
    assert lab.running("still") == still


def test_what_failed_is_kept_where_it_is_declared_so(first: Shop, lab: SwarmLab) -> None:
    first.declare({"api": service()}, on_failure="keep")
    api = first.image("api")
    bad = api.exit3("v2")
    api.tag(bad, "v2")
    result = first.promote("v2")
    assert result.outcome == "failed"
    assert image_of(lab) == bad
    api.tag(api.serve("v3"), "v3")
    delivered(first.promote("v3"))
    assert first.drift() == ()


def test_what_was_kept_is_tried_again(first: Shop, lab: SwarmLab, tmp_path: Path) -> None:
    api = first.image("api")
    script = "test -e /data/database || { echo no database; exit 3; }; exec sleep 1000"
    api.tag(api.make(["/bin/sh", "-c", script], "v2"), "v2")
    mounted = {"data": {"type": "bind", "source": str(tmp_path), "target": "/data"}}
    first.declare({"api": service(volumes=mounted, stop_signal="SIGKILL")}, on_failure="keep")
    assert first.promote("v2").outcome == "failed"
    (tmp_path / "database").touch()
    delivered(first.promote("v2"))
    assert first.drift() == ()
    assert len(lab.running("api")) == 1


def test_one_after_another_as_they_need_each_other(shop: Shop, lab: SwarmLab) -> None:
    late = {**HEALTHY, "test": ["CMD-SHELL", "test -e /tmp/late || { sleep 1; touch /tmp/late; }"]}
    shop.declare(
        {
            "web": service(depends_on={"api": {"condition": "service_healthy"}}),
            "api": service(healthcheck=late, depends_on={"db": {}}),
            "db": service(),
        }
    )
    delivered(shop.promote("v1"))
    told = [event.text for event in shop.watcher.events]
    assert told.index("db is written") < told.index("api is written") < told.index("web is written")
    assert told.index("api: 1/1 running") < told.index("web is written")
    assert any(text.startswith("db: 0/1 running, 1 starting") or text == "db: 1/1 running" for text in told)


def test_a_dependency_that_fails_ends_it_before_the_rest_is_written(first: Shop, lab: SwarmLab) -> None:
    before = lab.service("api")["Spec"]["TaskTemplate"]
    never = {**QUICK, "monitor": "5s"}
    first.declare(
        {
            "api": service(environment={"LEVEL": "2"}, depends_on={"db": {"condition": "service_healthy"}}),
            "db": service(healthcheck=NEVER_HEALTHY, deploy={"update_config": never, "restart_policy": SOON}),
        }
    )
    message = failed(first, "v1")
    assert message.startswith("service/db: 0/1 running")
    assert lab.service("api")["Spec"]["TaskTemplate"] == before  # a busy node may start its task anew, whoever writes
    assert not any(event.text == "api is written" for event in first.watcher.events)


SOON = {"delay": "100ms"}


def test_stopped_between_two_services(first: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stopping()
    monkeypatch.setattr("tests.engines.swarm.shop.Running", lambda: stop)
    monkeypatch.setattr("tests.engines.swarm.shop.Watcher", lambda: stop)
    first.declare({"api": service(environment={"LEVEL": "2"}), "web": service()})
    result = first.promote("v1")
    assert result.outcome == "interrupted"
    assert result.delivery is not None
    assert result.delivery.message == "stopped on request, between two steps"
    monkeypatch.undo()
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-two")
    delivered(first.promote("v1"))
    assert first.drift() == ()


class Stopping:
    """Asks to stop as soon as a service is written."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def requested(self) -> bool:
        return any(event.point is Point.COMMITTED for event in self.events)
