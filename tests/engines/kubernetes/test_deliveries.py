"""Whole deliveries to a cluster: nothing to do, updates, ways back, secrets, jobs, what others have there."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from releaser.engines.kubernetes.connection import Answer, Connection
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import ForeignTarget
from releaser.model.event import Point
from releaser.model.value import JsonMap
from tests.engines.images import HEALTHY
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

API = "deployment.apps/api"
CHECK = {**HEALTHY, "interval": "1s", "timeout": "2s"}


def service(level: str = "1", **words: object) -> dict[str, object]:
    return {"image": "api", "environment": {"LEVEL": level}, "ports": {"http": {"target": 8080}}, **words}


@pytest.fixture
def running(shop: Shop) -> Shop:
    """v1 of a service with a config and a secret, delivered."""
    words = service(configs={"app": {"target": "/etc/app.ini"}})
    words["environment"] = {"LEVEL": "1", "PASSWORD": {"secret": "password"}}
    shop.declare({"api": words}, **held("level = 1\n"))
    delivered(shop.promote("v1"))
    return shop


def held(text: str) -> dict[str, object]:
    return {
        "configs": {"app": {"content": text}},
        "secrets": {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    }


def redeclare(shop: Shop, text: str = "level = 1\n", **environment: object) -> None:
    words = service(configs={"app": {"target": "/etc/app.ini"}})
    words["environment"] = {"LEVEL": "1", "PASSWORD": {"secret": "password"}, **environment}
    shop.declare({"api": words}, **held(text))


def sets(lab: KubernetesLab) -> dict[str, int]:
    """The ReplicaSets with how many pods each wants."""
    return {one["metadata"]["name"]: one["spec"]["replicas"] for one in lab.objects("replicaset", "apps")}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every request from now on: method and path."""
    calls: list[tuple[str, str]] = []
    request: Callable[..., Answer] = Connection.request

    def count(self: Connection, method: str, path: str, **more: Any) -> Answer:
        calls.append((method, path))
        return request(self, method, path, **more)

    monkeypatch.setattr(Connection, "request", count)
    return calls


def test_nothing_to_do_is_one_list_a_kind(running: Shop, monkeypatch: pytest.MonkeyPatch, namespace: str) -> None:
    calls = counted(monkeypatch)
    assert running.plan("v1").nothing_to_do
    lists = [
        f"{root}/namespaces/{namespace}/{plural}"
        for root, plural in (
            ("/apis/apps/v1", "deployments"),
            ("/api/v1", "configmaps"),
            ("/api/v1", "persistentvolumeclaims"),
            ("/api/v1", "secrets"),
            ("/api/v1", "services"),
        )
    ]
    assert sorted(calls) == sorted(("GET", path) for path in (f"/api/v1/namespaces/{namespace}", *lists))


def test_another_release_rolls_out_and_back(running: Shop, lab: KubernetesLab) -> None:
    (first,) = sets(lab)
    before = lab.get(API)
    delivered(running.promote("v2"))
    assert len(sets(lab)) == 2
    assert sets(lab)[first] == 0
    delivered(running.rollback())
    assert sets(lab)[first] == 1, "the same ReplicaSet runs again"
    assert lab.get(API)["spec"]["template"] == before["spec"]["template"]
    assert running.drift() == ()
    assert running.promote("v1").outcome == "unchanged"


def test_a_way_back_has_the_configuration_of_then(running: Shop, lab: KubernetesLab) -> None:
    (first,) = (one["metadata"]["name"] for one in lab.objects("configmap") if "immutable" in one)
    redeclare(running, "level = 2\n")
    delivered(running.promote("v2"))
    assert first in {one["metadata"]["name"] for one in lab.objects("configmap")}, "a former revision needs it"
    lab.remove(f"configmap/{first}")  # somebody cleaned up
    delivered(running.rollback())
    found = {one["metadata"]["name"]: one for one in lab.objects("configmap")}
    assert found[first]["data"] == {"content": "level = 1\n"}
    assert running.drift() == ()


def test_what_fails_is_taken_back(running: Shop, lab: KubernetesLab) -> None:
    before = lab.content()
    running.image("api").tag(running.image("api").exit3("v3"), "v3")
    result = running.promote("v3")
    assert result.outcome == "failed"
    assert result.delivery is not None
    message = result.delivery.message or ""
    assert "exit code 3" in message
    assert "giving up: no database" in message
    assert result.delivery.restored == 1
    assert lab.content() == before
    assert running.drift() == ()
    assert running.promote("v1").outcome == "unchanged"


