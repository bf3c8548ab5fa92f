"""Deliveries to a Swarm that meet others: somebody who writes at the same time, who was there before, who stays."""

from typing import Any

import pytest

from releaser.engines.moby.client import Client
from releaser.engines.swarm.api import Swarm
from releaser.model.errors import ApplyFailed, ForeignTarget
from releaser.model.event import Point
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, Words, delivered

pytestmark = pytest.mark.engines

QUICK = {"update_config": {"parallelism": 0, "monitor": "300ms"}}


def service(level: str = "1", **words: object) -> dict[str, object]:
    return {"image": "api", "environment": {"LEVEL": level}, "deploy": QUICK, **words}


@pytest.fixture
def shop1(shop: Shop) -> Shop:
    shop.declare({"api": service()})
    delivered(shop.promote("v1"))
    return shop


# --- at the same time ---


def test_the_version_moved_and_the_spec_did_not(shop1: Shop, lab: SwarmLab) -> None:
    live = lab.service("api")
    lab.change("api", lambda spec: None)
    Swarm(lab.client).update_service(live, {**live["Spec"], "Labels": {**live["Spec"]["Labels"], "ours": "1"}})
    assert lab.service("api")["Spec"]["Labels"]["ours"] == "1"


def test_somebody_else_wrote_in_between(shop1: Shop, lab: SwarmLab) -> None:
    live = lab.service("api")
    lab.change("api", lambda spec: spec["Labels"].update(theirs="1"))
    with pytest.raises(ApplyFailed, match=r"somebody else changed the service .*_api while it was written"):
        Swarm(lab.client).update_service(live, {**live["Spec"], "Labels": {**live["Spec"]["Labels"], "ours": "1"}})
    assert "ours" not in lab.service("api")["Spec"]["Labels"]


class Interfering:
    """Somebody who writes while a service rolls: on the first sight of it."""

    def __init__(self, shop: Shop, lab: SwarmLab) -> None:
        self._told, self._lab, self._done = shop, lab, False
        self.events: list[Any] = []

    def event(self, event: Any) -> None:
        self.events.append(event)
        if event.point is Point.ROLLING and not self._done:
            self._done = True
            self._lab.change("api", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=["LEVEL=theirs"]))


def test_somebody_else_writes_while_it_rolls(shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch) -> None:
    shop1.declare({"api": service("2")})
    monkeypatch.setattr("tests.engines.swarm.shop.Watcher", lambda: Interfering(shop1, lab))
    result = shop1.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert (result.delivery.message or "").startswith("service/api: somebody else changed it while it rolled")
    assert shop1.drift() == ()


# --- there before ---


def theirs(lab: SwarmLab, name: str, **more: object) -> None:
    """A service under one of our names that we did not make."""
    spec = {
        "Name": lab.real(name),
        "Labels": {"releaser.project": lab.project},
        "TaskTemplate": {"ContainerSpec": {"Image": lab.images.sleep("theirs")}},
        **more,
    }
    lab.client.call("POST", "/services/create", body=spec)


def test_a_service_of_somebody_else_has_our_name(shop: Shop, lab: SwarmLab) -> None:
    theirs(lab, "api")
    shop.declare({"api": service()})
    with pytest.raises(ForeignTarget, match="holds what this history did not deliver to test1: service/api"):
        shop.promote("v1")
    before = lab.service("api")["ID"]
    assert shop.plan("v1", adopt=True).adopts == ("service/api",)
    delivered(shop.promote("v1", adopt=True))
    assert lab.service("api")["ID"] == before
    assert lab.service("api")["Spec"]["Labels"]["releaser.revision"] == "1"
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"


def test_delivered_by_another_history(shop1: Shop, lab: SwarmLab) -> None:
    running = lab.running("api")
    shop1.history = "sqlite:other.db"
    (shop1.root / "other.db").touch()
    with pytest.raises(ForeignTarget, match="network/default and service/api"):
        shop1.promote("v1")
    delivered(shop1.promote("v1", adopt=True))
    assert lab.running("api") == running
    assert shop1.promote("v1").outcome == "unchanged"
    assert shop1.drift() == ()
    shop1.history = None
    with pytest.raises(ForeignTarget):
        shop1.promote("v1")


