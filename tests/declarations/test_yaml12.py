from collections.abc import Callable
from typing import Any

import pytest

from releaser.declarations import yaml12, yaml_events
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import LIST, MAP, plain
from tests.conftest import unavailable

Told = Callable[[tuple[Problem, ...]], list[str]]


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers read the same."""
    if request.param == "pure":
        monkeypatch.setattr(yaml_events, "EVENTS", yaml_events.PureEvents)
    elif yaml_events.EVENTS is yaml_events.PureEvents:
        unavailable("PyYAML was built without libyaml here")
    name: str = request.param
    return name


def read(text: str | bytes) -> Any:
    return plain(yaml12.load(text, "f.yaml"))


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(InvalidDeclarations) as refused:
        yaml12.load(text, "f.yaml")
    return refused.value.problems


def test_places_count_from_one_in_characters() -> None:
    root = yaml12.load('a: 1\nmäp:\n  - "ünï": {x: ü,  y: 2}\n  - [3]\n', "envs/f.yaml", "f")
    items = root.value["mäp"]
    first = items.value[0]

    assert (root.kind, items.kind) == (MAP, LIST)
    assert str(root.value["a"].location) == "envs/f.yaml:1:4"
    assert str(root.key_location("mäp")) == "envs/f.yaml:2:1"
    assert str(items.location) == "envs/f.yaml:3:3"
    assert str(first.key_location("ünï")) == "envs/f.yaml:3:5"
    assert str(first.value["ünï"].value["y"].location) == "envs/f.yaml:3:23"
    assert str(items.value[1].value[0].location) == "envs/f.yaml:4:6"
    assert {node.layer for node in (root, items, first, root.value["a"])} == {"f"}


def test_every_style_of_text() -> None:
    assert read("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"\\x41\\t\"\ne: x\n  y\n") == {
        "a": "x\ny\n", "b": "x y", "c": "it's", "d": "A\t", "e": "x y",
    }  # fmt: skip


def test_a_byte_order_mark_and_windows_lines() -> None:
    assert read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}
    assert str(yaml12.load("\ufeffa: 1\r\nb: x\r\n", "f.yaml").value["b"].location) == "f.yaml:2:4"


def test_a_document_may_have_its_marks_and_comments() -> None:
    assert read("# comment\n--- # here\na: 1\n...\n# end\n") == {"a": 1}


def test_aliases_stand_for_what_was_written() -> None:
    root = yaml12.load("a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y text, *y]\n", "f.yaml")
    assert plain(root) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": [{"b": [1, 2]}, "text", "text"]}
    assert str(root.value["c"].location) == "f.yaml:1:4"
    assert str(root.key_location("c")) == "f.yaml:2:1"


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read('"<<": 1') == {"<<": 1}


def test_an_anchor_may_be_used_again() -> None:
    assert read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


REFUSED = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1 f.yaml:1:1 `a` is written twice"),
    "a key twice in flow": ("{a: 1, a: 2}", "f.yaml:1:8 f.yaml:1:2 `a` is written twice"),
    "the same key in quotes": ("a: 1\n'a': 2\n", "f.yaml:2:1 f.yaml:1:1 `a` is written twice"),
    "a tag": ("a: !!str 1\n", "f.yaml:1:4 the tag `tag:yaml.org,2002:str`"),
    "a python tag": ("a: !!python/object/apply:os.system [id]\n", "f.yaml:1:4 the tag"),
    "a local tag on a map": ("a: !secret {b: 1}\n", "f.yaml:1:4 the tag `!secret`"),
    "a tag on a list": ("a: !x [1]\n", "f.yaml:1:4 the tag `!x`"),
    "a tag on a key": ("!x a: 1\n", "f.yaml:1:1 the tag `!x`"),
    "a bare exclamation mark": ("a: ! 1\n", "f.yaml:1:4 the tag `!`"),
    "a merge key": ("a: &x {b: 1}\nc: {<<: *x}\n", "f.yaml:2:5 `<<` merge keys"),
    "a list as a key": ("[a]: 1\n", "f.yaml:1:1 a key that is not a plain text"),
    "a map as a key": ("{a: 1}: 1\n", "f.yaml:1:1 a key that is not a plain text"),
    "an alias as a key": ("a: &x b\n*x : 1\n", "f.yaml:2:1 a key that is not a plain text"),
    "an anchor on a key": ("&x a: 1\n", "f.yaml:1:1 an anchor on a key"),
    "an empty key": ('"": 1\n', "f.yaml:1:1 a key is empty"),
    "no key": (": 1\n", "f.yaml:1:1 not YAML"),
    "a control character in a key": ('"a\\n": 1\n', "f.yaml:1:1 a key is empty or holds control"),
    "a NUL": ('a: "\\0"\n', "f.yaml:1:4 an escape for a character"),
    "a NUL in a key": ('"\\0": 1\n', "f.yaml:1:1 a key is empty or holds control"),
    "nothing after a key": ("a:\nb: 1\n", "f.yaml:1:1 `a` has no value"),
    "nothing in a list": ("a:\n  -\n  - 1\n", "f.yaml:2:4 nothing is written here"),
    "nothing in flow": ("{a: , b: 1}\n", "f.yaml:1:2 `a` has no value"),
    "nothing at all": ("", "f.yaml:1:1 the file is empty"),
    "only comments": ("# nothing\n\n", "f.yaml:1:1 the file is empty"),
    "an empty document": ("---\n...\n", "f.yaml:2:1 nothing is written here"),
    "two documents": ("a: 1\n---\nb: 1\n", "f.yaml:2:1 a second document begins"),
    "a directive": ("%YAML 1.1\n---\na: 1\n", "f.yaml:1:1 a directive"),
    "a directive after the document": ("a: 1\n...\n%TAG ! x\n---\n", "f.yaml:3:1 a directive"),
    "a tab as indentation": ("a:\n\tb: 1\n", "f.yaml:2:1 not YAML: a tab where spaces must stand"),
    "no space after the colon": ("a: 1\nb:2\n", "f.yaml:"),
    "a colon in a text": ("a: b: c\n", "f.yaml:1:5 not YAML: mapping values are not allowed"),
    "quotes that do not end": ('a: "x\n', "f.yaml:"),
    "a bracket that does not end": ("a: [1\n", "f.yaml:"),
    "wrong indentation": ("a:\n  b: 1\n c: 2\n", "f.yaml:"),
    "an unknown escape": ('a: "\\q"\n', "f.yaml:1:"),
    "a reserved character": ("a: @x\n", "f.yaml:1:4 not YAML"),
    "an unknown alias": ("a: *x\n", "f.yaml:1:4 `*x` stands for nothing"),
    "an alias before its anchor": ("a: *x\nb: &x 1\n", "f.yaml:1:4 `*x` stands for nothing"),
    "a list that holds itself": ("a: &x [1, *x]\n", "f.yaml:1:11 `*x` holds itself"),
    "a map that holds itself": ("&x a: 1\nb: &y {c: {d: *y}}\n", "f.yaml:1:1 an anchor on a key"),
    "not UTF-8": (b"a: 1\nb: \xe9\n", "f.yaml:2:4 not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "f.yaml:1:1 not UTF-8"),
    "a lone surrogate": ("a: \ud800\n", "f.yaml:1:4 not UTF-8"),
    "a control character": ("a: 1\nb: \x07\n", "f.yaml:2:4 the character U+0007"),
    "an escape character": ("a: \x1b[31m\n", "f.yaml:1:4 the character U+001B"),
    "a NUL byte": (b"a: \x00\n", "f.yaml:1:4 the character U+0000"),
    "a next-line character": ("a: x\x85b: y\n", "f.yaml:1:5 the character U+0085"),
    "a line separator": ("a: x\u2028b: y\n", "f.yaml:1:5 the character U+2028"),
    "a byte order mark inside": ("a: 1\nb: \ufeffx\n", "f.yaml:2:4 the character U+FEFF"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_has_a_place_and_a_way_out(text: str | bytes, words: str, told: Told) -> None:
    found = problems(text)

    assert told(found)[0].startswith(words)
    assert all(problem.locations and problem.hint for problem in found)


def test_everything_wrong_is_found_at_once(told: Told) -> None:
    found = told(problems("a: 1\na: 2\nb: !x y\n? [c]\n: 1\nd:\ne: .inf\nf: 1\n  g: 2\n"))

    assert [line.split(" ")[0] for line in found][:5] == [
        "f.yaml:2:1", "f.yaml:3:4", "f.yaml:4:3", "f.yaml:6:1", "f.yaml:7:4",
    ]  # fmt: skip
    assert found[5].startswith("f.yaml:9:4 not YAML")


def test_what_is_refused_is_left_out_and_the_rest_is_there() -> None:
    node, found = yaml12.read("a: 1\na: 2\nb: {<<: {x: 1}, c: 3}\n", "f.yaml")

    assert len(found) == 2
    assert node is not None
    assert plain(node) == {"a": 1, "b": {"c": 3}}


def test_a_syntax_error_ends_the_document() -> None:
    node, found = yaml12.read("a: 1\na: 2\nb: [\n", "f.yaml")

    assert node is None
    assert len(found) == 2


def billion_laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(billion_laughs(9), "more than 250000 values", id="billion laughs"),
        pytest.param(billion_laughs(40), "more than 250000 values", id="more of them"),
        pytest.param("a: &x [" + "1, " * 2000 + "]\nb: [" + "*x, " * 200 + "]", "more than 250000 values", id="flat"),
        pytest.param("a: &x 1\nb: [" + "*x, " * 10_001 + "]", "more than 10000 aliases", id="aliases"),
        pytest.param("a: " + "[" * 65 + "]" * 65, "nested deeper than 64", id="65 lists"),
        pytest.param("{a: " * 5000, "nested deeper than 64", id="5000 maps"),
        pytest.param("".join(" " * n + "a:\n" for n in range(70)), "nested deeper than 64", id="70 lines"),
        pytest.param("- " * 5000, "nested deeper than 64", id="5000 dashes"),
        pytest.param(
            "a: &x " + "[" * 40 + "1" + "]" * 40 + "\nb: " + "[" * 40 + "*x" + "]" * 40,
            "nested deeper",
            id="by an alias",
        ),
        pytest.param("a: '" + "x" * (8 * 1024 * 1024) + "'", "larger than 8 MiB", id="a large file"),
    ],
)
def test_limits(text: str, words: str) -> None:
    found = problems(text)

    assert words in found[-1].message
    assert found[-1].hint
    assert found[-1].locations


def test_5000_brackets(parser: str) -> None:
    (problem,) = problems("[" * (5000 if parser == "libyaml" else 500))  # the pure scanner is quadratic in them
    assert "nest" in problem.message
    assert problem.hint == "flatten it"


def test_what_is_just_within_the_limits() -> None:
    assert read("a: " + "[" * 63 + "]" * 63)
    nested = yaml12.load("a: &x " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 33 + "*x" + "]" * 33, "f.yaml")
    assert plain(nested)["b"]


def test_a_bomb_costs_no_memory(parser: str) -> None:
    import tracemalloc  # noqa: PLC0415 - it slows everything that is measured with it

    tracemalloc.start()
    try:
        yaml12.read(billion_laughs(9), "f.yaml")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024
