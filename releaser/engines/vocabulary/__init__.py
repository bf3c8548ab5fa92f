"""The one table of Compose words → engines: what each makes of every word, what it refuses, and what it has no use for.

The documentation is made from it, and so are the refusals of a plan.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from releaser.engines.vocabulary import deploy, sections, services
from releaser.engines.vocabulary.cells import DIRECTORY, DOCKER, ENGINES, KUBERNETES, SWARM, Cell, Row
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

_OFF: tuple[Json, ...] = (None, False, "", {}, [])
"""Values that ask for nothing, so that nobody refuses them."""


class Use(NamedTuple):
    """One declared word: its path, its value, and what the engine makes of it."""

    path: Path
    word: str
    value: Json
    cell: Cell


class Table(Sequence[Row]):
    """Rows in the order of the documentation; which of them say something of a word is found out once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = tuple(rows)
        self._by_word: dict[tuple[str, str], dict[str, list[tuple[Path, Row]]]] = {}

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def by_word(self, kind: str, part: str) -> Mapping[str, list[tuple[Path, Row]]]:
        """First word of a path → its rows whose cell for an engine has this part, as `refused`."""
        index = self._by_word.get((kind, part))
        if index is None:
            index = self._by_word[kind, part] = {}
            for row in self._rows:
                if getattr(row.cell(kind), part):
                    path = tuple(row.word.split("."))
                    index.setdefault(path[0], []).append((path, row))
        return index


SERVICE = Table(row for group in GROUPS.values() for row in group)
NETWORK = Table(sections.NETWORK)
VOLUME = Table(sections.VOLUME)


def _uses(table: Table, kind: str, words: JsonMap, part: str) -> Iterator[Use]:
    """Every word of a declared map that the engine's cell has this part for."""
    rows = table.by_word(kind, part)
    for word in words:
        for path, row in rows.get(word, ()):
            for at, value in _found(words, path):
                yield Use(at, row.word, value, row.cell(kind))


def refused(table: Table, kind: str, words: JsonMap) -> Iterator[Use]:
    """The words that the engine refuses here."""
    for use in _uses(table, kind, words, "refused"):
        if not _is(use.value, (*_OFF, *use.cell.taken)):
            yield use


def without_effect(table: Table, kind: str, words: JsonMap) -> Iterator[Use]:
    """The words that the engine has no use for, and that a plan says so of."""
    return (use for use in _uses(table, kind, words, "told") if not _is(use.value, _OFF))


def too_new(table: Table, kind: str, words: JsonMap, api: str) -> Iterator[Use]:
    """The words that an engine of this API version does not know."""
    known = _version(api)
    for use in _uses(table, kind, words, "needs"):
        if _version(use.cell.needs) > known and not _is(use.value, _OFF):
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
    "KUBERNETES",
    "NETWORK",
    "SERVICE",
    "SWARM",
    "VOLUME",
    "Cell",
    "Row",
    "Table",
    "Use",
    "refused",
    "too_new",
    "without_effect",
]
