"""The body of a resource as it is written: with our mark."""

from collections.abc import Mapping
from typing import Any

from releaser.engines.kubernetes import marks
from releaser.model.resource import Mark
from releaser.model.value import JsonMap
from releaser.ports import Desired


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
