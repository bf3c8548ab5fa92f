"""Drift: the difference between the head's inventory and what is live."""

from typing import Annotated

from releaser.model.value import Document, Json, Time, Value, one_of

MISSING, CHANGED, RECREATED, ORPHAN = "missing", "changed", "recreated", "orphan"


class DriftField(Value, frozen=True, kw_only=True):
    """One path whose live value is not the recorded one."""

    path: str
    recorded: Json
    live: Json
    by: str | None = None  # who wrote it, and when, where the engine tells
    at: Time | None = None


class DriftItem(Value, frozen=True, kw_only=True):
    """One resource that drifted; `by` and `at` where the engine tells."""

    resource: str
    kind: Annotated[str, one_of(MISSING, CHANGED, RECREATED, ORPHAN)]
    fields: tuple[DriftField, ...] = ()
    by: str | None = None
    at: Time | None = None


class EnvironmentDrift(Value, frozen=True, kw_only=True):
    """The drift of one environment; `clean` is None where it could not be told, and `error` says why."""

    environment: str
    revision: int | None
    release: str | None
    clean: bool | None
    checked_at: Time
    items: tuple[DriftItem, ...] = ()
    notes: tuple[str, ...] = ()  # what differs and is no drift
    error: str | None = None


class DriftReport(Document, frozen=True, kw_only=True, tag="releaser/drift/v1"):
    """Live against recorded, environment by environment in pipeline order."""

    environments: tuple[EnvironmentDrift, ...]
