"""Judging: what a workload and its pods say of a write; pure.

Source of the order of checks: kubectl's rollout_status.go; it trusts no status that is older than the write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from releaser.engines.kubernetes import marks
from releaser.model.value import JsonMap, Value

WAITING, READY, FAILED = "waiting", "ready", "failed"

_NOT_PULLED = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_NOT_MADE = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_AT_ONCE = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
"""Reasons that do not pass by themselves; the others may be a blip, and are given a grace."""
_NO_ACCOUNT = "error looking up service account"
"""A namespace gets its `default` by a controller, a moment after it was made, or later where that is busy."""


SOON, LATER = "soon", "later"
"""What may pass by itself: a blip; or once somebody brings what is missing, as a node or a service account."""


_ON_DELETE = "its pods are replaced when somebody deletes them"
_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class Pod(Value, frozen=True, kw_only=True):
    """One pod of a write that is not well: why, in the cluster's words, and which container can say more."""

    name: str
    text: str
    fails: bool  # it will not get better by waiting
    passes: str | None = None  # soon | later
    container: str | None = None
    previous: bool = False  # its last words are in the log of the container before
    starting: bool = False  # no container of it runs yet: its node's warnings say why


class Verdict(Value, frozen=True, kw_only=True):
    """How a workload stands, in a word and for a person."""

    state: str  # waiting | ready | failed
    text: str
    started: bool = False
    pod: Pod | None = None  # what can say why
    refused: str | None = None  # soon | later: its pods are refused, which passes

    @property
    def passes(self) -> str | None:
        """Whether what is not well may pass: soon, later, or None where nothing is said about it."""
        return self.refused or (self.pod.passes if self.pod is not None else None)


def judge(raw: JsonMap | None, answer: JsonMap, pods: Sequence[JsonMap], sets: Sequence[JsonMap]) -> Verdict:
    """How a workload stands after a write that was answered with this; `sets`: ReplicaSets, its own among them."""
    if raw is None:
        return Verdict(state=FAILED, text="somebody deleted it")
    metadata, status = raw["metadata"], raw.get("status") or {}
    if metadata["uid"] != answer["metadata"]["uid"]:
        return Verdict(state=FAILED, text="somebody deleted it and made another one")
    generation: int = answer["metadata"].get("generation", 0)
    if metadata.get("generation", 0) > generation:
        if _unscaled(raw) != _unscaled(answer):
            return _superseded(raw, generation)
        generation = metadata["generation"]  # only its number of pods was changed, as an autoscaler does
    if raw["kind"] != "Job" and status.get("observedGeneration", 0) < generation:
        return Verdict(state=WAITING, text="not seen by its controller yet")
    verdict: Verdict = _JUDGES[raw["kind"]](raw, pods, sets)
    return verdict


def _unscaled(raw: JsonMap) -> dict[str, Any]:
    return {key: value for key, value in raw["spec"].items() if key not in {"replicas", "parallelism"}}


def _superseded(raw: JsonMap, generation: int) -> Verdict:
    by = [
        str(entry.get("manager"))
        for entry in raw["metadata"].get("managedFields") or ()
        if entry.get("manager") not in {marks.FIELD_MANAGER, "kube-controller-manager"}
    ]
    who = f", last {by[-1]}" if by else ""
    return Verdict(
        state=FAILED,
        text=f"somebody changed it meanwhile (generation {generation} is past{who}), so it is not ours to judge",
    )


def _deployment(raw: JsonMap, pods: Sequence[JsonMap], sets: Sequence[JsonMap]) -> Verdict:
    spec, status = raw["spec"], raw.get("status") or {}
    if spec.get("paused"):
        return Verdict(state=FAILED, text="it is paused: nothing rolls out until somebody resumes it")
    newest = _newest(raw, sets)
    ours = [pod for pod in pods if newest is not None and _owner(pod) == newest["metadata"]["uid"]]
    text, trouble = _counted(status.get("updatedReplicas", 0), spec.get("replicas", 1), status, ours)
    failed = next((one for one in trouble if one.fails), None)
    if failed is not None:
        return Verdict(state=FAILED, text=failed.text, pod=failed)
    for condition in _conditions(newest or {}, "ReplicaFailure"):
        message = str(condition.get("message") or condition.get("reason"))
        # room in a quota comes once an old pod is gone, which takes as long as it ends
        passes = LATER if _NO_ACCOUNT in message or _ending(raw, pods) else SOON
        return Verdict(state=WAITING, text=message, refused=passes)
    if any(one.get("reason") == "ProgressDeadlineExceeded" for one in _conditions(raw, "Progressing", "False")):
        first = trouble[0] if trouble else None
        return Verdict(
            state=FAILED, text=f"no progress within {spec.get('progressDeadlineSeconds', 600)}s: {text}", pod=first
        )
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    started = bool(ours) or wanted == 0
    if updated < wanted or status.get("replicas", 0) > updated or status.get("availableReplicas", 0) < updated:
        if status.get("replicas", 0) > updated >= wanted:
            text += ", old ones are ending"
        return Verdict(state=WAITING, text=text, started=started, pod=trouble[0] if trouble else None)
    return Verdict(state=READY, text=text, started=True)


