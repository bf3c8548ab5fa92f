from typing import Any

import pytest

from releaser.declarations import yaml12
from releaser.model.errors import Problem
from releaser.model.tree import Node, plain
from releaser.planning import overlay


def layers(*texts: str) -> list[Node]:
    return [yaml12.load(text, f"envs/{name}.yaml", name) for name, text in zip("abcdef", texts, strict=False)]


def merged(*texts: str) -> Any:
    root, problems = overlay.merge(layers(*texts))
    assert problems == ()
    return plain(root)


def refused(*texts: str) -> tuple[Problem, ...]:
    _, problems = overlay.merge(layers(*texts))
    assert all(problem.locations and problem.hint for problem in problems)
    return problems


@pytest.mark.parametrize(
    ("lower", "upper", "result"),
    [
        pytest.param("{a: 1}", "{}", {"a": 1}, id="nothing to say"),
        pytest.param("{a: 1}", "{b: 2}", {"a": 1, "b": 2}, id="a new key"),
        pytest.param("{a: 1}", "{a: 2}", {"a": 2}, id="a value is replaced"),
        pytest.param("{a: 1}", "{a: two}", {"a": "two"}, id="a number by a text"),
        pytest.param("{a: {b: 1, c: 2}}", "{a: {c: 3}}", {"a": {"b": 1, "c": 3}}, id="maps merge"),
        pytest.param(
            "{a: {b: {c: {d: 1}}}}", "{a: {b: {c: {e: 2}}}}", {"a": {"b": {"c": {"d": 1, "e": 2}}}}, id="deep"
        ),
        pytest.param("{a: {b: 1}}", "{a: {}}", {"a": {"b": 1}}, id="an empty map changes nothing"),
        pytest.param("{a: {}}", "{a: {b: 1}}", {"a": {"b": 1}}, id="into an empty map"),
        pytest.param("{a: [1, 2]}", "{a: [3]}", {"a": [3]}, id="lists are replaced"),
        pytest.param("{a: [1, 2]}", "{a: []}", {"a": []}, id="by an empty one"),
        pytest.param("{a: 1, b: 2}", "{a: null}", {"b": 2}, id="null removes"),
        pytest.param("{a: 1, b: 2}", "{a: ~}", {"b": 2}, id="so does ~"),
        pytest.param("{a: {b: 1}}", "{a: null}", {}, id="a whole map"),
        pytest.param("{a: {b: 1}}", "{a: {b: null}}", {"a": {}}, id="the last key of a map"),
        pytest.param("{a: 1}", '{a: "null"}', {"a": "null"}, id="a quoted null is a text"),
        pytest.param("{a: 1}", '{a: ""}', {"a": ""}, id="an empty text is a value"),
        pytest.param("{a: [1]}", "{a: {$append: [2, 3]}}", {"a": [1, 2, 3]}, id="append"),
        pytest.param("{a: [1]}", "{a: {$prepend: [2, 3]}}", {"a": [2, 3, 1]}, id="prepend"),
        pytest.param("{a: [1]}", "{a: {$append: [3], $prepend: [2]}}", {"a": [2, 1, 3]}, id="both"),
        pytest.param("{a: []}", "{a: {$append: [1]}}", {"a": [1]}, id="to an empty list"),
        pytest.param("{a: [1]}", "{a: {$append: []}}", {"a": [1]}, id="nothing"),
        pytest.param("{a: [{b: 1}]}", "{a: {$append: [{b: 1}]}}", {"a": [{"b": 1}, {"b": 1}]}, id="no set of values"),
    ],
)
def test_two_layers(lower: str, upper: str, result: Any) -> None:
    assert merged(lower, upper) == result


@pytest.mark.parametrize(
    ("lower", "upper", "result"),
    [
        pytest.param(
            "{engine: {kind: docker, host: h}}",
            "{engine: {kind: directory}}",
            {"engine": {"kind": "directory"}},
            id="engine",
        ),
        pytest.param(
            "{secrets: {s: {from: env, name: N}}}",
            "{secrets: {s: {from: file, path: p}}}",
            {"secrets": {"s": {"from": "file", "path": "p"}}},
            id="a secret's source",
        ),
        pytest.param(
            "{configs: {c: {file: f}}}",
            "{configs: {c: {content: x}}}",
            {"configs": {"c": {"content": "x"}}},
            id="a config",
        ),
        pytest.param(
            "{services: {s: {environment: {K: {secret: a}}}}}",
            "{services: {s: {environment: {K: {secret: b}}}}}",
            {"services": {"s": {"environment": {"K": {"secret": "b"}}}}},
            id="a secret reference",
        ),
        pytest.param(
            "{services: {s: {environment: {K: {secret: a}}}}}",
            "{services: {s: {environment: {K: text}}}}",
            {"services": {"s": {"environment": {"K": "text"}}}},
            id="a reference by a text",
        ),
        pytest.param(
            "{services: {s: {environment: {K: text}}}}",
            "{services: {s: {environment: {K: {secret: a}}}}}",
            {"services": {"s": {"environment": {"K": {"secret": "a"}}}}},
            id="a text by a reference",
        ),
        pytest.param(
            "{services: {s: {environment: {secret: 1, A: 2}}}}",
            "{services: {s: {environment: {secret: 3}}}}",
            {"services": {"s": {"environment": {"secret": 3, "A": 2}}}},
            id="a variable that is called secret",
        ),
    ],
)
def test_a_value_that_is_chosen_by_a_tag_is_replaced_whole(lower: str, upper: str, result: Any) -> None:
    assert merged(lower, upper) == result


