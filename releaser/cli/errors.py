"""Errors as people and scripts get them: exit codes, the text with its place, the error document."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from releaser.cli.output import MACHINE, Output
from releaser.model import errors
from releaser.model.documents import ErrorReport
from releaser.model.errors import Problem, ReleaseError
from releaser.model.value import Location
from releaser.planning.redact import printable
from releaser.planning.wording import count

DONE, DIFFERENT, REFUSED, UNREACHABLE, WRONG_USAGE, DEFECT, INTERRUPTED, TERMINATED = 0, 2, 3, 5, 64, 70, 130, 143

EXIT_CODES: dict[type[ReleaseError], int] = {
    errors.DeliveryFailed: 1,
    errors.BuildFailed: 1,
    errors.Refused: REFUSED,
    errors.LostRace: 4,
    errors.Unreachable: 5,
    errors.Invalid: WRONG_USAGE,
    errors.Interrupted: INTERRUPTED,
    errors.InternalError: DEFECT,
}
"""The branches of the error tree → what a process ends with."""


MOST = 20
"""Problems that are told without -v: who reads more than that mends the first ones anyway."""


def exit_code(error: ReleaseError) -> int:
    """What a process ends with that raised this error."""
    return next((code for branch, code in EXIT_CODES.items() if isinstance(error, branch)), DEFECT)


def report(out: Output, error: ReleaseError, root: Path | None = None) -> None:
    """Tell an error: as a document on stdout, or in words on stderr."""
    if out.form in MACHINE:
        out.data(ErrorReport(errors=error.problems))
        return
    problems = error.problems
    told = problems if out.verbose else problems[:MOST]
    for index, problem in enumerate(told):
        if index:
            out.tell("")
        for line in _lines(out, problem, root):
            out.tell(line)
    if len(problems) > len(told):
        out.tell(f"\n{count(len(problems), 'error')}, of which these are the first {len(told)}; -v shows all")
    elif len(problems) > 1:
        out.tell(f"\n{count(len(problems), 'error')}")


def _lines(out: Output, problem: Problem, root: Path | None) -> Iterator[str]:
    style = out.talk_style
    yield f"{style('error:', 'bad')} {printable(problem.message, lines=True)}"
    for location in problem.locations:
        yield f" {style('-->', 'dim')} {printable(str(location))}"
        yield from _source(out, location, root)
    if problem.hint:
        yield f"{style('hint:', 'command')} {printable(problem.hint, lines=True)}"


def _source(out: Output, location: Location, root: Path | None) -> Iterator[str]:
    """The line that a location names, with a caret; nothing where it cannot be read any more."""
    text = _line(location, root)
    if text is None:
        return
    style = out.talk_style
    before = printable(text[: location.column - 1].replace("\t", " "))
    number = str(location.line)
    bar = style("|", "dim")
    yield f" {style(number, 'dim')} {bar} {before}{printable(text[location.column - 1 :].replace(chr(9), ' '))}"
    yield f" {' ' * len(number)} {bar} {' ' * len(before)}{style('^', 'bad')}"


def _line(location: Location, root: Path | None) -> str | None:
    lines = _file(root / location.file) if root is not None else ()
    return lines[location.line - 1] if 0 < location.line <= len(lines) else None


@lru_cache(maxsize=8)
def _file(file: Path) -> tuple[str, ...]:
    """A file's lines as YAML counts them; none where it cannot be read any more."""
    try:
        return tuple(re.split(r"\r\n|[\r\n\x85\u2028\u2029]", file.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return ()
