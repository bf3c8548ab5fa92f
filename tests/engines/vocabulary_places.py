"""The places that the table of words names, found in an API's body."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from releaser.engines.vocabulary import Cell, Row
from tests.engines.vocabulary_samples import Sample

OURS = ("`release` itself", "must be there")
"""How a cell begins whose word `release` obeys without the engine's knowledge."""

_PLACE = re.compile(r"[A-Z]\w*(\[\])?(\.([A-Z]\w*|\*)(\[\])?)*")


def place_of(text: str) -> tuple[str, ...]:
    """`HostConfig.Mounts[].Type` as keys with `*` for every element; nothing where a cell does not begin with one."""
    found = _PLACE.match(text)
    return tuple(found[0].replace("[]", ".*").split(".")) if found else ()


def at(tree: Any, place: tuple[str, ...]) -> list[Any]:
    """Everything that stands at a place."""
    if not place:
        return [tree]
    if place[0] == "*":
        return [value for one in _children(tree) for value in at(one, place[1:])]
    return at(tree[place[0]], place[1:]) if isinstance(tree, Mapping) and place[0] in tree else []


def _children(tree: Any) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        yield from tree.values()
    elif isinstance(tree, list):
        yield from tree


def holds(kept: Any, sent: Any) -> bool:
    """Whether an engine kept what it was sent; it may have added some of its own."""
    if isinstance(sent, Mapping):
        return isinstance(kept, Mapping) and all(key in kept and holds(kept[key], value) for key, value in sent.items())
    if isinstance(sent, list):
        return isinstance(kept, list) and all(any(holds(one, value) for one in kept) for value in sent)
    return bool(kept == sent)


def mapped(table: Sequence[Row], kind: str) -> list[Any]:
    """The rows that say where an engine's API has the word."""
    found = [row for row in table if row.cell(kind).place and not row.cell(kind).place.startswith(OURS)]
    return [pytest.param(row, id=row.word) for row in found]


def accepted(sample: Sample, cell: Cell) -> Any:
    """The sample's value, or one that the engine takes."""
    return sample.value if not cell.refused or sample.value in cell.taken else cell.taken[0]


def newer(needs: str, api: str) -> bool:
    """Whether an API version is beyond an engine's."""
    return tuple(map(int, needs.split("."))) > tuple(map(int, api.split(".")))
