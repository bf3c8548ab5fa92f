"""Tables: columns below each other, whatever the width, the colour and the characters."""

import re

import pytest

from releaser.cli import output, tables
from releaser.cli.output import Output

TABLE = [
    ["NAME", "SIZE", "BY", "NOTE"],
    ["api", "10", "ann", "a note of quite some words that needs room"],
    ["worker", "9", "somebody", ""],
]


@pytest.fixture
def printed(monkeypatch):
    def lines(width, table=None, spare=(), color="never"):
        monkeypatch.setattr(output, "width_of", lambda _stream: width)
        return list(tables.lines(Output(color=color), table or TABLE, spare))

    return lines


def test_columns_begin_below_each_other(printed):
    assert printed(120) == [
        "NAME    SIZE  BY        NOTE",
        "api     10    ann       a note of quite some words that needs room",
        "worker  9     somebody",
    ]


def test_the_last_column_wraps(printed):
    lines = printed(54)

    assert lines[1:4] == [
        "api     10    ann       a note of quite some words",
        " " * 24 + "that needs room",
        "worker  9     somebody",
    ]


def test_what_can_be_spared_goes_first_and_no_more_of_it_than_needed(printed):
    assert printed(40, spare=("BY", "SIZE"))[0] == "NAME    SIZE  NOTE"
    assert printed(30, spare=("BY", "SIZE"))[0] == "NAME    NOTE"
    assert printed(120, spare=("BY", "SIZE"))[0] == "NAME    SIZE  BY        NOTE"


def test_the_last_column_gets_lines_of_its_own_where_there_is_no_room_beside(printed):
    assert printed(34) == [
        "NAME    SIZE  BY",
        "api     10    ann",
        "    a note of quite some words",
        "    that needs room",
        "worker  9     somebody",
    ]


@pytest.mark.parametrize("width", [30, 40, 54, 80, 200])
def test_nothing_is_wider_than_the_answer_or_lost(printed, width):
    lines = printed(width)

    assert all(len(line) <= width for line in lines)
    assert " ".join(TABLE[1][3].split()) in " ".join(" ".join(lines).split())


def test_colour_moves_no_column(printed):
    style = Output(color="always").style
    coloured = [TABLE[0], [style("api", "name"), "10", style("ann", "dim"), "x"], *TABLE[2:]]

    lines = printed(120, coloured, color="always")

    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines] == printed(
        120, [TABLE[0], ["api", "10", "ann", "x"], *TABLE[2:]]
    )
    assert "\x1b[1mapi\x1b[0m" in lines[1]


def test_wide_characters_count_as_two(printed):
    assert printed(120, [["A", "B"], ["日本", "x"], ["abcd", "y"]]) == ["A     B", "日本  x", "abcd  y"]


def test_a_table_of_one_column(printed):
    assert printed(80, [["NAME"], ["api"]]) == ["NAME", "api"]
