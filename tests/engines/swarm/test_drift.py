"""What somebody changes by hand in a Swarm is seen, by field; and nothing else is."""

import copy
import random
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from releaser.model.drift import CHANGED, MISSING, ORPHAN, RECREATED
from releaser.model.errors import AcceptRefused
from releaser.model.plan import CREATE, Change
from releaser.planning import drift
from releaser.planning.drift import REPLACED
from tests.contracts.engine_contract import Delivering, Running, Silent, Values, environment
from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import Shop, Words, delivered

pytestmark = pytest.mark.engines

SERVICE: Words = {
    "image": "api",
    "stop_signal": "SIGKILL",
    "environment": {"LEVEL": "info", "PASSWORD": {"secret": "password"}},
    "labels": {"tier": "front"},
    "configs": {"app": {"target": "/etc/app.ini"}},
    "secrets": {"password": {}},
    "networks": {"front": {"aliases": ["shop"]}},
    "volumes": {"data": {"target": "/data"}},
    "ports": {"http": {"target": 8080, "published": "auto"}},
    "hostname": "shop",
    "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
    "deploy": {
        "replicas": 1,
        "labels": {"team": "a"},
        "resources": {"limits": {"memory": "64M", "cpus": 0.5}},
        "placement": {"constraints": ["node.role==manager"]},
        "update_config": {"monitor": "300ms", "order": "stop-first"},
    },
}
SECTIONS: Words = {
    "configs": {"app": {"content": "level = 1\n"}},
    "secrets": {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    "networks": {"front": {}},
    "volumes": {"data": {}},
}

GPU = {"DiscreteResourceSpec": {"Kind": "gpu", "Value": 1}}

Hand = Callable[[dict[str, Any]], object]


def container(spec: dict[str, Any]) -> dict[str, Any]:
    return spec["TaskTemplate"]["ContainerSpec"]


def variable(name: str, value: str | None) -> Hand:
    def change(spec: dict[str, Any]) -> None:
        kept = [entry for entry in container(spec)["Env"] if not entry.startswith(f"{name}=")]
        container(spec)["Env"] = kept if value is None else [*kept, f"{name}={value}"]

    return change


BY_HAND: dict[str, tuple[Hand, list[tuple[str, object, object]]]] = {
    "a variable": (variable("LEVEL", "debug"), [("environment.LEVEL", "info", "debug")]),
    "another variable": (variable("EXTRA", "1"), [("environment.EXTRA", None, "1")]),
    "one variable less": (variable("LEVEL", None), [("environment.LEVEL", "info", None)]),
    "a template": (
        variable("LEVEL", "{{.Node.ID}}"),
        [
            ("TaskTemplate.ContainerSpec.Env", None, ["LEVEL={{.Node.ID}}"]),
            ("environment.LEVEL", "info", None),
        ],
    ),
    "the host name is a template": (
        lambda spec: container(spec).update(Hostname="{{.Node.Hostname}}"),
        [("TaskTemplate.ContainerSpec.Hostname", None, "{{.Node.Hostname}}"), ("hostname", "shop", None)],
    ),
    "a secret's variable": (
        variable("PASSWORD", "literal"),
        [("environment.PASSWORD", {"secret": "password"}, REPLACED)],
    ),
    "a secret's variable is gone": (variable("PASSWORD", None), [("environment.PASSWORD.secret", "password", None)]),
    "scaled": (
        lambda spec: spec["Mode"]["Replicated"].update(Replicas=2),
        [("deploy.replicas", 1, 2)],
    ),
    "a limit": (
        lambda spec: spec["TaskTemplate"]["Resources"]["Limits"].update(MemoryBytes=128 << 20),
        [("deploy.resources.limits.memory", 64 << 20, 128 << 20)],
    ),
    "no limit": (
        lambda spec: spec["TaskTemplate"]["Resources"]["Limits"].pop("NanoCPUs"),
        [("deploy.resources.limits.cpus", "0.5", None)],
    ),
    "a constraint": (
        lambda spec: spec["TaskTemplate"]["Placement"]["Constraints"].append("node.labels.disk==ssd"),
        [("deploy.placement.constraints", ["node.role==manager"], ["node.role==manager", "node.labels.disk==ssd"])],
    ),
    "a label of the container": (
        lambda spec: container(spec)["Labels"].update(tier="back"),
        [("labels.tier", "front", "back")],
    ),
    "a label of the service": (
        lambda spec: spec["Labels"].update(team="b", more="1"),
        [("deploy.labels.more", None, "1"), ("deploy.labels.team", "a", "b")],
    ),
    "a mount": (
        lambda spec: container(spec)["Mounts"].append({"Type": "tmpfs", "Target": "/scratch"}),
        [("volumes./scratch.target", None, "/scratch"), ("volumes./scratch.type", None, "tmpfs")],
    ),
    "a mount is read-only": (
        lambda spec: container(spec)["Mounts"][0].update(ReadOnly=True),
        [("volumes.data.read_only", None, True)],
    ),
    "an alias": (
        lambda spec: spec["TaskTemplate"]["Networks"][0].update(Aliases=["api"]),
        [("networks.front.aliases", ["shop"], None)],
    ),
    "the name is gone": (
        lambda spec: spec["TaskTemplate"]["Networks"][0].update(Aliases=["shop"]),
        [("networks.front.alias", None, "removed")],
    ),
    "no network": (
        lambda spec: spec["TaskTemplate"].pop("Networks"),
        [("networks.front.aliases", ["shop"], None), ("networks.front.name", "{front}", None)],
    ),
    "a port": (
        lambda spec: spec["EndpointSpec"]["Ports"].append({"TargetPort": 9090, "Protocol": "udp"}),
        [
            ("ports.9090/udp.protocol", None, "udp"),
            ("ports.9090/udp.published", None, "auto"),
            ("ports.9090/udp.target", None, 9090),
        ],
    ),
    "the health check": (
        lambda spec: container(spec)["Healthcheck"].update(Interval=2_000_000_000),
        [("healthcheck.interval", "1s", "2s")],
    ),
    "how it is updated": (
        lambda spec: spec["UpdateConfig"].update(Order="start-first"),
        [("deploy.update_config.order", "stop-first", "start-first")],
    ),
    "a restart policy": (
        lambda spec: spec["TaskTemplate"].update(RestartPolicy={"Condition": "on-failure", "MaxAttempts": 3}),
        [
            ("deploy.restart_policy.condition", None, "on-failure"),
            ("deploy.restart_policy.max_attempts", None, 3),
        ],
    ),
    "what has no word": (
        lambda spec: spec["TaskTemplate"]["Resources"].update(Reservations={"GenericResources": [GPU]}),
        [("TaskTemplate.Resources.Reservations.GenericResources", None, [GPU])],
    ),
    "the file of a config": (
        lambda spec: container(spec)["Configs"][0]["File"].update(Mode=0o400),
        [("configs.app.mode", None, "0400")],
    ),
    "the mark is gone": (
        lambda spec: spec["Labels"].pop("releaser.history"),
        [("unmarked", None, True)],
    ),
}


@pytest.fixture
def shop1(shop: Shop) -> Shop:
    """Everything that somebody could change is delivered."""
    shop.declare({"api": SERVICE}, **SECTIONS)
    delivered(shop.promote("v1"))
    return shop


def test_what_is_changed_by_hand(shop1: Shop, lab: SwarmLab) -> None:
    assert shop1.drift() == ()
    was = lab.service("api")["Spec"]
    for name, (change, expected) in BY_HAND.items():
        lab.change("api", lambda spec, change=change: (spec.clear(), spec.update(copy.deepcopy(was)), change(spec)))
        items = [item for item in shop1.drift() if item.resource == "service/api"]
        assert [item.kind for item in items] == [CHANGED], name
        found = [(field.path, field.recorded, field.live) for field in items[0].fields]
        wanted = [(path, lab.real("front") if old == "{front}" else old, new) for path, old, new in expected]
        assert found == wanted, name
    assert "literal" not in str(shop1.drift())
    lab.change("api", lambda spec: (spec.clear(), spec.update(was)))
    assert shop1.drift() == ()


def test_another_image_and_the_way_back(shop1: Shop, lab: SwarmLab) -> None:
    was = container(lab.service("api")["Spec"])["Image"]
    lab.change("api", lambda spec: container(spec).update(Image=shop1.image("api").sleep("v9")))
    (item,) = shop1.drift()
    assert [(field.path, field.recorded) for field in item.fields] == [("image", was)]
    delivered(shop1.reconcile())
    assert container(lab.service("api")["Spec"])["Image"] == was
    assert shop1.drift() == ()


def test_removed_recreated_and_added(shop1: Shop, lab: SwarmLab) -> None:
    spec = lab.service("api")["Spec"]
    lab.remove("service/api")
    assert {(item.resource, item.kind) for item in shop1.drift()} >= {("service/api", MISSING)}
    lab.client.call("POST", "/services/create", body=spec)
    assert [(item.resource, item.kind) for item in shop1.drift()] == [("service/api", RECREATED)]
    delivered(shop1.reconcile())
    assert shop1.drift() == ()
    left = {**spec, "Name": lab.real("left"), "Mode": {"Replicated": {"Replicas": 0}}}
    left["EndpointSpec"] = {}
    lab.client.call("POST", "/services/create", body=left)
    assert [(item.resource, item.kind) for item in shop1.drift()] == [("service/left", ORPHAN)]
    delivered(shop1.promote("v1"))
    assert shop1.drift() == ()
    assert {service["Spec"]["Name"] for service in lab.services()} == {lab.real("api")}


def test_what_somebody_else_owns(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": SERVICE}, ignore=["services.api.deploy.replicas"], **SECTIONS)
    delivered(shop.promote("v1"))
    lab.change("api", lambda spec: spec["Mode"]["Replicated"].update(Replicas=2))
    assert shop.drift() == ()
    delivered(shop.promote("v2"))
    assert lab.service("api")["Spec"]["Mode"]["Replicated"]["Replicas"] == 2
    assert shop.drift() == ()
    lab.change("api", lambda spec: container(spec).update(Hostname="other"))
    assert [field.path for item in shop.drift() for field in item.fields] == ["hostname"]


def test_a_secret_that_somebody_else_owns(shop: Shop, lab: SwarmLab) -> None:
    shop.declare({"api": SERVICE}, ignore=["services.api.environment.PASSWORD"], **SECTIONS)
    delivered(shop.promote("v1"))
    lab.change("api", variable("PASSWORD", "of-somebody-else"))
    assert shop.drift() == ()
    delivered(shop.promote("v2"))
    assert "PASSWORD=of-somebody-else" in container(lab.service("api")["Spec"])["Env"]
    assert shop.drift() == ()


def test_what_cannot_be_taken_in(shop1: Shop, lab: SwarmLab) -> None:
    was = lab.service("api")["Spec"]
    for change, path in (
        (variable("LEVEL", "{{.Node.ID}}"), "TaskTemplate.ContainerSpec.Env"),
        (lambda spec: container(spec)["Mounts"].append({"Type": "tmpfs", "Target": "/x"}), "volumes./x.target"),
        (lambda spec: spec["Labels"].pop("releaser.history"), "unmarked"),
    ):
        lab.change("api", lambda spec, change=change: (spec.clear(), spec.update(copy.deepcopy(was)), change(spec)))
        with pytest.raises(AcceptRefused, match=path):
            shop1.reconcile(accept=True)


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        (["update", "--detach", "--env-add", "EXTRA=1"], ["environment.EXTRA"]),
        (["update", "--detach", "--limit-memory", "128M"], ["deploy.resources.limits.memory"]),
        (["update", "--detach", "--mount-add", "type=tmpfs,target=/x"], ["volumes./x.target", "volumes./x.type"]),
        (["update", "--detach", "--force"], []),
        (["scale", "--detach"], ["deploy.replicas"]),
    ],
)
def test_with_dockers_own_client(shop1: Shop, lab: SwarmLab, command: list[str], paths: list[str]) -> None:
    name = lab.real("api")
    verb = ["docker", "--host", shop1.host, "service", *command]
    words = [*verb, f"{name}=2"] if command[0] == "scale" else [*verb, name]
    subprocess.run(words, check=True, capture_output=True, timeout=30)
    assert [field.path for item in shop1.drift() for field in item.fields] == paths