def test_an_image_that_is_not_there(running: Shop) -> None:
    nowhere = f"{running.images.registry}/releaser-test/nowhere"
    running.declare({"api": service("2")}, sources={"api": nowhere})
    began = time.monotonic()
    result = running.promote("v2")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert f"{nowhere}@" in (result.delivery.message or "")
    assert "cannot be pulled" in (result.delivery.message or "")
    assert time.monotonic() - began < 90, "it does not wait until `wait` is over"
    assert running.drift() == ()


def test_what_no_node_can_run(shop: Shop) -> None:
    reserved = {"resources": {"reservations": {"cpus": 100}}}
    shop.declare({"api": service(deploy=reserved)}, wait="20s")
    began = time.monotonic()
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    message = result.delivery.message or ""
    assert message.startswith("deployment.apps/api: not scheduled: 0/1 nodes")
    assert "Insufficient cpu" in message
    assert 10 < time.monotonic() - began < 20, "a node may come, but not until `wait` is over"


def test_a_check_that_never_passes(shop: Shop) -> None:
    check = {**CHECK, "test": ["CMD-SHELL", "echo no database here; exit 1"], "retries": 100}
    shop.declare({"api": service(healthcheck=check)}, wait="30s")  # a busy node takes longer than ten to start a pod
    result = shop.promote("v1")
    assert result.delivery is not None
    message = result.delivery.message or ""
    assert "running, not ready yet" in message
    assert "its log ends: serving v1" in message  # the probe's own words are an event, which a busy node may drop


