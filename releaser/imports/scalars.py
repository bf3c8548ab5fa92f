"""What Compose's YAML reader makes of a scalar without quotes, and how it prints what it made.

It is go-yaml: `yes` and `no` are texts, `0777` is a number of base eight, `1_000` a number, and an environment variable
`1.10` is the text `1.1`.
"""

import math
import re
from datetime import date
from decimal import Decimal

from releaser.model.value import Json

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASES = re.compile(r"([-+]?)(?:0b([01]+)|0o?([0-7]+)|0x([0-9a-f]+))\Z", re.IGNORECASE)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\Z")
_LONGEST = 400  # no number that is meant as one is longer, and it keeps conversions short
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def scalar(text: str) -> Json:
    """The value of a plain scalar: None, a bool, a number, or the text; `.inf` and `.nan` stay texts."""
    if text in _WORDS:
        return _WORDS[text]
    if _DATE.match(text):
        return _midnight(text)
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST:
        return text
    digits = text.replace("_", "")
    number = _integer(digits)
    if number is not None and _SMALLEST <= number <= _LARGEST:
        return number
    if _FLOAT.match(digits):
        found = float(digits)
        return found if math.isfinite(found) else text
    return text


def _midnight(text: str) -> str:
    """A date is a moment to go-yaml, and printed as one."""
    try:
        day = date(*map(int, text.split("-")))
    except ValueError:
        return text
    return f"{day} 00:00:00 +0000 UTC"


def _integer(digits: str) -> int | None:
    if _DECIMAL.match(digits):
        return int(digits)
    found = _BASES.match(digits)
    if found is None:
        return None
    sign = -1 if found[1] == "-" else 1
    return sign * int(found[2] or found[3] or found[4], 2 if found[2] else 8 if found[3] else 16)


def printed(value: Json) -> str:
    """A scalar as Go prints it: this is what an environment variable or a label gets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    sign, number, point = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, number))
    exponent = len(digits) - 1 + int(point) if value else 0
    minus = "-" if sign else ""
    if -_FIXED_BELOW <= exponent < _FIXED_ABOVE:
        return minus + format(Decimal(f"{digits}e{point}"), "f")
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{minus}{mantissa}e{exponent:+03d}"


_FIXED_BELOW, _FIXED_ABOVE = 4, 6
"""Powers of ten between which Go's `%v` writes no exponent."""
