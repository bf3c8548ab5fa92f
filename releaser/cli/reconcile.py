"""reconcile: put the recorded state back over drift, or accept the drift."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli.delivering import deliver
from releaser.cli.invocation import Invocation
from releaser.cli.options import Adopt, Delivering, Environment, Replace
from releaser.model.errors import BadArgument
from releaser.operations import reconcile


@dataclass(frozen=True, kw_only=True)
class Options(Delivering):
    """Put the recorded state back over drift, or accept the drift.

    With --accept nothing is written: what is live goes into the record as a new revision, with the reason. Another
    image than the release's, or a literal in a secret's place, is never accepted.
    """

    to: Environment
    accept: Annotated[bool, typer.Option("--accept", help="Take the drift into the record; needs -m.")] = False
    adopt: Adopt = False
    replace: Replace = False


def run(invocation: Invocation, options: Options) -> int:
    """Reconcile; gives the exit code."""
    if options.accept and not options.dry_run and not (options.reason or "").strip():
        raise BadArgument(
            "reconcile --accept needs a reason: it is what the record will say of the drift",
            hint=f"release reconcile --to {options.to} --accept -m WHY",
        )
    asked = reconcile.request(options.to, accept=options.accept, adopt=options.adopt, replace=options.replace)
    return deliver(invocation, options, lambda _: asked)
