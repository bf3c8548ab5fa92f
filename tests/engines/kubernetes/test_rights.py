"""With the rights of docs/kubernetes-role.yaml and no others: deliver, fail, come back; and a right too few is told."""

import base64
import json
import time
from pathlib import Path

import pytest
import yaml

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import EngineUnreachable
from releaser.model.value import JsonMap
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines

ROLE = Path(__file__).resolve().parents[3] / "docs" / "kubernetes-role.yaml"


def role() -> JsonMap:
    found: JsonMap = yaml.safe_load(ROLE.read_text())
    return found


@pytest.fixture
def limited(lab: KubernetesLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubernetesLab:
    """A namespace, and a user who may do there what the Role says; KUBECONFIG leads to him."""
    api = lab.api
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": api.namespace}}, manager="test")
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}}, manager="test")
    api.apply(role(), manager="test")
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": api.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "releaser"}
    binding = {"kind": "RoleBinding", "metadata": {"name": "releaser"}, "subjects": [subject], "roleRef": reference}
    api.apply({"apiVersion": "rbac.authorization.k8s.io/v1", **binding}, manager="test")
    configuration = api._connection._opened().configuration
    cluster = {"server": configuration.host, "certificate-authority": configuration.ssl_ca_cert}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "deployer", "user": {"token": token(lab)}}],
        "contexts": [{"name": "limited", "context": {"cluster": "c", "user": "deployer"}}],
        "current-context": "limited",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return lab


def token(lab: KubernetesLab) -> str:
    """The service account's token, once its controller has made it."""
    end = time.monotonic() + 30
    while True:
        for one in lab.objects("secret"):
            whole = lab.get(f"secret/{one['metadata']['name']}")
            account = (whole["metadata"].get("annotations") or {}).get("kubernetes.io/service-account.name")
            if account == "deployer" and "token" in whole.get("data", {}):
                return base64.b64decode(whole["data"]["token"]).decode()
        assert time.monotonic() < end, "no token was made"
        time.sleep(0.1)


def declare(shop: Shop, level: str) -> None:
    api = {
        "image": "api",
        "environment": {"LEVEL": level, "PASSWORD": {"secret": "password"}},
        "configs": {"app": {}},
        "ports": {"http": {"target": 8080, "ingress": {"host": "shop.test"}}},
        "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
    }
    migrate = {"image": "api", "command": ["/bin/sh", "-c", "true"], "restart": "no"}
    scaled = {"image": "api", "deploy": {"autoscale": {"max": 2}}}
    shop.declare(
        {"api": api, "migrate": migrate, "scaled": scaled},
        configs={"app": {"content": f"level = {level}\n"}},
        secrets={"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    )


def test_a_user_with_these_rights_delivers(shop: Shop, limited: KubernetesLab) -> None:
    declare(shop, "1")
    delivered(shop.promote("v1"))
    declare(shop, "2")
    delivered(shop.promote("v2"))
    shop.image("api").tag(shop.image("api").exit3("v3"), "v3")
    declare(shop, "3")
    result = shop.promote("v3")
    assert result.delivery is not None
    assert result.delivery.restored == 2, result.delivery.message
    delivered(shop.rollback())
    assert shop.drift() == ()


def until_refused(namespace: str) -> None:
    """Wait until the server has heard of the change of the Role."""
    end, api = time.monotonic() + 20, Api(Connection(), namespace)
    while time.monotonic() < end:
        try:
            api.list(api.kind("", "secret"))
        except ApiRefused:
            return
        time.sleep(0.1)
    pytest.fail("the Role still has the right")


def test_a_right_that_is_missing_is_told_with_its_rule(shop: Shop, limited: KubernetesLab) -> None:
    less = role()
    less["rules"][0]["resources"].remove("secrets")
    limited.api.apply(less, manager="test")
    until_refused(limited.api.namespace)
    shop.declare({"api": {"image": "api"}})
    with pytest.raises(EngineUnreachable, match="may not list secrets") as refused:
        shop.promote("v1")
    where = f"a Role in the namespace {limited.api.namespace}"
    assert refused.value.hint == f'{where} needs the rule {{apiGroups: [""], resources: [secrets], verbs: [list]}}'
    assert limited.api.get(parse("deployment.apps/api")) is None
