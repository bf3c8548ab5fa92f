"""show: one delivery."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.references import delivery_of
from releaser.cli.show_details import show_details
from releaser.model.delivery import INTERRUPTED
from releaser.operations import history


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show one delivery: plan, resources, steps, message.

    With -v everything is shown in full, and each resource as the engine got it.
    """

    delivery: Annotated[
        str, typer.Argument(metavar="ENV[/REVISION]", help="The environment's newest delivery, or that revision.")
    ]


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    environment, revision = delivery_of(options.delivery)
    with invocation.workspace() as ws:
        document = history.show(ws, environment, revision)
        head = ws.history.head(environment)
        now = ws.clock.now()
    current = head.current.revision if head and head.current else None
    invocation.out.document(document, lambda out: show_details(out, document, current, now))
    newest = head is not None and head.revision == document.delivery.revision
    if newest and (document.cut_off or document.delivery.status == INTERRUPTED):
        invocation.out.next(f"release resume {environment}", f"release abort {environment}")
    return errors.DONE
