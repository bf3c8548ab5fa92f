"""Manifests of one's own delivered to a cluster: beside services, with images of the release, patched by a layer."""

import pytest

from releaser.model.errors import InvalidDeclarations
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: "${level}"}
---
apiVersion: v1
kind: Service
metadata: {name: own}
spec:
  selector: {app: own}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own}
spec:
  replicas: 1
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: own
          image: %s
          env:
            - {name: PASSWORD, valueFrom: {secretKeyRef: {name: password, key: value}}}
            - {name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: level}}}
"""


def declare(shop: Shop, level: str = "1", image: str | None = None, **sections: object) -> None:
    folder = shop.root / "k8s"
    folder.mkdir(exist_ok=True)
    repository = f"{shop.images.registry}/releaser-test/{shop.project}-api"
    (folder / "own.yaml").write_text(MANIFEST % (image or f"{repository}:latest"))
    shop.declare(
        {"api": {"image": "api", "stop_grace_period": "1s"}},
        vars={"level": level},
        secrets={"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
        manifests={"own": {"file": "k8s/own.yaml"}},
        **sections,
    )


def test_they_are_delivered_beside_services(shop: Shop, lab: KubernetesLab) -> None:
    declare(shop)
    delivered(shop.promote("v1"))
    own = lab.get("deployment.apps/own")
    container = own["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == lab.get("deployment.apps/api")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert lab.get("configmap/settings")["data"] == {"level": "1"}
    assert "immutable" not in lab.get("configmap/settings")
    assert own["status"]["readyReplicas"] == 1
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"

    declare(shop, "2", patches={"deployment.apps/own": {"spec": {"replicas": 2}}})
    delivered(shop.promote("v2"))
    assert lab.get("configmap/settings")["data"] == {"level": "2"}
    assert lab.get("deployment.apps/own")["spec"]["replicas"] == 2
    delivered(shop.rollback())
    assert lab.get("configmap/settings")["data"] == {"level": "1"}
    assert lab.get("deployment.apps/own")["spec"]["replicas"] == 1
    assert shop.drift() == ()


def test_an_edited_config_is_drift_and_what_is_gone_is_deleted(shop: Shop, lab: KubernetesLab) -> None:
    declare(shop)
    delivered(shop.promote("v1"))
    lab.merge("configmap/settings", {"data": {"level": "9"}})
    (item,) = shop.drift()
    assert [(field.path, field.recorded, field.live, field.by) for field in item.fields] == [
        ("data.level", "1", "9", "kubectl-edit")
    ]
    shop.declare({"api": {"image": "api", "stop_grace_period": "1s"}})
    delivered(shop.promote("v1"))
    assert [one["metadata"]["name"] for one in lab.objects("deployment", "apps")] == ["api"]
    assert "settings" not in {one["metadata"]["name"] for one in lab.objects("configmap")}
    assert shop.drift() == ()


def test_an_image_of_no_release_is_refused_by_line(shop: Shop) -> None:
    declare(shop, image="registry.test/other:latest")
    with pytest.raises(InvalidDeclarations) as refused:
        shop.promote("v1")
    (problem,) = refused.value.problems
    assert problem.message == "`registry.test/other:latest` is no image of the release, and has no digest"
    assert (problem.locations[0].file, problem.locations[0].line) == ("k8s/own.yaml", 26)


CRON = """
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: nightly
              image: %s
              env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: password, key: value}}}]
"""


@pytest.mark.cluster_admin  # the documented Role has no CronJobs
def test_the_secret_of_a_cron_job_stays(shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch) -> None:
    def referred() -> str:
        spec = lab.get("cronjob.batch/nightly")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        name: str = spec["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"]
        return name

    (shop.root / "k8s").mkdir()
    (shop.root / "k8s" / "cron.yaml").write_text(CRON % f"{shop.images.registry}/releaser-test/{shop.project}-api")
    secrets = {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}}
    services = {"api": {"image": "api", "stop_grace_period": "1s"}}
    shop.declare(services, secrets=secrets, manifests={"cron": {"file": "k8s/cron.yaml"}})
    delivered(shop.promote("v1"))
    first = referred()
    assert lab.get(f"secret/{first}")["immutable"] is True
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-three")
    delivered(shop.promote("v2"))
    assert lab.get(f"secret/{referred()}")["immutable"] is True
    assert referred() != first
    assert shop.drift() == ()
