"""Defaults: what a server adds to any object of a kind that it knows, and nobody has to be told of; pure.

Source: the defaults in Kubernetes' API reference (pkg/apis/*/v1/defaults.go), 1.20 and later.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from releaser.model.preview import Set
from releaser.model.value import Json, Path, at_path
from releaser.planning.diff import diff, leaves

_ANY = object()
_DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "allocateLoadBalancerNodePorts": (True,),
    "apiVersion": ("v1",),
    "backoffLimit": (6,),
    "clusterIP": (_ANY,),
    "clusterIPs": (_ANY,),
    "completionMode": ("NonIndexed",),
    "completions": (1,),
    "concurrencyPolicy": ("Allow",),
    "controller-uid": (_ANY,),
    "batch.kubernetes.io/controller-uid": (_ANY,),
    "batch.kubernetes.io/job-name": (_ANY,),
    "job-name": (_ANY,),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "externalTrafficPolicy": ("Cluster",),
    "failedJobsHistoryLimit": (1,),
    "failureThreshold": (3,),
    "imagePullPolicy": ("IfNotPresent", "Always"),
    "internalTrafficPolicy": ("Cluster",),
    "ipFamilies": (_ANY,),
    "ipFamily": (_ANY,),
    "ipFamilyPolicy": (_ANY,),
    "kind": ("PersistentVolumeClaim",),  # of a StatefulSet's claims, as is their phase
    "manualSelector": (False,),
    "maxSurge": ("25%", 0),
    "maxUnavailable": ("25%", 1),
    "minReplicas": (1,),
    "nodePort": (_ANY,),
    "parallelism": (1,),
    "partition": (0,),
    "path": ("/",),
    "pathType": ("ImplementationSpecific",),
    "periodSeconds": (10,),
    "phase": ("Pending",),
    "podManagementPolicy": ("OrderedReady",),
    "podReplacementPolicy": ("TerminatingOrFailed",),
    "policyTypes": (_ANY,),
    "progressDeadlineSeconds": (600,),
    "protocol": ("TCP",),
    "replicas": (1,),
    "resources": ({},),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "securityContext": ({},),
    "serviceAccount": (_ANY,),  # the former name of serviceAccountName, which is kept equal
    "sessionAffinity": ("None",),
    "successfulJobsHistoryLimit": (3,),
    "successThreshold": (1,),
    "suspend": (False,),
    "targetCPUUtilizationPercentage": (80,),
    "targetPort": (_ANY,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("ClusterIP", "Opaque", "RollingUpdate", ""),
    "volumeMode": ("Filesystem",),
    "whenDeleted": ("Retain",),
    "whenScaled": ("Retain",),
}
"""Word → the values that it has where nobody says another."""

_SUFFIXES = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("", "k", "M", "G", "T", "P", "E"))},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), 1)},
}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)\Z")


def sets(before: Json, declared: Json, answer: Json) -> tuple[Set, ...]:
    """What the server makes of an object beside what is declared: other values, and more than its defaults.

    `before`: what is live; None where nothing is.
    """
    return tuple(_sets(before, declared, answer))


def _sets(before: Json, declared: Json, answer: Json) -> Iterator[Set]:
    for path, old, new in diff(declared if before is None else before, answer):
        wanted = at_path(declared, path)
        if (wanted is None and new is None) or any(
            matches(at_path(declared, above), at_path(answer, above)) for above in _lists(answer, path)
        ):
            continue
        if wanted is not None:
            yield Set(path=path, old=wanted if before is None else old, new=new)
            continue
        for leaf, value in leaves(new, path):
            if not _is_default(leaf[-1], value):
                yield Set(path=leaf, old=None if value is new and before is None else at_path(before, leaf), new=value)


def _lists(answer: Json, path: Path) -> Iterator[Path]:
    """The path, and the lists that it leads through: their order is the server's."""
    yield path
    for length in range(1, len(path)):
        if isinstance(at_path(answer, path[:length]), list):
            yield path[:length]


def _is_default(word: str, value: Json) -> bool:
    return value in ({}, None) or any(known is _ANY or known == value for known in _DEFAULTS.get(word, ()))


def matches(wanted: Json, answer: Json) -> bool:
    """Whether an answer is what was wanted, with defaults in it, and lists in the order of the server."""
    if isinstance(wanted, dict) and isinstance(answer, dict):
        return all(matches(value, answer.get(key)) for key, value in wanted.items()) and all(
            _is_default(leaf[-1], value)
            for key in answer.keys() - wanted.keys()
            for leaf, value in leaves(answer[key], (key,))
        )
    if isinstance(wanted, list) and isinstance(answer, list) and len(wanted) == len(answer):
        left = list(answer)
        for one in wanted:
            found = next((index for index, other in enumerate(left) if matches(one, other)), None)
            if found is None:
                return False
            del left[found]
        return True
    return equal(wanted, answer)


def equal(one: Json, other: Json) -> bool:
    """Whether an answer is the value that was wanted: quantities are spelled anew, and what is empty is left out."""
    if one == other or (other is None and not one):
        return True
    if isinstance(one, str | int | float) and isinstance(other, str) and not isinstance(one, bool):
        left, right = _quantity(str(one)), _quantity(other)
        return left is not None and left == right
    return False


def _quantity(text: str) -> Decimal | None:
    match = _QUANTITY.match(text)
    if match is None or match[2] not in _SUFFIXES:
        return None
    try:
        return Decimal(match[1]) * _SUFFIXES[match[2]]
    except InvalidOperation:
        return None
