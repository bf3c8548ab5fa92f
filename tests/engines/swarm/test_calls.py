"""What a Swarm is asked: nothing is written where nothing changed, and the login goes with every write of a service."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.engines.images import Images
from tests.engines.recording import Recording, recorded
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

QUICK = {"update_config": {"parallelism": 0, "monitor": "300ms"}}
LISTS = ["GET /configs", "GET /networks", "GET /secrets", "GET /services"]
SECTIONS = {
    "configs": {"app": {"content": "level = 1\n"}},
    "secrets": {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    "volumes": {"data": {}},
}


def services(level: str = "1", count: int = 3) -> dict[str, object]:
    more = {
        "configs": {"app": {"target": "/etc/app"}},
        "secrets": {"password": {}},
        "volumes": {"data": {"target": "/data"}},
        "deploy": QUICK,
    }
    return {
        f"api{number}": {"image": "api", "environment": {"LEVEL": level if number == 0 else "0"}, **more}
        for number in range(count)
    }


@pytest.fixture
def recording(engine_host: str) -> Iterator[Recording]:
    with recorded(engine_host) as found:
        yield found


@pytest.fixture
def shop1(shop: Shop, recording: Recording) -> Shop:
    """Three services are delivered, through a socket that is listened to."""
    shop.host = recording.host
    shop.declare(services(), **SECTIONS)
    delivered(shop.promote("v1"))
    return shop


def reads(recording: Recording) -> list[str]:
    """What was asked, but for who the engine is."""
    return sorted(line for line in recording.lines() if line not in {"GET /version", "GET /info"})


def test_nothing_changed(shop1: Shop, recording: Recording) -> None:
    recording.requests.clear()
    assert shop1.promote("v1").outcome == "unchanged"
    assert recording.writes() == []
    assert set(reads(recording)) == set(LISTS)
    assert reads(recording).count("GET /services") == 2  # planned, and planned again under the lock
    recording.requests.clear()
    assert shop1.plan("v1").nothing_to_do
    assert reads(recording) == LISTS
    recording.requests.clear()
    assert shop1.drift() == ()
    assert reads(recording) == LISTS
    assert recording.lines().count("GET /info") <= 1
    assert recording.lines().count("GET /version") <= 1


def test_only_what_changed_is_written(shop1: Shop, recording: Recording, lab: SwarmLab) -> None:
    others = {name: lab.running(name) for name in ("api1", "api2")}
    shop1.declare(services(level="2"), **SECTIONS)
    recording.requests.clear()
    delivered(shop1.promote("v1"))
    id_ = lab.service("api0")["ID"]
    assert [f"{one.method} {one.path}" for one in recording.writes()] == [f"POST /services/{id_}/update"]
    assert {name: lab.running(name) for name in others} == others


def test_a_label_restarts_nothing(shop1: Shop, lab: SwarmLab) -> None:
    before = lab.running("api0")
    declared = services()
    declared["api0"] = {**declared["api0"], "deploy": {**QUICK, "labels": {"team": "a"}}}
    shop1.declare(declared, **SECTIONS)
    delivered(shop1.promote("v1"))
    assert lab.service("api0")["Spec"]["Labels"]["team"] == "a"
    assert lab.running("api0") == before


def test_the_order_of_variables_is_no_change(shop: Shop, recording: Recording, lab: SwarmLab) -> None:
    shop.host = recording.host
    shop.declare({"api": {"image": "api", "environment": {"A": "1", "B": "2", "C": "3"}}})
    delivered(shop.promote("v1"))
    shop.declare({"api": {"image": "api", "environment": {"C": "3", "B": "2", "A": "1"}}})
    recording.requests.clear()
    assert shop.promote("v1").outcome == "unchanged"
    lab.change("api", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=["C=3", "A=1", "B=2"]))
    assert shop.drift() == ()
    assert recording.writes() == []


def test_the_counter_of_forced_restarts_is_kept(shop1: Shop, lab: SwarmLab) -> None:
    lab.change("api0", lambda spec: spec["TaskTemplate"].update(ForceUpdate=7))
    assert shop1.drift() == ()
    shop1.declare(services(level="2"), **SECTIONS)
    delivered(shop1.promote("v1"))
    assert lab.service("api0")["Spec"]["TaskTemplate"]["ForceUpdate"] == 7


# --- logins ---


@pytest.fixture
def private(shop: Shop, require: object, recording: Recording, images: Images, tmp_path: Path) -> Shop:
    """The project's images are in a registry that wants a login, and the user has one."""
    user, password = require("RELEASER_TEST_PRIVATE_REGISTRY_USER"), require("RELEASER_TEST_PRIVATE_REGISTRY_PASSWORD")
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    registry, ca = require("RELEASER_TEST_PRIVATE_REGISTRY"), require("RELEASER_TEST_PRIVATE_REGISTRY_CA")
    (tmp_path / "home" / ".docker").mkdir(parents=True)
    (tmp_path / "home" / ".docker" / "config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))
    (tmp_path / "ca.pem").write_text(Path(ca).read_text())
    shop.images = Images(registry, images.busybox, headers={"Authorization": f"Basic {login}"}, ca=ca)
    shop.host = recording.host
    for version in ("v1", "v2"):
        shop.image("api").tag(shop.image("api").serve(version), version)
    return shop


def test_the_login_goes_with_every_write(private: Shop, recording: Recording, require: object) -> None:
    pipeline = {"registries": {private.images.registry: {"ca": "ca.pem"}}}
    private.declare({"api": {"image": "api", "deploy": QUICK}}, pipeline=pipeline)
    delivered(private.promote("v1"))
    delivered(private.promote("v2"))
    delivered(private.rollback())
    writes = [one for one in recording.writes() if urlsplit(one.path).path.startswith("/services")]
    assert [one.path.rpartition("/")[2] for one in writes] == ["create", "update", "update"]
    for one in writes:
        said = json.loads(base64.urlsafe_b64decode(one.headers["x-registry-auth"]))
        assert said["username"] == require("RELEASER_TEST_PRIVATE_REGISTRY_USER")
        assert said["serveraddress"] == private.images.registry
