"""Trees that are taken apart into words, and the API's numbers as they are declared."""

from collections.abc import Mapping
from copy import deepcopy

from releaser.model.value import Json, JsonMap, Path

_SECOND = 1_000_000_000
_UNITS = (("h", 3600 * _SECOND), ("m", 60 * _SECOND), ("s", _SECOND), ("ms", 1_000_000), ("us", 1_000))
_NOTHING: tuple[Json, ...] = (None, "", [], {}, 0, False)


def span(nanoseconds: int) -> str:
    """A time span as it is declared: `1m30s`."""
    found, rest = "", nanoseconds
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        found += f"{count}{unit}" if count else ""
    return found or "0s"


def cpus(nano: int) -> str:
    """A number of processors as it is declared: `0.5`."""
    return f"{nano / _SECOND:.9f}".rstrip("0").rstrip(".")


class Body:
    """The words found so far."""

    def __init__(self) -> None:
        self.tree: dict[str, Json] = {}

    def put(self, path: Path, value: Json) -> None:
        """Add a word, unless it says nothing."""
        if value in (None, "", [], {}):
            return
        at = self.tree
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value


class Tree:
    """An answer that words are taken out of, until only what has none is left."""

    def __init__(self, answer: JsonMap) -> None:
        self._tree: dict[str, Json] = {key: dict(value) for key, value in answer.items()}

    def take(self, *path: str) -> Json:
        """Take a value out; None where there is none."""
        at: Json = self._tree
        for key in path[:-1]:
            inner = at.get(key) if isinstance(at, dict) else None
            if isinstance(inner, dict) and at is not self._tree:
                inner = at[key] = dict(inner)  # the answer itself stays as it is
            at = inner
        return at.pop(path[-1], None) if isinstance(at, dict) else None

    def put(self, value: Json, *path: str) -> None:
        """Put back what no word says."""
        at = self._tree
        for key in path[:-1]:
            at = at.setdefault(key, {})
        at[path[-1]] = value

    def rest(self) -> dict[str, Json]:
        """What is left, without what the engine adds by itself."""
        for section, unsaid in _UNSAID.items():
            for name, usual in unsaid.items():
                value = self.take(section, name)
                if usual is not None and value not in (*_NOTHING, usual):
                    self.put(value, section, name)
        rest: dict[str, Json] = _pruned(self._tree) or {}
        return rest


_UNSAID: Mapping[str, Mapping[str, Json]] = {
    "Config": dict.fromkeys(
        ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce", "OnBuild", "ArgsEscaped", "MacAddress")
    ),
    "HostConfig": {
        "ConsoleSize": [0, 0],
        "CgroupnsMode": None,  # the engine's own default
        "MaskedPaths": None,
        "ReadonlyPaths": None,
        "ContainerIDFile": None,
    },
}
"""What stands there without having been asked for; None is any value."""


def _pruned(tree: Json) -> Json:
    """Without what is empty: the API leaves it out or not as it likes."""
    if isinstance(tree, dict):
        kept = {key: _pruned(value) for key, value in tree.items()}
        return {key: value for key, value in kept.items() if value not in _NOTHING}
    return [_pruned(value) for value in tree] if isinstance(tree, list) else deepcopy(tree)


def without(tree: JsonMap, path: Path) -> dict[str, Json]:
    """A tree without what stands at a path, and without the maps that are empty then."""
    key, *rest = path
    kept = dict(tree)
    if not rest:
        kept.pop(key, None)
    elif isinstance(kept.get(key), Mapping):
        inner = without(kept[key], tuple(rest))
        kept[key] = inner
        if not inner:
            del kept[key]
    return kept
