"""What is changed by hand shows field by field, and is put back with as little as it takes."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from releaser.engines.vocabulary import SERVICE
from releaser.model.environment import Environment
from releaser.model.value import Json
from releaser.planning import drift, settling
from tests.contracts.engine_contract import (
    ENVIRONMENT,
    Delivering,
    Running,
    Silent,
    Values,
    actions,
    environment,
)
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import changed, declared, level
from tests.engines.vocabulary_places import newer
from tests.engines.vocabulary_samples import SAMPLES

pytestmark = pytest.mark.engines


def found(delivering: Delivering) -> list[tuple[str, str, dict[str, tuple[Json, Json]]]]:
    items = drift.detect(delivering.inventory, delivering.observe())
    return [
        (item.resource, item.kind, {field.path: (field.recorded, field.live) for field in item.fields})
        for item in items
    ]


def network(lab: DockerLab) -> str:
    return f"{lab.project}-{ENVIRONMENT}_default"


def post(lab: DockerLab, path: str, **body: Any) -> None:
    lab.client.call("POST", path, body=body)


def limits(lab: DockerLab, id_: str) -> None:
    lab.update(id_, NanoCpus=500_000_000)


def policy(lab: DockerLab, id_: str) -> None:
    lab.update(id_, RestartPolicy={"Name": "always"})


def shares(lab: DockerLab, id_: str) -> None:
    lab.update(id_, CpuShares=512)


def disconnected(lab: DockerLab, id_: str) -> None:
    post(lab, f"/networks/{network(lab)}/disconnect", Container=id_)


def connected(lab: DockerLab, id_: str) -> None:
    post(lab, "/networks/bridge/connect", Container=id_)


def renamed_alias(lab: DockerLab, id_: str) -> None:
    disconnected(lab, id_)
    post(lab, f"/networks/{network(lab)}/connect", Container=id_, EndpointConfig={"Aliases": ["other"]})


def stopped(lab: DockerLab, id_: str) -> None:
    lab.client.call("POST", f"/containers/{id_}/kill")
    end = time.monotonic() + 10
    while lab.client.call("GET", f"/containers/{id_}/json")["State"]["Running"]:
        assert time.monotonic() < end


def paused(lab: DockerLab, id_: str) -> None:
    post(lab, f"/containers/{id_}/pause")


def renamed(lab: DockerLab, id_: str) -> None:
    lab.client.call("POST", f"/containers/{id_}/rename", params={"name": f"{lab.project}-somebody"})


@pytest.mark.parametrize(
    ("hand", "fields", "remade"),
    [
        (limits, {"deploy.resources.limits.cpus": (None, "0.5")}, True),
        (shares, {"HostConfig.CpuShares": (None, 512)}, True),
        (policy, {"restart": (None, "always")}, False),
        (disconnected, {"networks.default.name": ("NETWORK", None)}, False),
        (connected, {"networks.bridge.alias": (None, "removed"), "networks.bridge.name": (None, "bridge")}, False),
        (
            renamed_alias,
            {"networks.default.alias": (None, "removed"), "networks.default.aliases": (None, ["other"])},
            False,
        ),
        (stopped, {"state": (None, "exited")}, False),
        (paused, {"state": (None, "paused")}, False),
        (renamed, {"container_name": (None, "PROJECT-somebody")}, False),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_change_by_hand(
    lab: DockerLab,
    delivering: Delivering,
    hand: Callable[[DockerLab, str], None],
    fields: Mapping[str, tuple[Json, Json]],
    remade: bool,
) -> None:
    delivering.deliver(declared(api={}, web={}))
    id_, web = lab.one("api")["Id"], lab.ids("web")
    hand(lab, id_)

    named = {"NETWORK": network(lab), "PROJECT-somebody": f"{lab.project}-somebody"}
    expected = {
        path: tuple(named.get(value, value) if isinstance(value, str) else value for value in pair)
        for path, pair in fields.items()
    }
    assert found(delivering) == [("service/api", "changed", expected)]

    delivering.deliver(declared(api={}, web={}))
    assert found(delivering) == []
    assert (lab.ids("api") != [id_]) is remade
    assert lab.ids("web") == web
    assert lab.one("api")["State"]["Running"]


def test_one_of_several_is_told_by_its_number(lab: DockerLab, delivering: Delivering) -> None:
    several = declared(api={"deploy": {"replicas": 3}})
    delivering.deliver(several)
    ids = lab.ids("api")
    lab.update(ids[1], NanoCpus=500_000_000)
    stopped(lab, ids[2])

    assert found(delivering) == [
        (
            "service/api",
            "changed",
            {'instances.2."deploy.resources.limits.cpus"': (None, "0.5"), "instances.3.state": (None, "exited")},
        )
    ]
    delivering.deliver(several)
    assert found(delivering) == []
    now = lab.ids("api")
    assert (now[0], now[2]) == (ids[0], ids[2])
    assert now[1] != ids[1]


def test_one_that_was_removed(lab: DockerLab, delivering: Delivering) -> None:
    several = declared(api={"deploy": {"replicas": 3}})
    delivering.deliver(several)
    ids = lab.ids("api")
    lab.client.call("DELETE", f"/containers/{ids[1]}", params={"force": True})

    assert found(delivering) == [("service/api", "changed", {"deploy.replicas": (3, 2)})]
    delivering.deliver(several)
    assert found(delivering) == []
    assert [lab.ids("api")[index] for index in (0, 2)] == [ids[0], ids[2]]


def test_what_made_room_and_was_started_again(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api=level(1)))
    delivering.deliver(declared(api=level(2)))
    (kept,) = lab.service("api", kept=True)
    lab.client.call("POST", f"/containers/{kept['Id']}/start")

    name = kept["Name"][1:]
    assert found(delivering) == [("service/api", "changed", {f'instances."{name}".state': (None, "running")})]
    delivering.deliver(declared(api=level(2)))
    assert found(delivering) == []
    assert not lab.service("api", kept=True)[0]["State"]["Running"]


def test_a_copy_with_another_image(lab: DockerLab, delivering: Delivering) -> None:
    """As tools do it that update containers by themselves."""
    delivering.deliver(declared(api={}))
    one, other = lab.one("api"), lab.images.sleep("other")
    lab.client.call("DELETE", f"/containers/{one['Id']}", params={"force": True})
    lab.run(
        other,
        one["Name"][1:],
        one["Config"]["Labels"],
        Cmd=one["Config"]["Cmd"],
        StopTimeout=2,
        HostConfig={"NetworkMode": network(lab)},
        NetworkingConfig={"EndpointsConfig": {network(lab): {"Aliases": ["api"]}}},
    )
    image = lab.engine().render(declared(api={}), lab.release()).resources[-1].body["image"]
    assert found(delivering) == [("service/api", "recreated", {"image": (image, other)})]
    delivering.deliver(declared(api={}))
    assert lab.one("api")["Config"]["Image"] == image


def test_a_network_made_again(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={}))
    disconnected(lab, lab.one("api")["Id"])
    lab.client.call("DELETE", f"/networks/{network(lab)}")

    assert [(resource, kind) for resource, kind, _ in found(delivering)] == [
        ("network/default", "missing"),
        ("service/api", "changed"),
    ]
    delivering.deliver(declared(api={}))
    assert found(delivering) == []


# --- what somebody else owns ---


def owned(*paths: str) -> Environment:
    made = declared(api={"deploy": {"replicas": 2, "resources": {"limits": {"cpus": "0.25"}}}})
    return environment(services=made.services, ignore={"api": paths})


def test_what_somebody_else_owns_is_no_drift_and_stays(lab: DockerLab, delivering: Delivering) -> None:
    paths = ("deploy.replicas", "deploy.resources.limits.cpus")
    delivering.deliver(owned(*paths))
    lab.client.call("DELETE", f"/containers/{lab.ids('api')[1]}", params={"force": True})
    lab.update(lab.ids("api")[0], NanoCpus=500_000_000)

    assert found(delivering) == []
    services = {"api": {**owned().services["api"], **level(2)}}
    delivering.deliver(environment(services=services, ignore={"api": paths}))
    assert lab.one("api")["HostConfig"]["NanoCpus"] == 500_000_000
    assert found(delivering) == []


# --- no drift where none is ---


def test_a_restart_is_no_drift(lab: DockerLab, delivering: Delivering) -> None:
    delivering.deliver(declared(api={"ports": {"http": {"target": 8080, "published": "auto"}}}))
    lab.client.call("POST", f"/containers/{lab.one('api')['Id']}/restart", params={"t": 0})
    assert found(delivering) == []


WORDS = [
    row.word
    for row in SERVICE
    if row.docker.place
    and not row.docker.refused
    and not row.word.startswith(
        ("configs.", "secrets.", "environment.*.secret", "depends_on", "on", "platform", "ulimits")
    )
    and row.word
    not in {
        "image",
        "command",  # the test's own
        "entrypoint",
        "container_name",
        "stop_grace_period",
        "stop_signal",
        "network_mode",
        "networks.*.ipv4_address",
        "networks.*.ipv6_address",
        "networks.*.mac_address",
        "user",
        "working_dir",
        "volumes.*.source",
        "volumes.*.volume.subpath",
        "volumes.*.bind.propagation",
        "volumes.*.bind.selinux",
        "ports.*.host_ip",
        "deploy.replicas",
        "tmpfs",
        "healthcheck.test",
    }
]
"""Words with which a container of the test's can be started wherever the tests run."""


