"""The difference of two trees: nothing is missed, nothing is made up, and it leads from one to the other."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.model.value import at_path, with_value
from releaser.planning.diff import Difference, diff, leaves
from releaser.planning.fingerprint import canonical

SCALARS = st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b", "1"])


def trees(least):
    """JSON without null, which bodies do not have; maps and lists of at least so many entries."""
    return st.recursive(
        SCALARS,
        lambda below: (
            st.lists(below, min_size=least, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), below, min_size=least, max_size=3)
        ),
        max_leaves=12,
    )


def _applied(tree, differences):
    """The tree with every difference written into it, as a person would from a printed plan."""
    root = {"": copy.deepcopy(tree)}
    for path, _, new in differences:
        *way, last = ("", *path)
        at = root
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if isinstance(at, list):
            at[int(last)] = new
        elif new is None:
            del at[last]
        else:
            at[last] = new
    return root.get("")


def _without_empty(tree):
    """Maps that hold nothing are left out: removing the last key of a map may leave one."""
    if isinstance(tree, dict):
        kept = {key: _without_empty(value) for key, value in tree.items()}
        return {key: value for key, value in kept.items() if value != {}}
    return [_without_empty(value) for value in tree] if isinstance(tree, list) else tree


@settings(deadline=None)
@given(trees(0))
def test_nothing_differs_from_itself(tree):
    assert tuple(diff(tree, copy.deepcopy(tree))) == ()


@settings(deadline=None)
@given(trees(0), trees(0))
def test_there_is_a_difference_where_the_bytes_differ(one, other):
    assert bool(tuple(diff(one, other))) == (canonical(one) != canonical(other))


@settings(deadline=None)
@given(trees(1), trees(1))
def test_it_leads_from_one_to_the_other(one, other):
    assert canonical(_without_empty(_applied(one, diff(one, other)))) == canonical(other)


@settings(deadline=None)
@given(trees(0), trees(0))
def test_both_sides_are_told_and_the_way_back_is_the_same(one, other):
    found = tuple(diff(one, other))
    assert [(d.path, d.new, d.old) for d in found] == [tuple(d) for d in diff(other, one)]
    assert all((at_path(one, d.path), at_path(other, d.path)) == (d.old, d.new) for d in found)
    assert len({d.path for d in found}) == len(found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, [(("a",), 1, 2)]),
        ({"b": 1}, {"a": 1}, [(("a",), None, 1), (("b",), 1, None)]),
        ({"a": 1}, {"a": True}, [(("a",), 1, True)]),
        ({"a": [0]}, {"a": [False]}, [(("a", "0"), 0, False)]),
        ({"a": 1}, {"a": 1.0}, [(("a",), 1, 1.0)]),
        ({"a": {"b": 1, "c": 2}}, {}, [(("a", "b"), 1, None), (("a", "c"), 2, None)]),
        ({}, {"a": {"b": 1}}, [(("a", "b"), None, 1)]),
        ({"a": {}}, {}, [(("a",), {}, None)]),
        ({"a": {"b": 1}}, {"a": "b=1"}, [(("a",), {"b": 1}, "b=1")]),
        ([1, 2], [1, 3], [(("1",), 2, 3)]),
        ([1, 2], [1], [((), [1, 2], [1])]),
        ("x", "x", []),
        ({"a": 1, "b": {"c": [1]}}, {"b": {"c": [1]}, "a": 1}, []),
        (None, {"a": 1}, [(("a",), None, 1)]),
        # lists of maps that have a name each
        ([{"name": "a", "v": 1}], [{"name": "a", "v": 2}], [(("a", "v"), 1, 2)]),
        (
            [{"name": "a", "v": 1}],
            [{"name": "x", "v": 2}, {"name": "a", "v": 1}],
            [(("x", "name"), None, "x"), (("x", "v"), None, 2)],
        ),
        ([{"name": "0", "v": 1}, {"name": "1"}], [{"name": "1"}], [(("0", "name"), "0", None), (("0", "v"), 1, None)]),
        (
            [{"name": "a"}, {"name": "b"}],
            [{"name": "b"}, {"name": "a"}],
            [((), [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}])],
        ),
        ([{"name": "a"}, {"name": "a"}], [{"name": "a"}], [((), [{"name": "a"}, {"name": "a"}], [{"name": "a"}])]),
        ([{"name": "a"}, {"name": 1}], [{"name": "a"}], [((), [{"name": "a"}, {"name": 1}], [{"name": "a"}])]),
    ],
)
def test_table(old, new, expected):
    assert list(diff(old, new)) == [Difference(*one) for one in expected]


def test_leaves_in_order():
    tree = {"b": [1, {"x": 2}], "a": {"c": {}, "a": "t"}}
    assert list(leaves(tree)) == [(("a", "a"), "t"), (("a", "c"), {}), (("b",), [1, {"x": 2}])]
    assert list(leaves({})) == [((), {})]


def lists_by_name():
    """Lists as Kubernetes has them: env of containers."""
    names = st.lists(st.sampled_from(["a", "b", "0", "1", "x.y"]), unique=True, max_size=4)
    return st.builds(lambda keys, values: [{"name": k, "v": v} for k, v in zip(keys, values, strict=False)], names,
                     st.lists(trees(1), min_size=4, max_size=4))  # fmt: skip


@settings(deadline=None)
@given(lists_by_name(), lists_by_name())
def test_differences_by_name_lead_from_one_to_the_other(one, other):
    made = {"env": one}
    for path, _, new in diff({"env": one}, {"env": other}):
        made = with_value(made, path, new)
    assert sorted(map(canonical, _without_empty(made["env"]))) == sorted(map(canonical, other))


@pytest.mark.parametrize(
    ("tree", "path", "value", "expected"),
    [
        ({"a": 1}, ("b",), 2, {"a": 1, "b": 2}),
        ({"a": 1}, ("a",), None, {}),
        ({}, ("a", "b"), None, {}),
        ({}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"l": [1, 2]}, ("l", "1"), 3, {"l": [1, 3]}),
        ({"l": [{"name": "x", "v": 1}]}, ("l", "x", "v"), 2, {"l": [{"name": "x", "v": 2}]}),
        ({"l": [{"name": "x"}, {"name": "y"}]}, ("l", "x"), None, {"l": [{"name": "y"}]}),
        ({"l": [{"name": "x"}]}, ("l", "y", "v"), 1, {"l": [{"name": "x"}, {"name": "y", "v": 1}]}),
    ],
)
def test_another_value_at_a_path(tree, path, value, expected):
    before = copy.deepcopy(tree)
    assert with_value(tree, path, value) == expected
    assert tree == before
