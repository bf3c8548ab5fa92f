"""`${NAME}`, `${NAME:-text}` and Compose's other templates → texts that know their variables."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from releaser.imports.texts import Piece, Text, Variable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":+", ":?", "-", "+", "?")


class InvalidTemplate(Exception):
    """A `${…}` that Compose refuses."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A variable's value and where it was set."""

    value: str
    origin: str


Scope = Mapping[str, Setting]
"""The variables that are set."""


def fill(template: str, scope: Scope) -> Text:
    """The template with its variables filled in; `$$` is a dollar. Raises InvalidTemplate."""
    pieces: list[Piece] = []
    at = 0
    while (dollar := template.find("$", at)) >= 0:
        _literal(pieces, template[at:dollar])
        found, at = _after_dollar(template, dollar, scope)
        pieces.extend(found)
    _literal(pieces, template[at:])
    return Text(tuple(pieces))


def _literal(pieces: list[Piece], text: str) -> None:
    if text:
        pieces.append(Piece(text=text))


def _after_dollar(template: str, dollar: int, scope: Scope) -> tuple[tuple[Piece, ...], int]:
    """What stands at a dollar, and where it ends."""
    after = template[dollar + 1 : dollar + 2]
    if after == "$":
        return (Piece(text="$"),), dollar + 2
    if after == "{":
        end = _closing(template, dollar + 1)
        return _braced(template[dollar + 2 : end], scope), end + 1
    name = _NAME.match(template, dollar + 1)
    if name is None:  # a dollar that begins nothing is a dollar
        return (Piece(text="$"),), dollar + 1
    return (_variable(name[0], scope),), name.end()


def _closing(template: str, opening: int) -> int:
    """Where the brace that is open at `opening` closes."""
    depth = 0
    for at in range(opening, len(template)):
        if template[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        elif template[at] == "{":
            depth += 1
    raise InvalidTemplate("a `${` is not closed")


def _braced(inside: str, scope: Scope) -> tuple[Piece, ...]:
    name = _NAME.match(inside)
    rest = inside[name.end() :] if name else ""
    if name is None:
        raise InvalidTemplate("a `${…}` that names no variable")
    if not rest:
        return (_variable(name[0], scope),)
    operator = next((known for known in _OPERATORS if rest.startswith(known)), None)
    if operator is None:
        raise InvalidTemplate(f"`${{{name[0]}…}}` is no name, nor one with :-, -, :?, ?, :+ or +")
    return _FILLED[operator[-1]](name[0], rest[len(operator) :], operator[0] == ":", scope)


def _variable(name: str, scope: Scope, default: str | None = None) -> Piece:
    setting = scope.get(name)
    if setting is None:
        return Piece(text="", variable=Variable(name=name, value="", default=default))
    variable = Variable(name=name, value=setting.value, default=default, origin=setting.origin)
    return Piece(text=setting.value, variable=variable)


def _given(name: str, scope: Scope, *, filled: bool) -> bool:
    setting = scope.get(name)
    return setting is not None and (bool(setting.value) or not filled)


def _or_default(name: str, template: str, filled: bool, scope: Scope) -> tuple[Piece, ...]:
    default = fill(template, scope)
    plain = default.plain if not any(default.variables) else None
    if _given(name, scope, filled=filled):
        return (_variable(name, scope, plain),)
    if plain is None:  # what the default is made of is what can be changed
        return default.pieces
    return (Piece(text=plain, variable=Variable(name=name, value=plain, default=plain)),)


def _or_refused(name: str, template: str, filled: bool, scope: Scope) -> tuple[Piece, ...]:
    if _given(name, scope, filled=filled):
        return (_variable(name, scope),)
    reason = fill(template, scope).plain
    return (Piece(text="", variable=Variable(name=name, value="", missing=reason or "it must be set")),)


def _if_given(name: str, template: str, filled: bool, scope: Scope) -> tuple[Piece, ...]:
    if not _given(name, scope, filled=filled):
        return (Piece(text="", switch=name),)
    alternative = fill(template, scope).pieces
    return tuple(Piece(text=one.text, variable=one.variable, switch=name) for one in alternative)


_FILLED: Mapping[str, Callable[[str, str, bool, Scope], tuple[Piece, ...]]] = {
    "-": _or_default,
    "?": _or_refused,
    "+": _if_given,
}
