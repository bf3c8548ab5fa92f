"""Plans that asked the cluster: what it would set, what it refuses, what has to be made anew, what it cannot tell."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from releaser.engines.kubernetes.connection import Answer, Connection
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import GateRefused
from releaser.model.plan import REPLACE, Plan
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.kubernetes.webhook import Judge, Webhook
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

API = "deployment.apps/api"
Hook = Callable[..., Webhook]


@pytest.fixture
def hook(lab: KubernetesLab) -> Iterator[Hook]:
    """Registers a webhook that judges as it is told."""
    made: list[Webhook] = []

    def register(judge: Judge, **words: Any) -> Webhook:
        made.append(Webhook(judge))
        made[-1].register(lab.api, **words)
        return made[-1]

    yield register
    for one in made:
        one.close(lab.api)


def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every write from now on: its path, and `dry` or `real`."""
    calls: list[tuple[str, str]] = []
    request: Callable[..., Answer] = Connection.request

    def note(self: Connection, method: str, path: str, **more: Any) -> Answer:
        if method != "GET":
            calls.append((path.rpartition("/")[2], "dry" if "dryRun" in (more.get("query") or {}) else "real"))
        return request(self, method, path, **more)

    monkeypatch.setattr(Connection, "request", note)
    return calls


def refusals(plan: Plan) -> list[tuple[str, str]]:
    return [(gate.gate, gate.detail) for gate in plan.refused_by]


def server(plan: Plan) -> dict[str, dict[str, tuple[object, object]]]:
    return {
        change.resource: {field.path: (field.old, field.new) for field in change.server}
        for change in plan.changes
        if change.server
    }


def own(shop: Shop, *documents: dict[str, Any], services: dict[str, Any] | None = None) -> None:
    """Declare manifests of one's own, one a line of k8s/own.yaml, beside services."""
    (shop.root / "k8s").mkdir(exist_ok=True)
    (shop.root / "k8s" / "own.yaml").write_text("\n---\n".join(json.dumps(one) for one in documents))
    shop.declare(services or {"api": {"image": "api"}}, manifests={"own": {"file": "k8s/own.yaml"}})


def config(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(shop: Shop, selector: str, image: str | None = None, **words: object) -> dict[str, Any]:
    labels = {"app": selector}
    container = {"name": "own", "image": image or f"{shop.images.registry}/releaser-test/{shop.project}-api"}
    pods = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pods}, **words}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "own"}, "spec": spec}


