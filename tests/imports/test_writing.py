"""What is written is read back as it was, whatever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import yaml12
from releaser.imports.tree import Node
from releaser.imports.writing import yaml
from releaser.model.tree import plain
from releaser.model.value import Location
from releaser.planning import interpolation

PLACE = Location(file="compose.yaml", line=1, column=1)
NASTY = st.sampled_from(
    [
        "", " ", "~", "null", "yes", "NO", "true", "1", "1.10", "0777", "0x1F", "1e3", ".5", "-", "- a", "a: b", "a #b",
        "#", "a:", ":a", "{}", "[a]", "*a", "&a", "!a", "|", ">", "%", "@", "`", "'", '"', "\\", "\t", "a\nb", "a\nb\n",
        "\na", " a\nb", "a\n\n", "a \nb", "a\n b\n", "\u2028", "\x85", "\x7f", "\x00", "ü", "😀", "${x}", "$$", "---",
        "...",
        "? a", "a, b", "<<", "=", "2001-01-01", "12:30", "a\r\nb", "\ufeff", "http://a.b:80/c?d=e&f#g", "x" * 300,
    ]
)  # fmt: skip
TEXTS = st.one_of(NASTY, st.text(max_size=12)).filter(
    lambda text: not set(text) & {"\0"} and text.isprintable() is not None
)
SAFE = TEXTS.filter(lambda text: "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text))
KEYS = st.one_of(
    st.sampled_from(["a", "no", "1", "a.b", "a b", "x:y", "<<", "é", "-", "null"]), st.text("abc .:-#", min_size=1)
)
SCALARS = st.one_of(SAFE, st.integers(-(10**6), 10**6), st.booleans(), st.floats(-1e6, 1e6).map(lambda n: round(n, 3)))
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=15,
)


def tree(value: Any) -> Node:
    """The value as a tree."""
    if isinstance(value, dict):
        return Node({key: tree(child) for key, child in value.items()}, PLACE)
    return Node([tree(child) for child in value] if isinstance(value, list) else value, PLACE)


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
def test_any_tree(value: dict[str, Any]) -> None:
    text = yaml(tree(value))

    assert plain(yaml12.load(text, "f.yaml")) == value, text


@given(st.dictionaries(KEYS, SAFE, min_size=1, max_size=6))
def test_texts_of_an_environment(values: dict[str, str]) -> None:
    """There a plain scalar keeps its digits, so that numbers need no quotes."""
    document = {"services": {"a": {"environment": {key: text.replace("$", "$$") for key, text in values.items()}}}}

    text = yaml(tree(document))

    resolved, problems = interpolation.resolve(yaml12.load(text, "f.yaml"), {})
    assert (resolved["services"]["a"]["environment"], problems) == (values, ()), text


def test_as_a_person_would_write_it() -> None:
    made = tree({
        "vars": {"A": "1.10", "B": "no"},
        "services": {
            "web": {
                "image": "web", "command": ["serve", "8080", "a b"], "environment": {"NUM": "5", "S": {"secret": "s"}},
                "ports": {"http": {"target": 80, "published": "auto"}}, "deploy": {"replicas": 2},
            },
            "alone": {"image": "x"},
        },
        "configs": {"c": {"content": "one\ntwo\n"}},
        "volumes": {"data": {}},
        "engine": {"kind": "docker"},
    })  # fmt: skip
    made.value["services"].value["web"].value["deploy"].value["replicas"].note = "${N}"

    assert (
        yaml(made)
        == """\
vars:
  A: 1.10
  B: "no"
services:
  web:
    image: web
    command: [serve, "8080", a b]
    environment:
      NUM: 5
      S: {secret: s}
    ports: {http: {target: 80, published: auto}}
    deploy:
      replicas: 2  # ${N}
  alone:
    image: x
configs:
  c:
    content: |
      one
      two
volumes:
  data: {}
engine: {kind: docker}
"""
    )


@pytest.mark.parametrize("key", ["no", "a b", "", "<<", "a:", "ü"])
def test_keys(key: str) -> None:
    assert plain(yaml12.load(yaml(tree({"a": {key or "x": 1}})), "f.yaml")) == {"a": {key or "x": 1}}
