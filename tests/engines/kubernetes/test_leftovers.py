"""Parts that an apply cannot take away: one write takes them, and all that changes beside them."""

import copy
from typing import Any

import pytest

from releaser.engines.kubernetes.leftovers import operations, pointer
from releaser.model.plan import Change, FieldChange
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.kubernetes.test_preview import deployment, own
from tests.engines.swarm.shop import Shop, delivered

PROBE = {"exec": {"command": ["true"]}, "periodSeconds": 10, "timeoutSeconds": 1}
LIVE: dict[str, Any] = {
    "spec": {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "containers": [{"name": "side", "image": "s"}, {"name": "api", "image": "a", "readinessProbe": PROBE}],
    }
}


def without_probe() -> dict[str, Any]:
    body = copy.deepcopy(LIVE)
    del body["spec"]["containers"][1]["readinessProbe"]
    return body


def changed(**fields: tuple[object, object]) -> Change:
    made = [FieldChange(path=path, old=old, new=new) for path, (old, new) in fields.items()]
    return Change(resource="deployment.apps/api", action="update", fields=tuple(made))


def test_a_part_goes_as_a_whole_with_all_that_changes():
    body = without_probe()
    body["spec"]["containers"][1]["image"] = "b"
    body["spec"]["containers"][1]["args"] = {"a": {"b": 1}}
    change = changed(
        **{
            "spec.containers.api.image": ("a", "b"),
            "spec.containers.api.readinessProbe.exec.command": (["true"], None),
            "spec.containers.api.args.a.b": (None, 1),
        }
    )
    assert operations(LIVE, body, change, ()) == [
        {"op": "add", "path": "/spec/containers/1/image", "value": "b"},
        {"op": "add", "path": "/spec/containers/1/args", "value": {"a": {"b": 1}}},
        {"op": "test", "path": "/spec/containers/1/readinessProbe", "value": PROBE},
        {"op": "remove", "path": "/spec/containers/1/readinessProbe"},
    ]


def test_a_list_whose_elements_have_no_names_is_put_as_a_whole():
    """An `add` at an index puts an element in between, and the index was counted in a list that may not be there."""
    live, body = copy.deepcopy(LIVE), without_probe()
    live["spec"]["containers"][1]["command"] = ["sh", "-c", "true"]
    body["spec"]["containers"][1]["command"] = ["sh", "-c", "exit 0"]
    live["spec"]["rules"] = [{"hosts": ["a"]}, {"hosts": ["b"]}]
    body["spec"]["rules"] = [{"hosts": ["a"]}, {"hosts": ["c"]}]
    change = changed(
        **{
            "spec.containers.api.command.2": ("true", "exit 0"),
            "spec.rules.1.hosts.0": ("b", "c"),
            "spec.containers.api.readinessProbe.periodSeconds": (10, None),
        }
    )
    assert operations(live, body, change, ())[:2] == [
        {"op": "add", "path": "/spec/containers/1/command", "value": ["sh", "-c", "exit 0"]},
        {"op": "add", "path": "/spec/rules", "value": [{"hosts": ["a"]}, {"hosts": ["c"]}]},
    ]


def test_what_a_server_refuses_of_its_own_making_goes():
    body = copy.deepcopy(LIVE)
    body["spec"]["strategy"] = {"type": "Recreate"}
    change = changed(**{"spec.strategy.type": ("RollingUpdate", "Recreate")})
    assert operations(LIVE, body, change, ("spec.strategy.rollingUpdate",)) == [
        {"op": "add", "path": "/spec/strategy/type", "value": "Recreate"},
        {"op": "test", "path": "/spec/strategy/rollingUpdate", "value": {"maxSurge": 1}},
        {"op": "remove", "path": "/spec/strategy/rollingUpdate"},
    ]


def test_where_nothing_is_left_over_nothing_is_patched():
    body = copy.deepcopy(LIVE)
    body["spec"]["containers"][1]["image"] = "?"
    change = changed(**{"spec.containers.api.image": ("a", "?")})
    assert operations(LIVE, body, change, ("spec.containers[1].image",)) == []


def test_what_somebody_else_manages_is_not_taken_for_a_default():
    live = copy.deepcopy(LIVE)
    fields = {"f:spec": {"f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}}}}
    live["metadata"] = {"managedFields": [{"manager": "tuner", "operation": "Update", "fieldsV1": fields}]}
    body = {"spec": {"strategy": {"type": "Recreate"}}}
    assert operations(live, body, changed(), ("spec.strategy.rollingUpdate",)) == []


def test_a_new_element_goes_to_the_end_of_its_list():
    assert pointer(LIVE, ("spec", "containers", "new")) == "/spec/containers/-"
    assert pointer({"a/b": {"~": 1}}, ("a/b", "~")) == "/a~1b/~0"


@pytest.mark.engines
def test_a_probe_that_goes_and_a_strategy_that_changes(shop: Shop, lab: KubernetesLab) -> None:
    first = deployment(shop, "one")
    pods = first["spec"]["template"]["spec"]
    pods["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    pods["containers"][0]["env"] = [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    pods["volumes"] = [{"name": "data", "configMap": {"name": "none", "optional": True}}]
    own(shop, first)
    delivered(shop.promote("v1"))

    second = deployment(shop, "one", strategy={"type": "Recreate"})
    pods = second["spec"]["template"]["spec"]
    pods["containers"][0]["env"] = [{"name": "NODE", "value": "any"}]
    pods["volumes"] = [{"name": "data", "emptyDir": {}}]
    own(shop, second)
    plan = shop.plan("v1")
    assert plan.refused_by == ()
    assert [change.server for change in plan.changes if change.resource == "deployment.apps/own"] == [()]
    delivered(shop.promote("v1"))
    live = lab.get("deployment.apps/own")
    sets = [one for one in lab.objects("replicaset", "apps") if one["metadata"]["name"].startswith("own-")]
    assert len(sets) == 2, "all changes are one rollout"
    assert live["spec"]["strategy"] == {"type": "Recreate"}
    container = live["spec"]["template"]["spec"]["containers"][0]
    assert "readinessProbe" not in container
    assert container["env"] == [{"name": "NODE", "value": "any"}]
    managers = [(one["manager"], one["operation"]) for one in live["metadata"]["managedFields"]]
    assert ("releaser", "Update") not in managers
    assert shop.drift() == ()
    delivered(shop.rollback())
    assert "readinessProbe" in lab.get("deployment.apps/own")["spec"]["template"]["spec"]["containers"][0]
    assert shop.drift() == ()
    assert lab.get("deployment.apps/own")["spec"]["strategy"]["type"] == "RollingUpdate"