def _stateful_set(raw: JsonMap, pods: Sequence[JsonMap], _sets: Sequence[JsonMap]) -> Verdict:
    spec, status = raw["spec"], raw.get("status") or {}
    wanted, revision = spec.get("replicas", 1), status.get("updateRevision")
    ours = [
        pod
        for pod in pods
        if _owner(pod) == raw["metadata"]["uid"]
        and (pod["metadata"].get("labels") or {}).get("controller-revision-hash") == revision
    ]
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return Verdict(state=READY, text=_ON_DELETE, started=True)
    kept = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0)
    updated = wanted if status.get("currentRevision") == revision else status.get("updatedReplicas", 0)
    if kept and updated >= max(wanted - kept, 0):
        updated = wanted  # the others stay as they are: that is what a partition is for
    return _from_pods(updated, wanted, {**status, "availableReplicas": status.get("readyReplicas", 0)}, ours)


def _daemon_set(raw: JsonMap, pods: Sequence[JsonMap], _sets: Sequence[JsonMap]) -> Verdict:
    status = raw.get("status") or {}
    if (raw["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return Verdict(state=READY, text=_ON_DELETE, started=True)
    annotations = raw["metadata"].get("annotations") or {}
    # it is counted for the template alone; the object's own generation grows with every other field, too
    generation = str(annotations.get(_TEMPLATE_GENERATION, raw["metadata"].get("generation")))
    ours = [
        pod
        for pod in pods
        if _owner(pod) == raw["metadata"]["uid"]
        and (pod["metadata"].get("labels") or {}).get("pod-template-generation", generation) == generation
    ]
    wanted = status.get("desiredNumberScheduled", 0)
    counts = {**status, "availableReplicas": status.get("numberAvailable", 0)}
    return _from_pods(status.get("updatedNumberScheduled", 0), wanted, counts, ours)


def _from_pods(updated: int, wanted: int, status: JsonMap, ours: Sequence[JsonMap]) -> Verdict:
    text, trouble = _counted(updated, wanted, status, ours)
    failed = next((one for one in trouble if one.fails), None)
    if failed is not None:
        return Verdict(state=FAILED, text=failed.text, pod=failed)
    if updated < wanted or status.get("availableReplicas", 0) < wanted:
        return Verdict(state=WAITING, text=text, started=bool(ours), pod=trouble[0] if trouble else None)
    return Verdict(state=READY, text=text, started=True)


def _job(raw: JsonMap, pods: Sequence[JsonMap], _sets: Sequence[JsonMap]) -> Verdict:
    status = raw.get("status") or {}
    if marks.IDLE in ((raw["metadata"].get("annotations")) or {}):
        return Verdict(state=READY, text="not run again", started=True)
    if any(_conditions(raw, "Complete")):
        return Verdict(state=READY, text="done", started=True)
    ours = [pod for pod in pods if _owner(pod) == raw["metadata"]["uid"]]
    trouble = list(_trouble(ours))
    for condition in _conditions(raw, "Failed"):
        ended = next((pod for pod in (_ended(pod) for pod in ours) if pod is not None), None)
        text = ended.text if ended is not None else str(condition.get("message") or condition.get("reason"))
        return Verdict(state=FAILED, text=text, pod=ended)
    failed = next((one for one in trouble if one.fails), None)
    if failed is not None:
        return Verdict(state=FAILED, text=failed.text, pod=failed)
    text = f"running, {status.get('succeeded', 0)}/{raw['spec'].get('completions', 1)} done"
    return Verdict(state=WAITING, text=text, started=bool(ours), pod=trouble[0] if trouble else None)


_JUDGES: Mapping[str, Any] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
}
WATCHED = frozenset(_JUDGES)
"""The kinds that are waited for."""


def _counted(updated: int, wanted: int, status: JsonMap, ours: Sequence[JsonMap]) -> tuple[str, list[Pod]]:
    """`1/2 running`, with why the others do not; and the pods that are not well."""
    trouble = list(_trouble(ours))
    running = min(status.get("availableReplicas", 0), updated)
    several = dict.fromkeys(one.text for one in trouble)
    return ", ".join((f"{running}/{wanted} running", *several)), trouble


# --- pods ---


def _trouble(pods: Iterable[JsonMap]) -> Iterator[Pod]:
    """The pods that are not well, those that fail first."""
    found = [
        one for one in (_pod(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"]) if one is not None
    ]
    return iter(sorted(found, key=lambda one: not one.fails))


def _pod(pod: JsonMap) -> Pod | None:
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    for condition in _conditions(pod, "PodScheduled", "False"):
        text = f"not scheduled: {condition.get('message') or condition.get('reason')}"
        return Pod(name=name, text=text, fails=False, passes=LATER)
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        found = _container(name, container)
        if found is not None:
            return found
    if status.get("phase") == "Failed":
        return Pod(name=name, text=str(status.get("message") or status.get("reason") or "failed"), fails=False)
    if not any(_conditions(pod, "Ready")) and status.get("phase") == "Running":
        return Pod(name=name, text="running, not ready yet", fails=False, container=_first(pod))
    if status.get("phase") == "Pending":
        return Pod(name=name, text="not started yet", fails=False, starting=True)
    return None


def _container(pod: str, container: JsonMap) -> Pod | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, words = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _NOT_PULLED:
        text = f"{container.get('image')} cannot be pulled: {words or reason}"
        return Pod(name=pod, text=text, fails=reason in _AT_ONCE, passes=SOON)
    if reason in _NOT_MADE:
        return Pod(name=pod, text=f"{reason}: {words}", fails=False, passes=SOON)
    if reason == "CrashLoopBackOff":
        ended = _how_it_ended((container.get("lastState") or {}).get("terminated") or {})
        return Pod(name=pod, text=ended, fails=True, container=container["name"], previous=True)
    return None


def _ended(pod: JsonMap) -> Pod | None:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        terminated = (container.get("state") or {}).get("terminated")
        if terminated and terminated.get("exitCode"):
            name = pod["metadata"]["name"]
            return Pod(name=name, text=_how_it_ended(terminated), fails=True, container=container["name"])
    return None


def _how_it_ended(terminated: JsonMap) -> str:
    reason = terminated.get("reason", "")
    why = f" ({reason})" if reason not in {"", "Error", "Completed"} else ""
    words = terminated.get("message", "").strip()
    return f"ended with exit code {terminated.get('exitCode')}{why}" + (f": {words}" if words else "")


def _first(pod: JsonMap) -> str | None:
    containers = pod["spec"].get("containers") or ()
    return containers[0]["name"] if containers else None


def _owner(raw: JsonMap) -> str | None:
    return next(
        (owner["uid"] for owner in raw["metadata"].get("ownerReferences") or () if owner.get("controller")), None
    )


def _ending(raw: JsonMap, pods: Sequence[JsonMap]) -> bool:
    """Whether a pod of a workload is about to go."""
    labels = ((raw["spec"].get("selector") or {}).get("matchLabels") or {}).items()
    return bool(labels) and any(
        "deletionTimestamp" in pod["metadata"] and labels <= (pod["metadata"].get("labels") or {}).items()
        for pod in pods
    )


def _newest(deployment: JsonMap, sets: Sequence[JsonMap]) -> JsonMap | None:
    """The ReplicaSet of the Deployment's revision."""
    key = "deployment.kubernetes.io/revision"
    revision = (deployment["metadata"].get("annotations") or {}).get(key)
    ours = (one for one in sets if _owner(one) == deployment["metadata"]["uid"])
    return next((one for one in ours if (one["metadata"].get("annotations") or {}).get(key) == revision), None)


def _conditions(raw: JsonMap, kind: str, status: str = "True") -> Iterator[JsonMap]:
    for condition in (raw.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind and condition.get("status") == status:
            yield condition