REFUSED = {
    "null in the first layer": (["{a: null}"], "`a: null` removes nothing", "a:1:2"),
    "null without a value": (["{}", "{a: null}"], "`a: null` removes nothing", "b:1:2"),
    "null in a new map": (["{}", "{a: {b: null}}"], "`b: null` removes nothing", "b:1:6"),
    "null in a new list": (["{}", "{a: [{b: null}]}"], "`b: null` removes nothing", "b:1:7"),
    "removed already": (["{a: 1}", "{a: ~}", "{a: ~}"], "`a: null` removes nothing", "c:1:2"),
    "map to value": (["{a: {b: 1}}", "{a: 1}"], "a single value here, a map", "b:1:5 a:1:5"),
    "value to map": (["{a: 1}", "{a: {b: 1}}"], "a map here, a single value", "b:1:5 a:1:5"),
    "list to map": (["{a: [1]}", "{a: {b: 1}}"], "a map here, a list", "b:1:5 a:1:5"),
    "map to list": (["{a: {b: 1}}", "{a: [1]}"], "a list here, a map", "b:1:5 a:1:5"),
    "value to list": (["{a: 1}", "{a: [1]}"], "a list here, a single value", "b:1:5 a:1:5"),
    "append in the first layer": (["{a: {$append: [1]}}"], "`$append` extends nothing", "a:1:6"),
    "prepend to nothing": (["{}", "{a: {$prepend: [1]}}"], "`$prepend` extends nothing", "b:1:6"),
    "append to a value": (["{a: 1}", "{a: {$append: [1]}}"], "extend a list", "b:1:5 a:1:5"),
    "append to a map": (["{a: {}}", "{a: {$append: [1]}}"], "extend a list", "b:1:5 a:1:5"),
    "append one value": (["{a: [1]}", "{a: {$append: 1}}"], "`$append` takes a list", "b:1:15"),
    "a key beside it": (["{a: [1]}", "{a: {$append: [1], b: 2}}"], "`b` beside `$append`", "b:1:20"),
    "null in what is appended": (["{a: []}", "{a: {$append: [{b: null}]}}"], "`b: null` removes nothing", "b:1:17"),
    "another operator": (["{a: {b: 1}}", "{a: {$replace: {}}}"], "begin with `$` are reserved", "b:1:6"),
    "at the root": (["{$a: 1}"], "begin with `$` are reserved", "a:1:2"),
    "in what is new": (["{}", "{a: {b: {$c: 1}}}"], "begin with `$` are reserved", "b:1:10"),
    "null in what is replaced whole": (
        ["{engine: {kind: docker}}", "{engine: {kind: swarm, host: null}}"],
        "`host: null` removes nothing",
        "b:1:24",
    ),
}


@pytest.mark.parametrize(("texts", "words", "places"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_guess(texts: list[str], words: str, places: str) -> None:
    (problem,) = refused(*texts)

    found = [f"{place.file[5:-5]}:{place.line}:{place.column}" for place in problem.locations]
    assert words in problem.message
    assert " ".join(found).startswith(places)


def test_what_is_wrong_is_found_at_once_and_the_rest_is_merged() -> None:
    root, problems = overlay.merge(layers("{a: 1, b: {c: 1}, d: [1]}", "{a: {x: 1}, b: {c: null, z: null}, d: {e: 1}}"))

    assert [problem.locations[0].column for problem in problems] == [5, 26, 39]
    assert plain(root) == {"a": 1, "b": {}, "d": [1]}


def test_a_layer_is_never_changed_and_what_is_untouched_is_shared() -> None:
    base, upper = layers("{a: {b: 1, c: {d: 2}}, e: {f: 3}, g: [1]}", "{a: {b: 2}, g: {$append: [2]}}")

    root, _ = overlay.merge([base, upper])

    assert plain(base) == {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}, "g": [1]}
    assert plain(upper) == {"a": {"b": 2}, "g": {"$append": [2]}}
    assert root.value["e"] is base.value["e"]
    assert root.value["a"].value["c"] is base.value["a"].value["c"]
    assert root.value["g"].value == [base.value["g"].value[0], upper.value["g"].value["$append"].value[0]]
    assert base.value["a"].below is None
    assert upper.value["a"].below is None


def test_three_layers_with_a_value_that_comes_back() -> None:
    assert merged("{a: {b: 1, c: 2}}", "{a: null}", "{a: {d: 3}}", "{a: {e: 4}}") == {"a": {"d": 3, "e": 4}}


def test_a_key_is_where_the_highest_layer_wrote_it() -> None:
    root, _ = overlay.merge(layers("a:\n  b: 1\n  c: 2", "\na:\n  c: 3"))

    assert str(root.value["a"].key_location("b")) == "envs/a.yaml:2:3"
    assert str(root.value["a"].key_location("c")) == "envs/b.yaml:3:3"
