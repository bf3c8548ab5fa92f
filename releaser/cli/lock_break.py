"""lock break: take an environment over from a holder that hangs."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import OneEnvironment
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.model.documents import Locks
from releaser.model.errors import BadArgument
from releaser.operations import lock
from releaser.operations.recorded import known_environment
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Take an environment over from a holder that hangs.

    It goes on the record. The holder's next write to the record is refused. What it is writing to the engine at
    this moment is not stopped: look first (release lock status), and let the next delivery settle what it left.
    """

    env: OneEnvironment
    reason: Annotated[str, typer.Option("--reason", "-m", "--message", metavar="WHY", help="Why, for the record.")]
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who does it, for the record.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Break it; gives the exit code."""
    if not options.reason.strip():
        raise BadArgument("--reason is empty", hint="say why, for the record")
    with invocation.workspace(by=options.by) as ws:
        known_environment(ws, options.env)
        document = lock.break_(ws, options.env, options.reason)
    invocation.out.document(document, lambda out: _show(out, options.env, document))
    return errors.DONE


def _show(out: Output, environment: str, document: Locks) -> None:
    for item in document.locks:
        holder = printable(f"{item.actor} ({item.host}, process {item.process}, {item.verb})")
        out.line(f"the lock of {printable(environment)} was taken from {holder}")
        out.next(f"release status --env {environment}")
        return
    out.line(f"nobody held the lock of {printable(environment)}")
