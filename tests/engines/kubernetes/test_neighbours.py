"""What else is in a cluster: an autoscaler, another environment in the namespace, another namespace, a full quota."""

import base64
import json
import time

import pytest
import trustme

from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import ForeignTarget, TargetMoved
from releaser.model.event import Event, Point
from releaser.operations import drift, promote
from releaser.operations.execute import execute, propose
from tests.engines.kubernetes.conftest import KubernetesLab, gone
from tests.engines.kubernetes.test_own_manifests import declare as declare_own
from tests.engines.kubernetes.test_preview import deployment
from tests.engines.kubernetes.test_preview import own as declare_manifests
from tests.engines.swarm.shop import Shop, Watcher, delivered

pytestmark = pytest.mark.engines

API = "deployment.apps/api"


def test_an_autoscalers_instances_are_no_drift_and_stay(shop: Shop, lab: KubernetesLab) -> None:
    scaled = {"image": "api", "stop_grace_period": "1s", "deploy": {"autoscale": {"max": 3, "cpu": 80}}}
    shop.declare({"api": scaled})
    delivered(shop.promote("v1"))
    assert lab.get("horizontalpodautoscaler.autoscaling/api")["spec"]["maxReplicas"] == 3
    replicas = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
    lab.api.patch(parse(API), replicas, manager="kube-controller-manager")
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"
    delivered(shop.promote("v2"))
    assert lab.get(API)["spec"]["replicas"] == 2
    assert shop.drift() == ()
    delivered(shop.rollback())
    assert lab.get(API)["spec"]["replicas"] == 2
    lab.merge("horizontalpodautoscaler.autoscaling/api", {"spec": {"maxReplicas": 9}})
    (item,) = shop.drift()
    assert [(field.path, field.recorded, field.live) for field in item.fields] == [("spec.maxReplicas", 3, 9)]


def beside(shop: Shop, services: dict[str, object]) -> None:
    """Declare another environment of the same project in the same namespace."""
    layer = {"engine": shop.engine, "wait": shop.wait, "stable": shop.stable, "services": services}
    (shop.root / "envs" / "test2.yaml").write_text(json.dumps(layer))


def test_two_environments_side_by_side(shop: Shop, lab: KubernetesLab) -> None:
    pipeline = {"environments": {"test1": {"layers": []}, "test2": {"layers": []}}}
    shop.declare({"api": {"image": "api", "stop_grace_period": "1s"}}, pipeline=pipeline)
    delivered(shop.promote("v1"))
    beside(shop, {"api": {"image": "api"}})
    ws = shop._open()
    with pytest.raises(ForeignTarget, match=r"deployment\.apps/api"):
        propose(ws, promote.request("test2", "v1"))
    ws.close()
    beside(shop, {"other": {"image": "api", "stop_grace_period": "1s"}})
    ws = shop._open()
    asked = promote.request("test2", "v1")
    delivered(execute(ws, asked, propose(ws, asked).plan))
    assert [drift.of(ws, name).items for name in ("test1", "test2")] == [(), ()]
    ws.close()
    shop.declare({"api": {"image": "api", "stop_grace_period": "1s"}}, pipeline=pipeline)
    delivered(shop.promote("v2"))
    assert sorted(one["metadata"]["name"] for one in lab.objects("deployment", "apps")) == ["api", "other"]
    assert shop.drift() == ()


@pytest.mark.cluster_admin  # it makes another namespace
def test_a_move_to_another_namespace_leaves_the_old_one_empty(shop: Shop, lab: KubernetesLab) -> None:
    services = {"api": {"image": "api", "stop_grace_period": "1s", "ports": {"http": {"target": 80}}}}
    shop.declare(services)
    delivered(shop.promote("v1"))
    there = f"{lab.api.namespace}-b"
    shop.engine = {"kind": "kubernetes", "namespace": there}
    shop.declare(services)
    with pytest.raises(TargetMoved, match=there):
        shop.promote("v1")
    try:
        delivered(shop.promote("v1", move=True))
        left = (*lab.objects("deployment", "apps"), *lab.objects("service"))
        assert left == ()
        found = lab.api.get(parse(f"deployment.apps/{there}/api"))
        assert found is not None
        assert found["status"]["readyReplicas"] == 1
        assert shop.drift() == ()
    finally:
        namespace = lab.api.get(parse(f"namespace/{there}"))
        assert namespace is not None
        lab.api.delete(parse(f"namespace/{there}"), namespace["metadata"]["uid"])


