"""Tables: plain aligned text when piped, rich on a terminal."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from releaser.cli.output import Output

GAP = "  "


def print_table(out: "Output", head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their head; a cell's style is its own, as out.style makes it."""
    cells = [list(row) for row in rows]
    if out.on_terminal:
        _rich(out, head, cells)
    else:
        for line in aligned(head, cells):
            out.line(line)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose columns begin below each other."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _rich(out: "Output", head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for a table that is shown
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text.from_ansi(cell) for cell in row))
    console = Console(file=sys.stdout, width=out.width, no_color=out.style("x", "dim") == "x", highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        out.line(line.rstrip())
