"""Errors as people and scripts get them: exit codes, the text with its place, the error document."""

from collections.abc import Iterator
from pathlib import Path

from releaser.cli.output import MACHINE, Output
from releaser.model import errors
from releaser.model.documents import ErrorReport
from releaser.model.errors import Problem, ReleaseError
from releaser.model.value import Location
from releaser.planning.redact import printable
from releaser.planning.wording import count

DONE, DIFFERENT, REFUSED, WRONG_USAGE, DEFECT, INTERRUPTED, TERMINATED = 0, 2, 3, 64, 70, 130, 143

EXIT_CODES: dict[type[ReleaseError], int] = {
    errors.DeliveryFailed: 1,
    errors.Refused: REFUSED,
    errors.LostRace: 4,
    errors.Unreachable: 5,
    errors.Invalid: WRONG_USAGE,
    errors.Interrupted: INTERRUPTED,
    errors.InternalError: DEFECT,
}
"""The branches of the error tree → what a process ends with."""


def exit_code(error: ReleaseError) -> int:
    """What a process ends with that raised this error."""
    return next((code for branch, code in EXIT_CODES.items() if isinstance(error, branch)), DEFECT)


def report(out: Output, error: ReleaseError, root: Path | None = None) -> None:
    """Tell an error: as a document on stdout, or in words on stderr."""
    if out.form in MACHINE:
        out.data(ErrorReport(errors=error.problems))
        return
    for index, problem in enumerate(error.problems):
        if index:
            out.tell("")
        for line in _lines(out, problem, root):
            out.tell(line)
    if len(error.problems) > 1:
        out.tell(f"\n{count(len(error.problems), 'error')}")


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
    if root is None:
        return None
    try:
        with (root / location.file).open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, 1):
                if number == location.line:
                    return text.rstrip("\r\n")
    except OSError:
        return None
    return None