@pytest.mark.cluster_admin  # it makes another namespace
def test_manifests_in_another_namespace_that_comes_with_them(shop: Shop, lab: KubernetesLab) -> None:
    there = f"{lab.api.namespace}-b"
    shop.engine = {**(shop.engine or {}), "namespaces": [there], "cluster_scoped": True}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": there}}
    own = deployment(shop, "own", replicas=2)
    own["metadata"]["namespace"] = there
    declare_manifests(shop, namespace, own)
    plan = shop.plan("v1")
    assert plan.refused_by == ()
    assert any(f"the namespace {there} comes with this delivery" in warning for warning in plan.warnings)
    try:
        delivered(shop.promote("v1"))
        found = lab.api.get(parse(f"deployment.apps/{there}/own"))
        assert found is not None
        assert found["status"]["readyReplicas"] == 2
        delivered(shop.promote("v2"))
        assert shop.drift() == ()
        crashing = deployment(shop, "own", lab.images.exit3("bad"))
        crashing["metadata"]["namespace"] = there
        declare_manifests(shop, namespace, crashing)
        result = shop.promote("v2")
        assert result.delivery is not None
        assert "ended with exit code" in (result.delivery.message or "")
        assert "its log ends" in (result.delivery.message or "")
    finally:
        made = lab.api.get(parse(f"namespace/{there}"))
        assert made is not None
        lab.api.delete(parse(f"namespace/{there}"), made["metadata"]["uid"])


def webhook(namespace: str, name: str, **client: str) -> dict[str, object]:
    """One that is asked about every pod of a namespace, and whose server is away."""
    hook = {
        "name": "pods.releaser.test",
        "clientConfig": {"service": {"name": "own", "namespace": namespace}, **client},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"releaser.test/webhook": namespace}},
        "failurePolicy": "Fail" if client else "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    version, kind = "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "webhooks": [hook]}


@pytest.mark.cluster_admin  # a webhook belongs to the whole cluster
@pytest.mark.parametrize("own", [False, True], ids=["with a certificate", "that waits for its own"])
def test_a_webhook_comes_after_the_pods_behind_it(shop: Shop, lab: KubernetesLab, *, own: bool) -> None:
    """None would be made after it; but pods that bring its certificate may not be ready before it is there."""
    labels = {"releaser.test/webhook": lab.api.namespace}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.api.namespace, "labels": labels}}
    lab.api.apply(namespace, manager="test")
    shop.engine = {**(shop.engine or {}), "cluster_scoped": True}
    authority = {} if own else {"caBundle": base64.b64encode(trustme.CA().cert_pem.bytes()).decode()}
    name = f"t-{lab.api.namespace}"
    declare_manifests(shop, deployment(shop, "own"), webhook(lab.api.namespace, name, **authority))
    id_ = parse(f"mutatingwebhookconfiguration.admissionregistration.k8s.io/{name}")
    try:
        delivered(shop.promote("v1"))
        assert lab.get("deployment.apps/own")["status"]["readyReplicas"] == 1
        said = [event.text for event in shop.watcher.events]
        running = next(at for at, text in enumerate(said) if text.startswith("own: 1/1 running"))
        assert (said.index(f"{id_.resource} is written") < running) is own
    finally:
        made = lab.api.get(id_)
        assert made is not None
        lab.api.delete(id_, made["metadata"]["uid"])


SPECIAL = {"deployment.apps/own": {"spec": {"template": {"spec": {"serviceAccountName": "special"}}}}}


class Bringing(Watcher):
    """Somebody makes a service account once pods are refused for want of it, as a new namespace's controller does."""

    lab: KubernetesLab

    def event(self, event: Event) -> None:
        super().event(event)
        if event.point is Point.ROLLING and "error looking up service account" in event.text:
            self.lab.api.apply(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "special"}}, manager="test"
            )


@pytest.mark.cluster_admin  # it makes a service account
def test_a_service_account_that_comes_late_is_waited_for(
    shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bringing.lab = lab
    monkeypatch.setattr("tests.engines.swarm.shop.Watcher", Bringing)
    declare_own(shop, patches=SPECIAL)
    delivered(shop.promote("v1"))


def test_a_service_account_that_never_comes(shop: Shop, lab: KubernetesLab) -> None:
    shop.wait = "8s"
    declare_own(shop, patches=SPECIAL)
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert 'serviceaccount "special" not found' in (result.delivery.message or "")


def test_pods_that_a_quota_refuses(shop: Shop, lab: KubernetesLab) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    lab.api.apply({**quota, "spec": {"hard": {"pods": "0"}}}, manager="test")
    end = time.monotonic() + 30
    while not (lab.get("resourcequota/none").get("status") or {}).get("hard"):
        assert time.monotonic() < end
        time.sleep(0.1)
    shop.declare({"api": {"image": "api"}})
    began = time.monotonic()
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "exceeded quota: none" in (result.delivery.message or "")
    assert time.monotonic() - began < 60, "it does not wait until `wait` is over"
    gone(lab.api, parse(API))
