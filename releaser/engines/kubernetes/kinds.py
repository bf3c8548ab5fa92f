"""Kinds: which are known without asking, and how the others are found out.

What is known here is served in this version by every server since 1.20, the oldest that is supported.
"""

from collections.abc import Callable, Iterator
from typing import Any

from releaser.engines.kubernetes.objects import Kind
from releaser.model.value import JsonMap

_KNOWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "v1"): (
        "ConfigMap configmaps",
        "Endpoints endpoints",
        "Event events",
        "LimitRange limitranges",
        "PersistentVolumeClaim persistentvolumeclaims",
        "Pod pods",
        "ResourceQuota resourcequotas",
        "Secret secrets",
        "Service services",
        "ServiceAccount serviceaccounts",
        "Namespace namespaces -",
        "Node nodes -",
        "PersistentVolume persistentvolumes -",
    ),
    ("apps", "v1"): (
        "ControllerRevision controllerrevisions",
        "DaemonSet daemonsets",
        "Deployment deployments",
        "ReplicaSet replicasets",
        "StatefulSet statefulsets",
    ),
    ("batch", "v1"): ("Job jobs",),
    ("autoscaling", "v1"): ("HorizontalPodAutoscaler horizontalpodautoscalers",),
    ("networking.k8s.io", "v1"): (
        "Ingress ingresses",
        "NetworkPolicy networkpolicies",
        "IngressClass ingressclasses -",
    ),
    ("rbac.authorization.k8s.io", "v1"): (
        "Role roles",
        "RoleBinding rolebindings",
        "ClusterRole clusterroles -",
        "ClusterRoleBinding clusterrolebindings -",
    ),
    ("storage.k8s.io", "v1"): ("StorageClass storageclasses -",),
    ("apiextensions.k8s.io", "v1"): ("CustomResourceDefinition customresourcedefinitions -",),
}


def _known() -> Iterator[tuple[tuple[str, str], Kind]]:
    for (group, version), lines in _KNOWN.items():
        for line in lines:
            kind, plural, *cluster = line.split()
            made = Kind(group=group, version=version, kind=kind, plural=plural, namespaced=not cluster)
            yield (group, kind.lower()), made


KNOWN = dict(_known())
"""(group, kind in lower case) → the kind."""

Get = Callable[[str], JsonMap | None]
"""A path → the server's answer; None where it has none."""


class Discovery:
    """The kinds of one server; each group is asked for once, when a kind of it is needed that is not known."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._groups: dict[str, dict[tuple[str, str], Kind]] = {}  # group → (version, kind) →
        self._order: dict[str, list[str]] = {}  # group → versions, the preferred one first

    def find(self, group: str, kind: str, version: str | None = None) -> Kind | None:
        """The kind in this version where the server has it, else in the one that it prefers; None without any."""
        wanted = kind.lower()
        known = KNOWN.get((group, wanted))
        if known is not None and version in {None, known.version}:
            return known
        served = self._served(group)
        for candidate in (version, *self._order[group]):
            if candidate is not None and (candidate, wanted) in served:
                return served[candidate, wanted]
        return known

    def _served(self, group: str) -> dict[tuple[str, str], Kind]:
        if group not in self._groups:
            order = list(self._versions(group))
            self._order[group] = order
            self._groups[group] = {
                (version, kind.kind.lower()): kind for version in order for kind in self._kinds(group, version)
            }
        return self._groups[group]

    def _versions(self, group: str) -> Iterator[str]:
        if not group:
            yield "v1"
            return
        found: Any = self._get(f"/apis/{group}")
        if found is not None:
            preferred = (found.get("preferredVersion") or {}).get("version")
            versions = [one["version"] for one in found.get("versions") or []]
            yield from dict.fromkeys([preferred, *versions] if preferred else versions)

    def _kinds(self, group: str, version: str) -> Iterator[Kind]:
        found: Any = self._get(f"/apis/{group}/{version}" if group else f"/api/{version}")
        for one in (found or {}).get("resources") or []:
            if "/" not in one["name"]:  # no subresources
                yield Kind(
                    group=group, version=version, kind=one["kind"], plural=one["name"], namespaced=one["namespaced"]
                )
