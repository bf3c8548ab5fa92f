"""abort: undo an interrupted delivery."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import take_up
from releaser.cli.invocation import Invocation
from releaser.cli.options import Writing


@dataclass(frozen=True, kw_only=True)
class Options(Writing):
    """Undo an interrupted delivery.

    Shows what it would put back, asks, and brings back the newest succeeded revision; the interrupted delivery ends as
    aborted.
    """

    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment.")]


def run(invocation: Invocation, options: Options) -> int:
    """Abort; gives the exit code."""
    return take_up(invocation, options, options.environment)
