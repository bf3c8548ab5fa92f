"""`.env` files; tests/imports/test_against_compose.py asks Compose for the same."""

import pytest

from releaser.imports import dotenv
from releaser.imports.templates import Setting
from releaser.model.errors import InvalidDeclarations

OUTSIDE = {"OUT": Setting(value="outside", origin="the shell")}


def values(text: str, *, raw: bool = False) -> dict[str, str | None]:
    entries = dotenv.read(text.encode(), ".env", OUTSIDE, raw=raw)
    return {entry.key: None if entry.text is None else entry.text.plain for entry in entries}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"), ("A = b", "b"), ("export A=b", "b"), ("A: b", "b"), ("A=", ""), ("A", None), ("A=b # c", "b"),
        ("A=b#c", "b#c"), ("A= b ", "b"), ("A='b # c'", "b # c"), ("A='$OUT'", "$OUT"), ("A=$OUT", "outside"),
        ('A="$OUT"', "outside"), ('A="a\\nb"', "a\nb"), ("A='a\\nb'", "a\\nb"), ('A="a\\"b"', 'a"b'), ("A='it\\'s'",
        "it's"),
        ('A="\\$OUT"', "$OUT"), ("A=$$OUT", "$OUT"), ('A="one\ntwo"', "one\ntwo"), ("A=b\r", "b"), ('A="\\0101"', "A"),
        ('A="x" # y', "x"), ("\ufeffA=b", "b"), ("A=C:\\n", "C:\\n"), ("A=${NONE:-x}", "x"), ("A=ü", "ü"),
    ],
)  # fmt: skip
def test_lines(line: str, value: str | None) -> None:
    assert values(line)["A"] == value


def test_files() -> None:
    assert values("# one\n\nA=1\nB=$A\nA=2\nC=$A\n1X=left out\nD=${LATER}\nLATER=z") == {
        "A": "2", "B": "1", "C": "2", "D": "", "LATER": "z",
    }  # fmt: skip


def test_what_is_outside_goes_before() -> None:
    assert values("OUT=inside\nA=$OUT")["A"] == "outside"


def test_raw_files() -> None:
    assert values("# c\nA='b' $OUT # d\n B=\nC\n", raw=True) == {"A": "'b' $OUT # d", "B": "", "C": None}


def test_places() -> None:
    entries = dotenv.read(b'A="x\ny"\n\n# c\nB=1', "x.env", {})

    assert [(entry.key, entry.place.line) for entry in entries] == [("A", 1), ("B", 5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A='open", "x.env:1: quotes are not closed"),
        ("\nA B=c", "x.env:2: a space in the name"),
        ("=b", "x.env:1: a line without the name"),
        ("A!=b", "x.env:1: the name of a variable holds `!`"),
        ("\n\nA=${", "x.env:3: a `${` is not closed"),
    ],
)
def test_wrong_lines(text: str, said: str) -> None:
    with pytest.raises(InvalidDeclarations) as caught:
        dotenv.read(text.encode(), "x.env", {})

    assert caught.value.message.startswith(said)
    assert caught.value.locations == ()  # a problem's line is shown, and this one may hold a secret


def test_not_utf8() -> None:
    with pytest.raises(InvalidDeclarations, match=r"x\.env:2: not UTF-8"):
        dotenv.read(b"A=b\nB=\xff\n", "x.env", {})
