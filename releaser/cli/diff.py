"""diff: two environments, or two deliveries, field by field."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.references import delivery_of
from releaser.cli.show_difference import show_difference
from releaser.model.documents import Difference
from releaser.model.errors import BadArgument
from releaser.operations import diff
from releaser.operations.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Compare two environments, or two deliveries, field by field.

    ENV ENV compares the effective configuration, with the file and line of each side. ENV/REVISION ENV/REVISION
    compares recorded resources, and reads no declarations.
    """

    left: Annotated[str, typer.Argument(metavar="LEFT", help="ENV or ENV/REVISION.")]
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="ENV or ENV/REVISION.")]
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 2 where they differ.")] = False


def run(invocation: Invocation, options: Options) -> int:
    """Compare and print; gives the exit code."""
    left, right = delivery_of(options.left), delivery_of(options.right)
    with invocation.workspace() as ws:
        document = _difference(ws, left, right)
    invocation.out.document(document, lambda out: show_difference(out, document))
    return errors.DIFFERENT if options.exit_code and document.fields else errors.DONE


def _difference(ws: Workspace, left: tuple[str, int | None], right: tuple[str, int | None]) -> Difference:
    (one, old), (other, new) = left, right
    if old is not None and new is not None:
        return diff.deliveries(ws, (one, old), (other, new))
    if old is None and new is None:
        return diff.environments(ws, one, other)
    raise BadArgument(
        "an environment's declarations and a delivery's resources cannot be compared",
        hint="release diff ENV ENV, or release diff ENV/REVISION ENV/REVISION",
    )