def test_another_environment_whose_name_begins_alike(shop1: Shop, lab: SwarmLab) -> None:
    spec = lab.service("api")["Spec"]
    labels = {**spec["Labels"], "releaser.environment": "test1_more"}
    lab.client.call("POST", "/services/create", body={**spec, "Name": lab.real("more_api"), "Labels": labels})
    assert shop1.drift() == ()
    assert shop1.promote("v1").outcome == "unchanged"


def test_a_config_of_somebody_else_has_our_name(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": service(configs={"app": {"target": "/app"}})}, configs={"app": {"content": "level = 1\n"}})
    name = next(change.resource for change in shop.plan("v1").changes if change.resource.startswith("config/"))
    real = lab.real(name.removeprefix("config/"))
    body = {"Name": real, "Data": "b3RoZXI=", "Labels": {"releaser.project": lab.project}}
    lab.client.call("POST", "/configs/create", body=body)
    with pytest.raises(ForeignTarget, match=name):
        shop.promote("v1")
    result = shop.promote("v1", adopt=True)
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert f"the config {real} is there with another content" in (result.delivery.message or "")


# --- networks ---


def test_a_changed_network_is_another_one(shop1: Shop, lab: SwarmLab) -> None:
    (old,) = networks(lab)
    shop1.declare({"api": service()}, networks={"default": {"attachable": True}})
    delivered(shop1.promote("v1"))
    (new,) = networks(lab)
    assert (old, new[: len(old) + 1]) == (lab.real("default"), f"{old}-")
    assert shop1.drift() == ()
    delivered(shop1.rollback())
    assert networks(lab) == [old]
    assert shop1.drift() == ()


def test_a_network_that_somebody_else_is_in_is_kept(shop: Shop, lab: SwarmLab, client: Client) -> None:
    shop.declare({"api": service()}, networks={"default": {"attachable": True}})
    delivered(shop.promote("v1"))
    (old,) = networks(lab)
    stranger = client.call(
        "POST",
        "/containers/create",
        body={
            "Image": shop.image("api").serve("v1"),
            "Labels": {"releaser.project": lab.project},
            "HostConfig": {"NetworkMode": old},
        },
    )
    client.call("POST", f"/containers/{stranger['Id']}/start")
    shop.declare({"api": service()})
    delivered(shop.promote("v1"))
    assert networks(lab) == sorted([lab.real("default"), old])
    said = [event.text for event in shop.watcher.events if event.point is Point.PRUNED]
    assert len(said) == 1
    assert said[0].startswith(f"the network {old} is kept, as it is still used: ")
    assert shop.drift() == ()
    client.call("DELETE", f"/containers/{stranger['Id']}", params={"force": True})
    shop.declare({"api": service("2")})
    delivered(shop.promote("v1"))
    assert networks(lab) == [lab.real("default")]


def test_a_network_that_is_not_there(shop: Shop) -> None:
    shop.declare({"api": service(networks={"outside": {}})}, networks={"outside": {"external": True, "name": "nobody"}})
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "service/api joins the network nobody, which is not there" in (result.delivery.message or "")


def test_a_network_that_was_there(shop: Shop, lab: SwarmLab, client: Client) -> None:
    name = f"{lab.project}-outside"
    client.call(
        "POST",
        "/networks/create",
        body={"Name": name, "Driver": "overlay", "Labels": {"releaser.project": lab.project}},
    )
    shop.declare({"api": service(networks={"outside": {}})}, networks={"outside": {"external": True, "name": name}})
    delivered(shop.promote("v1"))
    assert shop.drift() == ()
    shop.declare({"api": service()})
    delivered(shop.promote("v1"))
    assert name in networks(lab)


def test_a_named_network_with_other_options(shop: Shop, lab: SwarmLab) -> None:
    name = f"{lab.project}-named"
    shop.declare({"api": service()}, networks={"default": {"name": name}})
    delivered(shop.promote("v1"))
    shop.declare({"api": service()}, networks={"default": {"name": name, "internal": True}})
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert f"the network {name} is there with other options" in (result.delivery.message or "")
    assert shop.drift() == ()


def test_a_network_of_the_node_alone_has_our_name(shop: Shop, lab: SwarmLab, client: Client) -> None:
    name = f"{lab.project}-test1_default"
    labels = {"releaser.project": lab.project}
    made = client.call("POST", "/networks/create", body={"Name": name, "Driver": "bridge", "Labels": labels})
    shop.declare({"api": service()})
    result = shop.promote("v1", adopt=True)
    assert result.delivery is not None
    assert f"the network {name} is a network of this node alone" in (result.delivery.message or "")
    assert "remove its containers and the network" in (result.delivery.hint or "")
    client.call("DELETE", f"/networks/{made['Id']}")
    delivered(shop.promote("v1"))


def test_what_cannot_be_pruned_fails_nothing(shop1: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise ApplyFailed("the Swarm has no leader")

    monkeypatch.setattr(Swarm, "try_remove", refuses)
    shop1.declare({"api": service(networks={"other": {}})}, networks={"other": {}})
    delivered(shop1.promote("v1"))
    told = [event.text for event in shop1.watcher.events if event.point is Point.PRUNED]
    assert told == ["not all that nobody needs any more is removed: the Swarm has no leader"]


def networks(lab: SwarmLab) -> list[str]:
    filters = {"label": [f"releaser.project={lab.project}"]}
    return sorted(network["Name"] for network in lab.client.call("GET", "/networks", params={"filters": filters}))


# --- volumes ---


def test_a_volume_is_kept_and_found_again(shop: Shop, lab: SwarmLab, client: Client) -> None:
    with_data = service(volumes={"data": {"target": "/data"}})
    shop.declare({"api": with_data}, volumes={"data": {}})
    delivered(shop.promote("v1"))
    shop.declare({"api": service()})
    delivered(shop.promote("v1"))
    name = lab.real("data")
    assert client.call("GET", f"/volumes/{name}")["Labels"]["releaser.project"] == lab.project
    assert [event.text for event in shop.watcher.events if event.resource == "volume/data"] == [
        f"the volume {name} is kept, with the data in it"
    ]
    assert shop.drift() == ()
    shop.declare({"api": with_data}, volumes={"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}})
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert f"the volume {name} is there with other options" in (result.delivery.message or "")
    shop.declare({"api": with_data}, volumes={"data": {}})
    delivered(shop.promote("v1"))


def test_a_volume_that_is_not_there(shop: Shop) -> None:
    external: Words = {"data": {"external": True, "name": "nobody-made-this"}}
    shop.declare({"api": service(volumes={"data": {"target": "/data"}})}, volumes=external)
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "service/api mounts the volume nobody-made-this, which is not there" in (result.delivery.message or "")


# --- templates ---


def test_braces_are_taken_as_they_are(shop: Shop, lab: SwarmLab, client: Client) -> None:
    text = 'a {{.Node.ID}} {{"{{"}} }} b'
    words = service(
        environment={"TEXT": text, "SECRET": {"secret": "password"}},
        hostname="h{{x}}",
        labels={"text": text},
        volumes={"data": {"target": "/d{{x}}"}},
    )
    shop.declare(
        {"api": words},
        volumes={"data": {"labels": {"text": text}}},
        secrets={"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    )
    delivered(shop.promote("v1"))
    (task,) = lab.running("api")
    found = next(one for one in lab.tasks("api") if one["ID"] == task)
    id_ = found["Status"]["ContainerStatus"]["ContainerID"]
    config: Words = client.call("GET", f"/containers/{id_}/json")
    assert f"TEXT={text}" in config["Config"]["Env"]
    assert config["Config"]["Labels"]["text"] == text
    assert config["Config"]["Hostname"] == "h{{x}}"
    assert config["Mounts"][0]["Destination"] == "/d{{x}}"
    assert client.call("GET", f"/volumes/{lab.real('data')}")["Labels"]["text"] == text
    assert shop.drift() == ()
