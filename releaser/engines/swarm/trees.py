"""Trees that a live spec is taken apart with: the words found so far, and what is left of the spec."""

from collections.abc import Mapping
from copy import deepcopy

from releaser.model.value import Json, JsonMap, Path


class Body:
    """The words found so far."""

    def __init__(self) -> None:
        self.tree: dict[str, Json] = {}

    def put(self, path: Path, value: Json) -> None:
        """Put a word in, unless it says nothing."""
        if value in (None, "", [], {}):
            return
        at = self.tree
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value


class Tree:
    """A spec that words are taken out of, until only what has none is left."""

    def __init__(self, spec: JsonMap, nothing: Mapping[Path, Json]) -> None:
        self._tree: dict[str, Json] = deepcopy(dict(spec))
        for path, value in nothing.items():
            found = self.take(*path)
            if value is not None and found != value:
                self.put(found, *path)

    def take(self, *path: str) -> Json:
        """A value, which is no part of the rest any more; None where there is none."""
        at: Json = self._tree
        for key in path[:-1]:
            at = at.get(key) if isinstance(at, dict) else None
        return at.pop(path[-1], None) if isinstance(at, dict) else None

    def put(self, value: Json, *path: str) -> None:
        """Put back what has no word."""
        at = self._tree
        for key in path[:-1]:
            at[key] = at = at.get(key) or {}
        at[path[-1]] = value

    def rest(self) -> dict[str, Json]:
        """What nobody took."""
        rest: dict[str, Json] = _pruned(self._tree) or {}
        return rest


def _pruned(tree: Json) -> Json:
    """Without what is empty: the API leaves it out or not as it likes."""
    if isinstance(tree, dict):
        kept = {key: _pruned(value) for key, value in tree.items()}
        return {key: value for key, value in kept.items() if value not in (None, "", [], {})}
    return [_pruned(value) for value in tree] if isinstance(tree, list) else tree


def drop(tree: dict[str, Json], path: Path) -> None:
    """Take a value out, and the maps above it that are empty then."""
    key, *rest = path
    below = tree.get(key)
    if rest and isinstance(below, dict):
        drop(below, tuple(rest))
    if not rest or below == {}:
        tree.pop(key, None)
