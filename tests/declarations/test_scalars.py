"""What every odd scalar means, as the declarations document it."""

from typing import Any

import pytest

from releaser.declarations import yaml12
from releaser.declarations.scalars import scalar
from releaser.model.errors import InvalidDeclarations

MEANS: dict[str, Any] = {
    # words
    "null": None, "Null": None, "NULL": None, "~": None, "nULL": "nULL", "none": "none", "nil": "nil",
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False, "tRUE": "tRUE",
    "yes": "yes", "Yes": "Yes", "no": "no", "NO": "NO", "on": "on", "off": "off", "y": "y", "n": "n",
    # whole numbers
    "0": 0, "7": 7, "-1": -1, "+1": 1, "-0": 0, "120": 120, "0x10": 16, "0xFF": 255, "0o17": 15,
    "012": "012", "0123": "0123", "-012": "-012", "00": "00", "0b1": "0b1", "0X10": "0X10", "0o8": "0o8",
    "1_000": "1_000",
    "9007199254740992": 9007199254740992, "9007199254740993": "9007199254740993",
    "-9007199254740993": "-9007199254740993", "123456789012345678901234567890": "123456789012345678901234567890",
    # other numbers
    "1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "1e3": 1000.0, "1E3": 1000.0, "1e-2": 0.01, "1.10": 1.1,
    "01443e5": "01443e5", "01.5": "01.5", "1e999": "1e999", "1.2.3": "1.2.3", ".": ".", "-": "-", "+": "+", "e5": "e5",
    # what YAML 1.1 makes of it
    "22:30": "22:30", "1:20:30": "1:20:30", "2001-01-01": "2001-01-01", "2001-12-14t21:59:43.10-05:00":
    "2001-12-14t21:59:43.10-05:00", "=": "=", "1,000": "1,000", "12e03": 12000.0,
    # digits that only look like it
    "١٢": "١٢", "1²": "1²", "½": "½",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), MEANS.items())
def test_a_plain_scalar(text: str, value: Any) -> None:
    found = scalar(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), [(text, value) for text, value in MEANS.items() if text not in "=-."])
def test_in_a_document_with_its_source_text(text: str, value: Any) -> None:
    node = yaml12.load(f"key: {text}", "f.yaml").value["key"]

    assert (node.value, node.text) == (value, text)


@pytest.mark.parametrize("text", MEANS)
def test_quotes_make_a_text(text: str) -> None:
    for document in (f"key: '{text}'", f'key: "{text}"', f"key: |-\n  {text}"):
        node = yaml12.load(document, "f.yaml").value["key"]
        assert (node.value, node.text) == (text, None)


@pytest.mark.parametrize("text", [text for text in MEANS if text not in "=-."])
def test_a_key_is_always_a_text(text: str) -> None:
    assert list(yaml12.load(f"{text}: 1", "f.yaml").value) == [text]


@pytest.mark.parametrize("text", [".inf", "-.inf", "+.inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"])
def test_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidDeclarations) as refused:
        yaml12.load(f"a: 1\nkey: {text}", "f.yaml")

    (problem,) = refused.value.problems
    assert str(problem.locations[0]) == "f.yaml:2:6"
    assert problem.hint == f'write "{text}" if it is a text'


def test_a_very_long_number_is_a_text_and_costs_nothing() -> None:
    digits = "9" * 1_000_000
    assert scalar(digits) == digits
