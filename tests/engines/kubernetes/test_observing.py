"""What is live, from objects that a cluster answered with: what is drift, who did it, and what is none.

`recorded/deployment.json` has a Deployment as a server of 1.20 answered our apply, and after `kubectl set env`,
`annotate`, `scale` and `rollout restart`.
"""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from releaser.engines.kubernetes import live, managed_fields, marks
from releaser.engines.kubernetes.looking import Look
from releaser.engines.kubernetes.objects import identity
from releaser.engines.kubernetes.observing import Seen, observation
from releaser.model.drift import CHANGED, MISSING, RECREATED
from releaser.model.resource import EMPTY, Mark, Ready, Resource
from releaser.model.value import with_value
from releaser.planning import drift, settling
from releaser.ports import Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMESPACE = "shop-test1"
SCOPE = Scope(project="shop", environment="test1", history="h")
API = "deployment.apps/api"
SET = ("spec", "template", "spec", "containers", "api", "env", "EXTRA")


@pytest.fixture
def recorded():
    text = (Path(__file__).parent / "recorded" / "deployment.json").read_text()
    return json.loads(text)


def seen(*raws, scope=SCOPE):
    objects = {identity(raw, NAMESPACE).resource: raw for raw in raws}
    return Seen(look=Look(objects=objects), scope=scope, namespace=NAMESPACE)


def observed(*raws, inventory=EMPTY, scope=SCOPE):
    return observation(seen(*raws, scope=scope), inventory, NOW)


def record(raw):
    """The inventory right after a delivery."""
    resource = Resource(id=API, body={}, fingerprint="sha256:1")
    return settling.inventory_of(observed(raw), (resource,), 3)


def test_as_it_was_delivered(recorded):
    found = observed(recorded["before"])
    assert set(found.resources) == {API}
    seen_live = found.resources[API]
    assert seen_live.mark == Mark(project="shop", environment="test1", history="h", revision=3)
    assert seen_live.fingerprint == "sha256:1"
    assert seen_live.ready == Ready(running=0, desired=2)
    assert seen_live.body["metadata"] == {"name": "api"}
    assert "status" not in seen_live.body
    assert drift.detect(record(recorded["before"]), found) == ()


def told(kind, generation=2, **status):
    """The readiness of a workload that wants two instances."""
    metadata = {"name": "api", "generation": generation}
    status = {"observedGeneration": 2, **status}
    found = live.ready({"kind": kind, "metadata": metadata, "spec": {"replicas": 2}, "status": status})
    return found.running, found.desired


@pytest.mark.parametrize(
    ("counts", "running"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2}, 2),
        ({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2}, 0),  # two old ones are ready
        ({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 3}, 1),
        ({"replicas": 4, "updatedReplicas": 2, "readyReplicas": 4}, 2),  # the old ones are ending
        ({"replicas": 2, "readyReplicas": 2}, 0),
        ({}, 0),
    ],
)
def test_old_pods_do_not_count_as_running(counts, running):
    assert told("Deployment", **counts) == (running, 2)
    assert told("Deployment", generation=3, **counts) == (0, 2), "the status is older than the write"


def test_old_pods_of_other_kinds_do_not_count_either():
    sets = {"readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a"}
    assert told("StatefulSet", **sets, updateRevision="b") == (1, 2)
    assert told("StatefulSet", **sets, updateRevision="a") == (2, 2)
    daemons = {"desiredNumberScheduled": 3, "numberReady": 3, "updatedNumberScheduled": 1}
    assert told("DaemonSet", **daemons) == (1, 3)


def test_quantities_and_defaults_are_no_drift(recorded):
    """`1000m` became `1`, and a strategy came: the server's answer is what is compared."""
    limits = recorded["before"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "1", "memory": "1Gi"}
    assert drift.detect(record(recorded["before"]), observed(recorded["before"])) == ()


def test_what_people_changed_is_drift_by_field(recorded):
    inventory = record(recorded["before"])
    (item,) = drift.detect(inventory, observed(recorded["after"], inventory=inventory))
    assert item.kind == CHANGED
    found = {field.path: (field.recorded, field.live, field.by) for field in item.fields}
    assert found == {
        "metadata.annotations.note": (None, "by-hand", "kubectl-annotate"),
        "spec.replicas": (2, 5, None),  # 1.20 tells nobody of a write to the scale
        "spec.template.spec.containers.api.env.EXTRA.name": (None, "EXTRA", "kubectl-set"),
        "spec.template.spec.containers.api.env.EXTRA.value": (None, "1", "kubectl-set"),
    }
    assert all(field.at is not None for field in item.fields if field.by)
    assert item.by in {"kubectl-annotate", "kubectl-rollout", "kubectl-set"}  # within one second


def test_a_restart_on_request_is_a_note(recorded):
    before, inventory = recorded["before"], record(recorded["before"])
    after = with_value(
        before, ("spec", "template", "metadata", "annotations"), {live.RESTARTED: "2026-01-01T00:00:00Z"}
    )
    found = observed(after, inventory=inventory)
    assert drift.detect(inventory, found) == ()
    assert drift.notes(found) == (f"{API}: its pods were restarted on request at 2026-01-01T00:00:00Z",)


