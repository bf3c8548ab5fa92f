"""The difference of two JSON trees, path by path."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from releaser.model.value import Json, Path, named
from releaser.planning.fingerprint import canonical

_encode = msgspec.json.Encoder().encode

ABSENT = None
"""What a side without a value shows; null is not a value in bodies, so nothing is lost."""


class Difference(NamedTuple):
    """One path at which two trees differ."""

    path: Path
    old: Json
    new: Json


def diff(old: Json, new: Json, at: Path = ()) -> Iterator[Difference]:
    """The leaves that differ, in the order of their keys.

    Maps are compared key by key, and so are lists of maps with a `name` each that stand in one order; other lists of
    one length element by element, the rest as a whole; a missing side is None.
    """
    if same(old, new):
        return
    sides = _maps(old, new) or _lists(old, new)
    if sides is None:
        yield Difference(at, old, new)
        return
    one, other = sides
    keys = [*one, *(key for key in other if key not in one)]
    for key in sorted(keys) if isinstance(old or new, dict) else keys:
        yield from diff(one.get(key, ABSENT), other.get(key, ABSENT), (*at, key))


_Sides = tuple[dict[str, Json], dict[str, Json]]


def _maps(old: Json, new: Json) -> _Sides | None:
    """Both sides of two maps, or of one that is there on one side only, unless it is empty."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old, new
    if isinstance(old, dict) and old and new is ABSENT:
        return old, {}
    if isinstance(new, dict) and new and old is ABSENT:
        return {}, new
    return None


def _lists(old: Json, new: Json) -> _Sides | None:
    """Two lists as maps by name or index; None where neither fits, also where what has names changed places."""
    one, other = named(old), named(new)
    if (
        one is not None
        and other is not None
        and [name for name in one if name in other] == [name for name in other if name in one]
    ):
        return one, other
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and not (one and other):
        return {str(at): item for at, item in enumerate(old)}, {str(at): item for at, item in enumerate(new)}
    return None


def same(old: Json, new: Json) -> bool:
    """Whether both are the same JSON: Python takes 1, 1.0 and true for equal."""
    if old is new:
        return True
    if type(old) is not type(new) or old != new:
        return False
    # As they are, they are mostly written alike; sorting their keys takes ten times as long.
    return not isinstance(old, dict | list) or _encode(old) == _encode(new) or canonical(old) == canonical(new)


def leaves(tree: Json, at: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every leaf of a tree with its path; lists and empty maps are leaves."""
    if isinstance(tree, dict) and tree:
        for key in sorted(tree):
            yield from leaves(tree[key], (*at, key))
    else:
        yield at, tree
