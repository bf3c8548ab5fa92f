"""A plan: every change that a delivery would make, as a value that survives JSON."""

from collections.abc import Mapping
from typing import Annotated

from releaser.model.drift import DriftItem
from releaser.model.gate import GateResult
from releaser.model.release import Release
from releaser.model.resource import SecretPrint, Target
from releaser.model.value import Document, Json, Location, Time, Value, one_of

CREATE, UPDATE, REPLACE, DELETE, UNCHANGED = "create", "update", "replace", "delete", "unchanged"
PROMOTE, ROLLBACK, RECONCILE = "promote", "rollback", "reconcile"
RESTORE = "restore"  # no trigger of a plan: the way back of a delivery that failed

Trigger = Annotated[str, one_of(PROMOTE, ROLLBACK, RECONCILE)]


class FieldChange(Value, frozen=True, kw_only=True):
    """One path of a resource with the value it has and the one it would get; secrets never show values."""

    path: str
    old: Json
    new: Json
    origin: Location | None = None
    secret: bool = False


class Change(Value, frozen=True, kw_only=True):
    """What would happen to one resource."""

    resource: str
    action: Annotated[str, one_of(CREATE, UPDATE, REPLACE, DELETE, UNCHANGED)]
    fields: tuple[FieldChange, ...] = ()
    server: tuple[FieldChange, ...] = ()  # what the engine itself would make of it beside: no part of the plan's id


class ImageChange(Value, frozen=True, kw_only=True):
    """What an image of the release has other than the one that runs."""

    image: str
    packages: int  # that are added, removed or of another version
    bytes: int  # how much larger its files are


class Plan(Document, frozen=True, kw_only=True, tag="releaser/plan/v1"):
    """What a delivery would do, and why it may or may not go on; `id` is the hash of what it rests on."""

    id: str
    project: str
    environment: str
    target: Target
    trigger: Trigger
    release: Release
    base_revision: int
    restores: int | None = None
    rendered_digest: str
    config_digest: str
    changes: tuple[Change, ...]
    images: tuple[ImageChange, ...] = ()  # those that are known: no part of the plan's id
    gates: tuple[GateResult, ...] = ()
    drift: tuple[DriftItem, ...] = ()
    secrets: Mapping[str, SecretPrint] = {}
    adopts: tuple[str, ...] = ()  # resources of others that --adopt takes over
    moves_from: Target | None = None  # the target that --move leaves
    replaces: tuple[str, ...] = ()  # resources that --replace lets be removed and made anew
    accepts: bool = False  # reconcile --accept: the drift goes into the record
    verify: tuple[str, ...] | None = None  # the command that will have the last word
    registers: bool = False  # the release is registered with the delivery
    nothing_to_do: bool = False
    warnings: tuple[str, ...] = ()
    created_at: Time

    @property
    def refused_by(self) -> tuple[GateResult, ...]:
        """The gates that do not let it in."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def writes(self) -> bool:
        """Whether the engine has anything to write."""
        return bool(self.drift and not self.accepts) or any(c.action != UNCHANGED for c in self.changes)
