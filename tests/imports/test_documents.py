"""A Compose file's YAML: anchors, merge keys, tags, several documents, and what is refused."""

from typing import Any

import pytest

from releaser.imports.documents import read
from releaser.imports.tree import OVERRIDE, RESET, Node
from releaser.model.errors import InvalidDeclarations


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def one(text: str) -> Any:
    (document,) = read(text.encode(), "f.yaml")
    return plain(document)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes\nb: 010\nc: '010'\nd:\ne: ~", {"a": "yes", "b": 8, "c": "010", "d": None, "e": None}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
        ("x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny: {b: 0, <<: [*x, *z]}", {"x": {"a": 1}, "z": {"a": 2, "c": 3},
        "y": {"b": 0, "a": 1, "c": 3}}),
        ("y: {<<: {a: 1}}", {"y": {"a": 1}}),
        ("y: {'<<': {a: 1}}", {"y": {"<<": {"a": 1}}}),
        ("x: &x [1, 2]\ny: *x", {"x": [1, 2], "y": [1, 2]}),
        ("x: &x key\n*x : 1", {"x": "key", "key": 1}),
        ("a: !!str 5\nb: !!null x\nc: ! 6", {"a": "5", "b": None, "c": 6}),
        ("1: a\n2.5: b\ntrue: c", {"1": "a", "2.5": "b", "true": "c"}),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    assert one(text) == value


def test_tags() -> None:
    (document,) = read(b"a: !reset null\nb: !override [1]\nc: !reset\n", "f.yaml")

    assert {key: node.tag for key, node in document.value.items()} == {"a": RESET, "b": OVERRIDE, "c": RESET}


def test_places() -> None:
    (document,) = read(b"x: &x\n  a: 1\ny:\n  <<: *x\n  b: 2\n", "f.yaml")

    assert str(document.value["y"].key_place("a")) == "f.yaml:2:3"
    assert str(document.value["y"].key_place("b")) == "f.yaml:5:3"
    assert str(document.value["y"].value["b"].place) == "f.yaml:5:6"


def test_several_documents() -> None:
    assert [plain(document) for document in read(b"a: 1\n---\nb: 2\n", "f.yaml")] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a: 1\na: 2", "`a` is written twice", 2),
        ("a: *b", "`*b` stands for nothing", 1),
        ("a: &a [*a]", "`*a` holds itself", 1),
        ("a: {<<: 5}", "`<<` takes a map", 1),
        ("? [a]\n: b", "a key that is not a plain text", 1),
        ("a: !ruby/x y", "the tag `!ruby/x` is not read here", 1),
        ("a: b: c", "not YAML", 1),
        ("a:\n\tb: c", "a tab where spaces must stand", 2),
        ("[" * 80 + "]" * 80, "nested deeper", 1),
    ],
)
def test_refused(text: str, said: str, line: int) -> None:
    with pytest.raises(InvalidDeclarations) as caught:
        read(text.encode(), "f.yaml")

    assert said in caught.value.message
    assert caught.value.locations[0].line == line
