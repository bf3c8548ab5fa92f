"""Canonical JSON is RFC 8785's, and fingerprints do not move."""

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.model.resource import SecretPrint
from releaser.planning import fingerprint

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_canonical_is_rfc_8785(tree):
    assert fingerprint.canonical(tree) == rfc8785.dumps(tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"\U0001f600": 1, "\ufffd": 2},  # in UTF-16 the first sorts before the second
        {"a": [{"\U00010000": {"\uffff": 1, "\U0010ffff": 2}, "\ue000": None}]},
        {"\U0001f600": "\U0001f600", "z": 1},
        {"a": "\U0001f600", "\u20ac": '\x00\x1f\x7f\u2028\\"/\b\f\n\r\t'},
        {"n": [2**53 - 1, 1 - 2**53, 0, True, None], "": {}},
    ],
)
def test_odd_keys_and_texts(tree):
    assert fingerprint.canonical(tree) == rfc8785.dumps(tree)


@settings(deadline=None)
@given(st.dictionaries(TEXT, JSON, min_size=2, max_size=5))
def test_the_order_of_keys_is_no_part_of_a_fingerprint(tree):
    assert fingerprint.of(dict(reversed(tree.items()))) == fingerprint.of(tree)


def test_fingerprints_are_what_they_were():
    """They are kept in histories and in the names of configs: a change here breaks what is delivered."""
    tree = {"image": "r/api@sha256:0", "ports": [{"target": 8080}], "environment": {"É": "ü", "A": "1"}}
    assert fingerprint.of(tree) == "sha256:23ad4bbd5ab9f0aa7b2f239b9bfd8fd2f40788ae3f74468325ee1cb463bf3c9b"
    assert fingerprint.of_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    signed = fingerprint.keyed(b"k" * 32, "key-1", "test", "password", b"hunter-two")
    assert signed == SecretPrint(key="key-1", fingerprint="535415d6ead3d8fe")


def test_a_value_is_spelled_as_its_tree():
    value = SecretPrint(key="k", fingerprint=None)
    assert fingerprint.canonical(value) == fingerprint.canonical(msgspec.to_builtins(value))


@pytest.mark.parametrize(
    "other",
    [
        (b"j" * 32, "key-1", "test", "password", b"value"),
        (b"k" * 32, "key-1", "prod", "password", b"value"),
        (b"k" * 32, "key-1", "test", "token", b"value"),
        (b"k" * 32, "key-1", "test", "password", b"value\n"),
        (b"k" * 32, "key-1", "test", "password", b""),
    ],
)
def test_equal_values_are_not_linkable(other):
    one = fingerprint.keyed(b"k" * 32, "key-1", "test", "password", b"value")
    assert fingerprint.keyed(*other).fingerprint != one.fingerprint
    assert len(one.fingerprint) == 16
    assert fingerprint.keyed(b"k" * 32, "key-1", "test", "password", b"value") == one
