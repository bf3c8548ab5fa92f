"""A hundred different deliveries: none is followed by drift that nobody made, or by a plan that has something to do.

Neither does a plan tell of what a server sets by itself. `--seed S` repeats a run.
"""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = [pytest.mark.engines, pytest.mark.cluster_admin]  # kinds that the documented Role does not have

DELIVERIES = 100
Pick = Callable[[random.Random], Any]


def one_of(*values: Any) -> Pick:
    return lambda rng: rng.choice(values)


def some_of(values: Mapping[str, Any]) -> Pick:
    return lambda rng: {key: values[key] for key in values if rng.random() < 0.5}


CHECKS = (
    {"test": ["CMD", "true"]},
    {"test": ["CMD-SHELL", "exit 0"], "interval": "1m30s", "timeout": "3s", "retries": 7},
    {"test": "true", "start_period": "20s", "start_interval": "2s"},
    {"disable": True},
)
WORDS: dict[str, Pick] = {
    "environment": some_of(
        {"A": "", "B": 1, "C": True, "D": "a$$b", "E": "line\nline", "F": "0x10", "G": "é ✓", "LONG": "x" * 300}
    ),
    "command": one_of(["serve", "--port", "80"], "serve --port 80", []),
    "entrypoint": one_of(["/bin/sh", "-c"], "/bin/sh -c"),
    "working_dir": one_of("/srv", "/"),
    "user": one_of("1000", "1000:1000", "0"),
    "group_add": one_of(["10"], ["10", "11"]),
    "tty": one_of(True, False),
    "stdin_open": one_of(True, False),
    "stop_grace_period": one_of("0s", "30s", "1m30s"),
    "labels": some_of({"a": "b", "team/x": "y", "e": ""}),
    "annotations": some_of({"a": "b", "x.test/y": "z z", "json": '{"a": [1]}'}),
    "healthcheck": one_of(*CHECKS),
    "read_only": one_of(True, False),
    "privileged": one_of(True, False),
    "cap_add": one_of(["NET_ADMIN"], []),
    "cap_drop": one_of(["ALL"], ["MKNOD", "CHOWN"]),
    "security_opt": one_of(["no-new-privileges:true"]),
    "extra_hosts": one_of({"db": "10.0.0.1"}, {"a": "10.0.0.1", "b": "10.0.0.1"}),
    "dns": one_of("1.1.1.1", ["1.1.1.1", "8.8.8.8"]),
    "dns_search": one_of("shop.test"),
    "dns_opt": one_of(["ndots:1"], ["ndots:2", "rotate"]),
    "hostname": one_of("own"),
    "tmpfs": one_of(["/run"], ["/run", "/cache:size=64m"]),
    "shm_size": one_of("128M", "1G"),
    "expose": one_of([81], ["82", "83"]),
    "ports": some_of(
        {
            "http": {"target": 8080},
            "grpc": {"target": 9090, "app_protocol": "grpc"},
            "udp": {"target": 53, "protocol": "udp"},
            "web": {"target": 80, "ingress": {"host": "shop.test", "path": "/a"}},
            "tls": {"target": 443, "ingress": {"host": "tls.test", "tls": "cert"}},
            "node": {"target": 81, "published": "auto"},
        }
    ),
    "configs": some_of({"app": {"target": "/etc/app.ini"}, "odd": {"target": "/etc/odd", "mode": "0400"}}),
    "volumes": some_of({"data": {"target": "/data"}, "shared": {"target": "/shared", "read_only": True}}),
}
DEPLOY: dict[str, Pick] = {
    "resources": one_of(
        {"limits": {"cpus": "0.5", "memory": "64M"}},
        {"limits": {"cpus": 1, "memory": "1024M"}, "reservations": {"cpus": "0.25", "memory": "1G"}},
        {"reservations": {"cpus": "0.001", "memory": 1048576}},
        {"limits": {"cpus": "1.500", "memory": "1000K"}},
    ),
    "labels": some_of({"tier": "front"}),
    "update_config": one_of(
        {"parallelism": 0, "order": "start-first"}, {"parallelism": 2, "delay": "5s"}, {"order": "stop-first"}
    ),
    "placement": one_of({"constraints": ["node.labels.disk==ssd"]}, {"preferences": [{"spread": "node.labels.zone"}]}),
}


def service(rng: random.Random) -> dict[str, Any]:
    """A service that runs nothing, with words by chance."""
    words: dict[str, Any] = {"image": "api"}
    words |= {word: pick(rng) for word, pick in WORDS.items() if rng.random() < 0.25}
    deploy = {word: pick(rng) for word, pick in DEPLOY.items() if rng.random() < 0.3}
    if words.get("privileged"):
        words.pop("security_opt", None)  # the server refuses both
    if rng.random() < 0.3:
        words["environment"] = {**words.get("environment", {}), "PASSWORD": {"secret": "password"}}
    return {**words, "deploy": {"replicas": 0, **deploy}}


