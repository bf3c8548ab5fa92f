"""doctor: settings with their origins, and whether everything answers."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.show_plan import wrapped
from releaser.cli.tables import print_table
from releaser.cli.values import cells, padded
from releaser.declarations.loader import ProjectDeclarations
from releaser.model.documents import Check, Examination, Setting
from releaser.model.errors import BadArgument
from releaser.operations import doctor
from releaser.operations.doctor import DECLARATIONS, HISTORY, Machine
from releaser.planning.redact import printable
from releaser.planning.wording import count
from releaser.settings import below, history_file
from releaser.wiring import Flags, history_setting, open_history, project_root, without_password


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Check settings, engines, registries and the history.

    Shows each setting with its origin: a flag, RELEASE_*, envs/pipeline.yaml, the user settings, or the default.
    Nothing is delivered. Exits with 5 where something that is needed cannot be reached, and with 64 where only the
    declarations are wrong.
    """


def run(invocation: Invocation, _options: Options) -> int:
    """Look and print; gives the exit code."""
    root = project_root(
        invocation.settings, Flags(directory=invocation.shared.directory, history=invocation.shared.history)
    )
    history = history_setting(invocation.settings, ProjectDeclarations(root), invocation.shared.history)
    settings = tuple(_settings(invocation, root, history))
    try:
        open_history(root, history).close()
    except BadArgument as error:  # nothing else can be looked at without one
        document = Examination(settings=settings, checks=(doctor.failed(HISTORY, error),))
    else:
        machine = Machine(
            in_ci=invocation.settings.in_ci,
            history_below_root=below(root, history_file(root, history.value)),
            git=shutil.which("git", path=invocation.settings.environ.get("PATH")) is not None,
        )
        with invocation.workspace() as ws:
            document = doctor.examine(ws, settings, machine)
    invocation.out.document(document, lambda out: _show(out, document))
    return _code(document)


def _settings(invocation: Invocation, root: Path, history: Setting) -> Iterator[Setting]:
    settings, shared = invocation.settings, invocation.shared
    origin = "-C" if shared.directory != Path() else "the nearest folder with envs/pipeline.yaml"
    yield Setting(name="root", value=str(root), origin=origin)
    yield Setting(name=history.name, value=without_password(history.value), origin=history.origin)
    yield settings.actor()
    yield settings.get("output", flag="json" if shared.json else shared.output, default="table")
    yield settings.get("color", flag=shared.color, default="auto")
    there = "" if settings.user_file.is_file() else " (not there)"
    yield Setting(name="user settings", value=f"{settings.user_file}{there}", origin="XDG_CONFIG_HOME, or ~/.config")


def _code(document: Examination) -> int:
    failed = {check.check for check in document.checks if check.passed is False}
    if failed - {DECLARATIONS}:
        return errors.UNREACHABLE
    return errors.WRONG_USAGE if failed else errors.DONE


_MARKS = {True: ("✓", "good"), None: ("!", "warn"), False: ("✗", "bad")}


def _show(out: Output, document: Examination) -> None:
    rows = [[printable(s.name), printable(s.value), out.style(printable(s.origin), "dim")] for s in document.settings]
    print_table(out, ["SETTING", "VALUE", "FROM"], rows)
    out.line()
    width = max(cells(printable(check.check)) for check in document.checks)
    for check in document.checks:
        for line in _lines(out, check, width):
            out.line(line)
    out.line()
    failed = sum(check.passed is False for check in document.checks)
    unsure = sum(check.passed is None for check in document.checks)
    if failed:
        out.line(out.style(f"{count(failed, 'check')} failed", "bad") + (f", {unsure} to look at" if unsure else ""))
    else:
        out.line(out.style("all is well", "good") + (f", {unsure} to look at" if unsure else ""))


def _lines(out: Output, check: Check, width: int) -> Iterator[str]:
    symbol, style = _MARKS[check.passed]
    name = printable(check.check)
    if width + 4 > out.width // 2:
        yield f"{out.style(symbol, style)} {out.style(name, 'name')}"
        yield from wrapped(out, check.detail, hang=4)
    else:
        first, *more = wrapped(out, f"{padded(name, width)}  {check.detail}", hang=width + 4, first=2)
        yield f"{out.style(symbol, style)} {first[2:]}"
        yield from more
    if check.hint:
        for line in wrapped(out, f"hint: {check.hint}", hang=6, first=4):
            yield out.style(line, "command")
