"""Words that plans, errors and tables share."""

import difflib
from collections.abc import Iterable, Sequence

from releaser.model.errors import UnknownName

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def duration(seconds: float) -> str:
    """`1d 2h`, `1m 30s`, `3h`, `0s`: at most two units, rounded down."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size}{unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts) or "0s"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def short(digest: str) -> str:
    """The first twelve hexadecimal digits of a digest, enough to tell two apart."""
    return digest.removeprefix("sha256:")[:12]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 field`, `2 fields`, `2 deliveries`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def no_environment(name: str, known: Sequence[str]) -> UnknownName:
    """The error for an environment that is not there, with the nearest name."""
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"the pipeline has {listed(known)}"
    return UnknownName(f"there is no environment {name or '(an empty name)'}", hint=hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one was most likely meant to be."""
    names = list(known)
    begun = [candidate for candidate in names if len(name) > 1 and candidate.startswith(name)]
    close = begun if len(begun) == 1 else difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return close[0] if close else None
