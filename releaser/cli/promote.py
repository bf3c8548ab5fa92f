"""promote: deliver a release to an environment."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import deliver
from releaser.cli.invocation import Invocation
from releaser.cli.options import Adopt, Delivering, Environment, Move, Replace
from releaser.operations import promote


@dataclass(frozen=True, kw_only=True)
class Options(Delivering):
    """Deliver a release to an environment.

    Makes a plan, shows it, asks, delivers exactly it, and waits until it runs. What fails is brought back to what ran
    before. Into an environment without `from` a release is registered with its delivery.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]
    to: Environment
    adopt: Adopt = False
    move: Move = False
    replace: Replace = False


def run(invocation: Invocation, options: Options) -> int:
    """Promote; gives the exit code."""
    asked = promote.request(
        options.to, options.release, adopt=options.adopt, move=options.move, replace=options.replace
    )
    return deliver(invocation, options, lambda _: asked)
