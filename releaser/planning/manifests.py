"""Documents of one's own manifests → objects: patched by the layers, their names replaced, each with its id."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, SCALAR, Node
from releaser.model.value import Json, JsonMap, Location
from releaser.planning import json_patch, overlay
from releaser.planning.interpolation import Texts

MAX_OBJECTS = 5_000
MAX_VALUES = 500_000  # of all objects of an environment, aliases and copies counted
MAX_DEPTH = 100

_API_VERSION = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*\Z")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9._:]{0,251}[A-Za-z0-9])?\Z")
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")


class Source(NamedTuple):
    """What one entry of `manifests` has in it."""

    name: str
    documents: Sequence[Node]
    replaces: bool = True  # whether `${name}` is replaced in what its files hold


class Objects(NamedTuple):
    """Objects by id, as values and as nodes."""

    values: dict[str, JsonMap]
    nodes: dict[str, Node]
    problems: tuple[Problem, ...]


class Names(NamedTuple):
    """What names stand for, and the namespace that needs not be said."""

    values: Mapping[str, str]
    namespace: str | None = None


def assemble(sources: Sequence[Source], patches: Sequence[Node], names: Names) -> Objects:
    """The objects of all sources with every layer's `patches` on top, in the order of their sources."""
    made = _Assembly(names)
    for source in sources:
        made.take(source)
    for patch in patches:
        made.patch(patch)
    return made.result()


class _Assembly:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._nodes: dict[str, Node] = {}
        self._texts: dict[str, Texts] = {}
        self._problems: list[Problem] = []

    def take(self, source: Source) -> None:
        """The objects of a source."""
        texts = Texts(self._names.values, self._problems, replaces=source.replaces)
        for node in self._objects(source.documents):
            key = self._id(node, texts)
            if key is None:
                continue
            if key in self._nodes:
                places = (node.location, self._nodes[key].location)
                self._problem(f"{key} is declared twice", "keep one of them", *places)
            elif len(self._nodes) >= MAX_OBJECTS:
                self._problem(f"more than {MAX_OBJECTS} objects", "make several environments of it", node.location)
                return
            else:
                self._nodes[key] = node
                self._texts[key] = texts

    def patch(self, patches: Node) -> None:
        """One layer's patches: of the rules of layers where it is a map, a JSON Patch where it is a list."""
        for target, patch in patches.value.items():
            node = self._nodes.get(target)
            if node is None:
                self._no_target(target, patches)
                continue
            change = json_patch.apply if patch.kind == LIST else overlay.patch
            self._nodes[target], problems = change(node, patch)
            self._problems.extend(problems)

    def result(self) -> Objects:
        """Everything with its names replaced."""
        values: dict[str, JsonMap] = {}
        left = MAX_VALUES
        for key, node in self._nodes.items():
            left = _count(node, left)
            if left < 0:
                message = f"more than {MAX_VALUES} values in all objects, or deeper than {MAX_DEPTH} levels"
                self._problem(message, "make several environments of it, and no copies of copies", node.location)
                break
            values[key] = body = self._texts[key].object(_without(node, "status"))
            if not self._problems and not self._is(key, body):
                hint = "leave apiVersion, kind, name and namespace as they are, or rename it in its manifest"
                self._problem(f"a patch makes another object of {key}", hint, node.location)
        return Objects(values, self._nodes, tuple(self._problems))

    def _is(self, key: str, body: JsonMap) -> bool:
        metadata = body.get("metadata")
        whole = isinstance(metadata, dict) and metadata.keys() >= {"name"} and body.keys() >= {"apiVersion", "kind"}
        return whole and identity(body, self._names.namespace) == key

    # --- what an object is ---

    def _objects(self, documents: Sequence[Node]) -> Iterator[Node]:
        """The documents, and what is in lists of objects, in their order."""
        left = list(reversed(documents))
        while left:
            node = left.pop()
            kind = node.value.get("kind") if node.kind == MAP else None
            items = node.value.get("items") if kind is not None else None
            if kind is not None and str(kind.value).endswith("List") and items is not None and items.kind == LIST:
                left.extend(reversed(items.value))
            else:
                yield node

    def _id(self, node: Node, texts: Texts) -> str | None:
        if node.kind != MAP:
            self._problem("a document that is no object", "an object begins with apiVersion and kind", node.location)
            return None
        metadata = node.value.get("metadata")
        if metadata is None or metadata.kind != MAP:
            self._problem("an object without `metadata`", "write `metadata: {name: …}`", node.location)
            return None
        body = {word: texts.scalar(node.value.get(word)) for word in ("apiVersion", "kind")}
        named = {word: texts.scalar(metadata.value.get(word)) for word in ("name", "namespace")}
        wrong = tuple(self._unnamed(node, metadata, {**body, **named}))
        self._problems.extend(wrong)
        return None if wrong else identity({**body, "metadata": named}, self._names.namespace)

    def _unnamed(self, node: Node, metadata: Node, words: Mapping[str, Json]) -> Iterator[Problem]:
        forms = (
            (node, "apiVersion", _API_VERSION, "as in `apiVersion: apps/v1`"),
            (node, "kind", _KIND, "as in `kind: Deployment`"),
            (metadata, "name", _NAME, "letters, digits, `-` and `.`"),
            (metadata, "namespace", _NAMESPACE, "lower-case letters, digits and `-`"),
        )
        for holder, word, form, hint in forms:
            text = words[word]
            if isinstance(text, str) and form.match(text):
                continue
            if text is None and word == "namespace" and word not in metadata.value:
                continue
            if word == "name" and "generateName" in metadata.value and text is None:
                message = "`generateName` makes another object at each delivery"
                yield _problem(message, "give it a name", metadata.key_location("generateName"))
            elif word not in holder.value:
                yield _problem(f"an object without `{word}`", hint, node.location)
            else:
                yield _problem(f"`{text}` cannot be `{word}`", hint, holder.value[word].location)

    # --- what is wrong ---

    def _no_target(self, target: str, patches: Node) -> None:
        near = get_close_matches(target, self._nodes, n=1)
        known = ", ".join(sorted(self._nodes)[:12]) or "none: declare them in `manifests`"
        hint = f"did you mean `{near[0]}`?" if near else f"the objects are {known}"
        self._problem(f"no object `{target}` in the manifests", hint, patches.key_location(target))

    def _problem(self, message: str, hint: str, *places: Location) -> None:
        self._problems.append(_problem(message, hint, *places))


def identity(body: JsonMap, namespace: str | None) -> str:
    """An object's id: `deployment.apps/api`, and its namespace where it is not the environment's own."""
    group = str(body["apiVersion"]).rpartition("/")[0]
    kind = str(body["kind"]).lower()
    other = body["metadata"].get("namespace")
    parts = (f"{kind}.{group}" if group else kind, None if other == namespace else other, body["metadata"]["name"])
    return "/".join(filter(None, parts))


def _problem(message: str, hint: str, *places: Location) -> Problem:
    return Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=places)


def _count(node: Node, left: int) -> int:
    """How many values may still come after this one; below zero for too many, or too deep."""
    waiting = [(node, 1)]
    while waiting and left >= 0:
        one, depth = waiting.pop()
        left = left - 1 if depth <= MAX_DEPTH else -1
        if one.kind != SCALAR:
            children = one.value.values() if one.kind == MAP else one.value
            waiting.extend((child, depth + 1) for child in children)
    return left


def _without(node: Node, key: str) -> Node:
    """The node without what a cluster answers, and nobody wants."""
    return json_patch.like(node, {name: one for name, one in node.value.items() if name != key})
