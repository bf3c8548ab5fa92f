"""lock status: who delivers now."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from releaser.cli import errors
from releaser.cli.environments import chosen
from releaser.cli.invocation import Invocation
from releaser.cli.options import ManyEnvironments
from releaser.cli.output import Output
from releaser.cli.tables import print_table
from releaser.cli.times import age
from releaser.model.documents import Locks
from releaser.operations import lock
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(ManyEnvironments):
    """Show who delivers now.

    A lock is held for the length of a delivery. One whose holder died needs no breaking: the next delivery takes it.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "name")


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    out = invocation.out
    with invocation.workspace() as ws:
        names = chosen(ws, options.env, every=options.all) if options.env else None
        document = lock.status(ws, names)
        now = ws.clock.now()
    if out.form == "name":
        for item in document.locks:
            out.line(printable(item.environment))
        return errors.DONE
    out.document(document, lambda out: show_locks(out, document, now))
    return errors.DONE


def show_locks(out: Output, document: Locks, now: datetime) -> None:
    """Print who holds what."""
    if not document.locks:
        out.say("nobody delivers now")
        return
    rows = [
        [
            out.style(printable(item.environment), "name"),
            printable(item.actor),
            printable(f"{item.host}, process {item.process}"),
            printable(item.verb),
            age(item.since, now),
            out.style("alive", "good") if item.alive else out.style("died", "warn"),
        ]
        for item in document.locks
    ]
    print_table(out, ["ENV", "HOLDER", "WHERE", "VERB", "SINCE", "HOLDER IS"], rows, spare=("WHERE", "VERB"))