def test_a_new_default_of_the_server_is_a_note(recorded):
    inventory = record(recorded["before"])
    after = with_value(recorded["before"], ("spec", "template", "spec", "hostUsers"), True)
    found = observed(after, inventory=inventory)
    assert drift.detect(inventory, found) == ()
    assert drift.notes(found) == (f"{API}: spec.template.spec.hostUsers was set by the server: true",)


def test_a_controllers_own_annotations_are_nothing(recorded):
    inventory = record(recorded["before"])
    path = ("metadata", "annotations", "deployment.kubernetes.io/revision")
    found = observed(with_value(recorded["before"], path, "7"), inventory=inventory)
    assert drift.detect(inventory, found) == ()
    assert drift.notes(found) == ()


def test_an_edit_that_was_taken_back_is_clean(recorded):
    inventory = record(recorded["before"])
    again = copy.deepcopy(recorded["before"])
    again["metadata"].update(generation=7, resourceVersion="9999")
    assert drift.detect(inventory, observed(again, inventory=inventory)) == ()


def test_deleted_and_made_anew(recorded):
    inventory = record(recorded["before"])
    again = with_value(recorded["before"], ("metadata", "uid"), "another")
    (item,) = drift.detect(inventory, observed(again, inventory=inventory))
    assert item.kind == RECREATED
    (item,) = drift.detect(inventory, observed(inventory=inventory))
    assert item.kind == MISSING


def test_what_lost_its_labels_is_still_seen(recorded):
    inventory = record(recorded["before"])
    bare = with_value(recorded["before"], ("metadata", "labels"), {})
    found = observed(bare, inventory=inventory)
    assert found.resources[API].mark is None


def test_ignored_paths_are_nobodys_drift(recorded):
    raw = with_value(recorded["before"], ("metadata", "annotations", marks.IGNORE), '["spec.replicas"]')
    inventory = record(raw)
    assert "replicas" not in inventory.items[API].snapshot["spec"]
    scaled = with_value(raw, ("spec", "replicas"), 5)
    assert drift.detect(inventory, observed(scaled, inventory=inventory)) == ()


@pytest.mark.parametrize(("mark", "text"), [(marks.IGNORE, '["spec..x"]'), (marks.IGNORE, "x"), (marks.IDLE, "no")])
def test_marks_that_somebody_made_nonsense_of(recorded, mark, text):
    inventory = record(recorded["before"])
    raw = with_value(recorded["before"], ("metadata", "annotations", mark), text)
    assert {item.kind for item in drift.detect(inventory, observed(raw, inventory=inventory))} <= {CHANGED}


def test_what_nobody_asks_for_is_not_shown(recorded):
    theirs = with_value(recorded["before"], ("metadata", "labels"), {})
    theirs = with_value(theirs, ("metadata", "annotations"), {})
    assert dict(observed(theirs).resources) == {}
    wanted = Scope(project="shop", environment="test1", history="h", wanted=frozenset({API}), others=True)
    found = observed(theirs, scope=wanted).resources[API]
    assert found.mark is None
    assert found.body["spec"].keys() == {"replicas", "selector", "template"}  # what somebody declared, no defaults


def secret(name, declared="password", created="2026-01-01T00:00:00Z"):
    labels = {marks.PROJECT: "shop", marks.ENVIRONMENT: "test1"}
    notes = {marks.NAME: declared, marks.HISTORY: "h", marks.REVISION: "1", marks.FINGERPRINT: "sha256:2"}
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "labels": labels,
        "annotations": notes,
        "creationTimestamp": created,
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def referring(raw, name):
    found = copy.deepcopy(raw)
    reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "value"}}}
    found["spec"]["template"]["spec"]["containers"][0]["env"].append(reference)
    return found


def test_a_secret_stands_under_its_declared_name(recorded):
    raw = referring(recorded["before"], "password-11111111")
    found = observed(raw, secret("password-11111111"), secret("password-22222222", created="2026-02-01T00:00:00Z"))
    assert set(found.resources) == {API, "secret/password"}
    assert found.resources["secret/password"].uid == "uid-password-11111111"
    assert found.resources["secret/password"].body["metadata"] == {"name": "password"}
    env = found.resources[API].body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env[-1]["valueFrom"]["secretKeyRef"]["name"] == "password"


def test_a_secret_that_nothing_refers_to_is_kept_and_not_shown(recorded):
    assert set(observed(recorded["before"], secret("password-11111111")).resources) == {API}


def test_who_manages_a_field(recorded):
    after = recorded["after"]
    assert managed_fields.owner(after, SET).name == "kubectl-set"
    assert managed_fields.owner(after, (*SET, "value")).name == "kubectl-set"
    assert managed_fields.owner(after, ("spec", "template", "spec", "containers", "api", "env", "LEVEL")) is None
    assert managed_fields.ours(after, ("spec", "selector", "matchLabels", "app.kubernetes.io/name"))
    assert managed_fields.ours(after, ("spec", "replicas"))
    assert not managed_fields.ours(after, ("spec", "strategy"))
    status = managed_fields.owner(after, ("status", "replicas"))
    assert status.is_controller
    assert not managed_fields.Manager(name="kubectl-edit").is_controller
    assert managed_fields.Manager(name="kubelet").is_controller
