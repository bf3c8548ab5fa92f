"""Marks: whose an object is, and what it was made from. They stand on objects, never on pod templates.

Labels are what a list can be asked for; annotations hold the rest.
"""

from collections.abc import Mapping

from releaser.model.resource import Mark
from releaser.model.value import JsonMap

PREFIX = "releaser.dev/"
FIELD_MANAGER = "releaser"
"""The manager of the fields that we apply."""

PROJECT = f"{PREFIX}project"  # a label
ENVIRONMENT = f"{PREFIX}environment"  # a label
HISTORY = f"{PREFIX}history"
REVISION = f"{PREFIX}revision"
FINGERPRINT = f"{PREFIX}fingerprint"
NAME = f"{PREFIX}name"
"""On a Secret: the secret's declared name, as its real one has an end of its own."""
IDLE = f"{PREFIX}idle"
"""On a Job that is there without running: the parallelism that it would have."""

LABELS = frozenset({PROJECT, ENVIRONMENT})
ANNOTATIONS = frozenset({HISTORY, REVISION, FINGERPRINT, NAME, IDLE})

# These are declared, part of the body and of its fingerprint: what an engine needs to know of an object later.
DEPENDS_ON = f"{PREFIX}depends-on"
"""An annotation of a workload: JSON, service → condition, as in {"db": "service_healthy"}.

A service is what bears its name as the label `app.kubernetes.io/name`: a Job has another name in each release.
"""
RUNS_ON = f"{PREFIX}runs-on"
"""An annotation of a Job: JSON, the triggers that it runs for beside promote, as in ["rollback"]."""
IGNORE = f"{PREFIX}ignore"
"""An annotation: JSON, the dotted paths of the object that somebody else owns."""


def labels_of(mark: Mark) -> dict[str, str]:
    """The labels of an object of ours."""
    return {PROJECT: mark.project, ENVIRONMENT: mark.environment}


def annotations_of(mark: Mark, fingerprint: str) -> dict[str, str]:
    """The annotations of an object of ours."""
    return {HISTORY: mark.history, REVISION: str(mark.revision), FINGERPRINT: fingerprint}


def mark_of(body: JsonMap) -> Mark | None:
    """The mark on an object; None where there is none, or half of one."""
    metadata = body.get("metadata") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    try:
        return Mark(
            project=labels[PROJECT],
            environment=labels[ENVIRONMENT],
            history=annotations[HISTORY],
            revision=int(annotations[REVISION]),
        )
    except (KeyError, ValueError):
        return None


def fingerprint_of(body: JsonMap) -> str:
    """The fingerprint of the resource that an object was made from; "" where its mark tells none."""
    annotations: Mapping[str, str] = (body.get("metadata") or {}).get("annotations") or {}
    return annotations.get(FINGERPRINT, "")
