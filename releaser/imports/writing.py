"""Values as YAML that a person would have written: short maps on one line, quotes where they are needed."""

import json
import re
from collections.abc import Iterable, Iterator

from releaser.declarations.scalars import scalar
from releaser.imports.scalars import printed
from releaser.imports.tree import Node, entries, is_list, is_map
from releaser.model.value import Json
from releaser.planning.interpolation import TEXTS

WIDTH = 110

_SAFE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+=~-]*(?:[ :][A-Za-z0-9_./@%+=~()-]+)*\Z")
_SAFE_KEY = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*\Z")
_OLD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})
_BLOCK = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\r]*\Z")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def yaml(node: Node) -> str:
    """A map as a YAML document; the maps within its sections have a line for each key."""
    return "".join(f"{line}\n" for line in _map(node, 0, TEXTS))


def _map(node: Node, indent: int, texts: Json, *, lines: bool = False) -> Iterator[str]:
    for key, child in node.value.items():
        section = not indent and any(is_map(value) for _, value in entries(child))
        below = None if texts is True else _below(texts, key)
        head = f"{' ' * indent}{key_of(key)}:"
        yield from _entry(head, child, indent, below, as_text=texts is True, lines=lines or section)


def _below(texts: Json, key: str) -> Json:
    return (texts.get(key) or texts.get("*")) if isinstance(texts, dict) else None


def _entry(  # noqa: PLR0913 - a value and how it is to be written
    head: str, node: Node, indent: int, texts: Json, *, as_text: bool, lines: bool = False
) -> Iterator[str]:
    note = f"  # {node.note}" if node.note else ""
    flow = _flow(node, as_text=as_text, texts=texts)
    if flow is not None and len(head) + 1 + len(flow) <= WIDTH and not (lines or _wants_lines(node, texts)):
        yield f"{head} {flow}{note}"
    elif is_map(node) and node.value:
        yield f"{head}{note}"
        services = not indent and head == "services:"
        yield from _map(node, indent + 2, texts, lines=services)
    elif is_list(node) and node.value:
        yield f"{head}{note}"
        for child in node.value:
            yield from _entry(f"{' ' * (indent + 2)}-", child, indent + 2, None, as_text=False)
    elif isinstance(node.value, str) and _as_block(node.value):
        yield f"{head} {'|' if node.value.endswith(chr(10)) else '|-'}{note}"
        for line in node.value.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
    else:
        yield f"{head} {flow}{note}"


def _wants_lines(node: Node, texts: Json) -> bool:
    """Whether a value is easier to read and to change with a line for each of its parts."""
    if is_map(node):
        return bool(node.value) and (texts is True or len(node.value) > 4)
    return isinstance(node.value, str) and _as_block(node.value)


def _as_block(text: str) -> bool:
    """Whether a text of several lines can stand as they are."""
    lines = text.removesuffix("\n").split("\n")
    return (
        "\n" in text.removesuffix("\n")
        and _BLOCK.match(text) is not None
        and not text.startswith((" ", "\n", "\t"))
        and not text.endswith("\n\n")
        and all(line == line.rstrip() for line in lines)
    )


def _flow(node: Node, *, as_text: bool, texts: Json) -> str | None:
    """The value on one line; None where a comment stands in it, or a text of several lines."""
    if is_map(node):
        parts = [
            f"{key_of(key)}: {part}"
            if (part := _flow(child, as_text=texts is True, texts=_below(texts, key)))
            else part
            for key, child in node.value.items()
        ]
        return _joined("{", parts, "}", node.value.values())
    if is_list(node):
        return _joined("[", [_flow(child, as_text=False, texts=None) for child in node.value], "]", node.value)
    return scalar_of(node.value, as_text=as_text)


def _joined(begin: str, parts: list[str | None], end: str, children: Iterable[Node]) -> str | None:
    if any(child.note or (isinstance(child.value, str) and _as_block(child.value)) for child in children):
        return None
    known = [part for part in parts if part is not None]
    return begin + ", ".join(known) + end if len(known) == len(parts) else None


def key_of(key: str) -> str:
    """A map's key."""
    return key if _SAFE_KEY.match(key) and key.lower() not in _OLD_WORDS else _quoted(key)


def scalar_of(value: Json, *, as_text: bool = False) -> str:
    """A single value; `as_text`: it stands where a number keeps its digits as a text."""
    if not isinstance(value, str):
        return "null" if value is None else printed(value)
    if not _SAFE.match(value) or value.lower() in _OLD_WORDS or len(value) > 2 * WIDTH:
        return _quoted(value)
    try:
        meant = scalar(value)
    except ValueError:
        return _quoted(value)
    return value if meant == value or (as_text and meant is not None) else _quoted(value)


def _quoted(text: str) -> str:
    if ('"' in text or "\\" in text) and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
