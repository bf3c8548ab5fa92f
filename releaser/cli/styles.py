"""Styles: what colour and symbols a stream can show."""

import os
from collections.abc import Mapping
from typing import Protocol, TextIO

_CODES = {
    "bold": "1",
    "dim": "2",
    "add": "32",
    "change": "33",
    "remove": "31",
    "good": "32",
    "bad": "1;31",
    "warn": "33",
    "name": "1",
    "command": "36",
}

_ASCII = {"✓": "ok", "✗": "x", "→": "->", "…": "...", "•": "*", "─": "-", "←": "<-", "·": "-", "│": "|", "≥": ">="}


class Style(Protocol):
    """How a text is shown."""

    def __call__(self, text: str, style: str) -> str:
        """The text in a style: bold, dim, add, change, remove, good, bad, warn, name, command."""


def coloured(text: str, style: str) -> str:
    """The text with the codes of a style; as it is without one."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text and style else text


def plain(text: str, style: str) -> str:  # noqa: ARG001 - the same shape as `coloured`
    """The text alone."""
    return text


def wants_colour(stream: TextIO, word: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream gets colour: --color, then NO_COLOR, FORCE_COLOR, TERM, then whether it is a terminal."""
    if word != "auto":
        return word == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a closed one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def encodes(stream: TextIO) -> bool:
    """Whether a stream can show more than ASCII."""
    behind = getattr(stream, "rich_proxied_file", stream)  # while something moves, rich stands before the stream
    return (getattr(behind, "encoding", None) or "ascii").lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def ascii_symbols(text: str) -> str:
    """The text with our own symbols as ASCII."""
    for symbol, word in _ASCII.items():
        text = text.replace(symbol, word)
    return text
