"""Scalars without quotes as go-yaml has them; tests/imports/test_against_compose.py asks Compose for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.imports.scalars import printed, scalar


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes", "yes"), ("no", "no"), ("On", "On"), ("y", "y"), ("true", "true"), ("True", "true"), ("FALSE", "false"),
        ("0777", "511"), ("0o17", "15"), ("-0777", "-511"), ("08", "8"), ("089", "89"), ("0x1F", "31"), ("0b11", "3"),
        ("1_000", "1000"), ("1_", "1"), ("_1", "_1"), ("0_x", "0_x"), ("22:22", "22:22"), ("+5", "5"), ("-0", "0"),
        ("1.10", "1.1"), ("5.", "5"), (".5", "0.5"), ("1e6", "1e+06"), ("123456.5", "123456.5"), ("-0.0", "-0"),
        ("1234567.5", "1.2345675e+06"), ("0.0001", "0.0001"), ("1e-5", "1e-05"), ("1000000.0", "1e+06"),
        ("12345678901234567890", "12345678901234567890"), ("123456789012345678901", "1.2345678901234568e+20"),
        (".inf", ".inf"), ("1.1.1", "1.1.1"), ("1e", "1e"), ("0x", "0x"), ("0b12", "0b12"),
        ("2001-1-1", "2001-01-01 00:00:00 +0000 UTC"), ("2001-13-01", "2001-13-01"), ("1E400", "1E400"),
    ],
)  # fmt: skip
def test_what_a_variable_gets(text: str, said: str) -> None:
    assert printed(scalar(text)) == said


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    assert scalar(text) is None


@given(st.text("0123456789abcdefxo+-._eE", max_size=12))
def test_any_text_has_a_value(text: str) -> None:
    assert isinstance(printed(scalar(text)), str)


@given(st.integers(-(2**63), 2**64 - 1))
def test_whole_numbers_are_what_they_are(number: int) -> None:
    assert scalar(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_printed_is_the_same_number(number: float) -> None:
    assert float(printed(number)) == number
