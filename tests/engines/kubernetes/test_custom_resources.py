"""Custom resources on a real cluster: with their definition, as drift, pruned, and in a version that goes away."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import GateRefused
from tests.engines.kubernetes.conftest import KubernetesLab, gone
from tests.engines.swarm.shop import Shop, delivered

pytestmark = [pytest.mark.engines, pytest.mark.cluster_admin]  # kinds that the documented Role does not have


@pytest.fixture
def group(lab: KubernetesLab, shop: Shop) -> Iterator[str]:
    """A group of one's own; the environment may write what belongs to the whole cluster."""
    shop.engine = {"kind": "kubernetes", "namespace": lab.api.namespace, "cluster_scoped": True}
    name = f"{lab.api.namespace}.acme.test"
    yield name
    id_ = parse(f"customresourcedefinition.apiextensions.k8s.io/pumps.{name}")
    found = lab.api.get(id_)
    if found is not None:
        lab.api.delete(id_, found["metadata"]["uid"])
        gone(lab.api, id_)


def definition(group: str, *served: str) -> dict[str, Any]:
    """Of the kind Pump, in these versions; the last one is stored."""
    spec = {"type": "object", "properties": {"litres": {"type": "integer"}, "tags": {"type": "object"}}}
    spec["properties"]["tags"]["additionalProperties"] = {"type": "string"}  # type: ignore[index]
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    versions = [
        {"name": version, "served": version in served, "storage": version == served[-1], "schema": schema}
        for version in ("v1alpha1", "v1")
    ]
    names = {"plural": "pumps", "singular": "pump", "kind": "Pump"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"pumps.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }


def pump(group: str, version: str, litres: object = 1, name: str = "main") -> dict[str, Any]:
    spec = {"litres": litres, "tags": {"colour": "blue", "size": "9"}}
    return {"apiVersion": f"{group}/{version}", "kind": "Pump", "metadata": {"name": name}, "spec": spec}


def declare(shop: Shop, *documents: dict[str, Any]) -> None:
    (shop.root / "k8s").mkdir(exist_ok=True)
    (shop.root / "k8s" / "own.yaml").write_text("\n---\n".join(json.dumps(one) for one in documents))
    shop.declare({"api": {"image": "api"}}, manifests={"own": {"file": "k8s/own.yaml"}})


def test_a_definition_and_its_objects_in_one_delivery(shop: Shop, lab: KubernetesLab, group: str) -> None:
    name = f"pump.{group}/main"
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.api.namespace}}, manager="test")
    declare(shop, definition(group, "v1"), pump(group, "v1"))
    (told,) = (one for one in shop.plan("v1").warnings if "asked" in one)
    assert told.endswith(f"about {name}: the kind Pump comes with this delivery")
    delivered(shop.promote("v1"))
    assert lab.get(name)["spec"]["litres"] == 1
    assert shop.drift() == ()
    assert shop.promote("v1").outcome == "unchanged"

    lab.merge(name, {"spec": {"litres": 9}})
    (item,) = shop.drift()
    assert [(field.path, field.recorded, field.live, field.by) for field in item.fields] == [
        ("spec.litres", 1, 9, "kubectl-edit")
    ]
    delivered(shop.reconcile())
    assert lab.get(name)["spec"]["litres"] == 1

    declare(shop, definition(group, "v1"))
    delivered(shop.promote("v1"))
    assert lab.objects("pump", group) == []
    declare(shop)
    delivered(shop.promote("v1"))
    lab.get(f"customresourcedefinition.apiextensions.k8s.io/pumps.{group}")  # with what others made of it


def test_what_its_schema_refuses_is_refused_with_the_line(shop: Shop, lab: KubernetesLab, group: str) -> None:
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.api.namespace}}, manager="test")
    declare(shop, definition(group, "v1"))
    delivered(shop.promote("v1"))
    declare(shop, definition(group, "v1"), pump(group, "v1", litres="much"))
    with pytest.raises(GateRefused, match="litres") as refused:
        shop.promote("v1")
    assert "(k8s/own.yaml:3)" in refused.value.message


def test_a_version_that_went_away_still_rolls_back_and_is_pruned(shop: Shop, lab: KubernetesLab, group: str) -> None:
    lab.api.apply(definition(group, "v1alpha1", "v1"), manager="operator")
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.api.namespace}}, manager="test")
    until_served(lab, group, "v1alpha1")
    declare(shop, pump(group, "v1alpha1", litres=1), pump(group, "v1alpha1", name="spare"))
    delivered(shop.promote("v1"))
    declare(shop, pump(group, "v1", litres=2), pump(group, "v1alpha1", name="spare"))
    delivered(shop.promote("v1"))
    assert lab.get(f"pump.{group}/main")["spec"]["litres"] == 2

    lab.api.apply(definition(group, "v1"), manager="operator")
    until_served(lab, group, "v1")
    declare(shop, pump(group, "v1", litres=3))
    delivered(shop.promote("v1"))
    assert [one["metadata"]["name"] for one in lab.objects("pump", group)] == ["main"], "pruned in another version"
    delivered(shop.rollback())
    found = {one["metadata"]["name"]: one["spec"]["litres"] for one in lab.objects("pump", group)}
    assert found == {"main": 2, "spare": 1}
    delivered(shop.rollback())
    assert lab.get(f"pump.{group}/main")["spec"]["litres"] == 1
    assert shop.drift() == ()


def until_served(lab: KubernetesLab, group: str, first: str) -> None:
    """Wait until the server knows of the change of the definition: this version is the one that it lists first."""
    end = time.monotonic() + 30
    while True:
        lab.api.rediscover()
        versions = [version for version in ("v1alpha1", "v1") if lab.api._discovery._get(f"/apis/{group}/{version}")]
        if versions[:1] == [first]:
            return
        assert time.monotonic() < end
        time.sleep(0.1)
