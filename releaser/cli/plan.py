"""plan: show what promote would do."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import show_only
from releaser.cli.invocation import Invocation
from releaser.cli.options import Adopt, Environment, Move, PlanOptions, Replace
from releaser.operations import promote


@dataclass(frozen=True, kw_only=True)
class Options(PlanOptions):
    """Show what promote would do.

    The same as promote --dry-run: nothing is written, nothing registered. With --out the plan is saved, and apply
    executes exactly it.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]
    to: Environment
    adopt: Adopt = False
    move: Move = False
    replace: Replace = False


def run(invocation: Invocation, options: Options) -> int:
    """Plan; gives the exit code."""
    asked = promote.request(
        options.to, options.release, adopt=options.adopt, move=options.move, replace=options.replace
    )
    return show_only(invocation, options, lambda _: asked)
