"""JSON Patch (RFC 6902) on nodes: what it puts there knows the place of the patch, and what was there before."""

import re
from collections.abc import Callable
from typing import Any

from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, REMOVE, SCALAR, Node, plain
from releaser.model.value import Json
from releaser.planning.diff import same

_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_ESCAPE = re.compile(r"~(?![01])")
_END = "-"

Tokens = tuple[str, ...]


class _Refused(Exception):
    """An operation that cannot be done: why, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def apply(target: Node, operations: Node) -> tuple[Node, tuple[Problem, ...]]:
    """The target after all operations; where one fails, after those before it, and what is wrong."""
    for operation in operations.value:
        try:
            target = _OPERATIONS[operation.value["op"].value](target, operation.value)
        except _Refused as refused:
            place = operation.location
            problem = Problem(
                code=InvalidDeclarations.code, message=refused.message, hint=refused.hint, locations=(place,)
            )
            return target, (problem,)
    return target, ()


# --- operations ---


def _add(target: Node, words: dict[str, Node]) -> Node:
    return _put(target, _tokens(words, "path"), words["value"])


def _remove(target: Node, words: dict[str, Node]) -> Node:
    tokens = _tokens(words, "path")
    _at(target, tokens)
    return _taken(target, tokens, words["path"])


def _replace(target: Node, words: dict[str, Node]) -> Node:
    tokens = _tokens(words, "path")
    below = _at(target, tokens)
    return _set(target, tokens, lambda parent, key: _with(parent, key, _over(words["value"], below)))


def _move(target: Node, words: dict[str, Node]) -> Node:
    source, tokens = _tokens(words, "from"), _tokens(words, "path")
    if tokens[: len(source)] == source and tokens != source:
        raise _Refused("a value cannot be moved into itself", "copy it, or name another place")
    value = _at(target, source)
    return _put(_taken(target, source, words["from"]), tokens, value)


def _copy(target: Node, words: dict[str, Node]) -> Node:
    return _put(target, _tokens(words, "path"), _at(target, _tokens(words, "from")))


def _test(target: Node, words: dict[str, Node]) -> Node:
    found, wanted = plain(_at(target, _tokens(words, "path"))), plain(words["value"])
    if not _equal(found, wanted):
        message = f"the value at {words['path'].value} is another one than the test says"
        raise _Refused(message, "see what the manifest has there now, and write the patch for that")
    return target


_OPERATIONS: dict[str, Callable[[Node, dict[str, Node]], Node]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _equal(one: Json, other: Json) -> bool:
    """Whether both are the same JSON; 1 and 1.0 are one number."""
    if isinstance(one, int | float) and isinstance(other, int | float) and bool not in {type(one), type(other)}:
        return one == other
    return same(one, other)


# --- places ---


def _tokens(words: dict[str, Node], key: str) -> Tokens:
    pointer = words[key].value
    if _ESCAPE.search(pointer):
        raise _Refused(f"`{pointer}` is no JSON Pointer", "write `~0` for `~` and `~1` for `/` within a key")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _at(target: Node, tokens: Tokens) -> Node:
    """The value at a pointer. Raises _Refused where nothing is."""
    node = target
    for depth, token in enumerate(tokens):
        node = _child(node, token, tokens[: depth + 1])
    return node


def _child(node: Node, token: str, path: Tokens) -> Node:
    child: Node | None = None
    if node.kind == MAP:
        child = node.value.get(token)
    elif node.kind == LIST and _INDEX.match(token) and int(token) < len(node.value):
        child = node.value[int(token)]
    if child is not None:
        return child
    raise _Refused(f"there is nothing at /{'/'.join(path)}", _has(node))


def _has(node: Node) -> str:
    if node.kind == MAP:
        keys = ", ".join(list(node.value)[:12])
        return f"there is {keys}" if keys else "the map is empty"
    if node.kind == LIST:
        return f"the list has the elements 0 to {len(node.value) - 1}" if node.value else "the list is empty"
    return "there is a single value above it"


def _set(target: Node, tokens: Tokens, change: Callable[[Node, str], Node], path: Tokens = ()) -> Node:
    """The target in which the parent of the value at a pointer is changed."""
    if not tokens:
        raise _Refused("the whole object cannot be patched away", "change the manifest, or its source")
    token, *rest = tokens
    if not rest:
        return change(target, token)
    below = _child(target, token, (*path, token))
    return _with(target, token, _set(below, tuple(rest), change, (*path, token)))


def _put(target: Node, tokens: Tokens, value: Node) -> Node:
    def put(parent: Node, key: str) -> Node:
        if parent.kind == MAP:
            return _with(parent, key, _over(value, parent.value.get(key) or (parent.removed or {}).get(key)))
        if parent.kind == LIST:
            index = len(parent.value) if key == _END else int(key) if _INDEX.match(key) else -1
            if not 0 <= index <= len(parent.value):
                raise _Refused(f"`{key}` is no place in the list", f"{_has(parent)}; `{_END}` adds at its end")
            return like(parent, [*parent.value[:index], value, *parent.value[index:]])
        raise _Refused(f"nothing can be added at /{'/'.join(tokens)}", _has(parent))

    return _set(target, tokens, put)


def _taken(target: Node, tokens: Tokens, by: Node) -> Node:
    def take(parent: Node, key: str) -> Node:
        if parent.kind == LIST:
            return like(parent, [one for index, one in enumerate(parent.value) if index != int(key)])
        left = like(parent, {name: one for name, one in parent.value.items() if name != key})
        gone = _over(by, parent.value[key])
        gone.action = REMOVE
        left.removed = {**(parent.removed or {}), key: gone}
        return left

    return _set(target, tokens, take)


def _with(parent: Node, key: str, value: Node) -> Node:
    if parent.kind == LIST:
        return like(parent, [value if index == int(key) else one for index, one in enumerate(parent.value)])
    if parent.kind == SCALAR:
        raise _Refused(f"nothing can be put at `{key}`", _has(parent))
    changed = like(parent, {**parent.value, key: value})
    if parent.removed and key in parent.removed:
        changed.removed = {name: gone for name, gone in parent.removed.items() if name != key}
    return changed


def like(node: Node, value: Any) -> Node:
    """The same node, by the same layers, with another value."""
    made = Node(node.kind, value, node.file, node.line, node.column, node.text)
    made.keys, made.layer, made.action, made.below, made.removed = (
        node.keys,
        node.layer,
        node.action,
        node.below,
        node.removed,
    )
    return made


def _over(value: Node, below: Node | None) -> Node:
    """The value as it stands over another one."""
    made = like(value, value.value)
    made.below = below
    return made
