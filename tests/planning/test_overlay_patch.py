"""Patches by the rules of layers: elements of lists by their names, and what no merge may do."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import yaml12
from releaser.model.errors import Problem
from releaser.model.tree import Node, plain
from releaser.planning import overlay


def node(tree: Any, layer: str) -> Node:
    return yaml12.load(json.dumps(tree), f"{layer}.yaml", layer)


def patched(lower: Any, upper: Any) -> tuple[Any, tuple[Problem, ...]]:
    found, problems = overlay.patch(node(lower, "manifest"), node(upper, "test"))
    return plain(found), problems


LIST = {"a": [{"name": "x", "v": 1, "in": [{"name": "y", "w": 1}]}, {"name": "z", "v": 2}]}

DONE: list[tuple[Any, Any]] = [
    ({"a": {"x": {"v": 3}}}, {"a": [{**LIST["a"][0], "v": 3}, LIST["a"][1]]}),
    ({"a": {"x": None}}, {"a": [LIST["a"][1]]}),
    ({"a": {"new": {"v": 3}}}, {"a": [*LIST["a"], {"name": "new", "v": 3}]}),
    ({"a": {"x": {"in": {"y": {"w": 2}}}}}, {"a": [{**LIST["a"][0], "in": [{"name": "y", "w": 2}]}, LIST["a"][1]]}),
    ({"a": [{"name": "q"}]}, {"a": [{"name": "q"}]}),
    ({"a": {"$append": [{"name": "q"}]}}, {"a": [*LIST["a"], {"name": "q"}]}),
    ({"a": {}}, LIST),
    ({"a": None}, {}),
]


@pytest.mark.parametrize(("patch", "result"), DONE)
def test_elements_go_by_their_names(patch: Any, result: Any) -> None:
    assert patched(LIST, patch) == (result, ())


REFUSED = [
    ({"a": [1, 2]}, {"a": {"0": 3}}, "a map here, a list in the layer below"),
    ({"a": [{"name": "x"}, {"name": "x"}]}, {"a": {"x": {}}}, "a map here, a list in the layer below"),
    ({"a": []}, {"a": {"x": {}}}, "a map here, a list in the layer below"),
    (LIST, {"a": {"nix": None}}, "`nix: null` removes nothing: no layer below has it"),
    (LIST, {"a": {"x": 1}}, "a single value here, a map in the layer below"),
    (LIST, {"a": {"x": {"$delete": 1}}}, "`$delete`: keys that begin with `$` are reserved"),
]


@pytest.mark.parametrize(("lower", "patch", "message"), REFUSED)
def test_what_no_patch_does(lower: Any, patch: Any, message: str) -> None:
    found, problems = patched(lower, patch)
    assert [problem.message for problem in problems] == [message]
    assert json.dumps(found) == json.dumps(lower)


KEYS = st.sampled_from(["a", "b", "c"])
SCALARS = st.integers(0, 3) | st.booleans() | st.sampled_from(["x", "y"])


def named_list(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    elements = st.dictionaries(KEYS, inner, max_size=2)
    return st.dictionaries(KEYS, elements, min_size=1, max_size=3).map(
        lambda found: [{"name": name, **words} for name, words in found.items()]
    )


TREES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.dictionaries(KEYS, inner, max_size=3) | named_list(inner) | st.lists(SCALARS, max_size=2),
        max_leaves=12,
    ),
    max_size=3,
)


def is_named(tree: Any) -> bool:
    return isinstance(tree, list) and bool(tree) and all(isinstance(one, dict) and "name" in one for one in tree)


def over(lower: Any, upper: Any) -> Any:
    """The merge in plain words; for patches that remove nothing and change no kind."""
    if is_named(lower) and isinstance(upper, dict):
        merged = over({one["name"]: one for one in lower}, upper)
        return [{"name": name, **words} for name, words in merged.items()]
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {**lower, **{key: over(lower[key], one) if key in lower else one for key, one in upper.items()}}
    return copy.deepcopy(upper)


def patches(tree: Any) -> st.SearchStrategy[Any]:
    """Patches that fit a tree: some of its places with other values, elements by name, and new keys."""
    if is_named(tree):
        return patches({one["name"]: {key: word for key, word in one.items() if key != "name"} for one in tree})
    if isinstance(tree, dict):
        known = {key: patches(value) for key, value in tree.items()}
        new = st.fixed_dictionaries({}, optional={"new": st.just({"n": 1})})
        return st.tuples(st.fixed_dictionaries({}, optional=known), new).map(lambda two: {**two[0], **two[1]})
    return SCALARS if not isinstance(tree, list) else st.lists(SCALARS, max_size=2)


@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), patches(tree))))
def test_a_patch_that_fits_does_what_it_says(pair: tuple[Any, Any]) -> None:
    lower, upper = pair
    assert patched(lower, upper) == (over(lower, upper), ())


@given(TREES)
def test_an_empty_patch_changes_nothing(tree: Any) -> None:
    assert patched(tree, {}) == (tree, ())


@given(
    TREES, st.recursive(SCALARS | st.none(), lambda i: st.dictionaries(KEYS, i, max_size=2) | st.lists(i), max_leaves=6)
)
def test_any_patch_is_made_or_refused_in_words(tree: Any, upper: Any) -> None:
    found, problems = patched(tree, {"a": upper})
    assert isinstance(found, dict)
    assert all(problem.hint and problem.locations for problem in problems)
