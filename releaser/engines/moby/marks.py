"""Marks as labels: whose a network, a container, a service, a config or a secret is, and what it was made from.

Labels hold names, never values of secrets.
"""

from collections.abc import Mapping

from releaser.model.resource import Mark

PROJECT = "releaser.project"
ENVIRONMENT = "releaser.environment"
HISTORY = "releaser.history"
REVISION = "releaser.revision"
FINGERPRINT = "releaser.fingerprint"
NAME = "releaser.name"
"""The name within its kind that a thing is declared by: `api` of `service/api`."""

PREFIX = "releaser."


def labels_of(mark: Mark, name: str, fingerprint: str) -> dict[str, str]:
    """The labels of a thing of ours."""
    return {
        PROJECT: mark.project,
        ENVIRONMENT: mark.environment,
        HISTORY: mark.history,
        REVISION: str(mark.revision),
        NAME: name,
        FINGERPRINT: fingerprint,
    }


def mark_of(labels: Mapping[str, str] | None) -> Mark | None:
    """The mark in these labels; None where there is none, or half of one."""
    found = labels or {}
    try:
        return Mark(
            project=found[PROJECT],
            environment=found[ENVIRONMENT],
            history=found[HISTORY],
            revision=int(found[REVISION]),
        )
    except (KeyError, ValueError):
        return None


def own(labels: Mapping[str, str] | None) -> dict[str, str]:
    """The labels that are not ours to keep: the declared ones, and those that somebody added."""
    return {key: value for key, value in (labels or {}).items() if not key.startswith(PREFIX)}
