"""The body of a resource as it is written: with our mark, and with the real names of Secrets."""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaser.engines.kubernetes import live, marks
from releaser.engines.kubernetes.references import renamed
from releaser.engines.kubernetes.render import rendered
from releaser.model.plan import PROMOTE
from releaser.model.resource import Mark
from releaser.model.value import JsonMap
from releaser.ports import Desired, Work


def marked(
    desired: Desired, mark: Mark, *, notes: Mapping[str, str] | None = None, name: str | None = None
) -> dict[str, Any]:
    """The object with our mark and more annotations; what is brought back keeps the revision that wrote it."""
    body: JsonMap = desired.resource.body
    revision = desired.revision or mark.revision
    ours = Mark(project=mark.project, environment=mark.environment, history=mark.history, revision=revision)
    metadata = dict(body["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), **marks.labels_of(ours)}
    own = marks.annotations_of(ours, desired.resource.fingerprint)
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **own, **(notes or {})}
    if name is not None:
        metadata["name"] = name
    return {**body, "metadata": metadata}


def written(desired: Desired, work: Work, real: Mapping[str, str]) -> JsonMap:
    """The object as it is applied; `real`: declared name of a secret → the Secret that stands for it."""
    notes: dict[str, str] = {}
    body = desired.resource.body
    if body["kind"] in {"ConfigMap", "PersistentVolumeClaim"} and rendered(body):
        notes[marks.NAME] = body["metadata"]["name"]
    idle = body["kind"] == "Job" and not _runs_now(body, work)
    if idle:
        notes[marks.IDLE] = str(body["spec"].get("parallelism", 1))
    whole = renamed(marked(desired, work.mark, notes=notes), real)
    return {**whole, "spec": {**whole["spec"], "parallelism": 0}} if idle else whole


def _runs_now(body: JsonMap, work: Work) -> bool:
    """Whether a job is to run: for a promotion, and for what it says itself."""
    text = live.annotations(body).get(marks.RUNS_ON)
    also = msgspec.json.decode(text, type=list[str]) if text else []
    return work.trigger == PROMOTE or work.trigger in also
