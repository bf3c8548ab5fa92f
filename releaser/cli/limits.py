"""How much of a long list is printed: all of it, but a screenful or two on a terminal."""

from releaser.cli.output import Output
from releaser.model.errors import BadArgument

ON_A_SCREEN = 50
"""What a terminal gets without --limit."""


def limit_of(out: Output, stated: int | None) -> int:
    """The number of entries to print, 0 for all. Raises BadArgument."""
    if stated is None:
        return ON_A_SCREEN if out.form == "table" and out.on_terminal else 0
    if stated < 0:
        raise BadArgument("--limit is a number from 0 on", hint="--limit 20")
    return stated


def tell_older(out: Output, limit: int) -> None:
    """Say that there is more than was printed."""
    out.say(f"there are older ones: --limit {limit * 2}, or --limit 0 for all")
