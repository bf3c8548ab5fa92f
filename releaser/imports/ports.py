"""Ports: a list in Compose, a map of names in the declarations."""

from releaser.imports.forms import text_of
from releaser.imports.images import free
from releaser.imports.report import Report
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, is_map, items, made_of, refused
from releaser.model.value import Location, Path

_KNOWN = {80: "http", 443: "https"}
_DEFAULTS = {"mode": "ingress", "protocol": "tcp"}
_WORDS = ("target", "published", "protocol", "host_ip", "mode", "app_protocol")


def named(ports: Node, path: Path, report: Report) -> Node:
    """Each port under a name: its own, else one for its number."""
    found: dict[str, Node] = {}
    keys: dict[str, Location] = {}
    for item in items(ports):
        if not is_map(item):
            raise refused("a port that is neither a text nor a map", "write it as `8080:80`", item.place)
        name = free(_name(item), found)
        found[name] = _port(item, (*path, name), report)
        keys[name] = item.place
    return ports.with_value(found, keys)


def _name(port: Node) -> str:
    stated, target, protocol = at(port, "name"), at(port, "target"), at(port, "protocol")
    if stated is not None:
        return text_of(stated).plain
    number = text_of(target).plain if target is not None else ""
    kind = text_of(protocol).plain if protocol is not None else "tcp"
    known = _KNOWN.get(int(number)) if number.isdecimal() and kind == "tcp" else None
    return known or f"{kind}-{number}"


def _port(port: Node, path: Path, report: Report) -> Node:
    words: dict[str, Node] = {}
    for word, child in port.value.items():
        if child.value is None or (word in _DEFAULTS and text_of(child).plain == _DEFAULTS[word]):
            continue
        if word in _WORDS:
            words[word] = child
        elif word != "name" and not word.startswith("x-"):
            report.leave((*path, word), port.key_place(word), "the declarations have no word for it")
    words["published"] = _published(port, words.get("published"), path, report)
    return port.with_value({word: words[word] for word in _WORDS if word in words})


def _published(port: Node, published: Node | None, path: Path, report: Report) -> Node:
    """What is published without a number is published somewhere."""
    text = text_of(published) if published is not None else Text.of("")
    auto = (published or port).with_value(Text.of("auto"), {})
    if text.plain in {"", "0"} or published is None:
        return auto
    if published.written is not None:
        return published
    if "-" in text.plain:
        why = f"any free port of {text.plain} is no word of the declarations; `auto` is any free one"
        report.leave((*path, "published"), published, why)
        return auto
    return made_of(int(text.plain), text, published.place) if text.plain.isdecimal() else published
