"""With the rights of docs/kubernetes-role.yaml and no others, as most of these suites; and a right too few is told."""

import time

import pytest

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import EngineUnreachable
from tests.engines.kubernetes.conftest import KubernetesLab, role
from tests.engines.swarm.shop import Shop, delivered

pytestmark = pytest.mark.engines


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


def test_a_user_with_these_rights_delivers(shop: Shop, lab: KubernetesLab) -> None:
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


def test_a_right_that_is_missing_is_told_with_its_rule(shop: Shop, lab: KubernetesLab) -> None:
    less = role()
    less["rules"][0]["resources"].remove("secrets")
    lab.api.apply(less, manager="test")
    until_refused(lab.api.namespace)
    shop.declare({"api": {"image": "api"}})
    with pytest.raises(EngineUnreachable, match="may not list secrets") as refused:
        shop.promote("v1")
    where = f"a Role in the namespace {lab.api.namespace}"
    assert refused.value.hint == f'{where} needs the rule {{apiGroups: [""], resources: [secrets], verbs: [list]}}'
    assert lab.api.get(parse("deployment.apps/api")) is None
