import json
import math
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from releaser.engines.directory.document import compose_file, mark_in, mark_of, remarked
from releaser.engines.directory.reading import Broken, parse
from releaser.model.resource import Mark, Resource
from releaser.model.value import Json
from tests.contracts.engine_contract import mark

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALAR = st.one_of(
    TEXT,
    st.sampled_from(
        ["no", "012", "1e3", "0o7", "22:30", "~", "null", "y", "=", "<<", "2024-01-01", "- a", "# b", "%", "!x"]
    ),
    st.booleans(),
    st.integers(min_value=-(2**53), max_value=2**53),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: abs(number) < 2**53),
    st.none(),
)
TREE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
BODY = st.dictionaries(TEXT, TREE, max_size=4)


def resource(name: str, body: Json) -> Resource:
    return Resource(id=name, body=body, fingerprint="")


@given(TEXT.filter(bool), BODY)
def test_what_is_written_is_what_is_read(name: str, body: Json) -> None:
    document = parse(compose_file([resource(f"service/{name}", body)], mark(1)))
    assert document["services"] == {name: body}
    assert json.dumps(document["services"]) == json.dumps({name: _sorted(body)})  # 1 is not 1.0, nor True


def _sorted(tree: Json) -> Json:
    if isinstance(tree, dict):
        return {key: _sorted(tree[key]) for key in sorted(tree)}
    return [_sorted(value) for value in tree] if isinstance(tree, list) else tree


@given(st.dictionaries(TEXT, st.lists(TEXT, max_size=3), max_size=4))
def test_a_text_is_a_text_in_every_version_of_yaml(body: Json) -> None:
    data = compose_file([resource("service/api", body)], mark(1))
    assert yaml.load(data, yaml.CSafeLoader)["services"]["api"] == body  # YAML 1.1, where far more is no text


@given(st.binary(max_size=200) | TEXT.map(str.encode))
def test_any_bytes_are_a_tree_or_broken(data: bytes) -> None:
    with suppress(Broken):
        json.dumps(parse(data))


@given(BODY, st.integers(min_value=0, max_value=10**6))
def test_the_bytes_are_a_function_of_resources_and_mark(body: Json, revision: int) -> None:
    resources = [resource("service/b", body), resource("network/n", {}), resource("file/compose.yaml", {"name": "x"})]
    data = compose_file(resources, mark(revision))
    assert compose_file(list(reversed(resources)), mark(revision)) == data
    assert mark_of(data) == mark_in(parse(data)) == mark(revision)
    assert remarked(data, revision + 1) == compose_file(resources, mark(revision + 1))


def test_a_mark_is_one_line_whatever_is_in_it() -> None:
    odd = Mark(project='a": {\n', environment="é\u2028", history="}", revision=3)
    data = compose_file([resource("service/api", {"x": 'x-releaser: {"project": "p"}\n'})], odd)
    assert mark_of(data) == mark_in(parse(data)) == odd
    assert mark_of(b'x-releaser: {"project": 1}\n') is None
    assert mark_of(b"x-releaser: {\xff}\n") is None
    assert remarked(b"services: {}\n", 3) == b"services: {}\n"


def test_no_alias_is_ever_written() -> None:
    shared = {"a": ["b"]}
    data = compose_file([resource("service/api", {"x": shared, "y": shared})], mark(1))
    assert b"&" not in data
    assert b"*" not in data


def test_expanded_aliases_are_counted() -> None:
    tree = parse(b"a: &a [1, 2]\nb: &b {x: *a, y: *a}\nc: [*b, *b]\nd: &d text\n*d : key\n")
    assert tree["c"] == [{"x": [1, 2], "y": [1, 2]}] * 2
    assert tree["text"] == "key"


@pytest.mark.parametrize("text", ["1e308", "-1e308", "0x7fffffffffffffff", "-9007199254740993"])
def test_a_number_that_json_cannot_hold_exactly_stays_its_text(text: str) -> None:
    assert parse(f"a: {text}".encode())["a"] == text


def test_numbers() -> None:
    numbers = parse(b"[-0.0, 1., 5e-324, +7, -.5, 0, 00, 0x, 1e, .e1, 0.1e+2]")
    assert numbers == [0.0, 1.0, 5e-324, 7, -0.5, 0, "00", "0x", "1e", ".e1", 10.0]
    assert math.copysign(1, numbers[0]) == -1
