"""Values as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.cli.values import cells, cut, padded, pair, shown

DIGEST = "sha256:" + "0123456789ab" * 5 + "cdef"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(absent)"),
        ("120", "120"),
        (120, "120"),
        (True, "true"),
        ("", '""'),
        (" x", '" x"'),
        ("x\n", '"x\\n"'),
        ('"x', '"\\"x"'),
        ("a\nb\n", "a … (2 lines)"),
        (["serve", "--port"], '["serve", "--port"]'),
        ({"a": None}, '{"a": null}'),
        (f"r/api@{DIGEST}", "r/api@0123456789ab"),
        ("\x1b[2J", "\\x1b[2J"),
        ("grün", "grün"),
    ],
)
def test_a_value_on_one_line(value, text):
    assert shown(value) == text


def test_whole_values_lose_nothing():
    assert shown(f"r/api@{DIGEST}", whole=True) == f"r/api@{DIGEST}"
    assert shown("a\nb\n", whole=True) == '"a\\nb\\n"'


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ("60", "120", ("60", "120")),
        ("1", 1, ('"1"', "1")),
        (None, "x", ("(absent)", "x")),
        (None, "(absent)", ("null", '"(absent)"')),
        (f"r/api@{DIGEST}", "r/api@sha256:" + "f" * 64, ("r/api@0123456789ab", "@ffffffffffff")),
        (f"r/api@{DIGEST}", "q/api@sha256:" + "f" * 64, ("r/api@0123456789ab", "q/api@ffffffffffff")),
        (f"r@{DIGEST}", f"r@{DIGEST[:-4]}ffff", (f'"r@{DIGEST}"', f'"r@{DIGEST[:-4]}ffff"')),
    ],
)
def test_two_values_read_differently(old, new, texts):
    assert pair(old, new) == texts


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 5, "short"),
        ("0123456789", 7, "012…789"),
        ("r.test/shop/api@0123456789ab", 20, "…op/api@0123456789ab"),
        ("漢字漢字漢字", 7, "漢…字"),
    ],
)
def test_a_cut_keeps_what_tells_values_apart(text, width, expected):
    assert cut(text, width) == expected


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_cut_text_fits(text, width):
    assert cells(cut(text, width)) <= width
    assert cells(padded(text, width)) == max(cells(text), width)
