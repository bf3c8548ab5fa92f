"""Values of a Compose file in the kinds that the declarations take: the layer's JSON Schema says which.

Compose reads "8" as a number where one belongs, and 8 as a text where a text does; what no kind fits is left out.
"""

import json
import re
from collections.abc import Mapping
from functools import cache

from releaser.declarations import schema
from releaser.imports.report import Report
from releaser.imports.scalars import printed
from releaser.imports.texts import Text
from releaser.imports.tree import Node, is_list, is_map, is_text, made_of
from releaser.model.value import Json, JsonMap, Location, Path
from releaser.planning.interpolation import TEXTS

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_UNUSABLE_KEY = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_YES = frozenset({"true", "y", "yes", "on"})
_NO = frozenset({"false", "n", "no", "off"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,15}\Z")
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?\Z")
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(w|d|h|ms|m|us|µs|μs|ns|s)")
_MICROSECONDS = {
    "w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000,
    "us": 1, "µs": 1, "μs": 1, "ns": 0.001,
}  # fmt: skip


@cache
def _layer() -> JsonMap:
    found: JsonMap = json.loads((schema.FOLDER / "layer.schema.json").read_bytes())
    return found


def fit(node: Node, path: Path, report: Report) -> Node:
    """A part of a layer with every value in its kind; unknown words are left out."""
    part: JsonMap = _layer()
    texts: Json = TEXTS
    for key in path:
        part = _child(part, key)
        texts = _texts_below(texts, key)
    return _Fitting(report).fit(node, part, path, texts)


def _child(part: JsonMap, key: str) -> JsonMap:
    resolved = _resolved(part)
    found = resolved.get("properties", {}).get(key, resolved.get("additionalProperties"))
    return found if isinstance(found, dict) else {}


def _resolved(part: JsonMap) -> JsonMap:
    while "$ref" in part:
        part = _layer()["definitions"][part["$ref"].removeprefix("#/definitions/")]
    return part


def _texts_below(texts: Json, key: str) -> Json:
    if texts is True or not isinstance(texts, Mapping):
        return None
    return texts.get(key) or texts.get("*")


class _Fitting:
    def __init__(self, report: Report) -> None:
        self._report = report

    def fit(self, node: Node, part: JsonMap, path: Path, texts: Json) -> Node:
        chosen = _chosen(part, node)
        if is_map(node):
            return self._map(node, chosen, path, texts)
        if is_list(node):
            below = [
                self.fit(child, chosen.get("items", {}), (*path, str(i)), None) for i, child in enumerate(node.value)
            ]
            return node.with_value([child for child in below if child.value is not None], {})
        return _scalar(node, part, chosen, as_text=False)

    def _map(self, node: Node, part: JsonMap, path: Path, texts: Json) -> Node:
        values: dict[str, Node] = {}
        for key, child in node.value.items():
            below = part.get("properties", {}).get(key, part.get("additionalProperties", {}))
            if not key or _UNUSABLE_KEY.search(key) or _unusable(child):
                self._report.leave((*path, key), node.key_place(key), "no file and no engine can hold these characters")
            elif below is False or key.startswith("$"):
                self._unknown(key, node.key_place(key), part, path)
            elif child.value is not None:
                inside = _texts_below(texts, key)
                known = below if isinstance(below, dict) else {}
                if texts is True and not isinstance(child.value, dict | list):
                    values[key] = _scalar(child, known, _chosen(known, child), as_text=True)
                else:
                    values[key] = self.fit(child, known, (*path, key), inside)
        return node.with_value(values)

    def _unknown(self, key: str, place: Location, part: JsonMap, path: Path) -> None:
        if not key.startswith("x-"):
            instead = part.get("x-instead", {}).get(key)
            self._report.leave((*path, key), place, instead or "the declarations have no such word")


def _unusable(node: Node) -> bool:
    return is_text(node.value) and _UNUSABLE.search(node.value.plain) is not None


def _chosen(part: JsonMap, node: Node) -> JsonMap:
    """The part of a schema that is about this kind of value."""
    resolved = _resolved(part)
    if "if" not in resolved:
        return resolved
    kinds = {"object": is_map(node), "array": is_list(node), "string": is_text(node.value)}
    branch = resolved.get("then" if kinds.get(resolved["if"].get("type"), False) else "else", {})
    return _chosen(branch, node) if branch else {"type": resolved["if"].get("type")}


def _kinds(part: JsonMap) -> set[str]:
    kinds = part.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    return found or ({"string"} if "enum" in part else set())


def _scalar(node: Node, part: JsonMap, chosen: JsonMap, *, as_text: bool) -> Node:
    kinds = _kinds(chosen)
    if not is_text(node.value):
        return (
            node if not as_text and _of_kind(node.value, kinds) else node.with_value(Text.of(printed(node.value)), {})
        )
    if part.get("$ref") == "#/definitions/duration":
        return node.with_value(_duration(node.value), {})
    return node if as_text or "string" in kinds or not kinds else _cast(node, node.value, kinds)


def _of_kind(value: Json, kinds: set[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    return "number" in kinds or (isinstance(value, int) and "integer" in kinds)


def _cast(node: Node, text: Text, kinds: set[str]) -> Node:
    """A text as the number, or the true or false, that belongs here; else as it is."""
    plain = text.plain
    if "boolean" in kinds and plain.lower() in _YES | _NO:
        return made_of(plain.lower() in _YES, text, node.place)
    if kinds & {"integer", "number"} and _INTEGER.match(plain):
        return made_of(int(plain), text, node.place)
    if "number" in kinds and _NUMBER.match(plain):
        return made_of(float(plain), text, node.place)
    return node


def _duration(text: Text) -> Text:
    """A time span as the declarations write it; what is none stays as it is."""
    parts = _SPAN.findall(text.plain)
    if re.match(_layer()["definitions"]["duration"]["pattern"], text.plain):
        return text
    if "".join(number + unit for number, unit in parts) != text.plain:
        return text
    microseconds = round(sum(float(number) * _MICROSECONDS[unit] for number, unit in parts))
    spelled = ""
    for unit in ("h", "m", "s", "ms", "us"):
        number, microseconds = divmod(microseconds, int(_MICROSECONDS[unit]))
        spelled += f"{number}{unit}" if number else ""
    return Text.of(spelled or "0s")
