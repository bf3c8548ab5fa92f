"""What a workload and its pods say of a write: kinds and states that a delivery to a real cluster seldom shows."""

from typing import Any

import pytest

from releaser.engines.kubernetes.judging import FAILED, LATER, READY, SOON, WAITING, judge

LABELS = {"app": "api"}


def workload(kind: str, *, generation: int = 1, annotations: dict[str, str] | None = None, **spec: Any) -> Any:
    metadata = {"name": "api", "uid": "w", "generation": generation, "annotations": annotations or {}}
    return {"kind": kind, "metadata": metadata, "spec": {"selector": {"matchLabels": LABELS}, **spec}}


def with_status(raw: Any, **status: Any) -> Any:
    return {**raw, "status": {"observedGeneration": raw["metadata"]["generation"], **status}}


def pod(owner: str, *, labels: dict[str, str] | None = None, ending: bool = False, waits: str | None = None) -> Any:
    metadata: dict[str, Any] = {
        "name": "api-1",
        "labels": {**LABELS, **(labels or {})},
        "ownerReferences": [{"controller": True, "uid": owner}],
    }
    if ending:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    state = {"waiting": {"reason": waits}} if waits else {"running": {}}
    last = {"terminated": {"exitCode": 3}}
    status = {"phase": "Running", "containerStatuses": [{"name": "c", "state": state, "lastState": last}]}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}]}, "status": status}


@pytest.mark.parametrize(("updated", "state"), [(0, WAITING), (1, READY)])
def test_a_partition_keeps_the_others_as_they_are(updated: int, state: str) -> None:
    written = workload("StatefulSet", replicas=3, updateStrategy={"rollingUpdate": {"partition": 2}})
    raw = with_status(written, currentRevision="a", updateRevision="b", updatedReplicas=updated, readyReplicas=3)
    assert judge(raw, written, [], []).state == state


def test_a_daemon_set_that_waits_for_somebody_to_delete_its_pods() -> None:
    written = workload("DaemonSet", updateStrategy={"type": "OnDelete"})
    raw = with_status(written, desiredNumberScheduled=3, updatedNumberScheduled=0, numberAvailable=3)
    assert judge(raw, written, [], []).state == READY


def test_a_daemon_sets_pods_are_of_a_template_and_not_of_the_object() -> None:
    written = workload("DaemonSet", generation=3, annotations={"deprecated.daemonset.template.generation": "2"})
    raw = with_status(written, desiredNumberScheduled=1, updatedNumberScheduled=1)
    new = pod("w", labels={"pod-template-generation": "2"}, waits="CrashLoopBackOff")
    old = pod("w", labels={"pod-template-generation": "1"}, waits="CrashLoopBackOff")
    assert judge(raw, written, [new], []).text == "ended with exit code 3"
    assert judge(raw, written, [new], []).state == FAILED
    assert judge(raw, written, [old], []).state == WAITING


@pytest.mark.parametrize(("ending", "passes"), [(True, LATER), (False, SOON)])
def test_a_quota_has_room_again_once_an_old_pod_is_gone(*, ending: bool, passes: str) -> None:
    revision = {"deployment.kubernetes.io/revision": "2"}
    written = workload("Deployment", annotations=revision, replicas=4)
    raw = with_status(written, replicas=4, updatedReplicas=0, availableReplicas=4)
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}
    new = {
        "metadata": {"uid": "r", "annotations": revision, "ownerReferences": [{"controller": True, "uid": "w"}]},
        "status": {"conditions": [refused]},
    }
    verdict = judge(raw, written, [pod("old", ending=ending)], [new])
    assert (verdict.state, verdict.passes, verdict.text) == (WAITING, passes, "exceeded quota: pods")
