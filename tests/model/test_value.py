"""Paths and places: printed, read back, followed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser.model.value import Location, at_path, dotted, parse_path

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text('."\\ a0', max_size=6)


@settings(deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=5).map(tuple))
def test_a_printed_path_reads_back(path):
    assert parse_path(dotted(path)) == path


@settings(deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=4), st.lists(KEYS, min_size=1, max_size=4))
def test_no_two_paths_print_alike(one, other):
    assert (dotted(one) == dotted(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("environment", "CACHE_TTL"), "environment.CACHE_TTL"),
        (("labels", "a.b"), 'labels."a.b"'),
        (("labels", ""), 'labels.""'),
        (("labels", 'say "hi"'), r'labels."say \"hi\""'),
        (("labels", r"C:\x"), r"labels.C:\x"),
        (("labels", r"C:\x.y"), r'labels."C:\\x.y"'),
        (("command", "0"), "command.0"),
    ],
)
def test_how_a_path_is_printed(path, text):
    assert dotted(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", '"a', 'a."b', 'a"b', '"a"b', '"a".'])
def test_what_is_no_path(text):
    with pytest.raises(ValueError, match=r"not a path|a quote is open"):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), {"a": [1, {"b": 2}], "": 3}),
        (("a", "1", "b"), 2),
        (("",), 3),
        (("a", "2"), None),
        (("a", "-1"), None),
        (("a", "x"), None),
        (("a", "²"), None),
        (("a", "9" * 5000), None),
        (("a", "0", "deeper"), None),
        (("b",), None),
    ],
)
def test_following_a_path(path, value):
    assert at_path({"a": [1, {"b": 2}], "": 3}, path) == value


def test_a_location_is_printed_as_editors_read_it():
    assert str(Location(file="envs/test.yaml", line=14, column=7)) == "envs/test.yaml:14:7"
