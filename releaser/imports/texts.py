"""Texts of a Compose file that remember which of their parts are variables."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One use of a variable, and what it comes to."""

    name: str
    value: str
    default: str | None = None  # what the template says it is without a value, where that is a plain text
    origin: str = ""  # where the value was set: a flag, the shell, `.env:3`; nothing where nowhere
    missing: str | None = None  # what the file says to whoever did not set it, where it must be set


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of a text."""

    text: str  # as Compose fills it in
    variable: Variable | None = None  # where it comes from one
    whole: bool = True  # it is the variable's whole value, not a part that a separator cut off
    switch: str = ""  # the variable of `${NAME:+text}` that decided about it


@dataclass(frozen=True)
class Text:
    """A text: what Compose makes of it, and by which variables."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, text: str) -> "Text":
        """A text without variables."""
        return cls((Piece(text=text),) if text else ())

    @property
    def plain(self) -> str:
        """As Compose fills it in."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def variables(self) -> Iterator[Variable]:
        """The variables in it, in order."""
        return (piece.variable for piece in self.pieces if piece.variable is not None)

    @property
    def sole(self) -> Variable | None:
        """The variable that is the whole text, and nothing beside it."""
        pieces = [piece for piece in self.pieces if piece.text or piece.variable is not None]
        return pieces[0].variable if len(pieces) == 1 and pieces[0].whole else None

    def __add__(self, other: "Text") -> "Text":
        return Text((*self.pieces, *other.pieces))

    def __bool__(self) -> bool:
        return bool(self.plain)

    def cut(self, start: int, end: int | None = None) -> "Text":
        """The part from one character to another; a variable that is cut through is known to be a part."""
        kept: list[Piece] = []
        at = 0
        last = len(self.plain) if end is None else end
        for piece in self.pieces:
            text = piece.text[max(start - at, 0) : max(last - at, 0)]
            if text or (not piece.text and start <= at <= last):
                kept.append(replace(piece, text=text, whole=piece.whole and text == piece.text))
            at += len(piece.text)
        return Text(tuple(kept))

    def split(self, separator: str, most: int = -1) -> list["Text"]:
        """As `str.split`."""
        parts: list[Text] = []
        at = 0
        for part in self.plain.split(separator, most):
            parts.append(self.cut(at, at + len(part)))
            at += len(part) + len(separator)
        return parts

    def partition(self, separator: str) -> tuple["Text", bool, "Text"]:
        """What stands before and after the first separator, and whether there is one."""
        before, *after = self.split(separator, 1)
        return before, bool(after), after[0] if after else Text(())
