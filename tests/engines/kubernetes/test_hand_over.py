"""What is left to others from now on stays as it is, and what others did to elements of lists is taken back."""

import json
from typing import Any

import pytest

from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.adopting import merged
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.handing_over import hand_over
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

API = "deployment.apps/api"


def api(**words: Any) -> dict[str, Any]:
    return {"api": {"image": "api", "stop_grace_period": "1s", **words}}


def pods(lab: KubernetesLab) -> set[str]:
    return {one["metadata"]["name"] for one in lab.objects("pod")}


@pytest.mark.engines
def test_replicas_that_go_to_an_autoscaler(shop: Shop, lab: KubernetesLab) -> None:
    shop.declare(api(deploy={"replicas": 3}))
    delivered(shop.promote("v1"))
    before = pods(lab)
    shop.declare(api(deploy={"autoscale": {"max": 5, "cpu": 80}}))
    delivered(shop.promote("v1"))
    assert lab.get(API)["spec"]["replicas"] == 3
    assert pods(lab) == before
    assert shop.drift() == ()
    delivered(shop.promote("v2"))
    assert lab.get(API)["spec"]["replicas"] == 3
    shop.declare(api(deploy={"replicas": 2}))
    delivered(shop.promote("v2"))
    assert lab.get(API)["spec"]["replicas"] == 2
    assert shop.drift() == ()


@pytest.mark.engines
def test_fields_that_are_ignored_from_now_on(shop: Shop, lab: KubernetesLab) -> None:
    def found() -> tuple[object, object]:
        spec = lab.get(API)["spec"]
        return spec["replicas"], spec["template"]["spec"]["containers"][0].get("env")

    words = api(deploy={"replicas": 2}, environment={"LEVEL": "1", "MODE": "a"})
    level = {"name": "LEVEL", "value": "1"}
    shop.declare(words)
    delivered(shop.promote("v1"))
    shop.declare(words, ignore=["services.api.deploy.replicas"])
    delivered(shop.promote("v1"))
    assert found() == (2, [level, {"name": "MODE", "value": "a"}])
    ignored = ["services.api.deploy.replicas", "services.api.environment.LEVEL"]
    shop.declare(words, ignore=ignored)
    delivered(shop.promote("v1"))
    replicas, env = found()
    assert replicas == 2
    assert isinstance(env, list)
    assert sorted(env, key=str) == [level, {"name": "MODE", "value": "a"}]
    assert shop.drift() == ()


@pytest.mark.engines
def test_drift_in_a_list_with_keys_of_its_own_is_taken_back(shop: Shop, lab: KubernetesLab) -> None:
    shop.declare(api(ports={"http": {"target": 8080}}))
    delivered(shop.promote("v1"))
    lab.merge("service/api", {"spec": {"ports": [{"name": "http", "port": 8080, "targetPort": 99}]}}, "kubectl-patch")
    (item,) = shop.drift()
    assert [field.path for field in item.fields] == ["spec.ports.http.targetPort"]
    assert shop.plan("v2").refused_by == ()
    delivered(shop.promote("v2"))
    assert lab.get("service/api")["spec"]["ports"][0]["targetPort"] == 8080
    assert shop.drift() == ()


def test_what_is_handed_over_with_a_label() -> None:
    sent: list[Any] = []

    class Sent(Api):
        def apply(self, body: Any, **_: Any) -> Any:
            sent.append(body)
            return body

    owned = {"f:metadata": {"f:annotations": {"f:team": {}}}, "f:spec": {"f:replicas": {}}}
    managed = [{"manager": "releaser", "operation": "Apply", "fieldsV1": owned}]
    metadata = {"name": "api", "annotations": {"team": "shop"}, "managedFields": managed}
    raw = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 3}}
    left = json.dumps(["metadata.annotations.team", "spec.replicas"])
    hand_over(Sent(Connection(), "shop"), {"metadata": {"name": "api", "annotations": {marks.IGNORE: left}}}, raw)
    given = {"name": "api", "annotations": {"team": "shop"}}
    assert sent == [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": given, "spec": {"replicas": 3}}]


def test_what_a_patch_of_ours_set_becomes_ours_and_nothing_of_others() -> None:
    def entry(manager: str, operation: str, field: str) -> dict[str, Any]:
        return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": {f"f:{field}": {}}}

    restarted = entry("kubectl-rollout", "Update", "restartedAt")
    entries = [entry("releaser", "Apply", "a"), entry("releaser", "Update", "b"), restarted]
    ours, *others = merged(entries, patched_only=True) or ()
    assert ours["fieldsV1"] == {"f:a": {}, "f:b": {}}
    assert others == [restarted]
    (ours,) = merged(entries) or ()
    assert ours["fieldsV1"] == {"f:a": {}, "f:b": {}, "f:restartedAt": {}}
    assert merged([restarted], patched_only=True) is None