def test_what_is_changed_by_hand_is_put_back(running: Shop, lab: KubernetesLab) -> None:
    before = lab.content()
    lab.api.patch(
        parse(API),
        [
            {"op": "replace", "path": "/spec/replicas", "value": 2},
            {"op": "add", "path": "/spec/template/spec/containers/0/env/0", "value": {"name": "EXTRA", "value": "1"}},
            {"op": "add", "path": "/metadata/annotations/note", "value": "by-hand"},
        ],
        manager="kubectl-edit",
    )
    (item,) = running.drift()
    by = {field.path: field.by for field in item.fields}
    assert by == {
        "metadata.annotations.note": "kubectl-edit",
        "spec.replicas": "kubectl-edit",
        "spec.template.spec.containers.api.env.EXTRA.name": "kubectl-edit",
        "spec.template.spec.containers.api.env.EXTRA.value": "kubectl-edit",
    }
    delivered(running.reconcile())
    assert running.drift() == ()
    names = [one["name"] for one in lab.get(API)["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["LEVEL", "PASSWORD"]
    assert lab.get(API)["spec"]["replicas"] == 1
    assert "note" not in lab.get(API)["metadata"]["annotations"]
    assert len(before) == len(lab.content())


def test_a_restart_on_request_is_no_drift_and_stays(running: Shop, lab: KubernetesLab) -> None:
    at = "2026-01-01T00:00:00Z"
    restarted = {"kubectl.kubernetes.io/restartedAt": at}
    path = "/spec/template/metadata/annotations"
    lab.api.patch(parse(API), [{"op": "add", "path": path, "value": restarted}], manager="kubectl-rollout")
    assert running.drift() == ()
    redeclare(running, LEVEL="2")
    delivered(running.promote("v1"))
    assert lab.get(API)["spec"]["template"]["metadata"]["annotations"] == restarted
    assert running.drift() == ()


def test_another_value_of_a_secret_is_rolled_out(
    running: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = lab.get(API)["spec"]["template"]["spec"]["containers"][0]["env"][1:]
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-three")
    delivered(running.promote("v1"))
    (after,) = lab.get(API)["spec"]["template"]["spec"]["containers"][0]["env"][1:]
    assert before["valueFrom"]["secretKeyRef"]["name"] != after["valueFrom"]["secretKeyRef"]["name"]
    assert running.promote("v1").outcome == "unchanged"
    assert running.drift() == ()


def test_a_job_runs_before_what_awaits_it(shop: Shop, lab: KubernetesLab) -> None:
    shop.declare(
        {
            "api": service(depends_on={"migrate": {"condition": "service_completed_successfully"}}),
            "migrate": {"image": "api", "command": ["/bin/sh", "-c", "echo migrated"], "restart": "no"},
        }
    )
    delivered(shop.promote("v1"))
    told = [event.text for event in shop.watcher.events if event.point is Point.COMMITTED]
    assert [text.partition(" ")[0].partition("-")[0] for text in told] == ["job.batch/migrate", API]
    (first,) = lab.objects("job", "batch")
    assert first["status"]["succeeded"] == 1
    delivered(shop.promote("v2"))
    (second,) = lab.objects("job", "batch")
    assert second["metadata"]["name"] != first["metadata"]["name"], "it runs once for each release"
    delivered(shop.rollback())
    (idle,) = lab.objects("job", "batch")
    assert idle["metadata"]["name"] == first["metadata"]["name"]
    assert "succeeded" not in (idle.get("status") or {}), "a way back runs no job again"
    assert shop.drift() == ()


def test_a_job_that_fails_ends_it_before_the_rest_is_written(shop: Shop, lab: KubernetesLab) -> None:
    shop.declare(
        {
            "api": service(depends_on={"migrate": {"condition": "service_completed_successfully"}}),
            "migrate": {"image": "api", "command": ["/bin/sh", "-c", "echo no table; exit 4"], "restart": "no"},
        }
    )
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "ended with exit code 4; its log ends: no table" in (result.delivery.message or "")
    assert lab.objects("deployment", "apps") == []


def test_each_instance_has_a_volume_of_its_own(shop: Shop, lab: KubernetesLab) -> None:
    mounts = {"data": {"target": "/data"}}
    words = {"image": "api", "volumes": mounts, "deploy": {"replicas": 2}, "stop_grace_period": "1s"}
    shop.declare({"db": words}, volumes={"data": {"per_replica": {"size": "1Mi"}}})
    delivered(shop.promote("v1"))
    assert sorted(one["metadata"]["name"] for one in lab.objects("persistentvolumeclaim")) == ["data-db-0", "data-db-1"]
    assert shop.drift() == ()
    delivered(shop.promote("v2"))
    assert shop.drift() == ()
    assert shop.promote("v2").outcome == "unchanged"


def theirs(lab: KubernetesLab, image: str) -> JsonMap:
    """A Deployment of our name as `kubectl apply` made it: with a variable that we do not declare."""
    labels = {"app.kubernetes.io/name": "api", "app.kubernetes.io/instance": "shop-test1"}
    env = [{"name": "LEVEL", "value": "0"}, {"name": "OLD", "value": "1"}]
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "api", "image": image, "env": env}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pods}
    namespace = lab.api.namespace
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, manager="kubectl")
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}
    return lab.api.apply(body, manager="kubectl")


def test_what_others_delivered_is_refused_until_it_is_taken_over(shop: Shop, lab: KubernetesLab) -> None:
    before = theirs(lab, shop.image("api").serve("v1"))
    shop.declare({"api": service()})
    with pytest.raises(ForeignTarget, match=r"deployment\.apps/api") as refused:
        shop.promote("v1")
    assert "--adopt" in (refused.value.hint or "")
    assert lab.get(API)["metadata"]["generation"] == before["metadata"]["generation"]
    delivered(shop.promote("v1", adopt=True))
    after = lab.get(API)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    names = [one["name"] for one in after["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["LEVEL"], "what is gone from the declaration is removed"
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"


@pytest.mark.cluster_admin  # it makes the namespace
def test_the_first_delivery_makes_the_namespace(shop: Shop, lab: KubernetesLab) -> None:
    shop.declare({"api": service()})
    assert shop.plan("v1").target.identity == "absent"
    delivered(shop.promote("v1"))
    made = lab.get(f"namespace/{lab.api.namespace}")
    assert shop.plan("v1").target.identity == made["metadata"]["uid"]


@pytest.mark.cluster_admin  # it makes the namespace
def test_a_namespace_that_was_deleted_is_all_missing(running: Shop, lab: KubernetesLab) -> None:
    lab.remove(f"namespace/{lab.api.namespace}")
    assert {item.kind for item in running.drift()} == {"missing"}
    delivered(running.promote("v1"))
    assert running.drift() == ()
