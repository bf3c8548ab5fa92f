import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import schema, yaml12
from releaser.model.errors import Problem
from releaser.model.tree import plain
from tests.contracts.declarations_samples import BUILDKIT, DOOD, ENGINES, KUBERNETES, LAYER, PACKAGE, PIPELINE, said

Told = Callable[[tuple[Problem, ...]], list[str]]

NAMES = ("layer", "pipeline")


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((schema.FOLDER / f"{name}.schema.json").read_text())
    return document


def parts(part: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every map within a schema, with its place."""
    if isinstance(part, dict):
        yield at, part
        for key, child in part.items():
            yield from parts(child, (*at, key))
    elif isinstance(part, list):
        for index, child in enumerate(part):
            yield from parts(child, (*at, str(index)))


def check(text: str, name: str = "layer") -> tuple[Problem, ...]:
    return schema.check(yaml12.load(text, "f.yaml"), name)


# --- the schemas themselves ---


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema_of_draft_07(name: str) -> None:
    document = load(name)
    jsonschema.Draft7Validator.check_schema(document)
    assert document["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_described_and_no_other_is_taken(name: str) -> None:
    for at, part in parts(load(name)):
        properties = part.get("properties")
        if not isinstance(properties, dict) or at[-1:] == ("properties",):
            continue
        tells_by_tag = "allOf" in part or at[-1:] == ("if",)  # its branches refuse other words
        assert tells_by_tag or part.get("additionalProperties") is False, at
        for word, words in properties.items():
            assert "description" in words or words == {} or at[-1:] == ("if",), (*at, word)


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_is_there_and_used(name: str) -> None:
    document = load(name)
    used = {part["$ref"] for _, part in parts(document) if isinstance(part.get("$ref"), str)}
    assert used == {f"#/definitions/{definition}" for definition in document["definitions"]}


@pytest.mark.parametrize(("name", "text"), [("layer", LAYER), ("layer", KUBERNETES), ("pipeline", PIPELINE)])
def test_a_document_with_every_word_passes(name: str, text: str) -> None:
    assert check(text, name) == ()


@pytest.mark.parametrize(("name", "text"), [("layer", LAYER), ("pipeline", PIPELINE)])
def test_that_document_has_every_word(name: str, text: str) -> None:
    whole = [plain(yaml12.load(one, "f.yaml")) for one in (text, KUBERNETES, BUILDKIT, DOOD, PACKAGE)]
    written = {word for _, part in parts(whole) for word in part} | {
        "$append",
        "$prepend",
        "path",
    }
    known = {
        word
        for at, part in parts(load(name))
        if isinstance(part.get("properties"), dict) and at[-1:] != ("properties",)
        for word in part["properties"]
    }
    assert known <= written


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine(engine: str) -> None:
    assert check(f"engine: {engine}") == ()


def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if at:
        yield at
    source = len(at) == 2 and at[0] in {"secrets", "configs", "manifests"}
    replaced_whole = source or at == ("engine",) or at[-1:] == ("PASSWORD",)
    if isinstance(value, dict) and not replaced_whole:
        for key, child in value.items():
            yield from paths(child, (*at, key))


@pytest.mark.parametrize(
    "path", [*paths(plain(yaml12.load(LAYER, "f.yaml"))), ("manifests",), ("manifests", "api")], ids=".".join
)
def test_a_layer_may_remove_any_word(path: tuple[str, ...]) -> None:
    text = "null"
    for key in reversed(path):
        text = f"{{{json.dumps(key)}: {text}}}"
    assert check(text) == ()


@pytest.mark.parametrize("operator", ["{$append: [x]}", "{$prepend: [x]}", "{$append: [x], $prepend: [y]}"])
@pytest.mark.parametrize(
    "place",
    ["command: %s", "cap_add: %s", "group_add: %s", "networks: {n: {aliases: %s}}", "healthcheck: {test: %s}",
     "deploy: {placement: {constraints: %s}}"],
)  # fmt: skip
def test_a_layer_may_extend_a_list(place: str, operator: str) -> None:
    assert check(f"services: {{s: {{{place % operator}}}}}") == ()


# --- the validator that decides, against another one ---

WORDS = sorted({word for _, part in parts(load("layer")) for word in part.get("properties", {})})
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 70000), st.floats(0, 2),
        st.sampled_from(["", "x", "5m", "64M", "/x", "docker", "env", "0440", "${x}", "no"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from([*WORDS, "$append", "x", "a b"]), inner, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip
SERVICES = st.fixed_dictionaries(
    {"services": st.fixed_dictionaries({"s": st.dictionaries(st.sampled_from(WORDS), VALUES)})}
)
REFERENCE = jsonschema.Draft7Validator(load("layer"))


@given(st.one_of(VALUES, SERVICES, st.dictionaries(st.sampled_from(sorted(load("layer")["properties"])), VALUES)))
def test_both_validators_agree_and_every_misfit_has_words(document: Any) -> None:
    node = yaml12.load(json.dumps(document), "f.yaml")
    found = schema.check_values(plain(node), "layer", Nowhere())

    assert bool(found) == (not REFERENCE.is_valid(plain(node)))
    for problem in (*found, *schema.check(node, "layer")):
        assert "is not written as it must be" not in problem.message or problem.hint


class Nowhere:
    def locate(self, path: Any) -> None:
        return None

    def chain(self, path: Any) -> tuple[Any, ...]:
        return ()


# --- what a person reads ---


@pytest.mark.parametrize(("text", "words"), said("layers"))
def test_what_is_said_of_a_layer(text: str, words: str, told: Told) -> None:
    (only,) = told(check(text))

    assert only == "f.yaml:" + words


@pytest.mark.parametrize(("text", "words"), said("pipelines"))
def test_what_is_said_of_a_pipeline(text: str, words: str, told: Told) -> None:
    assert told(check(text, "pipeline"))[0] == "f.yaml:" + words


def test_a_name_to_replace_may_stand_for_one_of_certain_words() -> None:
    assert check('wait: "${w}"\nservices: {s: {restart: "${r}", ports: {p: {protocol: "${p}"}}}}') == ()


def test_everything_wrong_is_told_at_once(told: Told) -> None:
    text = "wait: soon\non_failure: hope\nservices:\n  s:\n    imgae: x\n    tty: yes\n    deploy: {replicas: -1}\n"
    assert sorted(line.split(" ")[0] for line in told(check(text))) == [
        "f.yaml:1:7", "f.yaml:2:13", "f.yaml:5:5", "f.yaml:6:10", "f.yaml:7:24",
    ]  # fmt: skip


def test_a_file_full_of_mistakes_ends_somewhere() -> None:
    text = "services: {s: {environment: {" + ", ".join(f"K{n}: [{n}]" for n in range(3000)) + "}}}"
    assert len(check(text)) == 100
