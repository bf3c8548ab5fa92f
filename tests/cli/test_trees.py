"""Trees: as in YAML, safe for a terminal."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from releaser.cli.trees import tree

TEXTS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n"), max_size=12)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TREES)
@example("\n")
@example("a\n\n")
def test_what_is_shown_reads_back(value):
    assert yaml.safe_load("".join(f"{line}\n" for line in tree({"it": value}))) == {"it": value}


def test_how_it_looks():
    body = {
        "command": ["serve", "--port"],
        "environment": {"A": "1", "B": "no"},
        "content": "one\ntwo\n",
        "nothing": {},
    }

    assert list(tree(body)) == [
        "command:",
        "  - serve",
        "  - --port",
        "environment:",
        "  A: '1'",
        "  B: 'no'",
        "content: |",
        "  one",
        "  two",
        "nothing: {}",
    ]


@pytest.mark.parametrize("text", ["\x1b[31m", "a\u202eb", "\x00", "one\ntwo\x1b[2J\n", "\u2028"])
def test_nothing_speaks_to_the_terminal(text):
    shown = "\n".join(tree({"key": text, text: "value"}))

    assert not set(shown) & set("\x1b\u202e\x00\u2028")