def test_defaults_are_nothing_to_tell(shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "image": "api",
        "ports": {"http": {"target": 8080, "ingress": {"host": "shop.test"}}},
        "healthcheck": {"test": ["CMD", "true"], "interval": "2s"},
        "deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "64M"}}, "autoscale": {"max": 2}},
        "configs": {"app": {}},
        "environment": {"PASSWORD": {"secret": "password"}},
        "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
    }
    jobs = {"image": "api", "command": ["/bin/sh", "-c", "true"], "restart": "no"}
    kept = {"image": "api", "volumes": {"data": {"target": "/data"}}}
    sections: dict[str, Any] = {
        "configs": {"app": {"content": "level = 1\n"}},
        "volumes": {"data": {"per_replica": {"size": "10M"}}},
        "secrets": {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    }
    shop.declare({"api": words, "migrate": jobs, "kept": kept}, **sections)
    calls = sent(monkeypatch)
    plan = shop.plan("v1")
    assert (server(plan), plan.refused_by) == ({}, ())
    asked = {change.resource.partition("/")[2] for change in plan.changes if not change.resource.startswith("secret/")}
    assert sorted(calls) == sorted((name, "dry") for name in asked for _ in range(names(plan).count(name)))
    assert not any("asked" in warning for warning in plan.warnings)


def names(plan: Plan) -> list[str]:
    return [one.resource.partition("/")[2] for one in plan.changes if not one.resource.startswith("secret/")]


@pytest.mark.cluster_admin  # it makes the namespace
def test_what_changes_is_asked_once(shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch) -> None:
    own(shop, config(level="1"), config("other", level="1"))
    plan = shop.plan("v1")
    (note,) = (warning for warning in plan.warnings if "asked" in warning)
    assert f"the namespace {lab.api.namespace} is not there yet" in note
    delivered(shop.promote("v1"))
    own(shop, config(level="2"), config("other", level="1"))
    calls = sent(monkeypatch)
    delivered(shop.promote("v1"))
    assert calls == [("settings", "dry"), ("settings", "real")]


def test_what_a_webhook_sets_is_shown(shop: Shop, lab: KubernetesLab, hook: Hook) -> None:
    patch = [
        {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"mesh": "on"}},
        {"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"disk": "ssd"}},
        {"op": "replace", "path": "/spec/revisionHistoryLimit", "value": 1},
    ]
    asked = hook(lambda _: {"patch": patch})
    shop.declare({"api": {"image": "api"}})
    plan = shop.plan("v1")
    assert server(plan) == {
        API: {
            "spec.revisionHistoryLimit": (3, 1),
            "spec.template.metadata.annotations.mesh": (None, "on"),
            "spec.template.spec.nodeSelector.disk": (None, "ssd"),
        }
    }
    assert asked.dry_runs == [True]
    assert plan.refused_by == ()


def test_what_a_webhook_refuses_is_refused_before_anything_is_written(
    shop: Shop, lab: KubernetesLab, hook: Hook
) -> None:
    hook(lambda _: {"allowed": False, "status": {"message": "no image from there"}})
    shop.declare({"api": {"image": "api"}})
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert gate == "engine"
    assert "deployment.apps/api" in detail
    assert "denied the request: no image from there" in detail
    with pytest.raises(GateRefused, match="no image from there"):
        shop.promote("v1")
    assert lab.objects("deployment", "apps") == lab.objects("service") == []


def test_a_webhook_that_takes_no_dry_run_leaves_the_plan_to_itself(shop: Shop, lab: KubernetesLab, hook: Hook) -> None:
    asked = hook(lambda _: {}, side_effects="Unknown")
    shop.declare({"api": {"image": "api"}})
    plan = shop.plan("v1")
    (warning,) = (one for one in plan.warnings if "asked" in one)
    assert warning.startswith(f"the engine could not be asked beforehand about {API}: ")
    assert "does not support dry run" in warning
    assert plan.refused_by == ()
    assert asked.dry_runs == []
    delivered(shop.promote("v1"))


def test_a_webhook_that_does_not_answer(shop: Shop, lab: KubernetesLab, hook: Hook) -> None:
    made: list[Webhook] = []

    def late(_: object) -> dict[str, object]:
        made[0].released.wait(20)
        return {}

    made.append(hook(late, seconds=1))
    shop.declare({"api": {"image": "api"}})
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert gate == "engine"
    assert f'failed calling webhook "{made[0].name}.releaser.test"' in detail
    made[0].released.set()


def test_what_cannot_be_changed_is_made_anew_with_consent(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, deployment(shop, "one"))
    delivered(shop.promote("v1"))
    first = lab.get("deployment.apps/own")["metadata"]["uid"]
    own(shop, deployment(shop, "two"))
    plan = shop.plan("v1")
    ((gate, detail),) = refusals(plan)
    assert gate == "replace"
    assert detail.startswith("deployment.apps/own has to be removed and made anew: spec.selector: field is immutable; ")
    assert detail.endswith("say --replace to allow it")
    assert [change.action for change in plan.changes if change.resource == "deployment.apps/own"] == [REPLACE]
    with pytest.raises(GateRefused, match="say --replace"):
        shop.promote("v1")
    assert lab.get("deployment.apps/own")["metadata"]["uid"] == first

    delivered(shop.promote("v1", replace=True))
    second = lab.get("deployment.apps/own")
    assert second["metadata"]["uid"] != first
    assert second["spec"]["selector"]["matchLabels"] == {"app": "two"}
    assert shop.drift() == ()
    with pytest.raises(GateRefused, match="say --replace"):
        shop.rollback()
    delivered(shop.rollback(replace=True))
    assert lab.get("deployment.apps/own")["spec"]["selector"]["matchLabels"] == {"app": "one"}
    assert shop.drift() == ()


def test_an_address_that_cannot_be_changed_is_made_anew(shop: Shop, lab: KubernetesLab) -> None:
    def headless(**words: object) -> dict[str, Any]:
        spec = {"selector": {"app": "own"}, "ports": [{"port": 80}], **words}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "own"}, "spec": spec}

    own(shop, headless(clusterIP="None"))
    delivered(shop.promote("v1"))
    own(shop, headless())
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert gate == "replace"
    assert detail.startswith("service/own has to be removed and made anew: spec.clusterIPs[0]: ")
    delivered(shop.promote("v1", replace=True))
    assert lab.get("service/own")["spec"]["clusterIP"] != "None"
    assert shop.drift() == ()


def test_what_was_made_anew_and_fails_is_made_anew_as_it_was(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, deployment(shop, "one"))
    delivered(shop.promote("v1"))
    shop.image("api").tag(shop.image("api").exit3("v3"), "v3")
    own(shop, deployment(shop, "two"))
    result = shop.promote("v3", replace=True)
    assert result.delivery is not None
    assert (result.outcome, result.delivery.restored) == ("failed", 1), result.delivery.message
    assert lab.get("deployment.apps/own")["spec"]["selector"]["matchLabels"] == {"app": "one"}
    assert shop.drift() == ()


