"""`${…}` in all its forms; tests/imports/test_against_compose.py asks Compose for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.imports.templates import InvalidTemplate, Setting, fill
from releaser.imports.texts import Text

SCOPE = {name: Setting(value=value, origin=".env:1") for name, value in {"A": "one", "B": "two", "EMPTY": ""}.items()}


@pytest.mark.parametrize(
    ("template", "said", "variables"),
    [
        ("plain", "plain", []),
        ("", "", []),
        ("$A", "one", ["A"]),
        ("${A}", "one", ["A"]),
        ("x${A}y$B", "xoneytwo", ["A", "B"]),
        ("$$A", "$A", []),
        ("$${A}", "${A}", []),
        ("$$$A", "$one", ["A"]),
        ("$$$$A", "$$A", []),
        ("a$", "a$", []),
        ("$1 $-", "$1 $-", []),
        ("${NONE}", "", ["NONE"]),
        ("${A:-d}", "one", ["A"]),
        ("${NONE:-d}", "d", ["NONE"]),
        ("${NONE-d}", "d", ["NONE"]),
        ("${NONE:-}", "", ["NONE"]),
        ("${EMPTY:-d}", "d", ["EMPTY"]),
        ("${EMPTY-d}", "", ["EMPTY"]),
        ("${NONE:-${A}}", "one", ["A"]),
        ("${NONE:-${NONE2:-${A}x}y}z", "onexyz", ["A"]),
        ("${NONE:-$A-$B}", "one-two", ["A", "B"]),
        ("${NONE:-$$A}", "$A", ["NONE"]),
        ("${A:-${NONE}}", "one", ["A"]),
        ("${A:+set}", "set", []),
        ("${NONE:+set}", "", []),
        ("${EMPTY:+set}", "", []),
        ("${EMPTY+set}", "set", []),
        ("${A:+${B}}", "two", ["B"]),
        ("${NONE+${B}}", "", []),
        ("${A:?must}", "one", ["A"]),
        ("${EMPTY?must}", "", ["EMPTY"]),
        ("${NONE:-a-b:-c}", "a-b:-c", ["NONE"]),
        ("${NONE:-{a}}", "{a}", ["NONE"]),
        ("${A:-}}", "one}", ["A"]),
    ],
)
def test_filled_in(template: str, said: str, variables: list[str]) -> None:
    text = fill(template, SCOPE)

    assert (text.plain, [variable.name for variable in text.variables]) == (said, variables)


@pytest.mark.parametrize(
    "template", ["${NONE:?say}", "${EMPTY:?say}", "${NONE?say}", "${NONE:?}", "${NONE:?s${EMPTY}ay}"]
)
def test_what_must_be_set(template: str) -> None:
    (variable,) = fill(template, SCOPE).variables

    assert variable.missing == ("it must be set" if template == "${NONE:?}" else "say")


@pytest.mark.parametrize("template", ["${}", "${1}", "${A B}", "${A:}", "${A", "${A!}", "${-x}", "${NONE:-${}}", "a${"])
def test_refused(template: str) -> None:
    with pytest.raises(InvalidTemplate):
        fill(template, SCOPE)


def test_where_a_value_comes_from() -> None:
    (variable,) = fill("${A:-usual}", SCOPE).variables
    (unset,) = fill("${NONE:-usual}", SCOPE).variables

    assert (variable.value, variable.default, variable.origin) == ("one", "usual", ".env:1")
    assert (unset.value, unset.default, unset.origin) == ("usual", "usual", "")


NAMES = st.sampled_from(["A", "B", "EMPTY", "NONE", "OTHER"])
WORDS = st.text("ab -/=.", max_size=4)


def expected(tree: object) -> str:
    """A template's value, told from how it was made."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list):
        return "".join(map(expected, tree))
    name, operator, below = tree
    value = SCOPE[name].value if name in SCOPE else None
    given_ = value is not None and not (operator.startswith(":") and value == "")
    if operator.endswith("-"):
        return value if given_ and value is not None else expected(below)
    if operator.endswith("+"):
        return expected(below) if given_ else ""
    return value or ""


def spelled(tree: object) -> str:
    """The same template as it is written."""
    if isinstance(tree, str):
        return tree.replace("$", "$$")
    if isinstance(tree, list):
        return "".join(map(spelled, tree))
    name, operator, below = tree
    return f"${{{name}{operator}{spelled(below)}}}" if operator else f"${{{name}}}"


TREES = st.recursive(
    WORDS,
    lambda below: st.one_of(
        st.lists(below, max_size=3), st.tuples(NAMES, st.sampled_from(["", "-", ":-", "+", ":+"]), below)
    ),
    max_leaves=8,
)


@given(TREES)
def test_any_template(tree: object) -> None:
    assert fill(spelled(tree), SCOPE).plain == expected(tree)


@given(TREES, st.integers(0, 30), st.integers(0, 30))
def test_a_part_of_a_text_is_that_part(tree: object, start: int, end: int) -> None:
    text = fill(spelled(tree), SCOPE)

    assert text.cut(start, end).plain == text.plain[start:end]
    assert (text.cut(0, start) + text.cut(start)).plain == text.plain


@given(TREES, st.sampled_from(list("a -/=.")))
def test_a_split_text_is_split_as_its_value(tree: object, separator: str) -> None:
    text = fill(spelled(tree), SCOPE)

    assert [part.plain for part in text.split(separator)] == text.plain.split(separator)


def test_a_variable_that_is_cut_through_is_known_to_be_a_part() -> None:
    scope = {"PAIR": Setting(value="./data:/srv", origin="")}
    source, target = fill("${PAIR}", scope).split(":")

    assert [piece.whole for piece in (*source.pieces, *target.pieces)] == [False, False]
    assert source.sole is None
    assert Text.of("x").sole is None
    assert fill("${PAIR}", scope).sole is not None
