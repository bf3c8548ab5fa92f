"""apply: execute a saved plan, exactly and once."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from releaser.cli.delivering import Execute, carry_out
from releaser.cli.invocation import Invocation
from releaser.cli.options import Writing
from releaser.model.errors import BadArgument
from releaser.operations.apply import apply, prepare, read_plan
from releaser.operations.proposing import Proposal
from releaser.operations.workspace import Workspace

LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Options(Writing):
    """Execute a saved plan, exactly and once.

    The plan is made again and must be the same; where anything that it rests on has moved, nothing is delivered and
    the exit code is 4. The gates are evaluated again.
    """

    file: Annotated[Path, typer.Argument(metavar="FILE", help="What plan --out saved; - for the standard input.")]


def run(invocation: Invocation, options: Options) -> int:
    """Apply; gives the exit code."""
    saved = read_plan(_read(options.file), str(options.file))
    if saved.accepts and not (options.reason or "").strip():
        raise BadArgument("this plan accepts drift, which needs a reason", hint=f"release apply {options.file} -m WHY")

    def make(ws: Workspace) -> tuple[Proposal, Execute]:
        return prepare(ws, saved), lambda: apply(ws, saved, options.reason)

    return carry_out(invocation, options, make)


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
