"""Layers → one document, by rules that a person can predict; every value keeps the chain of layers that made it.

- Maps merge deep; scalars and lists are replaced; `null` removes.
- `{$append: […]}` and `{$prepend: […]}` extend a list that a lower layer has.
- A value that is chosen by a tag (`TAGGED`) is replaced whole.

What an upper layer does not touch is shared with the lower one, so a merge costs what the upper layer has to say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import APPEND, LIST, MAP, MERGE, PREPEND, REMOVE, SCALAR, Node
from releaser.model.value import Location

TAGGED: Mapping[str, Any] = {
    "engine": True,  # by `kind`
    "secrets": {"*": True},  # by `from`
    "configs": {"*": True},  # a file or a content
    "manifests": {"*": True},  # a file, a folder or a kustomization
    "services": {"*": {"environment": {"*": True}}},  # a text, or a reference to a secret
}
"""Where values are replaced whole: a tree of keys, `*` for any, True at the value."""

_OPERATORS = ("$append", "$prepend")
_NOTHING: Mapping[str, Any] = {}


def merge(layers: Sequence[Node]) -> tuple[Node, tuple[Problem, ...]]:
    """The layers as one document, the last one on top, and what is wrong; what is wrong is left as it was below."""
    overlay = _Overlay()
    result = layers[0]
    overlay.check_new(result)
    for layer in layers[1:]:
        result = overlay.merge_maps(result, layer, TAGGED)
    return _without_nulls(result) if overlay.problems else result, tuple(overlay.problems)


def patch(lower: Node, upper: Node) -> tuple[Node, tuple[Problem, ...]]:
    """An object with a patch on top, by the same rules, and what is wrong.

    A map over a list whose elements have a name each stands for those elements by their names.
    """
    overlay = _Overlay(by_name=True)
    result = overlay.merge_maps(lower, upper, _NOTHING)
    return _without_nulls(result) if overlay.problems else result, tuple(overlay.problems)


class _Overlay:
    def __init__(self, *, by_name: bool = False) -> None:
        self.problems: list[Problem] = []
        self._by_name = by_name

    def merge_maps(self, lower: Node, upper: Node, tagged: Mapping[str, Any]) -> Node:
        values: dict[str, Node] = dict(lower.value)
        removed = lower.removed or {}
        for key, node in upper.value.items():
            below = values.get(key)
            if key.startswith("$"):
                self._refuse_reserved(upper, key)
            elif node.kind == SCALAR and node.value is None:
                if below is None:
                    self._nothing_to_remove(upper, key, lower)
                else:
                    removed = {**removed, key: _over(node, below, REMOVE)}
                    del values[key]
            elif below is None:
                self.check_new(node)
                values[key] = _over(node, removed[key]) if key in removed else node
                removed = {name: gone for name, gone in removed.items() if name != key} if key in removed else removed
            else:
                values[key] = self._merge(below, node, tagged.get(key) or tagged.get("*") or _NOTHING)
        result = _over(upper, lower, MERGE)
        result.value = values
        result.removed = removed or None
        return result

    def _merge(self, lower: Node, upper: Node, tagged: Any) -> Node:
        if tagged is True:
            self.check_new(upper)
            return _over(upper, lower)
        if upper.kind == MAP and any(key in upper.value for key in _OPERATORS):
            return self._extend(lower, upper)
        if self._by_name and upper.kind == MAP and lower.kind == LIST:
            names = named(lower)
            if names is not None:
                return self._merge_named(lower, upper, names)
        if lower.kind != upper.kind:
            message = f"a {_called(upper)} here, a {_called(lower)} in the layer below"
            hint = "write the same kind of value, or remove the lower one by `null` in a layer between"
            self._problem(message, hint, upper.location, lower.location)
            return lower
        if upper.kind == MAP:
            return self.merge_maps(lower, upper, tagged)
        self.check_new(upper)
        return _over(upper, lower)

    def _merge_named(self, lower: Node, upper: Node, names: dict[str, Node]) -> Node:
        """A list in which elements were merged, added or removed by name."""
        whole = Node(MAP, names, lower.file, lower.line, lower.column)
        whole.removed = lower.removed
        merged = self.merge_maps(whole, upper, _NOTHING)
        result = _over(upper, lower, MERGE)
        result.kind = LIST
        result.value = [element(name, node) for name, node in merged.value.items()]
        result.removed = merged.removed
        return result

    def _extend(self, lower: Node, upper: Node) -> Node:
        if lower.kind != LIST:
            message = f"`$append` and `$prepend` extend a list; the layer below has a {_called(lower)}"
            self._problem(message, "write the value itself", upper.location, lower.location)
            return lower
        parts = [self._part(upper, name) for name in _OPERATORS]
        for key in upper.value:
            if key not in _OPERATORS:
                message = f"`{key}` beside `$append` or `$prepend`"
                self._problem(message, "only these two may stand together", upper.key_location(key))
        result = _over(upper, lower, APPEND if "$append" in upper.value else PREPEND)
        result.kind = LIST
        result.value = [*parts[1], *lower.value, *parts[0]]
        result.keys = None
        return result

    def _part(self, upper: Node, name: str) -> list[Node]:
        part: Node | None = upper.value.get(name)
        if part is None:
            return []
        if part.kind != LIST:
            self._problem(f"`{name}` takes a list", f"write `{name}: [value]`", part.location)
            return []
        self.check_new(part)
        values: list[Node] = part.value
        return values

    def check_new(self, node: Node) -> None:
        """A value without anything below it: nothing to remove in it, nothing to extend."""
        if node.kind == MAP:
            for key, child in node.value.items():
                if child.kind != SCALAR:
                    self.check_new(child)
                elif child.value is None:
                    self._nothing_to_remove(node, key, None)
                if key[0] == "$":
                    self._refuse_operator(node, key)
        elif node.kind == LIST:
            for child in node.value:
                if child.kind != SCALAR:
                    self.check_new(child)

    # --- what is wrong ---

    def _nothing_to_remove(self, node: Node, key: str, lower: Node | None) -> None:
        hint = f'leave `{key}` out, or write "null" in quotes if the text is meant'
        places = (node.key_location(key),) if lower is None else (node.key_location(key), lower.location)
        self._problem(f"`{key}: null` removes nothing: no layer below has it", hint, *places)

    def _refuse_operator(self, node: Node, key: str) -> None:
        if key in _OPERATORS:
            hint = "write the list itself"
            self._problem(f"`{key}` extends nothing: no layer below has this list", hint, node.key_location(key))
        else:
            self._refuse_reserved(node, key)

    def _refuse_reserved(self, node: Node, key: str) -> None:
        hint = "the only ones are `$append` and `$prepend`, in the place of a list"
        self._problem(f"`{key}`: keys that begin with `$` are reserved", hint, node.key_location(key))

    def _problem(self, message: str, hint: str, *places: Location) -> None:
        self.problems.append(Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=places))


def named(node: Node) -> dict[str, Node] | None:
    """The elements of a list of maps by their `name`, where all have one of their own; else None."""
    found: dict[str, Node] = {}
    for one in node.value:
        name = one.value.get("name") if one.kind == MAP else None
        if name is None or not isinstance(name.value, str) or name.value in found:
            return None
        found[name.value] = one
    return found or None


def element(name: str, node: Node) -> Node:
    """An element of a list by names, with its name in it."""
    if node.kind != MAP or "name" in node.value:
        return node
    result = _over(node, node.below, node.action)
    result.value = {"name": Node(SCALAR, name, node.file, node.line, node.column), **node.value}
    result.removed = node.removed
    return result


def _without_nulls(node: Node) -> Node:
    """The document without what a `null` that removes nothing would leave in it: that is told, and no value."""
    if node.kind == SCALAR:
        return node
    kept = _over(node, node.below, node.action)
    kept.removed = node.removed
    if node.kind == LIST:
        kept.value = [_without_nulls(child) for child in node.value]
    else:
        values = node.value.items()
        kept.value = {
            key: _without_nulls(child) for key, child in values if child.kind != SCALAR or child.value is not None
        }
    return kept


def _over(upper: Node, lower: Node | None, action: str = "set") -> Node:
    """`upper` as it stands over `lower`; the layer's own node stays as it is."""
    node = Node(upper.kind, upper.value, upper.file, upper.line, upper.column, upper.text)
    node.keys = upper.keys
    node.layer = upper.layer
    node.action = action
    node.below = lower
    return node


def _called(node: Node) -> str:
    return {MAP: "map", LIST: "list", SCALAR: "single value"}[node.kind]