def test_no_drift_after_a_hundred_deliveries(lab: DockerLab, delivering: Delivering, seed: int) -> None:
    chance = random.Random(seed)
    words = [
        word
        for word in WORDS
        if not (cell := next(row.docker for row in SERVICE if row.word == word)).needs
        or not newer(cell.needs, lab.client.api_version)
    ]
    lab.keep = 0
    for number in range(100):
        word = chance.choice(words)
        wanted = declared(api={**_sample(word), "labels": {"number": str(number)}, "stop_grace_period": "1s"})
        engine, resources = lab.engine(), delivering.render(_with_networks(wanted)).resources
        work = changed(delivering.work(resources), stable=0.0)
        assert actions(work), word
        engine.apply(work, Values(), Running(), Silent())
        assert engine.wait(work, Running(), Silent()).ready
        delivering.revision += 1
        delivering.inventory = delivering_inventory(delivering, resources)
        assert found(delivering) == [], f"{word}, seed {seed}"
        engine.close()


def _sample(word: str) -> dict[str, Any]:
    sample = SAMPLES[word]
    alone = {} if word.startswith(("networks", "ports", "dns", "extra_hosts", "hostname")) else {"network_mode": "none"}
    command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"]
    return {"command": command, **alone, **sample.words(word, sample.value)}


def _with_networks(wanted: Environment) -> Environment:
    joined = wanted.services["api"].get("networks", {})
    body = {**wanted.services["api"], "networks": {key: _joined(one) for key, one in joined.items()}}
    body = body if joined else wanted.services["api"]
    volumes = {
        mount.get("source", key): {}
        for key, mount in body.get("volumes", {}).items()
        if mount.get("type", "volume") == "volume"
    }
    return environment(services={"api": body}, networks={key: {} for key in joined}, volumes=volumes)


def _joined(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != "name"}


def delivering_inventory(delivering: Delivering, resources: Any) -> Any:
    return settling.inventory_of(delivering.observe(), resources, delivering.revision)
