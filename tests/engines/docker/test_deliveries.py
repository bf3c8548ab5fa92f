"""Whole deliveries to a real engine: what fails goes back, what is cut off is settled, who was there first is asked."""

from collections.abc import Mapping

import pytest

from releaser.model.errors import ForeignTarget, PlatformMissing
from releaser.model.event import Event, Point
from releaser.model.value import Json
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.shop import Shop
from tests.engines.images import HEALTHY, NEVER_HEALTHY

pytestmark = pytest.mark.engines

SECRETS = {"password": {"from": "env", "name": "SHOP_PASSWORD"}}


def api(**words: Json) -> dict[str, Json]:
    return {"image": "api", "stop_grace_period": "2s", **words}


def standing(lab: DockerLab) -> dict[str, tuple[str, str, bool]]:
    """Service → id, name and whether it runs, of what is live and ours."""
    return {
        one["Labels"]["releaser.name"]: (one["Id"], one["Names"][0], one["State"] == "running")
        for one in lab.containers()
        if "releaser.name" in one["Labels"]
    }


@pytest.fixture
def running(shop: Shop) -> Shop:
    """v1 runs, as two services with a config and a secret."""
    first = api(healthcheck=HEALTHY, configs={"app": {"target": "/etc/app.ini"}}, secrets={"password": {}})
    shop.declare({"api": first, "web": api()}, configs={"app": {"content": "one\n"}}, secrets=SECRETS)
    shop.release("v1", shop.images.serve("v1"))
    shop.delivered("v1")
    return shop


# --- what fails goes back ---


def never_healthy(shop: Shop) -> str:
    shop.declare({"api": api(healthcheck=NEVER_HEALTHY), "web": api()})
    shop.release("v2", shop.images.serve("v2"))
    return "service/api: unhealthy; its health check said: no database here; its log ends: serving v2"


def ends(shop: Shop) -> str:
    shop.release("v2", shop.images.exit3("v2"))
    return "ended with exit code 3"


def wrong_platform(shop: Shop) -> str:
    shop.declare({"api": api(platform="linux/arm64"), "web": api()})
    shop.release("v2", shop.images.sleep("v2"))
    return "is for linux/amd64, and linux/arm64 is needed"


def not_to_be_pulled(shop: Shop) -> str:
    shop.pulled_from = f"{shop.images.repository}/nowhere"
    shop.declare({"api": api(), "web": api()})
    shop.release("v2", shop.images.sleep("v2"))
    return "the registry has no"


def port_taken(shop: Shop) -> str:
    port = 19000 + sum(shop.name.encode()) % 900
    shop.lab.run(
        shop.images.sleep("taker"),
        f"{shop.name}-taker",
        ExposedPorts={"8080/tcp": {}},
        HostConfig={"PortBindings": {"8080/tcp": [{"HostPort": str(port)}]}},
    )
    shop.declare({"api": api(ports={"http": {"target": 8080, "published": port}}), "web": api()})
    shop.release("v2", shop.images.serve("v2"))
    return "port is already allocated"


@pytest.mark.parametrize("trouble", [never_healthy, ends, port_taken, not_to_be_pulled, wrong_platform])
def test_what_ran_before_runs_again(running: Shop, lab: DockerLab, trouble) -> None:
    before, volumes = standing(lab), set(lab.volumes())
    expected = trouble(running)
    failed = running.failed("v2")

    assert expected in failed.message
    assert "#1 (v1) is back" in failed.message
    assert (failed.restored, failed.current.release) == (1, "v1")
    assert standing(lab) == before
    assert lab.containers(kept=True) == []
    assert set(lab.volumes()) == volumes
    assert running.drifted() == ()


def test_a_release_for_another_platform_is_refused_before(running: Shop) -> None:
    running.release("v2", running.images.other("v2"))
    with pytest.raises(PlatformMissing):
        running.promote("v2")


