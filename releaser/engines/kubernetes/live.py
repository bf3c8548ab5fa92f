"""A live object as it is compared: without what the server and its controllers keep for themselves; pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.references import renamed
from releaser.model.resource import Ready
from releaser.model.value import Json, JsonMap, parse_path, with_value

_SERVER = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""What a server writes into metadata; finalizers are its controllers' business."""

_CONTROLLERS = re.compile(
    r"deployment\.kubernetes\.io/.*|deprecated\.daemonset\.template\.generation|kubectl\.kubernetes\.io/last-applied-configuration"
    r"|pv\.kubernetes\.io/.*|volume(\.beta)?\.kubernetes\.io/.*|autoscaling\.alpha\.kubernetes\.io/.*"
    r"|control-plane\.alpha\.kubernetes\.io/.*|batch\.kubernetes\.io/.*|endpoints\.kubernetes\.io/.*"
)
"""Annotations that controllers, and kubectl for itself, keep."""

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` puts into a pod template."""


def body(raw: JsonMap, own_namespace: str, secrets: Mapping[str, str]) -> Json:
    """The object as it is compared; `secrets`: real name of a Secret of ours → the name it was declared by."""
    found: dict[str, Any] = {key: value for key, value in raw.items() if key != "status"}
    found["metadata"] = _metadata(raw["metadata"], own_namespace)
    if raw.get("kind") == "Secret":
        found["metadata"]["name"] = secrets.get(raw["metadata"]["name"], raw["metadata"]["name"])
    named: Any = renamed(found, secrets) if secrets else found
    idle = annotations(raw).get(marks.IDLE)
    if idle is not None and idle.isdecimal():  # somebody may have made nonsense of it
        named = with_value(named, ("spec", "parallelism"), int(idle))
    if restarted(raw) is not None:
        named = with_value(named, ("spec", "template", "metadata", "annotations", RESTARTED), None)
        named = _without_empty(named, ("spec", "template", "metadata", "annotations"))
    for path in ignored(raw):
        named = with_value(named, parse_path(path), None)
    return named


def annotations(raw: JsonMap) -> Mapping[str, str]:
    """The annotations of an object."""
    return (raw.get("metadata") or {}).get("annotations") or {}


def labels(raw: JsonMap) -> Mapping[str, str]:
    """The labels of an object."""
    return (raw.get("metadata") or {}).get("labels") or {}


def ignored(raw: JsonMap) -> tuple[str, ...]:
    """The dotted paths that the declaration leaves to others; none where somebody made nonsense of the annotation."""
    text = annotations(raw).get(marks.IGNORE)
    try:
        found = () if text is None else msgspec.json.decode(text, type=tuple[str, ...])
        for one in found:
            parse_path(one)
    except (msgspec.DecodeError, ValueError):
        return ()
    return found


def restarted(raw: JsonMap) -> str | None:
    """When somebody asked for a restart of the pods."""
    template: Any = ((raw.get("spec") or {}).get("template") or {}).get("metadata") or {}
    found: str | None = (template.get("annotations") or {}).get(RESTARTED)
    return found


def ready(raw: JsonMap) -> Ready | None:
    """How many instances run as they are wanted now; None for what runs nothing on.

    Those of a former template do not count, nor does a status that is older than the last write.
    """
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    if raw["kind"] == "Job" and marks.IDLE not in annotations(raw):
        wanted = spec.get("completions", 1)
        return Ready(running=min(status.get("succeeded", 0), wanted), desired=wanted)
    count = _COUNTS.get(raw["kind"])
    if count is None:
        return None
    desired = status.get("desiredNumberScheduled", 0) if raw["kind"] == "DaemonSet" else spec.get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= raw["metadata"].get("generation", 0)
    return Ready(running=max(count(status), 0) if seen else 0, desired=desired)


def _of_deployment(status: JsonMap) -> int:
    """The ready ones but for those that may be old."""
    updated: int = status.get("updatedReplicas", 0)
    old: int = status.get("replicas", 0) - updated
    running: int = status.get("readyReplicas", 0) - old
    return min(updated, running)


def _of_stateful_set(status: JsonMap) -> int:
    found: int = status.get("readyReplicas", 0)
    updated: int = status.get("updatedReplicas", 0)
    return found if status.get("currentRevision") == status.get("updateRevision") else min(found, updated)


def _of_daemon_set(status: JsonMap) -> int:
    running: int = status.get("numberReady", 0)
    updated: int = status.get("updatedNumberScheduled", 0)
    return min(running, updated)


_COUNTS = {"Deployment": _of_deployment, "StatefulSet": _of_stateful_set, "DaemonSet": _of_daemon_set}


def _metadata(metadata: JsonMap, own_namespace: str) -> dict[str, Any]:
    found = {key: value for key, value in metadata.items() if key not in _SERVER}
    if found.get("namespace") == own_namespace:
        del found["namespace"]
    for word, mine in (("labels", marks.LABELS), ("annotations", marks.ANNOTATIONS)):
        kept = {
            key: text
            for key, text in (found.pop(word, None) or {}).items()
            if key not in mine and not (word == "annotations" and _CONTROLLERS.fullmatch(key))
        }
        if kept:
            found[word] = kept
    return found


def _without_empty(tree: Json, path: tuple[str, ...]) -> Json:
    """The tree without the map at `path` where nothing is left in it."""
    at = tree
    for key in path:
        at = at.get(key) if isinstance(at, dict) else None
    return with_value(tree, path, None) if at == {} else tree
