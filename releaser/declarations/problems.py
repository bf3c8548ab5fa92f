"""What is wrong with the declarations, as values."""

from collections.abc import Iterable
from difflib import get_close_matches

from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.value import Location

MAX_PROBLEMS = 100
"""Of one kind in one file; nobody reads more, and a hostile file could hold a million."""


def problem(message: str, hint: str | None, *places: Location | None) -> Problem:
    """One thing that is wrong, with the places that are known."""
    locations = tuple(place for place in places if place is not None)
    return Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=locations)


def suggestion(name: str, known: Iterable[str], otherwise: str | None = None, *, few: int = 12) -> str | None:
    """The hint that names the nearest known name; else all where they are few, or `otherwise`."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if 0 < len(names) <= few:
        return "known: " + ", ".join(names)
    return otherwise
