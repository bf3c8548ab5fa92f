"""JSON Patch: RFC 6902's own examples, a second implementation, and where values come from."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations import yaml12
from releaser.model.errors import Problem
from releaser.model.tree import Node, plain
from releaser.planning import json_patch

# RFC 6902, appendix A: target, operations, result; None: refused.
EXAMPLES: list[tuple[str, Any, list[dict[str, Any]], Any]] = [
    ("A.1", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ("A.2", {"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ("A.3", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ("A.4", {"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ("A.5", {"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}],
     {"baz": "boo", "foo": "bar"}),
    ("A.6", {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
     [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
     {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}),
    ("A.7", {"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
     {"foo": ["all", "cows", "eat", "grass"]}),
    ("A.8", {"baz": "qux", "foo": ["a", 2, "c"]},
     [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
     {"baz": "qux", "foo": ["a", 2, "c"]}),
    ("A.9", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], None),
    ("A.10", {"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
     {"foo": "bar", "child": {"grandchild": {}}}),
    ("A.12", {"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], None),
    ("A.14", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A.15", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], None),
    ("A.16", {"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
     {"foo": ["bar", ["abc", "def"]]}),
]  # fmt: skip


def node(tree: Any, file: str = "k8s/a.yaml", layer: str = "") -> Node:
    return yaml12.load(json.dumps(tree), file, layer)


def patched(tree: Any, operations: list[dict[str, Any]]) -> tuple[Any, tuple[Problem, ...]]:
    found, problems = json_patch.apply(node(tree), node(operations, "envs/test.yaml", "test"))
    return plain(found), problems


@pytest.mark.parametrize(
    ("target", "operations", "result"), [one[1:] for one in EXAMPLES], ids=[e[0] for e in EXAMPLES]
)
def test_the_examples_of_the_rfc(target: Any, operations: list[dict[str, Any]], result: Any) -> None:
    found, problems = patched(target, operations)
    if result is None:
        assert len(problems) == 1
        assert problems[0].hint
    else:
        assert (found, problems) == (result, ())


REFUSED = [
    ([{"op": "remove", "path": "/nix"}], "there is nothing at /nix"),
    ([{"op": "replace", "path": "/list/2", "value": 1}], "there is nothing at /list/2"),
    ([{"op": "add", "path": "/list/01", "value": 1}], "`01` is no place in the list"),
    ([{"op": "add", "path": "/list/3", "value": 1}], "`3` is no place in the list"),
    ([{"op": "add", "path": "/text/x", "value": 1}], "nothing can be added at /text/x"),
    ([{"op": "replace", "path": "", "value": {}}], "the whole object cannot be patched away"),
    ([{"op": "remove", "path": ""}], "the whole object cannot be patched away"),
    ([{"op": "move", "from": "/map", "path": "/map/a/b"}], "a value cannot be moved into itself"),
    ([{"op": "test", "path": "/one", "value": True}], "the value at /one is another one than the test says"),
    ([{"op": "add", "path": "/a~2", "value": 1}], "`/a~2` is no JSON Pointer"),
]


@pytest.mark.parametrize(("operations", "message"), REFUSED)
def test_what_cannot_be_done_is_told_by_the_operation(operations: list[dict[str, Any]], message: str) -> None:
    whole = {"one": 1, "text": "t", "list": [1, 2], "map": {"a": {}}}
    before = copy.deepcopy(whole)
    found, (problem,) = patched(whole, operations)
    assert found == before
    assert problem.message == message
    assert str(problem.locations[0]) == "envs/test.yaml:1:2"


def test_numbers_are_equal_as_numbers() -> None:
    assert patched({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}])[1] == ()


def test_a_value_knows_its_place_and_what_was_there() -> None:
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 3}, {"op": "remove", "path": "/spec/a"}]
    found, _ = json_patch.apply(node({"spec": {"replicas": 1, "a": 2}}), node(operations, "envs/test.yaml", "test"))
    spec = found.value["spec"]
    assert [(one.file, one.value) for one in spec.value["replicas"].chain()] == [
        ("envs/test.yaml", 3),
        ("k8s/a.yaml", 1),
    ]
    assert [(one.file, one.action) for one in spec.removed["a"].chain()] == [
        ("envs/test.yaml", "remove"),
        ("k8s/a.yaml", "set"),
    ]


# --- against a second implementation, which knows nothing of nodes ---

KEYS = st.sampled_from(["a", "b", "a/b", "~", "0", "-"])
TREES = st.recursive(
    st.integers(0, 3) | st.booleans() | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
POINTERS = st.lists(KEYS | st.sampled_from(["1", "2"]), min_size=1, max_size=3).map(
    lambda keys: "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
)
OPERATIONS = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "test"]), "path": POINTERS, "value": TREES}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "path": POINTERS, "from": POINTERS}),
    st.fixed_dictionaries({"op": st.just("remove"), "path": POINTERS}),
)


def keys_of(pointer: str) -> list[str]:
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]


def find(tree: Any, keys: list[str]) -> Any:
    for key in keys:
        tree = tree[int(key) if isinstance(tree, list) and key in {"0", "1", "2"} else key]
    return tree


def oracle(tree: Any, operation: dict[str, Any]) -> Any:
    """The result of one operation, straight from the RFC's words; raises where it is an error."""
    tree = copy.deepcopy(tree)
    *above, last = keys_of(operation["path"])
    kind = operation["op"]
    if kind in {"move", "copy"}:
        value = copy.deepcopy(find(tree, keys_of(operation["from"])))
        if kind == "move":
            if operation["path"].startswith(operation["from"] + "/"):
                raise KeyError
            tree = oracle(tree, {"op": "remove", "path": operation["from"]})
        return oracle(tree, {"op": "add", "path": operation["path"], "value": value})
    change(find(tree, above), last, operation)
    return tree


def change(parent: Any, last: str, operation: dict[str, Any]) -> None:
    kind = operation["op"]
    if kind == "test":
        if json.dumps(find(parent, [last]), sort_keys=True) != json.dumps(operation["value"], sort_keys=True):
            raise KeyError
    elif isinstance(parent, dict):
        if kind != "add":
            parent[last]
        parent.pop(last, None) if kind == "remove" else parent.update({last: operation["value"]})
    elif not isinstance(parent, list):
        raise TypeError
    elif kind == "add":
        at = len(parent) if last == "-" else int(last)
        if at > len(parent):
            raise KeyError
        parent.insert(at, operation["value"])
    else:
        parent[int(last)]
        parent[int(last) : int(last) + 1] = [] if kind == "remove" else [operation["value"]]


@given(st.dictionaries(KEYS, TREES, max_size=4), st.lists(OPERATIONS, max_size=4))
def test_it_does_what_another_implementation_does(tree: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    expected: Any = tree
    failed = False
    for operation in operations:
        try:
            expected = oracle(expected, operation)
        except (KeyError, IndexError, TypeError, ValueError):
            failed = True
            break
    target = node(tree)
    found, problems = json_patch.apply(target, node(operations, "envs/test.yaml", "test"))
    assert json.dumps(plain(found), sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert bool(problems) == failed
    assert plain(target) == tree
