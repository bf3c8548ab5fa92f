"""Tables: text whose columns begin below each other; the last column wraps, and what can be spared goes first."""

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from releaser.cli.values import cells

if TYPE_CHECKING:
    from releaser.cli.output import Output

GAP = "  "
LEAST = 20
"""The columns below which the last column gets lines of its own."""
INDENT = 4

_STYLED = re.compile(r"\x1b\[[0-9;]*m")


def print_table(out: "Output", head: Sequence[str], rows: Iterable[Sequence[str]], spare: Collection[str] = ()) -> None:
    """Print rows under their head; a cell's style is its own, as out.style makes it.

    `spare`: the columns that are left out, in this order, where the table is wider than the answer.
    """
    for line in lines(out, [list(head), *map(list, rows)], spare):
        out.line(line)


def lines(out: "Output", table: list[list[str]], spare: Collection[str]) -> Iterator[str]:
    """The lines of a table, its head first."""
    for title in spare:
        if _room(out, table) >= min(_widths(table)[-1], LEAST):
            break
        at = table[0].index(title)
        table = [row[:at] + row[at + 1 :] for row in table]
    widths, room = _widths(table), _room(out, table)
    own_lines = room < min(widths[-1], LEAST)
    for index, row in enumerate(table):
        begin = GAP.join(_padded(cell, width) for cell, width in zip(row[:-1], widths, strict=False))
        if own_lines:
            yield _heading(out, begin.rstrip(), index)
            if index and row[-1]:
                yield from (" " * INDENT + part for part in _wrapped(row[-1], max(out.width - INDENT, LEAST)))
            continue
        first, *more = _wrapped(row[-1], room)
        yield _heading(out, f"{begin}{GAP if begin else ''}{first}".rstrip(), index)
        yield from (" " * (out.width - room) + part for part in more)


def _heading(out: "Output", line: str, index: int) -> str:
    return line if index else out.style(line, "bold")


def _room(out: "Output", table: Sequence[Sequence[str]]) -> int:
    """The columns that are left for the last one."""
    before = _widths(table)[:-1]
    return out.width - sum(before) - len(GAP) * len(before)


def _widths(table: Sequence[Sequence[str]]) -> list[int]:
    return [max(_width(row[column]) for row in table) for column in range(len(table[0]))]


def _width(cell: str) -> int:
    return cells(_STYLED.sub("", cell))


def _padded(cell: str, width: int) -> str:
    return cell + " " * max(width - _width(cell), 0)


def _wrapped(cell: str, width: int) -> list[str]:
    """A cell in lines; a styled one is short, and stays whole."""
    if _width(cell) <= width or _STYLED.search(cell):
        return [cell]
    return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
