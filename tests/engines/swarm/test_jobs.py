"""Jobs in a Swarm: once for each release, before those that wait for them, and never on a way back unless asked to."""

from pathlib import Path

import pytest

from releaser.model.event import Point
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, Words, delivered

pytestmark = pytest.mark.engines

QUICK = {"update_config": {"parallelism": 0, "monitor": "300ms"}}


def declare(shop: Shop, level: str = "1", job: Words | None = None, **sections: object) -> None:
    shop.declare(
        {
            "migrate": {"image": "migrate", "restart": "no", **(job or {})},
            "api": {
                "image": "api",
                "environment": {"LEVEL": level},
                "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
                "deploy": QUICK,
            },
        },
        **sections,
    )


@pytest.fixture
def shop1(shop: Shop) -> Shop:
    """v1 is delivered, its job done."""
    for version in ("v1", "v2"):
        migrate = shop.image("migrate")
        migrate.tag(migrate.done(version), version)
    declare(shop)
    delivered(shop.promote("v1"))
    return shop


def runs(lab: SwarmLab) -> int:
    """How often the job ran to its end, or tried to."""
    return len(lab.tasks("migrate"))


def test_once_for_a_release_and_before_the_others(shop1: Shop, lab: SwarmLab) -> None:
    points = [(event.point, event.resource) for event in shop1.watcher.events]
    texts = [event.text for event in shop1.watcher.events]
    done = texts.index("migrate: 1/1 done")
    assert done < points.index((Point.COMMITTED, "service/api"))
    assert runs(lab) == 1
    assert shop1.drift() == ()

    assert shop1.promote("v1").outcome == "unchanged"
    declare(shop1, level="2")
    delivered(shop1.promote("v1"))
    assert runs(lab) == 1

    delivered(shop1.promote("v2"))
    assert runs(lab) == 2
    assert shop1.drift() == ()


def test_not_on_the_way_back(shop1: Shop, lab: SwarmLab) -> None:
    delivered(shop1.promote("v2"))
    assert runs(lab) == 2
    delivered(shop1.rollback())
    assert runs(lab) == 2
    assert shop1.drift() == ()
    assert "migrate: not run again" in shop1.watcher.rolled("migrate")
    lab.change("api", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=[]))
    delivered(shop1.reconcile())
    assert runs(lab) == 2
    delivered(shop1.promote("v2"))
    assert runs(lab) == 3


def test_on_the_way_back_where_it_is_asked_for(shop1: Shop, lab: SwarmLab) -> None:
    declare(shop1, job={"on": ["rollback"]})
    delivered(shop1.promote("v1"))
    delivered(shop1.promote("v2"))
    before = runs(lab)
    delivered(shop1.rollback())
    assert runs(lab) == before + 1


def test_a_job_that_fails_stops_those_that_wait(shop1: Shop, lab: SwarmLab) -> None:
    before = lab.running("api")
    migrate = shop1.image("migrate")
    migrate.tag(migrate.exit3("v2"), "v2")
    result = shop1.promote("v2")
    assert result.outcome == "failed"
    assert result.delivery is not None
    message = result.delivery.message or ""
    assert message.startswith("service/migrate: 0/1 done; task: non-zero exit (3); its log ends: ")
    assert "giving up: no database" in message
    assert message.endswith("; #1 (v1) is back")
    assert lab.running("api") == before
    assert runs(lab) == 2  # the one of v1, and the failed one of v2; the way back ran none
    assert shop1.drift() == ()


def test_a_job_that_failed_runs_again(shop1: Shop, lab: SwarmLab, tmp_path: Path) -> None:
    migrate = shop1.image("migrate")
    migrate.tag(migrate.make(["/bin/sh", "-c", "test -e /data/there || { touch /data/there; exit 3; }"], "v2"), "v2")
    mounted = {"data": {"type": "bind", "source": str(tmp_path), "target": "/data"}}
    declare(shop1, job={"volumes": mounted}, on_failure="keep")
    assert shop1.promote("v2").outcome == "failed"
    assert runs(lab) == 2
    delivered(shop1.promote("v2"))
    assert runs(lab) == 3


def test_a_job_that_is_tried_again_as_declared(shop1: Shop, lab: SwarmLab) -> None:
    policy = {"condition": "on-failure", "delay": "100ms", "max_attempts": 2}
    migrate = shop1.image("migrate")
    migrate.tag(migrate.exit3("v2"), "v2")
    declare(shop1, job={"restart": "on-failure", "deploy": {"restart_policy": policy}})
    assert shop1.promote("v2").outcome == "failed"
    assert runs(lab) == 1 + 3


def test_a_job_on_each_node(shop: Shop, lab: SwarmLab) -> None:
    for version in ("v1", "v2"):
        shop.image("migrate").tag(shop.image("migrate").done(version), version)
    declare(shop, job={"deploy": {"mode": "global-job"}})
    delivered(shop.promote("v1"))
    first = {task["ID"] for task in lab.tasks("migrate")}
    delivered(shop.promote("v2"))
    second = {task["ID"] for task in lab.tasks("migrate")}
    assert second - first  # the engine keeps the newest run of each node
    delivered(shop.rollback())
    assert {task["ID"] for task in lab.tasks("migrate")} <= second
    assert shop.drift() == ()


def test_a_service_becomes_a_job(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": {"image": "api"}})
    delivered(shop.promote("v1"))
    api = shop.image("api")
    api.tag(api.done("v2"), "v2")
    shop.declare({"api": {"image": "api", "deploy": {"mode": "replicated-job"}}})
    delivered(shop.promote("v2"))
    assert list(lab.service("api")["Spec"]["Mode"]) == ["ReplicatedJob"]
    assert shop.drift() == ()
