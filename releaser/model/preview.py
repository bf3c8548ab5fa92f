"""A preview: what an engine says to changes before anything is written."""

from collections.abc import Mapping

from releaser.model.resource import ResourceId
from releaser.model.value import Json, Path, Value


class Set(Value, frozen=True, kw_only=True):
    """A value that the engine, or what is plugged into it, would set and nobody declared."""

    path: Path
    old: Json  # what is live
    new: Json


class Refusal(Value, frozen=True, kw_only=True):
    """What the engine would refuse, in its words; `path` leads to the value in the first resource's body."""

    resources: tuple[ResourceId, ...]
    message: str
    path: Path | None = None


class Replacement(Value, frozen=True, kw_only=True):
    """A resource that cannot become what is wanted unless it is removed and made anew."""

    why: str  # the fields that cannot be changed, in words
    harmless: bool = False  # nothing runs in it, and it holds nothing: nobody has to consent


class Preview(Value, frozen=True, kw_only=True):
    """The engine's answers; empty where it is not asked, as nothing but a delivery would tell."""

    sets: Mapping[ResourceId, tuple[Set, ...]] = {}
    replaces: Mapping[ResourceId, Replacement] = {}
    refusals: tuple[Refusal, ...] = ()
    unasked: Mapping[str, tuple[ResourceId, ...]] = {}  # why they could not be asked for → the resources


NOTHING = Preview()
"""Nothing was asked."""