def test_drift_that_is_taken_in(shop1: Shop, lab: SwarmLab) -> None:
    lab.change("api", variable("LEVEL", "debug"))
    lab.settled("api")
    before = lab.service("api")["Version"]
    delivered(shop1.reconcile(accept=True))
    assert lab.service("api")["Version"] == before
    assert shop1.drift() == ()


def test_no_drift_after_a_hundred_deliveries(lab: SwarmLab, delivering: Delivering, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(100):
        declared = _drawn(chance, new=lab.client.api_version >= "1.44")
        work = msgspec.structs.replace(delivering.work(delivering.render(declared).resources), stable=0.0)
        delivering.perform(work)
        found = drift.detect(delivering.inventory, delivering.observe())
        assert found == (), f"delivery {number} of --seed {seed}: {found}"
        if number % 10 == 0:  # as after a crash: everything is asked for once more
            before = lab.writes()
            changes = tuple(Change(resource=desired.resource.id, action=CREATE) for desired in work.desired)
            lab.engine().apply(msgspec.structs.replace(work, changes=changes), Values(), Running(), Silent())
            assert lab.writes() == before, f"delivery {number} of --seed {seed}"


def _drawn(chance: random.Random, *, new: bool) -> Any:
    """Services that need no task to run, with words drawn from all that Swarm takes."""
    services = {}
    for name in chance.sample(["api", "web", "db"], k=chance.randint(1, 2)):
        known = sorted({**_WORDS, **(_NEW if new else {})}.items())
        words = dict(chance.sample(known, k=chance.randint(0, len(known))))
        deploy = dict(chance.sample(sorted(_DEPLOY.items()), k=chance.randint(0, len(_DEPLOY))))
        services[name] = {"image": "api", **words, "deploy": {"replicas": 0, **deploy}}
        services[name]["environment"] = {"N": str(chance.random()), "BRACES": "{{x}} $y %z"}
    return environment(
        services=services,
        configs={"app": {"content": f"{chance.random()}\n"}},
        secrets={"password": {"from": "env", "name": "X"}},
        networks={"front": {}, "back": {"internal": chance.random() < 0.5}},
        volumes={"data": {}, "cache": {"labels": {"kind": "{{cache}}"}}},
    )


_WORDS: Words = {
    "command": ["sh", "-c", "echo {{x}}; sleep 1"],
    "entrypoint": "/bin/sh -c",
    "hostname": "h{{x}}",
    "working_dir": "/tmp",
    "user": 1000,
    "group_add": [100, "200"],
    "init": False,
    "tty": True,
    "stdin_open": True,
    "stop_signal": "SIGINT",
    "stop_grace_period": "1m30s",
    "read_only": True,
    "labels": {"b": "2", "a": "{{1}}"},
    "restart": "on-failure:3",
    "cap_add": ["net_admin", "CAP_CHOWN"],
    "cap_drop": ["ALL"],
    "sysctls": {"net.core.somaxconn": "1024"},
    "ulimits": {"nofile": 1024, "nproc": {"soft": 10, "hard": 20}},
    "extra_hosts": {"b.example": "10.0.0.2", "a.example": "10.0.0.1"},
    "dns": ["9.9.9.9"],
    "dns_search": "example",
    "dns_opt": ["ndots:2"],
    "logging": {"driver": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
    "platform": "linux/amd64",
    "tmpfs": ["/run", "/scratch:size=1m,mode=1777"],
    "shm_size": "64M",
    "healthcheck": {"test": "true", "interval": "1m30s", "timeout": "500ms", "retries": 2, "start_period": "1s"},
    "networks": {"front": {"aliases": ["b", "a"]}, "back": {}},
    "volumes": {
        "data": {"target": "/data"},
        "tmp": {"type": "bind", "source": "/tmp", "target": "/host", "read_only": True},
        "fast": {"type": "tmpfs", "target": "/fast", "tmpfs": {"size": "1M", "mode": "0700"}},
        "store": {"source": "cache", "target": "/store", "volume": {"nocopy": True}},
    },
    "configs": {"app": {"target": "/etc/app", "uid": "1000", "mode": "0440"}},
    "secrets": {"password": {"target": "key", "gid": 5}},
    "ports": {"http": {"target": 80, "published": "auto"}, "raw": {"target": 90, "protocol": "udp"}},
    "expose": [90],
}
_NEW: Words = {"security_opt": ["no-new-privileges:true", "seccomp=unconfined", "label=user:u"]}
"""Since API 1.44."""

_DEPLOY: Words = {
    "labels": {"z": "1", "y": "2"},
    "endpoint_mode": "vip",
    "resources": {"limits": {"cpus": "1.5", "memory": "64M", "pids": 10}, "reservations": {"memory": 8 << 20}},
    "update_config": {"parallelism": 0, "delay": "1s", "max_failure_ratio": 0.25, "order": "start-first"},
    "rollback_config": {"monitor": "2s"},
    "restart_policy": {"condition": "on-failure", "delay": "5s", "window": "10s"},
    "placement": {"constraints": ["node.role==manager"], "preferences": [{"spread": "node.id"}]},
}
