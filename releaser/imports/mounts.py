"""Mounts, configs and secrets of a service: lists in Compose, maps of names in the declarations."""

import posixpath
import re
from collections.abc import Callable

from releaser.imports.forms import text_of
from releaser.imports.images import free
from releaser.imports.report import Report
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, entries, is_map, items, refused
from releaser.model.value import Location, Path

_KINDS = ("volume", "bind", "tmpfs")
_WORDS = ("type", "source", "target", "read_only", "bind", "volume", "tmpfs")
_IDLE = {"consistency": "it means something on a Mac alone"}


def named(volumes: Node, path: Path, report: Report, anonymous: Callable[[str, Node], str]) -> Node:
    """Each mount under a name; `anonymous` declares a volume for a mount that has none, and gives its name."""
    found: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    for item in items(volumes):
        if not is_map(item):
            raise refused("a mount that is neither a text nor a map", "write it as `data:/var/lib/data`", item.place)
        kind = _text(item, "type") or "volume"
        target = _text(item, "target")
        if kind not in _KINDS:
            report.leave((*path, target or kind), item, f"mounts of the type {kind} are not delivered")
            continue
        source = _source(item, kind, target, path, report, anonymous)
        name = free(source if kind == "volume" else _slug(target), found)
        found[name] = _mount(item, kind, source, name, (*path, name), report)
        keys[name] = item.place
    return volumes.with_value(found, keys)


def _text(node: Node, word: str) -> str:
    found = at(node, word)
    return text_of(found).plain if found is not None else ""


def _slug(target: str) -> str:
    return posixpath.basename(posixpath.normpath(target)) or "root"


def _source(  # noqa: PLR0913, PLR0917 - what a mount is, and where it is told
    item: Node, kind: str, target: str, path: Path, report: Report, anonymous: Callable[[str, Node], str]
) -> str:
    source = _text(item, "source")
    if kind != "volume" or source:
        return source
    why = f"it has no name in Compose, so its data stay where they are: a new volume is mounted at {target}"
    report.leave((*path, target), item, why)
    return anonymous(target, item)


def _mount(item: Node, kind: str, source: str, name: str, path: Path, report: Report) -> Node:  # noqa: PLR0913, PLR0917 - as above
    words: dict[str, Node] = {}
    for word, child in entries(item):
        if word in _WORDS:
            words[word] = child
        elif not word.startswith("x-"):
            report.leave(
                (*path, word),
                item.key_place(word),
                _IDLE.get(word, "the declarations have no word for it"),
                harmless=word in _IDLE,
            )
    words.pop("type", None)
    if kind == "volume":
        words.pop("source", None)
        if source != name:
            words["source"] = item.with_value(Text.of(source), {})
    else:
        words["type"] = item.with_value(Text.of(kind), {})
    if kind == "tmpfs":
        words.pop("source", None)
    _without_empty(words)
    if "target" in words:
        words["target"] = _clean(words["target"])
    if "tmpfs" in words:
        words["tmpfs"] = _with_mode(words["tmpfs"])
    return item.with_value({word: words[word] for word in _WORDS if word in words})


def _clean(target: Node) -> Node:
    """A path in the container as Compose writes it."""
    text = text_of(target)
    cleaned = posixpath.normpath(text.plain) if text else ""
    return target if cleaned == text.plain else target.with_value(Text.of(cleaned), {})


def _without_empty(words: dict[str, Node]) -> None:
    for word in ("bind", "volume", "tmpfs"):
        if word in words and not words[word].value:
            del words[word]


# --- files ---


def files(mounts: Node, path: Path, report: Report, another: Callable[[str, Node], str | None]) -> Node:
    """Configs or secrets under their declared names; `another` gives the name that one is to be mounted by.

    It gives another name where one is mounted twice, and none where it is not declared in the import.
    """
    found: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    for item in items(mounts):
        if not is_map(item) or at(item, "source") is None:
            raise refused("a mounted file without a source", "name it, or write `source: NAME`", item.place)
        name = another(_text(item, "source"), item)
        if name is None:
            continue
        words = {word: child for word, child in entries(item) if word in {"target", "uid", "gid", "mode"}}
        for word in item.value:
            if word not in {"source", *words} and not word.startswith("x-"):
                report.leave((*path, name, word), item.key_place(word), "the declarations have no word for it")
        found[name] = _with_mode(item.with_value(words))
        keys[name] = item.place
    return mounts.with_value(found, keys)


def _with_mode(node: Node) -> Node:
    """The mode as a text with a leading zero; `0440` is a number to Compose's YAML reader."""
    mode = at(node, "mode")
    if mode is None:
        return node
    octal = (
        f"{mode.value:o}" if isinstance(mode.value, int) and not isinstance(mode.value, bool) else text_of(mode).plain
    )
    written = Text.of("0" + octal.lstrip("0").rjust(3, "0")) if re.fullmatch(r"[0-7]{1,5}", octal) else text_of(mode)
    return node.with_value({**node.value, "mode": mode.with_value(written, {})})
