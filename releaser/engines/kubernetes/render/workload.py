"""What runs a service: a Deployment, a StatefulSet, a DaemonSet or a Job; and what scales it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.render import names
from releaser.engines.kubernetes.render.storage import Storage
from releaser.model.value import Json, JsonMap, Value
from releaser.planning import fingerprint

GROUPS: Mapping[str, str] = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
}


class Settings(Value, frozen=True, kw_only=True):
    """What holds for every workload of an environment."""

    keep: int  # former revisions that stay for a way back
    release: str  # its version


def kind_of(words: JsonMap, storage: Storage, *, job: bool) -> str:
    """What runs a service."""
    mode = str((words.get("deploy") or {}).get("mode", "replicated"))
    if job or mode.endswith("-job"):
        return "Job"
    if mode == "global":
        return "DaemonSet"
    return "StatefulSet" if storage.templates else "Deployment"


class Running(Value, frozen=True, kw_only=True):
    """What a service is to run as."""

    kind: str
    template: JsonMap
    storage: Storage


def workload(name: str, words: JsonMap, running: Running, settings: Settings) -> dict[str, Any]:
    """The object that runs a service."""
    kind, template, storage = running.kind, running.template, running.storage
    if kind == "Job":
        return _job(name, words, template, settings)
    deploy = words.get("deploy") or {}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": dict(template["metadata"]["labels"])},
        "template": template,
        "revisionHistoryLimit": settings.keep,
    }
    if kind != "DaemonSet" and "autoscale" not in deploy:
        spec["replicas"] = deploy.get("replicas", 1)
    if kind == "Deployment":
        spec["strategy"] = _strategy(deploy.get("update_config") or {}, alone=storage.alone)
    elif kind == "DaemonSet":
        spec["updateStrategy"] = _daemon_strategy(deploy.get("update_config") or {})
    else:
        spec |= {"serviceName": names.label(name), "volumeClaimTemplates": list(storage.templates)}
    return _object(kind, names.label(name), spec)


def autoscaler(name: str, kind: str, declared: JsonMap) -> dict[str, Any]:
    """The HorizontalPodAutoscaler of a service."""
    target = {"apiVersion": GROUPS[kind], "kind": kind, "name": names.label(name)}
    spec: dict[str, Any] = {"scaleTargetRef": target, "maxReplicas": declared["max"]}
    if "min" in declared:
        spec["minReplicas"] = declared["min"]
    if "cpu" in declared:
        spec["targetCPUUtilizationPercentage"] = declared["cpu"]
    metadata = {"name": names.label(name)}
    return {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}


def annotated(body: dict[str, Any], notes: Mapping[str, Json]) -> dict[str, Any]:
    """The object with annotations that hold JSON."""
    if not notes:
        return body
    texts = {key: msgspec.json.encode(value, order="sorted").decode() for key, value in notes.items()}
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), **texts}}}


def _job(name: str, words: JsonMap, template: JsonMap, settings: Settings) -> dict[str, Any]:
    """A Job; its name says by content what runs for which release, as a Job's template cannot change."""
    deploy = words.get("deploy") or {}
    attempts = (deploy.get("restart_policy") or {}).get("max_attempts", 0)
    pods = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
    spec: dict[str, Any] = {"template": pods, "backoffLimit": attempts}
    if deploy.get("replicas", 1) != 1:
        spec |= {"completions": deploy["replicas"], "parallelism": deploy["replicas"]}
    digest = fingerprint.of({"spec": spec, "release": settings.release}).removeprefix("sha256:")[:10]
    made = _object("Job", f"{names.label(name)}-{digest}", spec)
    return annotated(made, {marks.RUNS_ON: words["on"]} if words.get("on") else {})


def _object(kind: str, name: str, spec: JsonMap) -> dict[str, Any]:
    return {"apiVersion": GROUPS[kind], "kind": kind, "metadata": {"name": name}, "spec": spec}


def _strategy(config: JsonMap, *, alone: bool) -> dict[str, Json]:
    """How pods are replaced. A volume that one pod may write has them replaced one after the other ended."""
    order = config.get("order")
    if order is None and not config.get("parallelism"):
        return {"type": "Recreate"} if alone else {"type": "RollingUpdate"}
    if order == "stop-first" and alone:
        return {"type": "Recreate"}
    number: Json = config.get("parallelism", 1) or "100%"
    first = order == "start-first"
    rolling = {"maxSurge": number if first else 0, "maxUnavailable": 0 if first else number}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def _daemon_strategy(config: JsonMap) -> dict[str, Json]:
    number: Json = config.get("parallelism", 1) or "100%"
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": number}}
