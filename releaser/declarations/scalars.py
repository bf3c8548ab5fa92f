"""What a scalar means that is written without quotes: YAML 1.2's core schema, and what is stricter here."""

import math
import re

from releaser.model.value import Json

_WORDS: dict[str, bool | None] = {
    "null": None, "Null": None, "NULL": None, "~": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_PREFIXED = re.compile(r"(?:0x[0-9a-fA-F]+|0o[0-7]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_A_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_EXACT = 2**53
_LONGEST = 40  # no number that is meant as one is longer; it also keeps conversions short


def scalar(text: str) -> Json:
    """The value of a plain scalar.

    A number with a leading zero stays a text (`0123` is an id or a mode), and so does a number that JSON cannot hold
    exactly. Raises ValueError for `.inf` and `.nan`.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    return _number(text)


def _number(text: str) -> Json:
    if _NOT_A_NUMBER.match(text):
        raise ValueError(text)
    if len(text) > _LONGEST:
        return text
    if _INTEGER.match(text):
        return _exact(int(text), text)
    if _PREFIXED.match(text):
        return _exact(int(text, 0), text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _exact(number: int, text: str) -> int | str:
    return number if -_EXACT <= number <= _EXACT else text
