"""The order in which kinds are needed: what others refer to comes first, what sends traffic or scales comes last.

Within a step the order that is given stays, so that workloads come after those that they depend on.
"""

from collections.abc import Iterable

from releaser.model.resource import Resource, ResourceId

STEPS: tuple[tuple[str, ...], ...] = (
    ("namespace",),
    ("customresourcedefinition.apiextensions.k8s.io",),
    (
        "priorityclass.scheduling.k8s.io",
        "runtimeclass.node.k8s.io",
        "storageclass.storage.k8s.io",
        "csidriver.storage.k8s.io",
        "ingressclass.networking.k8s.io",
    ),
    ("resourcequota", "limitrange", "networkpolicy.networking.k8s.io", "poddisruptionbudget.policy"),
    ("serviceaccount",),
    ("clusterrole.rbac.authorization.k8s.io", "role.rbac.authorization.k8s.io"),
    ("clusterrolebinding.rbac.authorization.k8s.io", "rolebinding.rbac.authorization.k8s.io"),
    ("configmap", "secret"),
    ("persistentvolume",),
    ("persistentvolumeclaim",),
    ("service", "endpoints", "endpointslice.discovery.k8s.io"),
    (),  # every kind that is named nowhere else: custom resources
    (
        "pod",
        "replicationcontroller",
        "replicaset.apps",
        "deployment.apps",
        "statefulset.apps",
        "daemonset.apps",
        "job.batch",
        "cronjob.batch",
    ),
    ("horizontalpodautoscaler.autoscaling",),
    ("ingress.networking.k8s.io",),
    ("apiservice.apiregistration.k8s.io",),
    (
        "mutatingwebhookconfiguration.admissionregistration.k8s.io",
        "validatingwebhookconfiguration.admissionregistration.k8s.io",
    ),
)
"""Kinds with their groups, step by step."""

KEPT = frozenset({"persistentvolumeclaim", "namespace", "customresourcedefinition.apiextensions.k8s.io"})
"""Kinds that hold data of people: never deleted by a delivery."""

_STEP = {kind: number for number, kinds in enumerate(STEPS) for kind in kinds}
_OTHERS = STEPS.index(())
WORKLOADS = _STEP["deployment.apps"]
CALLED = _STEP["apiservice.apiregistration.k8s.io"]
"""From this step on the API server itself calls what was delivered before, and refuses others where that is away."""


def step(resource: ResourceId) -> int:
    """The number of the step that a resource belongs to."""
    return _STEP.get(resource.partition("/")[0], _OTHERS)


def in_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources by step; those of one step as they are given."""
    return tuple(sorted(resources, key=lambda resource: step(resource.id)))
