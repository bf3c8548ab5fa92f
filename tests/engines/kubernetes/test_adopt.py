"""Taking over what kubectl and Helm really delivered: what is gone from the declaration goes, all else runs on."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from releaser.model.errors import ForeignTarget
from tests.conftest import unavailable
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

REPOSITORY = Path(__file__).resolve().parents[3]
Deliver = Callable[[KubernetesLab, Path], None]


def objects(image: str, *, whole: bool) -> list[dict[str, Any]]:
    """A Deployment, a Service and a ConfigMap; `whole`: with what is not declared any more."""
    labels = {"app": "own"}
    env = [{"name": "LEVEL", "value": "1"}, *([{"name": "OLD", "value": "1"}] if whole else [])]
    more = [{"name": "side", "image": image, "env": [{"name": "A", "value": "b"}]}] if whole else []
    pods = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "own", "image": image, "env": env}, *more]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pods}}
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    ports += [{"name": "old", "port": 81, "protocol": "TCP"}] if whole else []
    data = {"a": "1", **({"b": "2"} if whole else {})}
    metadata = {"name": "own", **({"labels": {"old": "yes"}, "annotations": {"old": "yes"}} if whole else {})}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},
    ]


def run(*words: str) -> None:
    admin = {"KUBECONFIG": os.environ["RELEASER_TEST_KUBERNETES"], "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, env={**os.environ, **admin}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def kubectl(*words: str) -> Deliver:
    def deliver(lab: KubernetesLab, folder: Path) -> None:
        file = str(folder / "templates" / "objects.yaml")
        run("kubectl", "-n", lab.api.namespace, *words, "-f", file)

    return deliver


def helm(lab: KubernetesLab, folder: Path) -> None:
    if importlib.util.find_spec("helm_python") is None:
        unavailable("helm-python-sdk is not installed: make engines installs it")
    run(sys.executable, "-m", "tests.engines.kubernetes.helm", str(folder), lab.api.namespace)


def documents(several: Sequence[dict[str, Any]]) -> str:
    return "".join(f"---\n{json.dumps(one)}\n" for one in several)


@pytest.mark.parametrize(
    "deliver",
    [
        pytest.param(kubectl("apply"), id="kubectl-apply"),
        pytest.param(kubectl("create"), id="kubectl-create"),
        pytest.param(kubectl("apply", "--server-side"), id="kubectl-server-side"),
        pytest.param(helm, id="helm"),
    ],
)
def test_what_is_gone_from_the_declaration_is_removed(
    shop: Shop, lab: KubernetesLab, tmp_path: Path, deliver: Deliver
) -> None:
    image = shop.image("api").serve("v1")
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: ours\nversion: 0.1.0\n")
    (chart / "templates" / "objects.yaml").write_text(documents(objects(image, whole=True)))
    deliver(lab, chart)
    before = {name: lab.get(name)["metadata"]["uid"] for name in NAMES}

    (shop.root / "k8s").mkdir()
    (shop.root / "k8s" / "own.yaml").write_text(documents(objects(image, whole=False)))
    shop.declare({"api": {"image": "api"}}, manifests={"own": {"file": "k8s/own.yaml"}})
    with pytest.raises(ForeignTarget, match=r"deployment\.apps/own"):
        shop.promote("v1")
    plan = shop.plan("v1", adopt=True)
    assert set(plan.adopts) == set(NAMES)
    assert plan.refused_by == ()
    delivered(shop.promote("v1", adopt=True))

    deployment, service, config = (lab.get(name) for name in NAMES)
    assert {name: lab.get(name)["metadata"]["uid"] for name in NAMES} == before
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in container["env"]] == ["LEVEL"]
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    assert config["data"] == {"a": "1"}
    for one in (deployment, service, config):
        assert set(one["metadata"]["labels"]) == {"releaser.dev/project", "releaser.dev/environment"}
        left = {key.partition("/")[0] for key in one["metadata"]["annotations"]}
        assert left <= {"releaser.dev", "deployment.kubernetes.io", "kubectl.kubernetes.io"}
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"


NAMES = ("deployment.apps/own", "service/own", "configmap/own")


def test_a_claim_that_another_history_left_is_taken_over(shop: Shop, lab: KubernetesLab) -> None:
    services = {"api": {"image": "api", "volumes": {"data": {"target": "/data"}}}}
    shop.declare(services, volumes={"data": {"driver_opts": {"size": "1Mi"}}})
    delivered(shop.promote("v1"))
    claim = lab.get("persistentvolumeclaim/data")["metadata"]["uid"]
    lab.remove("deployment.apps/api")
    shutil.rmtree(shop.root / ".release")  # from here on it is another history
    with pytest.raises(ForeignTarget, match="persistentvolumeclaim/data"):
        shop.promote("v1")
    delivered(shop.promote("v1", adopt=True))
    assert lab.get("persistentvolumeclaim/data")["metadata"]["uid"] == claim
    assert shop.drift() == ()
