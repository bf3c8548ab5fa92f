"""plan: show what promote would do."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import show_only
from releaser.cli.invocation import Invocation
from releaser.cli.options import Environment, PlanOptions
from releaser.operations import promote


@dataclass(frozen=True, kw_only=True)
class Options(PlanOptions):
    """Show what promote would do.

    The same as promote --dry-run: nothing is written, nothing registered. With --out the plan is saved, and apply
    executes exactly it.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]
    to: Environment
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over what others delivered to the target.")] = False
    move: Annotated[bool, typer.Option("--move", help="The target changed: deliver there, leave the old one.")] = False


def run(invocation: Invocation, options: Options) -> int:
    """Plan; gives the exit code."""
    asked = promote.request(options.to, options.release, adopt=options.adopt, move=options.move)
    return show_only(invocation, options, lambda _: asked)
