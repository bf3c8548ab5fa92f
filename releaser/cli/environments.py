"""Names of environments on the command line: many, with commas and globs, or all."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from releaser.model.errors import BadArgument
from releaser.planning.wording import no_environment

if TYPE_CHECKING:
    from releaser.operations.workspace import Workspace


def chosen(
    ws: "Workspace", patterns: Iterable[str] | None, *, every: bool = False, declared: bool = False
) -> tuple[str, ...]:
    """The environments that `--env` names, in pipeline order; all where it names none. Raises UnknownName.

    `declared`: those of the pipeline alone; no history is asked.
    """
    words = [word.strip() for pattern in patterns or () for word in pattern.split(",")]
    if every and words:
        raise BadArgument("--all and --env exclude each other", hint="leave one of them out")
    known = tuple(ws.pipeline().environments) if declared else names(ws)
    if not words:
        return known
    found = {name for word in words for name in _matching(word, known)}
    return tuple(name for name in known if name in found)


def names(ws: "Workspace") -> tuple[str, ...]:
    """Every environment in pipeline order, then those that only the history knows: they may still run."""
    from releaser.operations.workspace import environments  # noqa: PLC0415 - not every verb needs a project

    return environments(ws)


def _matching(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if any(character in word for character in "*?["):
        found = tuple(name for name in known if fnmatchcase(name, word))
    else:
        found = (word,) if word in known else ()
    if not found:
        raise no_environment(word, known)
    return found
