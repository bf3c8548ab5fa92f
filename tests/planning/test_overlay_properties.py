"""Merging against a reference that knows nothing of nodes, on layers that a program makes up."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import yaml12
from releaser.model.tree import Node, plain
from releaser.planning import diff, overlay
from releaser.planning.origins import LayerOrigins

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.one_of(st.integers(-5, 5), st.sampled_from(["x", "y", "", "null"]), st.booleans())
TREES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
MAPS = st.dictionaries(KEYS, TREES, max_size=4)

# Layers that agree on what is a map, a list or a single value, and that only add and replace.
CALM = st.fixed_dictionaries(
    {},
    optional={
        "s": SCALARS,
        "l": st.lists(SCALARS, max_size=3),
        "m": st.fixed_dictionaries({}, optional={"s": SCALARS, "t": SCALARS, "m": st.dictionaries(KEYS, SCALARS)}),
    },
)


class Wrong(Exception):
    """The reference's word for every mistake."""


def reference(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    result = dict(lower)
    for key, value in upper.items():
        if key.startswith("$"):
            raise Wrong(key)
        if value is None:
            if result.pop(key, None) is None:
                raise Wrong(key)
        elif key not in result:
            result[key] = fresh(value)
        else:
            result[key] = over(result[key], value)
    return result


def over(lower: Any, upper: Any) -> Any:
    if isinstance(upper, dict) and upper.keys() & {"$append", "$prepend"}:
        if not isinstance(lower, list) or upper.keys() - {"$append", "$prepend"}:
            raise Wrong(upper)
        return [*upper.get("$prepend", []), *lower, *upper.get("$append", [])]
    kinds = {dict if isinstance(side, dict) else list if isinstance(side, list) else None for side in (lower, upper)}
    if len(kinds) > 1:
        raise Wrong(upper)
    return reference(lower, upper) if isinstance(upper, dict) else upper


def fresh(value: Any) -> Any:
    if isinstance(value, dict):
        if None in value.values() or any(key.startswith("$") for key in value):
            raise Wrong(value)
        return {key: fresh(child) for key, child in value.items()}
    return value


@st.composite
def edits(draw: st.DrawFn, lower: dict[str, Any]) -> dict[str, Any]:
    """An upper layer that mostly has something to change."""
    upper: dict[str, Any] = draw(st.dictionaries(KEYS, TREES, max_size=1))
    for key, value in lower.items():
        kind = draw(st.sampled_from(["keep", "keep", "remove", "replace", "inside", "extend"]))
        if kind == "remove":
            upper[key] = None
        elif kind == "replace":
            upper[key] = draw(TREES)
        elif kind == "inside" and isinstance(value, dict):
            upper[key] = draw(edits(value))
        elif kind == "extend":
            names = draw(st.sets(st.sampled_from(["$append", "$prepend"]), min_size=1))
            upper[key] = {name: draw(st.lists(SCALARS, max_size=2)) for name in names}
    return upper


@st.composite
def stacks(draw: st.DrawFn) -> list[dict[str, Any]]:
    stack = [draw(MAPS)]
    for _ in range(draw(st.integers(1, 3))):
        stack.append(draw(edits(stack[0])))
    return stack


def nodes(stack: list[dict[str, Any]]) -> list[Node]:
    return [yaml12.load(json.dumps(layer), f"envs/l{at}.yaml", f"l{at}") for at, layer in enumerate(stack)]


@given(stacks())
def test_it_is_what_the_reference_makes_of_plain_values(stack: list[dict[str, Any]]) -> None:
    root, problems = overlay.merge(nodes(stack))
    try:
        expected = fresh(stack[0])
        for layer in stack[1:]:
            expected = reference(expected, layer)
    except Wrong:
        assert problems
    else:
        assert problems == ()
        assert plain(root) == expected


@given(MAPS)
def test_a_layer_without_words_changes_nothing(base: dict[str, Any]) -> None:
    assert plain(overlay.merge(nodes([base, {}]))[0]) == base
    assert plain(overlay.merge(nodes([{}, base]))[0]) == base


@given(stacks(), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(stack: list[dict[str, Any]], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(child) for key, child in items}

    one, problems = overlay.merge(nodes(stack))
    other, as_many = overlay.merge(nodes([shuffled(layer) for layer in stack]))

    assert plain(one) == plain(other)
    assert len(problems) == len(as_many)


@given(CALM, CALM)
def test_the_last_layer_has_the_last_word(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    result = plain(overlay.merge(nodes([lower, upper]))[0])

    for path, value in diff.leaves(upper):
        if not isinstance(value, dict):
            found = result
            for key in path:
                found = found[key]
            assert found == value


@given(CALM, CALM, CALM)
def test_layers_that_only_add_and_replace_may_be_merged_in_any_grouping(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    together = plain(overlay.merge(nodes([one, two, three]))[0])
    upper_first = plain(overlay.merge(nodes([two, three]))[0])

    assert plain(overlay.merge(nodes([one, upper_first]))[0]) == together


@given(stacks())
def test_every_leaf_has_an_origin_that_has_it(stack: list[dict[str, Any]]) -> None:
    root, _ = overlay.merge(nodes(stack))
    result = plain(root)
    origins = LayerOrigins(root, result)

    for path, value in diff.leaves(result):
        chain = origins.chain(path)
        assert chain[-1].value == value
        assert chain[-1].location.file == f"envs/{chain[-1].layer}.yaml"
        layers = [link.layer for link in chain]
        assert layers == sorted(layers)
        assert origins.locate(path) is not None


@given(stacks())
def test_layers_stay_as_they_are(stack: list[dict[str, Any]]) -> None:
    layers = nodes(stack)

    overlay.merge(layers)

    assert [plain(layer) for layer in layers] == stack