def test_a_job_of_ones_own_that_ended_is_made_anew_without_asking(shop: Shop, lab: KubernetesLab) -> None:
    def job(word: str) -> dict[str, Any]:
        repository = f"{shop.images.registry}/releaser-test/{shop.project}-api"
        container = {"name": "migrate", "image": repository, "command": ["/bin/sh", "-c", f": {word}"]}
        spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": spec}

    own(shop, job("one"))
    delivered(shop.promote("v1"))
    first = lab.get("job.batch/migrate")["metadata"]["uid"]
    own(shop, job("two"))
    plan = shop.plan("v1")
    assert refusals(plan) == []
    assert [change.action for change in plan.changes if change.resource == "job.batch/migrate"] == [REPLACE]
    delivered(shop.promote("v1"))
    assert lab.get("job.batch/migrate")["metadata"]["uid"] != first
    assert lab.get("job.batch/migrate")["status"]["succeeded"] == 1


def test_a_claim_is_never_made_anew(shop: Shop, lab: KubernetesLab) -> None:
    def claim(mode: str) -> dict[str, Any]:
        spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Mi"}}}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}

    own(shop, claim("ReadWriteOnce"))
    delivered(shop.promote("v1"))
    own(shop, claim("ReadWriteMany"))
    ((gate, detail),) = refusals(shop.plan("v1", replace=True))
    assert gate == "engine"
    assert detail.startswith("persistentvolumeclaim/data holds data, and cannot become what is declared: spec: ")


def test_a_quota_is_told_before_it_is_met(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, config(level="1"))
    delivered(shop.promote("v1"))
    used = len(lab.objects("configmap"))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    lab.api.apply({**quota, "spec": {"hard": {"count/configmaps": str(used)}}}, manager="test")
    end = time.monotonic() + 30
    while not (lab.get("resourcequota/few").get("status") or {}).get("used"):
        assert time.monotonic() < end
        time.sleep(0.1)
    own(shop, config(level="1"), config("other", level="1"))
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert gate == "engine"
    assert "exceeded quota: few" in detail


def test_a_namespace_that_goes_away(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, config(level="1"))
    delivered(shop.promote("v1"))
    lab.api.create({**config("holds"), "metadata": {"name": "holds", "finalizers": ["releaser.test/hold"]}})
    namespace = parse(f"namespace/{lab.api.namespace}")
    lab.api.delete(namespace, lab.get(f"namespace/{lab.api.namespace}")["metadata"]["uid"])
    own(shop, config(level="1"), config("other", level="1"))
    try:
        plan = shop.plan("v1")
        assert plan.refused_by[0].gate == "engine"
        assert "is being terminated" in plan.refused_by[0].detail
        with pytest.raises(GateRefused, match="is being terminated"):
            shop.promote("v1")
    finally:
        lab.api.patch(parse("configmap/holds"), [{"op": "remove", "path": "/metadata/finalizers"}])


def test_a_word_that_the_server_does_not_know_is_told_with_its_line(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, config(level="1"))
    delivered(shop.promote("v1"))
    wrong = deployment(shop, "one")
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    own(shop, config(level="1"), wrong)
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert gate == "engine"
    assert "imagePullPolcy" in detail
    assert detail.endswith("(k8s/own.yaml:3)")
    wrong = deployment(shop, "one", replicas=-1)
    own(shop, config(level="1"), wrong)
    ((gate, detail),) = refusals(shop.plan("v1"))
    assert "spec.replicas: Invalid value: -1" in detail
    assert detail.endswith("(k8s/own.yaml:3)")


def test_another_manager_is_named(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, config(level="1"))
    delivered(shop.promote("v1"))
    lab.api.apply({**config(), "data": {"colour": "blue"}}, manager="painter")
    own(shop, config(level="1", colour="red"))
    plan = shop.plan("v1")
    assert plan.refused_by == (), "the plan shows it as drift, which it takes back"
    ((colour,),) = (item.fields for item in plan.drift)
    assert (colour.path, colour.live, colour.by) == ("data.colour", "blue", "painter")


def test_a_kind_that_the_cluster_does_not_have(shop: Shop, lab: KubernetesLab) -> None:
    own(shop, config(level="1"))
    delivered(shop.promote("v1"))
    own(shop, config(level="1"), {"apiVersion": "acme.test/v1", "kind": "Pump", "metadata": {"name": "a"}, "spec": {}})
    assert refusals(shop.plan("v1")) == [
        ("engine", "pump.acme.test/a: the cluster has no kind pump.acme.test (k8s/own.yaml:3)")
    ]
