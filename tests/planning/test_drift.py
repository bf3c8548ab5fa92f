"""Drift: what is live against the engine's own answer, without a secret's literal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.model.drift import CHANGED, MISSING, ORPHAN, RECREATED, DriftField
from releaser.model.resource import EMPTY
from releaser.model.value import dotted
from releaser.planning.diff import leaves
from releaser.planning.drift import REPLACED, detect, holds_secret, masked
from tests.contracts.planning_samples import inventory, item, live, observation, resource

API = resource("service/api", {"image": "a", "environment": {"LEVEL": "info", "PASSWORD": {"secret": "password"}}})
SECRET = {"environment.PASSWORD": "password"}
WEB = resource("service/web")
SENTINEL = "hunter-two"


def _kinds(found):
    return [(one.resource, one.kind) for one in found]


@pytest.mark.parametrize(
    ("recorded", "found", "kinds"),
    [
        ([], [], []),
        ([item(API)], [live(API)], []),
        ([item(API)], [], [("service/api", MISSING)]),
        ([], [live(API)], [("service/api", ORPHAN)]),
        ([item(API)], [live(API, {"image": "b"})], [("service/api", CHANGED)]),
        ([item(API, {"tty": True})], [live(API, {"tty": 1})], [("service/api", CHANGED)]),
        # the engine's own answer counts, not what it was asked for
        ([item(API, {"image": "a", "restart": "any"})], [live(API, {"image": "a", "restart": "any"})], []),
        ([item(API, {"image": "a", "restart": "any"})], [live(API)], [("service/api", CHANGED)]),
        # another thing of the same name
        ([item(API, uid="1")], [live(API, uid="2")], [("service/api", RECREATED)]),
        ([item(API, uid="1")], [live(API, {"image": "b"}, uid="2")], [("service/api", RECREATED)]),
        ([item(API)], [live(API, uid="2")], []),
        # whose mark it bears, and of which revision, is no drift
        ([item(API)], [live(API, mark=None)], []),
        # in the order of the ids
        ([item(WEB)], [live(API)], [("service/api", ORPHAN), ("service/web", MISSING)]),
    ],
)
def test_kinds(recorded, found, kinds):
    assert _kinds(detect(inventory(*recorded), observation(*found))) == kinds


def test_fields():
    body = {"image": "b", "environment": {"PASSWORD": {"secret": "password"}, "DEBUG": "1"}}
    (found,) = detect(inventory(item(API)), observation(live(API, body)))
    assert found.fields == (
        DriftField(path="environment.DEBUG", recorded=None, live="1"),
        DriftField(path="environment.LEVEL", recorded="info", live=None),
        DriftField(path="image", recorded="a", live="b"),
    )


def test_a_recreated_thing_that_is_like_the_old_one_has_no_fields():
    (found,) = detect(inventory(item(API, uid="1")), observation(live(API, uid="2")))
    assert found.fields == ()


def test_bytes_count_only_where_nothing_else_differs():
    recorded = inventory(item(API), files={"compose.yaml": "sha256:1", "other.yaml": "sha256:3"})
    files = {"compose.yaml": "sha256:2", "other.yaml": "sha256:3"}
    (found,) = detect(recorded, observation(live(API), files=files))
    assert (found.resource, found.kind) == ("file/compose.yaml", CHANGED)
    assert found.fields == (DriftField(path="formatting", recorded="sha256:1", live="sha256:2"),)
    changed = observation(live(API, {"image": "b"}), files=files)
    assert _kinds(detect(recorded, changed)) == [("service/api", CHANGED)]
    (gone,) = detect(recorded, observation(live(API), files={"compose.yaml": "sha256:1"}))
    assert gone.fields == (DriftField(path="formatting", recorded="sha256:3", live=None),)


def test_nothing_was_delivered_and_nothing_is_there():
    assert detect(EMPTY, observation()) == ()


@pytest.mark.parametrize(
    ("body", "path", "shown"),
    [
        ({"PASSWORD": SENTINEL}, "environment.PASSWORD", REPLACED),
        ({"PASSWORD": {"secret": SENTINEL}}, "environment.PASSWORD.secret", REPLACED),
        ({"PASSWORD": {"value": SENTINEL, "secret": "password"}}, "environment.PASSWORD.value", REPLACED),
        ({"PASSWORD": [SENTINEL]}, "environment.PASSWORD", REPLACED),
        ([f"PASSWORD={SENTINEL}"], "environment", REPLACED),
        (f"PASSWORD={SENTINEL}", "environment", REPLACED),
        ({}, "environment.PASSWORD.secret", None),
    ],
)
def test_a_literal_in_a_secrets_place_is_not_shown(body, path, shown):
    of = resource("service/api", API.body, SECRET)
    (found,) = detect(inventory(item(of)), observation(live(of, {**API.body, "environment": _with_level(body)})))
    assert path in {field.path for field in found.fields}
    assert {field.live for field in found.fields} <= {shown, None}
    assert SENTINEL not in repr(found)


def _with_level(body):
    return {"LEVEL": "info", **body} if isinstance(body, dict) else body


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("environment.PASSWORD", True),
        ("environment", True),
        ("environment.PASSWORD.secret", True),
        ("", True),
        ("environment.PASSWORD_FILE", False),
        ("environment.PASS", False),
        ("env", False),
        ("image", False),
    ],
)
def test_whether_a_path_touches_a_secret(path, held):
    assert holds_secret(path, SECRET) is held
    assert holds_secret(path, {}) is False


KEYS = st.sampled_from(["a", "b", "a.b", '"', "0"])
LEAVES = st.sampled_from(["x", "y", 1, True])
BODIES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES,
        lambda below: st.lists(below, min_size=1, max_size=2) | st.dictionaries(KEYS, below, min_size=1, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=3,
)


def _everywhere(tree):
    """Every path of a tree but the root, through lists too."""
    if isinstance(tree, dict | list):
        pairs = tree.items() if isinstance(tree, dict) else ((str(i), one) for i, one in enumerate(tree))
        for key, below in pairs:
            yield (key,)
            yield from ((key, *path) for path in _everywhere(below))


def _planted(tree, path, value):
    if not path:
        return value
    if isinstance(tree, list):
        return [_planted(one, path[1:], value) if str(i) == path[0] else one for i, one in enumerate(tree)]
    return {**tree, path[0]: _planted(tree[path[0]], path[1:], value)}


@settings(deadline=None)
@given(BODIES, BODIES, st.data())
def test_no_literal_gets_out_of_a_secrets_place(one, other, data):
    """The record refers to a secret somewhere; live there, or above it, is a literal."""
    place = data.draw(st.sampled_from(sorted(_everywhere(one))), "the secret's place")
    record = _planted(one, place, {"secret": "password"})
    above = data.draw(st.integers(1, len(place)), "how much of the path the literal replaces")
    maps = [{"secret": SENTINEL}, {"z": {"z": SENTINEL}}] if above == len(place) else []  # above it, other places
    literal = data.draw(st.sampled_from([SENTINEL, [SENTINEL], *maps]))
    found = _planted(record, place[:above], literal)
    secrets = {dotted(place): "password"}
    assert SENTINEL not in repr(list(masked(record, found, secrets)))
    assert SENTINEL not in repr(list(masked(record, found, secrets, {})))
    # and backwards, where what is planned refers to a secret and what is live does not
    assert SENTINEL not in repr(list(masked(found, record, {}, secrets)))
    # what has nothing to do with the secret is shown as it is
    shown = {path for path, _, _ in masked(record, other, secrets)}
    assert shown == {path for path, _, _ in masked(record, other)}
    assert all(
        (old, new) == pair
        for (path, old, new), (_, *rest) in zip(masked(record, other, secrets), masked(record, other), strict=True)
        for pair in [tuple(rest)]
        if not holds_secret(dotted(path), secrets)
    )


def test_a_reference_is_shown():
    changed = {**API.body, "environment": {"LEVEL": "info", "PASSWORD": {"secret": "token"}}}
    ((path, old, new),) = masked(API.body, changed, SECRET, SECRET)
    assert (path, old, new) == (("environment", "PASSWORD", "secret"), "password", "token")


def test_the_sentinel_is_found_where_nothing_hides_it():
    found = {**API.body, "environment": {"LEVEL": SENTINEL}}
    assert SENTINEL in repr(list(masked(API.body, found, SECRET)))
    assert dict(leaves(found))[("environment", "LEVEL")] == SENTINEL
