"""resume: finish an interrupted delivery."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import take_up
from releaser.cli.invocation import Invocation
from releaser.cli.options import Writing


@dataclass(frozen=True, kw_only=True)
class Options(Writing):
    """Finish an interrupted delivery.

    Shows what is left to do, asks, and delivers what was recorded, under the same revision.
    """

    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment.")]


def run(invocation: Invocation, options: Options) -> int:
    """Resume; gives the exit code."""
    return take_up(invocation, options, options.environment)
