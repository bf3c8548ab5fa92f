"""The declarations' JSON Schemas: whether a document keeps to its own, and what is wrong with it, by file and line."""

import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs

import releaser
from releaser.declarations.misfits import Misfit, without_consequences, worded
from releaser.declarations.problems import MAX_PROBLEMS
from releaser.model.environment import Origins
from releaser.model.errors import Problem
from releaser.model.tree import MAP, Node, plain
from releaser.model.value import Json, JsonMap, Location

FOLDER = Path(releaser.__file__).parent / "schemas"

_TEXT_KEYWORDS = frozenset({"enum", "pattern"})


def check(node: Node, name: str) -> tuple[Problem, ...]:
    """What is wrong with a document of the kind `pipeline` or `layer`.

    Where only certain texts may stand, one that holds a `${…}` passes: `check_values` sees what becomes of it.
    """
    return tuple(
        worded(misfit, _place(node, misfit))
        for misfit in _misfits(plain(node), name)
        if misfit.keyword not in _TEXT_KEYWORDS or not misfit.interpolated
    )


def check_values(values: JsonMap, name: str, origins: Origins) -> tuple[Problem, ...]:
    """What is wrong with a merged document once its names are replaced."""
    return tuple(worded(misfit, origins.locate(misfit.path)) for misfit in _misfits(values, name))


def _misfits(document: Json, name: str) -> list[Misfit]:
    validator, schema = _compiled(name)
    if validator.is_valid(document):
        return []
    found: list[Misfit] = []
    for error in islice(validator.iter_errors(document), MAX_PROBLEMS):
        found.extend(_split(error, schema, document))
    return without_consequences(found)


@cache
def _compiled(name: str) -> tuple[Any, JsonMap]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_bytes())
    return jsonschema_rs.Draft7Validator(schema), schema


def _split(error: Any, schema: JsonMap, document: Json) -> list[Misfit]:
    """The validator's error as misfits: one for each unknown key."""
    value = document
    for step in error.instance_path:
        value = value[step]
    keyword = error.kind.name
    expected = error.kind.value
    keys: list[str | None] = [None]
    if keyword == "additionalProperties":
        keys = list(expected)
    elif keyword == "propertyNames":
        keys = [expected.instance]
    where = tuple(str(step) for step in error.instance_path)
    part = _part(schema, error.schema_path[:-1])
    return [Misfit(keyword=keyword, expected=expected, where=where, key=key, value=value, schema=part) for key in keys]


def _part(schema: JsonMap, path: list[str | int]) -> JsonMap:
    """The part of a schema that the keyword stands in which does not hold."""
    part: Any = schema
    for step in path:
        part = part[step]
    return part if isinstance(part, dict) else {}


def _place(node: Node, misfit: Misfit) -> Location:
    """Where a key was written that does not fit; else the value, or its key where that stands on an earlier line."""
    place = node.location
    for key in misfit.where:
        child: Node = node.value[key] if node.kind == MAP else node.value[int(key)]
        place = child.location
        if node.kind == MAP and node.key_location(key).line < place.line:
            place = node.key_location(key)
        node = child
    return place if misfit.key is None else node.key_location(misfit.key)
