"""The difference of two JSON trees, path by path."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from releaser.model.value import Json, Path
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

    Maps are compared key by key; lists of one length element by element, others as a whole; a missing side is None.
    """
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from diff(old.get(key, ABSENT), new.get(key, ABSENT), (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from diff(one, other, (*at, str(index)))
    elif isinstance(old, dict) and old and new is ABSENT:
        for key in sorted(old):
            yield from diff(old[key], ABSENT, (*at, key))
    elif isinstance(new, dict) and new and old is ABSENT:
        for key in sorted(new):
            yield from diff(ABSENT, new[key], (*at, key))
    else:
        yield Difference(at, old, new)


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
