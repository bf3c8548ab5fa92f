"""Differences as people read them: both sides beside each other, or below each other where that is too narrow."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

from releaser.cli.output import Output
from releaser.cli.values import cells, cut, padded, pair
from releaser.model.documents import Difference, FieldDifference
from releaser.model.value import Json, Location, Path, dotted, parse_path
from releaser.planning.redact import printable
from releaser.planning.wording import count

LEAST = 22
"""The columns below which two values do not stand beside each other."""

NAMED = frozenset({"services", "configs", "secrets", "volumes", "networks"})
"""Maps of named things: each thing has a heading of its own."""


class _Row(NamedTuple):
    heading: str
    path: str
    left: str
    right: str
    left_origin: str = ""
    right_origin: str = ""


def show_difference(out: Output, difference: Difference) -> None:
    """Print every field that differs, and how many there are."""
    names = printable(difference.left), printable(difference.right)
    if not difference.fields:
        out.line(f"{out.style('✓', 'good')} no difference between {names[0]} and {names[1]}")
        return
    rows = [row for field in difference.fields for row in _rows(out, field)]
    for line in _lines(out, rows, names):
        out.line(line)
    out.line()
    number = count(len(difference.fields), "field differs", "fields differ")
    out.line(f"{number} between {names[0]} and {names[1]}")


def _rows(out: Output, field: FieldDifference) -> Iterator[_Row]:
    heading, path = _split(field.path)
    note = " (a reference)" if field.secret else ""
    origins = _place(field.left_origin), _place(field.right_origin)
    for number, left, right in _sides(field.left, field.right):
        values = pair(left, right, whole=out.verbose)
        yield _Row(heading, printable(path + number) + note, *values, *origins)


def _sides(left: Json, right: Json) -> Iterator[tuple[str, Json, Json]]:
    """Both values; of two texts with several lines, the lines that differ, each with its number in the left one."""
    if not (isinstance(left, str) and isinstance(right, str) and "\n" in left.rstrip() and "\n" in right.rstrip()):
        yield "", left, right
        return
    one, other = left.splitlines(), right.splitlines()
    if one == other:
        yield "", left, right
        return
    for kind, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            for offset, (old, new) in enumerate(zip_longest(one[start:end], other[begin:stop]), start + 1):
                yield f":{offset}", old, new


def _split(text: str) -> tuple[str, str]:
    """A dotted path as what it belongs to, and the rest."""
    try:
        path = parse_path(text)
    except ValueError:
        return "", text
    length = _heading(path)
    return dotted(path[:length]), dotted(path[length:])


def _heading(path: Path) -> int:
    if path[0] in NAMED and len(path) > 2:
        return 2
    return 1 if len(path) > 1 else 0


def _place(location: Location | None) -> str:
    return printable(f"{location.file}:{location.line}") if location else ""


def _lines(out: Output, rows: Sequence[_Row], names: tuple[str, str]) -> Iterator[str]:
    path = max(cells(row.path) for row in rows) + 2
    each = (out.width - path - 4) // 2
    if each < LEAST:
        yield from _stacked(out, rows, names)
        return
    wide = max(*(_width(row) for row in rows), *map(cells, names))
    yield from _beside(out, rows, names, (path, min(wide, each)))


def _width(row: _Row) -> int:
    """What the wider side takes, its place beside it."""
    sides = (row.left, row.left_origin), (row.right, row.right_origin)
    return max(cells(value) + (cells(origin) + 2 if origin else 0) for value, origin in sides)


def _beside(out: Output, rows: Sequence[_Row], names: tuple[str, str], widths: tuple[int, int]) -> Iterator[str]:
    """Both sides on one line, each with its place; places below their values where there is no room beside them."""
    path, side = widths
    yield out.style(f"{padded('', path)}  {padded(cut(names[0], side), side)}  {cut(names[1], side)}", "name")
    for heading, group in groupby(rows, key=lambda row: row.heading):
        if heading:
            yield out.style(printable(heading), "name")
        for row in group:
            label = padded(("  " if heading else "") + row.path, path)
            if _width(row) <= side:
                left = _side(out, row.left, row.left_origin, side)
                right = _side(out, row.right, row.right_origin, 0, "change")
                yield f"{label}  {left}  {right}"
            else:
                one, other = (text if out.verbose else cut(text, side) for text in (row.left, row.right))
                yield f"{label}  {padded(one, side)}  {out.style(other, 'change')}"
                below = f"{padded('', path)}  {padded(cut(row.left_origin, side), side)}  {row.right_origin}".rstrip()
                yield from [out.style(below, "dim")] if below else []


def _side(out: Output, value: str, origin: str, width: int, style: str | None = None) -> str:
    """A value and its place, up to `width` columns."""
    shown = out.style(value, style) if style else value
    place = f"  {out.style(origin, 'dim')}" if origin else ""
    taken = cells(value) + (cells(origin) + 2 if origin else 0)
    return shown + place + " " * max(width - taken, 0)


def _stacked(out: Output, rows: Sequence[_Row], names: tuple[str, str]) -> Iterator[str]:
    width = max(map(cells, names))
    for row in rows:
        yield out.style(f"{printable(row.heading)}.{row.path}" if row.heading else row.path, "name")
        for name, value, origin in zip(names, (row.left, row.right), (row.left_origin, row.right_origin), strict=True):
            place = f"  {origin}" if origin else ""
            text = value if out.verbose else cut(value, max(out.width - width - cells(place) - 4, LEAST))
            yield f"  {padded(name, width)}  {text}{out.style(place, 'dim')}"