def objects(rng: random.Random) -> list[dict[str, Any]]:
    """Manifests of one's own, as people write them: quantities, defaults and lists in odd spellings."""

    def named(api_version: str, kind: str, **words: Any) -> dict[str, Any]:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": f"own-{kind.lower()}"}, **words}

    labels = {"app": "own"}
    resources = {
        "limits": {"cpu": rng.choice(["1000m", 1, "0.5"]), "memory": rng.choice(["1024Mi", "1e9", "128974848"])}
    }
    container = {"name": "own", "image": "127.0.0.1:5000/own@sha256:" + "0" * 64, "resources": resources}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [container], "restartPolicy": "Always"}}
    ports: list[dict[str, Any]] = [{"port": 80}, {"port": 53, "protocol": "UDP", "name": "dns"}]
    ports[0] |= {"name": "http"}
    rule = {
        "http": {
            "paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "own", "port": {"number": 80}}}}
            ]
        }
    }
    several = [
        named("v1", "ConfigMap", data={"a": rng.choice(["1", "two\nlines\n", ""])}, binaryData={"b": "AAE="}),
        named("v1", "Service", spec={"selector": labels, "ports": ports[: rng.choice([1, 2])]}),
        named("v1", "ServiceAccount", automountServiceAccountToken=rng.choice([True, False])),
        named("v1", "ResourceQuota", spec={"hard": {"limits.memory": rng.choice(["1024Gi", "1Ti"])}}),
        named("v1", "LimitRange", spec={"limits": [{"type": "Pod", "max": {"cpu": rng.choice([4, "4000m"])}}]}),
        named("apps/v1", "Deployment", spec={"replicas": 0, "selector": {"matchLabels": labels}, "template": pods}),
        named(
            "apps/v1",
            "DaemonSet",
            spec={
                "selector": {"matchLabels": labels},
                "template": {**pods, "spec": {**pods["spec"], "nodeSelector": {"none": "such"}}},
            },
        ),
        named("networking.k8s.io/v1", "Ingress", spec={"rules": [{"host": rng.choice(["a.test", "b.test"]), **rule}]}),
        named("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]}),
        named(
            "policy/v1beta1",
            "PodDisruptionBudget",
            spec={"minAvailable": rng.choice([1, "50%"]), "selector": {"matchLabels": labels}},
        ),
        named(
            "batch/v1beta1",
            "CronJob",
            spec={
                "schedule": rng.choice(["0 3 * * *", "@daily"]),
                "suspend": True,
                "jobTemplate": {"spec": {"template": {"spec": {**pods["spec"], "restartPolicy": "Never"}}}},
            },
        ),
        named(
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            spec={
                "maxReplicas": rng.choice([2, 3]),
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
            },
        ),
        named(
            "rbac.authorization.k8s.io/v1",
            "Role",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": rng.choice([["get"], ["get", "list"]])}],
        ),
    ]
    return [one for one in several if rng.random() < 0.4]


def declare(shop: Shop, rng: random.Random) -> None:
    own = objects(rng)
    (shop.root / "k8s").mkdir(exist_ok=True)
    (shop.root / "k8s" / "own.yaml").write_text("\n---\n".join(json.dumps(one) for one in own))
    shop.declare(
        {f"s{number}": service(rng) for number in range(rng.choice([1, 2, 3]))},
        configs={"app": {"content": f"level = {rng.randrange(9)}\n"}, "odd": {"content": "tab\there\r\n"}},
        volumes={"data": {"driver_opts": {"size": "1Mi"}}, "shared": {}},
        secrets={"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
        **({"manifests": {"own": {"file": "k8s/own.yaml"}}} if own else {}),
    )


def test_no_delivery_is_followed_by_drift(shop: Shop, lab: KubernetesLab, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(DELIVERIES):
        declare(shop, rng)
        plan = shop.plan("v1", replace=True)
        said = (shop.root / "envs" / "test1.yaml").read_text()
        sets = {(change.resource, field.path) for change in plan.changes for field in change.server}
        assert {path for _, path in sets} <= {"spec.storageClassName"}, f"{sets}: {said}"  # the cluster's own choice
        assert plan.refused_by == (), said
        delivered(shop.promote("v1", replace=True))
        assert shop.drift() == (), f"after {number}: {said}"
        again = shop.plan("v1")
        assert again.nothing_to_do, f"after {number}: {[one for one in again.changes if one.action != 'unchanged']}"
