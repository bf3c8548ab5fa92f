"""The shapes every other value is made of: frozen structs, JSON trees, places in files."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

# A tree as JSON has it: dict, list, str, int, float, bool or None. Trees inside values are never changed in place.
Json = Any
JsonMap = Mapping[str, Any]


def one_of(*words: str) -> msgspec.Meta:
    """What the JSON Schema says of a text that is always one of these words."""
    return msgspec.Meta(extra_json_schema={"enum": list(words)})


Time = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="RFC 3339, in UTC.", extra_json_schema={"format": "date-time", "pattern": "Z$"}),
]


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frozen value; equal when its fields are equal, and JSON by `msgspec.json`."""


class Document(Value, frozen=True, kw_only=True, tag_field="schema"):
    """A value that is printed or stored as a whole: its JSON carries `schema: releaser/<name>/v1`."""


class Location(Value, frozen=True, kw_only=True, order=True):
    """A place in a file: the path is relative to the project's root, line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


Path = tuple[str, ...]
"""The keys from a document's root to a value; a list's element has its index as text."""


def dotted(path: Sequence[str]) -> str:
    """The printed form of a path: `environment.CACHE_TTL`; a key that holds a dot, a quote or nothing is quoted."""
    return ".".join(_quoted(key) if not key or "." in key or '"' in key else key for key in path)


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_path(text: str) -> Path:
    """The path that `dotted` printed; raises ValueError where a quote is open or a key is empty."""
    keys: list[str] = []
    rest = text
    while True:
        key, rest = _quoted_key(rest) if rest.startswith('"') else _plain_key(rest)
        keys.append(key)
        if not rest:
            return tuple(keys)
        if not rest.startswith(".") or rest == ".":
            raise ValueError(f"not a path: {text}")
        rest = rest[1:]


def _plain_key(text: str) -> tuple[str, str]:
    key, dot, rest = text.partition(".")
    if not key or '"' in key:
        raise ValueError(f"not a path: {text}")
    return key, dot + rest


def _quoted_key(text: str) -> tuple[str, str]:
    key: list[str] = []
    at = 1
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            key.append(text[at + 1])
            at += 2
        elif text[at] == '"':
            return "".join(key), text[at + 1 :]
        else:
            key.append(text[at])
            at += 1
    raise ValueError(f"a quote is open: {text}")


_INDEX = re.compile(r"[0-9]{1,9}\Z")


def named(tree: Json) -> dict[str, Json] | None:
    """The elements of a list of maps by their `name`, where all have one of their own; else None.

    Kubernetes and Compose write what belongs to a name as such a list, and an index into it tells a person little.
    """
    if not isinstance(tree, list) or not tree:
        return None
    found: dict[str, Json] = {}
    for one in tree:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or name in found:
            return None
        found[name] = one
    return found


def at_path(tree: Json, path: Sequence[str]) -> Json:
    """The value at `path` in `tree`, or None where the path leads nowhere; a list's element by name or by index."""
    for key in path:
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list):
            tree = _element(tree, key)
        else:
            return None
    return tree


def _element(items: list[Json], key: str) -> Json:
    by_name = named(items)
    if by_name is not None:
        return by_name.get(key)
    return items[int(key)] if _INDEX.match(key) and int(key) < len(items) else None


def with_value(tree: Json, path: Sequence[str], value: Json) -> Json:
    """The tree with another value at `path`; None takes away what is there. What is not there yet is added."""
    if not path or (value is None and at_path(tree, path) is None):
        return value if not path else tree
    key, rest = path[0], path[1:]
    below = with_value(at_path(tree, (key,)), rest, value)
    if isinstance(tree, list):
        return _with_element(tree, key, below)
    kept = tree if isinstance(tree, dict) else {}
    if below is None:
        return {name: one for name, one in kept.items() if name != key}
    return {**kept, key: below}


def _with_element(items: list[Json], key: str, value: Json) -> list[Json]:
    by_name = named(items) if items else {}
    if by_name is None:
        replaced = [value if str(index) == key else one for index, one in enumerate(items)]
    elif key in by_name:
        kept = value if isinstance(value, dict) and "name" in value else None  # without its name nothing is left of it
        replaced = [kept if name == key else one for name, one in by_name.items()]
    else:
        replaced = [*items, {"name": key, **value} if isinstance(value, dict) else value]
    return [one for one in replaced if one is not None]
