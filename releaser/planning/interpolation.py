"""A merged document → its values: names in `${…}` replaced once, texts kept as they were written.

`vars` come first and may use only the built-ins; then every text may use both. A number that is not an integer keeps
its source text, so that no float reaches a hash.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, SCALAR, Node
from releaser.model.value import Json, JsonMap

TEXTS: Mapping[str, Any] = {
    "vars": True,
    "services": {
        "*": {
            "environment": True,
            "labels": True,
            "annotations": True,
            "sysctls": True,
            "extra_hosts": True,
            "logging": {"options": True},
            "deploy": {"labels": True},
        }
    },
    "volumes": {"*": {"labels": True, "driver_opts": True}},
    "networks": {"*": {"labels": True, "driver_opts": True}},
}
"""Maps of texts, whose plain scalars keep their source text: a tree of keys, `*` for any, True at the map."""

_NOTHING: Mapping[str, Any] = {}
_DOLLAR = re.compile(r"\$(?:\$|\{([^}]*)\})?")
_ONLY_NAMES = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def resolve(root: Node, builtins: Mapping[str, str]) -> tuple[JsonMap, tuple[Problem, ...]]:
    """The document's values with its `vars` and the built-ins replaced, and what is wrong with them."""
    problems: list[Problem] = []
    variables = _variables(root.value.get("vars"), builtins, problems)
    names = _Names({**variables, **builtins}, problems, "known: ")
    resolved: dict[str, Json] = {
        key: variables if key == "vars" else names.value(node, TEXTS.get(key, _NOTHING))
        for key, node in root.value.items()
    }
    return resolved, tuple(problems)


def written(node: Node, path: Sequence[str]) -> Json:
    """The value of the node at `path` as its layer wrote it, no name replaced."""
    texts: Any = TEXTS
    inside = False
    for key in path:
        inside = texts is True
        texts = _NOTHING if inside else texts.get(key) or texts.get("*") or _NOTHING
    if node.kind != SCALAR:
        return _AS_WRITTEN.value(node, texts)
    return _AS_WRITTEN.text_of(node) if inside and node.value is not None else _AS_WRITTEN.value(node, _NOTHING)


def _variables(declared: Node | None, builtins: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    if declared is None:
        return {}
    names = _Names(builtins, problems, "`vars` may use only the built-ins: ")
    for name in builtins:
        if name in declared.value:
            place = declared.key_location(name)
            message = f"`{name}` is a built-in name"
            hint = "choose another name"
            problems.append(Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=(place,)))
    return {name: names.text_of(node) for name, node in declared.value.items() if node.kind == SCALAR}


class _Names:
    """Names with their values, and texts in which they are replaced."""

    def __init__(self, names: Mapping[str, str], problems: list[Problem], known: str) -> None:
        self._names = names
        self._problems = problems
        self._known = known

    def value(self, node: Node, texts: Any) -> Json:
        """A node's value."""
        if node.kind == MAP:
            return self._values(node, texts)
        if node.kind == LIST:
            return [self.value(child, _NOTHING) for child in node.value]
        value = node.value
        if value.__class__ is str:
            return self._replaced(value, node) if "$" in value else value
        return node.text if value.__class__ is float else value

    def _values(self, node: Node, texts: Any) -> dict[str, Json]:
        if texts is True:
            return {
                key: self.text_of(child) if child.kind == SCALAR else self.value(child, _NOTHING)
                for key, child in node.value.items()
            }
        found: dict[str, Json] = {}
        for key, child in node.value.items():
            if child.kind == SCALAR:
                value = child.value
                if value.__class__ is str:
                    found[key] = self._replaced(value, child) if "$" in value else value
                else:
                    found[key] = child.text if value.__class__ is float else value
            else:
                found[key] = self.value(child, texts.get(key) or texts.get("*") or _NOTHING)
        return found

    def text_of(self, node: Node) -> str:
        """A scalar as it was written."""
        text: str = node.value if node.text is None else node.text
        return self._replaced(text, node) if "$" in text else text

    def _replaced(self, text: str, node: Node) -> str:
        def one(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            name = match[1]
            if name is not None and name in self._names:
                return self._names[name]
            self._refuse(name, node)
            return match[0]

        return _DOLLAR.sub(one, text)

    def _refuse(self, name: str | None, node: Node) -> None:
        if name is None:
            message = "a `$` that begins no `${name}`"
            hint = "write `$$` for a dollar, `${name}` for a name from `vars`"
        elif _NAME.match(name):
            message = f"`${{{name}}}`: no such name"
            near = get_close_matches(name, self._names, n=1)
            hint = f"did you mean `${{{near[0]}}}`?" if near else self._known + ", ".join(sorted(self._names)[:12])
        else:
            message = f"`${{{name}}}` is not a name"
            hint = "only names from `vars` are replaced; there are no defaults and no expressions: set it in a layer"
        problem = Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=(node.location,))
        self._problems.append(problem)


class Texts(_Names):
    """Names in one's own manifests, where a `$` is common: only `${name}` is replaced, and `$${` is a `${`.

    In what a layer's patch has put there the rules of layers hold. A number stays the number that it is.
    """

    def __init__(self, names: Mapping[str, str], problems: list[Problem], *, replaces: bool = True) -> None:
        super().__init__(names, problems, "known: ")
        self._replaces = replaces

    def object(self, node: Node) -> dict[str, Json]:
        """An object's value; what a patch removed, by a null, is not there."""
        found: dict[str, Json] = {}
        for key, child in node.value.items():
            value = child.value if child.kind == SCALAR else self.value(child, _NOTHING)
            if value.__class__ is str and "$" in value:
                value = self._replaced(value, child)
            if value is not None:
                found[key] = value
        return found

    def scalar(self, node: Node | None) -> Json:
        """A single value; None for anything else."""
        return None if node is None or node.kind != SCALAR else self.value(node, _NOTHING)

    def value(self, node: Node, texts: Any) -> Json:
        """A node's value."""
        if node.kind == MAP:
            return self.object(node)
        if node.kind == LIST:
            values = (self.value(child, texts) for child in node.value)
            return [value for value in values if value is not None]
        value = node.value
        return self._replaced(value, node) if value.__class__ is str and "$" in value else value

    def _replaced(self, text: str, node: Node) -> str:
        if node.layer:
            return super()._replaced(text, node)
        return _ONLY_NAMES.sub(lambda found: self._name(found, node), text) if self._replaces else text

    def _name(self, found: re.Match[str], node: Node) -> str:
        name = found[1]
        if name is None:
            return "${"
        if name not in self._names:
            self._refuse(name, node)
            return found[0]
        return self._names[name]

    def _refuse(self, name: str | None, node: Node) -> None:
        super()._refuse(name, node)
        if not node.layer:
            wrong = self._problems.pop()
            hint = f"{wrong.hint}; a `$${{` is a `${{`, and `vars: false` at its source leaves all as it is"
            self._problems.append(msgspec.structs.replace(wrong, hint=hint))


class _AsWritten(_Names):
    """Texts as they stand in their file."""

    def _replaced(self, text: str, node: Node) -> str:  # noqa: ARG002 - the place matters only where names are replaced
        return text


_AS_WRITTEN = _AsWritten({}, [], "")
