"""Values as people read them: short, on one line, safe for a terminal."""

import json
import re
import unicodedata

from releaser.model.value import Json
from releaser.planning.redact import printable

ABSENT = "(absent)"
SECRET = "(secret)"  # noqa: S105 - what stands in a secret's place
SECRET_CHANGED = "(secret changed)"  # noqa: S105 - as above
CUT = "…"

_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")
_IMAGE = re.compile(r"@[0-9a-f]{12}\Z")
_PLAIN = re.compile(r"[^\s\"'](.*[^\s])?\Z", re.DOTALL)


def shown(value: Json, *, whole: bool = False) -> str:
    """A value on one line; texts without quotes where nothing is lost by it, digests shortened unless `whole`."""
    if value is None:
        return ABSENT
    if not isinstance(value, str):
        text = _compact(value)
    elif "\n" in value.rstrip("\n") and not whole:
        lines = value.rstrip("\n").split("\n")
        return f"{short(printable(lines[0]))} {CUT} ({len(lines)} lines)"
    elif _PLAIN.match(value) and "\n" not in value:
        text = value
    else:
        text = _compact(value)
    return printable(text if whole else short(text))


def pair(old: Json, new: Json, *, whole: bool = False) -> tuple[str, str]:
    """Two values that differ, so that they also read differently; a shared repository is not said twice."""
    left, right = shown(old, whole=whole), shown(new, whole=whole)
    if left == right:
        return printable(_compact(old)), printable(_compact(new))
    if not whole and isinstance(old, str) and isinstance(new, str):
        repository, at, digest = right.rpartition("@")
        if at and repository and left.startswith(f"{repository}@"):
            right = f"@{digest}"
    return left, right


def amount(size: int) -> str:
    """Bytes as people say them: 512 B, 1.5 kB, 20 MB."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def grown(size: int) -> str:
    """How many bytes more, or less."""
    if not size:
        return "no larger"
    return f"{amount(abs(size))} {'more' if size > 0 else 'less'}"


def short(text: str) -> str:
    """The text with its digests cut to twelve digits."""
    return _DIGEST.sub(r"\1", text)


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, its middle left out: beginnings and ends tell values apart.

    Of an image the end is kept: all have the same registry.
    """
    if cells(text) <= width:
        return text
    if _IMAGE.search(text):
        return CUT + _first(text[::-1], max(width - 1, 0))[::-1]
    tail = max((width - 1) // 2, 0)
    head = max(width - 1 - tail, 0)
    return _first(text, head) + CUT + _first(text[::-1], tail)[::-1]


def cells(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def padded(text: str, width: int) -> str:
    """The text with spaces up to `width` columns."""
    return text + " " * max(width - cells(text), 0)


def _first(text: str, width: int) -> str:
    for index, character in enumerate(text):
        width -= _cell(character)
        if width < 0:
            return text[:index]
    return text


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
