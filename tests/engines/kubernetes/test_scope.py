"""What the cluster alone knows to be outside of any namespace is refused before anything is written."""

from typing import Any

import pytest

from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.manifests.scope import keep_inside
from releaser.engines.kubernetes.objects import Kind
from releaser.engines.rendering import resource
from releaser.model.errors import ApplyFailed
from releaser.model.plan import CREATE, Change
from releaser.model.resource import Inventory, InventoryItem, Mark
from releaser.ports import Desired, Work


class Cluster:
    """Serves Wells, which are in no namespace, and Pumps, which are in one."""

    namespace = "shop"

    def kind(self, group: str, kind: str, version: str | None = None) -> Kind:
        if kind not in {"well", "pump"}:
            raise ApiRefused(404, "NotFound", f"the cluster has no kind {kind}")
        return Kind(group=group, version="v1", kind=kind.title(), plural=f"{kind}s", namespaced=kind == "pump")


def work(*names: str, recorded: tuple[str, ...] = ()) -> Work:
    items = {name: InventoryItem(resource=resource(name, {}), snapshot={}, revision=1) for name in recorded}
    return Work(
        mark=Mark(project="shop", environment="test1", history="h", revision=2),
        desired=tuple(Desired(resource=resource(name, {})) for name in names),
        changes=tuple(Change(resource=name, action=CREATE) for name in names),
        base=Inventory(items=items),
        wait=1.0,
    )


def test_a_new_one_is_refused_with_what_allows_it() -> None:
    cluster: Any = Cluster()
    with pytest.raises(ApplyFailed) as refused:
        keep_inside(cluster, work("pump.acme.test/a", "well.acme.test/a"))
    assert refused.value.message == "well.acme.test/a: a Well belongs to the whole cluster, not to the namespace shop"
    assert "cluster_scoped: true" in str(refused.value.hint)


def test_what_is_recorded_known_or_not_there_yet_goes_on() -> None:
    cluster: Any = Cluster()
    names = ("well.acme.test/a", "clusterrole.rbac.authorization.k8s.io/a", "new.acme.test/a", "pump.acme.test/a")
    keep_inside(cluster, work(*names, recorded=("well.acme.test/a",)))
