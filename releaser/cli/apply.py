"""apply: execute a saved plan, exactly and once."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from releaser.cli.delivering import consent, refused, report, show_document, unchanged, unsettled
from releaser.cli.invocation import Invocation
from releaser.cli.options import Writing
from releaser.cli.progress import Watching
from releaser.model.errors import BadArgument
from releaser.operations.apply import apply, prepare, read_plan

LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Options(Writing):
    """Execute a saved plan, exactly and once.

    The plan is made again and must be the same; where anything that it rests on has moved, nothing is delivered and
    the exit code is 4. The gates are evaluated again.
    """

    file: Annotated[Path, typer.Argument(metavar="FILE", help="What plan --out saved; - for the standard input.")]
    reason: Annotated[str | None, typer.Option("-m", "--message", metavar="WHY", help="Why, for the record.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Apply; gives the exit code."""
    saved = read_plan(_read(options.file), str(options.file))
    if saved.accepts and not (options.reason or "").strip():
        raise BadArgument("this plan accepts drift, which needs a reason", hint=f"release apply {options.file} -m WHY")
    watching = Watching(invocation.out)
    with invocation.workspace(by=options.by, progress=watching) as ws:
        proposal = prepare(ws, saved)
        if proposal.plan.nothing_to_do:
            settled = apply(ws, saved, options.reason) if unsettled(ws, proposal) else unchanged(proposal)
            return report(ws, invocation, settled)
        if proposal.plan.refused_by:
            show_document(invocation.out, proposal)
            return refused(ws, invocation.out, proposal)
        consent(invocation, proposal, yes=options.yes)
        with watching, invocation.signals.gentle(invocation.out):
            result = apply(ws, saved, options.reason)
        return report(ws, invocation, result, accepted=saved.accepts)


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(LARGEST)
        with file.open("rb") as stream:
            return stream.read(LARGEST)
    except OSError as error:
        raise BadArgument(
            f"{file} cannot be read: {error.strerror}", hint="release plan RELEASE --to ENV --out FILE"
        ) from error