def test_a_value_that_ran_before_comes_back(running: Shop, lab: DockerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a new value of a secret is what fails."""
    before = standing(lab)
    monkeypatch.setenv("SHOP_PASSWORD", "another-one")
    script = "test $$(cat /run/secrets/password) = hunter-two || exit 1; sleep 1000 & wait"
    running.declare(
        {"api": api(command=["/bin/sh", "-c", script], secrets={"password": {}}), "web": api()}, secrets=SECRETS
    )
    assert "ended with exit code 1" in running.failed("v1").message
    assert standing(lab) == before


def test_what_was_delivered_is_kept_where_that_is_asked_for(shop: Shop, lab: DockerLab) -> None:
    shop.declare({"api": api()}, on_failure="keep")
    shop.release("v1", shop.images.sleep("v1"))
    shop.release("v2", shop.images.exit3("v2"))
    shop.delivered("v1")
    failed = shop.failed("v2")
    assert "is kept" in failed.message
    assert len(lab.service("api")) == 2


# --- and back by hand ---


def test_a_rollback_starts_what_was_kept(shop: Shop, lab: DockerLab) -> None:
    shop.declare({"api": api(configs={"app": {"target": "/etc/app.ini"}})}, configs={"app": {"content": "one\n"}})
    shop.release("v1", shop.images.sleep("v1"))
    shop.release("v2", shop.images.sleep("v2"))
    shop.delivered("v1")
    first = lab.ids("api")
    shop.declare({"api": api(configs={"app": {"target": "/etc/app.ini"}})}, configs={"app": {"content": "two\n"}})
    shop.delivered("v2")
    assert shop.rollback().outcome == "delivered"
    assert lab.ids("api") == first
    assert shop.drifted() == ()
    assert shop.promote("v1").outcome == "unchanged" or shop.drifted() == ()


def test_keep_says_how_many_predecessors_stay(shop: Shop, lab: DockerLab) -> None:
    for version, keep, left in (("v1", 2, 0), ("v2", 2, 1), ("v3", 2, 2), ("v4", 2, 2), ("v5", 0, 0)):
        shop.declare({"api": api(deploy={"replicas": 2})}, engine={"keep": keep})
        shop.release(version, shop.images.sleep(version))
        shop.delivered(version)
        assert len(lab.containers(kept=True)) == 2 * left, version


def test_a_change_of_release_alone_writes_nothing(shop: Shop, lab: DockerLab) -> None:
    shop.declare({"api": api()})
    reference = shop.images.sleep("v1")
    shop.release("v1", reference)
    shop.release("v2", reference)
    shop.delivered("v1")
    before = standing(lab)
    shop.delivered("v2")
    assert standing(lab) == before


def test_two_machines_with_different_keys_restart_nothing(
    running: Shop, lab: DockerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standing(lab)
    for turn in range(3):
        monkeypatch.setenv("RELEASE_FINGERPRINT_KEY", f"a key of machine {turn % 2}, long enough for anybody")
        running.release(f"v1.{turn}", running.images.serve("v1"))
        running.delivered(f"v1.{turn}")
        assert standing(lab) == before


# --- who was there first ---


def test_a_container_with_our_name(shop: Shop, lab: DockerLab) -> None:
    name = f"{shop.name}-db"
    theirs = lab.run(shop.images.sleep("theirs"), name)
    shop.declare({"db": api(container_name=name)})
    shop.release("v1", shop.images.sleep("v1"))
    with pytest.raises(ForeignTarget, match="service/db"):
        shop.promote("v1")
    assert lab.client.call("GET", f"/containers/{theirs}/json")["State"]["Running"]

    shop.delivered("v1", adopt=True)
    kept = lab.client.call("GET", f"/containers/{theirs}/json")
    assert not kept["State"]["Running"]
    assert kept["Name"] == f"/{name}.no.r1.kept"
    assert standing(lab)["db"][1:] == (f"/{name}", True)
    assert shop.drifted() == ()


COMPOSED = "com.docker.compose."


def compose(lab: DockerLab, shop: Shop, service: str, number: int = 1, **config: Json) -> str:
    """A container as `docker compose up` labels it."""
    labels = {
        f"{COMPOSED}project": f"{shop.name}c",
        f"{COMPOSED}service": service,
        f"{COMPOSED}container-number": str(number),
        f"{COMPOSED}oneoff": "False",
    }
    return lab.run(shop.images.sleep(service), f"{shop.name}c-{service}-{number}", labels, **config)


@pytest.fixture
def composed(shop: Shop, lab: DockerLab) -> Mapping[str, str]:
    """What Compose runs: two services, one with data and a restart policy; and one that is not declared here."""
    lab.client.call(
        "POST", "/volumes/create", body={"Name": f"{shop.name}c_data", "Labels": {"releaser.project": shop.name}}
    )
    mounts = [{"Type": "volume", "Source": f"{shop.name}c_data", "Target": "/data"}]
    db = compose(lab, shop, "db", HostConfig={"Mounts": mounts, "RestartPolicy": {"Name": "always"}})
    found = {"db": db, "web": compose(lab, shop, "web"), "other": compose(lab, shop, "other")}
    shop.release("v1", shop.images.sleep("v1"))
    declare_composed(shop)
    return found


def declare_composed(shop: Shop, **web: Json) -> None:
    db = api(volumes={"data": {"target": "/data"}}, restart="always")
    volumes = {"data": {"external": True, "name": f"{shop.name}c_data"}}
    shop.declare(
        {"db": db, "web": api(depends_on={"db": {"condition": "service_healthy"}}, **web)},
        volumes=volumes,
        engine={"adopts": f"{shop.name}c"},
    )


def runs(lab: DockerLab, id_: str) -> bool:
    running: bool = lab.client.call("GET", f"/containers/{id_}/json")["State"]["Running"]
    return running


def test_what_compose_runs_is_taken_over(shop: Shop, lab: DockerLab, composed: Mapping[str, str]) -> None:
    with pytest.raises(ForeignTarget, match="service/db and service/web"):
        shop.promote("v1")
    assert all(runs(lab, id_) for id_ in composed.values())

    delivery = shop.delivered("v1", adopt=True)

    assert {name for name, (_, _, ok) in standing(lab).items() if ok} == {"db", "web"}
    assert [runs(lab, composed[name]) for name in ("db", "web", "other")] == [False, False, True]
    with shop.workspace() as ws:
        assert ws.history.record("test1", delivery.revision).plan.adopts == ("service/db", "service/web")
    (mount,) = lab.one("db")["Mounts"]
    assert mount["Name"] == f"{shop.name}c_data"
    theirs = lab.client.call("GET", f"/containers/{composed['db']}/json")
    assert theirs["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert theirs["Name"] == f"/{shop.name}c-db-1.always.r1.kept"
    assert shop.drifted() == ()
    assert shop.promote("v1").outcome == "unchanged"

    shop.release("v2", shop.images.sleep("v2"))
    shop.delivered("v2")
    assert lab.client.call("GET", f"/containers/{composed['db']}/json")["Name"] == f"/{shop.name}c-db-1.always.kept"
    assert not runs(lab, composed["db"])


def test_a_take_over_that_fails_starts_them_again(shop: Shop, lab: DockerLab, composed: Mapping[str, str]) -> None:
    declare_composed(shop, healthcheck=NEVER_HEALTHY)
    failed = shop.failed("v1", adopt=True)

    assert "unhealthy" in failed.message
    assert "what was taken over from others is theirs again: service/db and service/web" in failed.message
    assert all(runs(lab, id_) for id_ in composed.values())
    theirs = lab.client.call("GET", f"/containers/{composed['db']}/json")
    assert (theirs["Name"], theirs["HostConfig"]["RestartPolicy"]["Name"]) == (f"/{shop.name}c-db-1", "always")
    assert standing(lab) == {}
    with shop.workspace() as ws:
        record = ws.history.record("test1", failed.revision)
        assert record.inventory is not None
        assert dict(record.inventory.items) == {}
    with pytest.raises(ForeignTarget):  # they are others' as before
        shop.promote("v1")
    declare_composed(shop)
    shop.delivered("v1", adopt=True)
    assert not runs(lab, composed["web"])


def test_a_later_failure_does_not_wake_what_was_taken_over(
    shop: Shop, lab: DockerLab, composed: Mapping[str, str]
) -> None:
    shop.delivered("v1", adopt=True)
    shop.release("v2", shop.images.exit3("v2"))
    assert "is back" in shop.failed("v2").message
    assert [runs(lab, composed[name]) for name in ("db", "web")] == [False, False]
    assert {name for name, (_, _, ok) in standing(lab).items() if ok} == {"db", "web"}


class Died(BaseException):
    pass


def test_a_take_over_that_was_cut_off_is_aborted(shop: Shop, lab: DockerLab, composed: Mapping[str, str]) -> None:
    def die(event: Event) -> None:
        if event.point is Point.COMMITTED:
            raise Died

    shop.watcher.when = die
    with pytest.raises(Died):
        shop.promote("v1", adopt=True)
    shop.watcher.when = None
    assert [runs(lab, composed[name]) for name in ("db", "web")] == [False, True]
    assert shop.abort().outcome == "delivered"
    assert all(runs(lab, id_) for id_ in composed.values())
    assert standing(lab) == {}


def test_a_take_over_that_was_cut_off_is_resumed(shop: Shop, lab: DockerLab, composed: Mapping[str, str]) -> None:
    def die(event: Event) -> None:
        if event.point is Point.COMMITTED:
            raise Died

    shop.watcher.when = die
    with pytest.raises(Died):
        shop.promote("v1", adopt=True)
    shop.watcher.when = None
    assert shop.resume().outcome == "delivered"
    assert [runs(lab, composed[name]) for name in ("db", "web")] == [False, False]
    assert {name for name, (_, _, ok) in standing(lab).items() if ok} == {"db", "web"}
    assert shop.drifted() == ()


def test_one_delivered_by_another_history(shop: Shop, lab: DockerLab) -> None:
    shop.declare({"api": api()})
    shop.release("v1", shop.images.sleep("v1"))
    shop.delivered("v1")
    before = standing(lab)
    (shop.root / ".release").rename(shop.root / "another")
    with pytest.raises(ForeignTarget, match="service/api"):
        shop.promote("v1")
    shop.declare({"api": api(healthcheck=NEVER_HEALTHY)})
    failed = shop.failed("v1", adopt=True)
    assert "theirs again: network/default and service/api" in failed.message
    assert standing(lab) == before
    shop.declare({"api": api()})
    shop.delivered("v1", adopt=True)
    assert standing(lab)["api"][0] != before["api"][0]
    assert shop.drifted() == ()
