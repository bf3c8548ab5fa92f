"""What does not fit a schema, in words: what is wrong, and how it is written right."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from releaser.declarations.problems import problem, suggestion
from releaser.model.errors import Problem
from releaser.model.value import Json, JsonMap, Location, dotted

_PRIVATE = frozenset({"secrets", "history"})  # a value where its source belongs, a password in an address
_LONGEST = 60  # of a wrong text in a message


class Misfit(NamedTuple):
    """One value, or one key of a map, for which a keyword of the schema does not hold."""

    keyword: str
    expected: Any  # what the keyword asks for
    where: tuple[str, ...]  # the value's path
    key: str | None  # the key of the value that does not fit; None: the value itself does not
    value: Json
    schema: JsonMap  # the part that the keyword stands in

    @property
    def path(self) -> tuple[str, ...]:
        """The path of what does not fit."""
        return self.where if self.key is None else (*self.where, self.key)

    @property
    def interpolated(self) -> bool:
        """Whether the value is a text with a name to replace."""
        return isinstance(self.value, str) and "${" in self.value


def worded(misfit: Misfit, place: Location | None) -> Problem:
    """The problem, as a person wants to read it."""
    words = _WORDS.get(misfit.keyword, _otherwise)
    message, hint = words(misfit)
    return problem(message, misfit.schema.get("errorMessage") or hint, place)


def without_consequences(misfits: Iterable[Misfit]) -> list[Misfit]:
    """Those that are not explained by a misspelled key beside them."""
    found = list(misfits)
    unknown: dict[tuple[str, ...], list[str]] = {}
    for misfit in found:
        if misfit.keyword == "additionalProperties" and misfit.key is not None:
            unknown.setdefault(misfit.where, []).append(misfit.key)
    return [
        misfit
        for misfit in found
        if misfit.keyword != "required"
        or not any(suggestion(key, (misfit.expected,), few=0) for key in unknown.get(misfit.where, ()))
    ]


_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
}
_OLD_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _unknown_key(misfit: Misfit) -> tuple[str, str | None]:
    key = misfit.key or ""
    instead: Mapping[str, str] = misfit.schema.get("x-instead", {})
    known = [name for name in misfit.schema.get("properties", {}) if not name.startswith("$")]
    at = f" in `{dotted(misfit.where)}`" if misfit.where else ""
    hint = instead.get(key) or suggestion(
        key, known, "see the reference of the declarations for what is known here", few=16
    )
    return f"unknown key `{key}`{at}", hint


def _bad_name(misfit: Misfit) -> tuple[str, str | None]:
    return f"`{misfit.key}` cannot be a name here", misfit.schema.get("patternErrorMessage")


def _missing(misfit: Misfit) -> tuple[str, str | None]:
    description = misfit.schema.get("properties", {}).get(misfit.expected, {}).get("description")
    at = f"`{dotted(misfit.where)}`" if misfit.where else "the document"
    return f"{at} has no `{misfit.expected}`", description and f"`{misfit.expected}`: {description}"


def _wrong_type(misfit: Misfit) -> tuple[str, str | None]:
    wanted = " or ".join(words for name, words in _TYPES.items() if name in misfit.expected)
    hint = _type_hint(misfit) if misfit.where else "begin with keys, as in `services: {}`"
    return f"{_named(misfit)} must be {wanted}, not {_shown(misfit)}", hint or f"write {wanted}"


def _type_hint(misfit: Misfit) -> str | None:
    value, wanted = misfit.value, misfit.expected
    if misfit.interpolated and not {"array", "object"} & set(wanted):
        return "`${…}` makes a text, so it cannot stand here; write the value itself in the environment's own file"
    if isinstance(value, str) and "boolean" in wanted and value.lower() in _OLD_BOOLEANS:
        return f"write {_OLD_BOOLEANS[value.lower()]}: YAML 1.2 reads `{value}` as a text"
    if isinstance(value, str) and "integer" in wanted and value.isdecimal():
        return "write it without quotes and without leading zeros"
    if "patternErrorMessage" in misfit.schema:
        return str(misfit.schema["patternErrorMessage"])
    if "string" in wanted and isinstance(value, int | float):
        return "put it in quotes"
    example = next(iter(misfit.schema.get("examples", ())), None)
    return None if example is None else f"write it like {_flow(example)}"


def _not_one_of(misfit: Misfit) -> tuple[str, str | None]:
    known = [str(word) for word in misfit.expected if word is not None]
    wanted = f"one of {', '.join(known)}" if len(known) > 1 else f"`{known[0]}`"
    message = f"{_named(misfit)} must be {wanted}, not {_shown(misfit)}"
    return message, suggestion(str(misfit.value), known, "write one of these words", few=0)


def _wrong_form(misfit: Misfit) -> tuple[str, str | None]:
    return f"{_named(misfit)} cannot be {_shown(misfit)}", misfit.schema.get("patternErrorMessage")


def _too_small(misfit: Misfit) -> tuple[str, str | None]:
    return (
        f"{_named(misfit)} must be at least {misfit.expected}, not {misfit.value}",
        f"write {misfit.expected} or more",
    )


def _too_large(misfit: Misfit) -> tuple[str, str | None]:
    return f"{_named(misfit)} must be at most {misfit.expected}, not {misfit.value}", f"write {misfit.expected} or less"


def _empty(misfit: Misfit) -> tuple[str, str | None]:
    return f"{_named(misfit)} is empty", "write its value, or remove the key"


def _twice(misfit: Misfit) -> tuple[str, str | None]:
    return f"{_named(misfit)} has a value twice", "keep one of them"


def _otherwise(misfit: Misfit) -> tuple[str, str | None]:
    return f"{_named(misfit)} is not written as it must be", None


_WORDS = {
    "additionalProperties": _unknown_key,
    "propertyNames": _bad_name,
    "required": _missing,
    "type": _wrong_type,
    "enum": _not_one_of,
    "pattern": _wrong_form,
    "minimum": _too_small,
    "maximum": _too_large,
    "minItems": _empty,
    "minLength": _empty,
    "uniqueItems": _twice,
}


def _named(misfit: Misfit) -> str:
    return f"`{dotted(misfit.where)}`" if misfit.where else "the document"


def _shown(misfit: Misfit) -> str:
    value = misfit.value
    if isinstance(value, str):
        if _PRIVATE.intersection(misfit.where[:1]):
            return "this text"
        return f"the text `{value if len(value) <= _LONGEST else value[:_LONGEST] + '…'}`"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value)


def _flow(value: Json) -> str:
    """An example on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return value if isinstance(value, str) else json.dumps(value)
