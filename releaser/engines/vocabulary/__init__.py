"""The one table of Compose words → engines: what each makes of every word, what it refuses, and what it has no use for.

The documentation is made from it, and so are the refusals of a plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from releaser.engines.vocabulary import deploy, sections, services
from releaser.engines.vocabulary.cells import DIRECTORY, DOCKER, ENGINES, SWARM, Cell, Row
from releaser.model.value import Json, JsonMap, Path

GROUPS: Mapping[str, tuple[Row, ...]] = {
    "The process": services.PROCESS,
    "Health and order": services.HEALTH,
    "The network": services.NETWORK,
    "Volumes and files": services.FILES,
    "The host and its rights": services.HOST,
    "Instances": deploy.DEPLOY,
}
"""The words of a service in the order of the documentation."""

SERVICE: tuple[Row, ...] = tuple(row for group in GROUPS.values() for row in group)
NETWORK: tuple[Row, ...] = sections.NETWORK
VOLUME: tuple[Row, ...] = sections.VOLUME

_OFF: tuple[Json, ...] = (None, False, "", {}, [])
"""Values that ask for nothing, so that nobody refuses them."""


class Use(NamedTuple):
    """One declared word: its path, its value, and what the engine makes of it."""

    path: Path
    word: str
    value: Json
    cell: Cell


def uses(table: Sequence[Row], kind: str, words: JsonMap) -> Iterator[Use]:
    """Every word of a declared map, with what the engine `kind` makes of it."""
    for row in table:
        for path, value in _found(words, tuple(row.word.split("."))):
            yield Use(path, row.word, value, row.cell(kind))


def refused(table: Sequence[Row], kind: str, words: JsonMap) -> Iterator[Use]:
    """The words that the engine refuses here."""
    for use in uses(table, kind, words):
        if use.cell.refused and not _is(use.value, (*_OFF, *use.cell.taken)):
            yield use


def without_effect(table: Sequence[Row], kind: str, words: JsonMap) -> Iterator[Use]:
    """The words that the engine has no use for, and that a plan says so of."""
    return (use for use in uses(table, kind, words) if use.cell.told and not _is(use.value, _OFF))


def too_new(table: Sequence[Row], kind: str, words: JsonMap, api: str) -> Iterator[Use]:
    """The words that an engine of this API version does not know."""
    known = _version(api)
    for use in uses(table, kind, words):
        if use.cell.needs and _version(use.cell.needs) > known and not _is(use.value, _OFF):
            yield use


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _is(value: Json, values: Sequence[Json]) -> bool:
    """Whether the value is one of these; 0 is not false here."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)


def _found(tree: Json, pattern: Path, at: Path = ()) -> Iterator[tuple[Path, Json]]:
    if not pattern:
        yield at, tree
    elif pattern[0] == "*":
        for key, value in _items(tree):
            yield from _found(value, pattern[1:], (*at, key))
    elif isinstance(tree, Mapping) and pattern[0] in tree:
        yield from _found(tree[pattern[0]], pattern[1:], (*at, pattern[0]))


def _items(tree: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, list):
        yield from ((str(index), value) for index, value in enumerate(tree))


__all__ = [
    "DIRECTORY",
    "DOCKER",
    "ENGINES",
    "GROUPS",
    "NETWORK",
    "SERVICE",
    "SWARM",
    "VOLUME",
    "Cell",
    "Row",
    "Use",
    "refused",
    "too_new",
    "uses",
    "without_effect",
]
