"""Relative paths of a Compose file, seen from the project's root."""

from collections.abc import Callable
from pathlib import Path

from releaser.imports.files import Files
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, is_map, is_text, items

Move = Callable[[Text], Text]


def rebased(document: Node, folder: Path, files: Files) -> Node:
    """The document with its paths, which were relative to `folder`, relative to the root."""
    prefix = files.named(folder)
    if prefix == ".":
        return document

    def move(text: Text) -> Text:
        plain = text.plain
        if not plain or plain[0] in "/~" or ":" in plain[:2] or "://" in plain:
            return text
        within = text.cut(2) if plain.startswith("./") and len(plain) > 2 else text
        return Text.of(f"{prefix}/") + within

    return _below(document, move, _SECTIONS)


def _below(node: Node, move: Move, words: dict[str, Callable[[Node, Move], Node]]) -> Node:
    if not is_map(node):
        return node
    values = {
        key: words[key](child, move) if key in words and child.value is not None else child
        for key, child in node.value.items()
    }
    return Node(values, node.place, node.keys, node.tag)


def _each(change: Callable[[Node, Move], Node]) -> Callable[[Node, Move], Node]:
    """The same change to every value of a map."""

    def changed(node: Node, move: Move) -> Node:
        if not is_map(node):
            return node
        values = {key: change(child, move) for key, child in node.value.items()}
        return Node(values, node.place, node.keys, node.tag)

    return changed


def _listed(change: Callable[[Node, Move], Node]) -> Callable[[Node, Move], Node]:
    """The same change to every element of a list."""

    def changed(node: Node, move: Move) -> Node:
        return Node([change(child, move) for child in items(node)], node.place, tag=node.tag)

    return changed


def _path(node: Node, move: Move) -> Node:
    return Node(move(node.value), node.place, tag=node.tag) if is_text(node.value) else node


def _word(word: str) -> Callable[[Node, Move], Node]:
    def changed(node: Node, move: Move) -> Node:
        return _below(node, move, {word: _path})

    return changed


def _mount(node: Node, move: Move) -> Node:
    kind = at(node, "type")
    bind = kind is not None and is_text(kind.value) and kind.value.plain == "bind"
    return _below(node, move, {"source": _path}) if bind else node


def _service(node: Node, move: Move) -> Node:
    return _below(node, move, _SERVICE)


_SERVICE: dict[str, Callable[[Node, Move], Node]] = {
    "build": _word("context"),
    "env_file": _listed(_word("path")),
    "label_file": _listed(_path),
    "volumes": _listed(_mount),
}
_SECTIONS: dict[str, Callable[[Node, Move], Node]] = {
    "services": _each(_service),
    "configs": _each(_word("file")),
    "secrets": _each(_word("file")),
}
