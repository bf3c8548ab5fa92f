"""history: deliveries, newest first."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import typer

from releaser.cli import errors
from releaser.cli.environments import chosen
from releaser.cli.invocation import Invocation
from releaser.cli.limits import limit_of, tell_older
from releaser.cli.options import ManyEnvironments
from releaser.cli.outcomes import outcome, styled
from releaser.cli.output import Output
from releaser.cli.tables import print_table
from releaser.cli.times import moment, took
from releaser.model.delivery import Delivery, History
from releaser.model.plan import PROMOTE, RECONCILE
from releaser.operations import history
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(ManyEnvironments):
    """List deliveries, newest first.

    What a delivery left behind is shown by `release show ENV/REVISION`.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "name")

    release: Annotated[str | None, typer.Option("--release", metavar="RELEASE", help="Only of this release.")] = None
    limit: Annotated[int | None, typer.Option("--limit", "-n", metavar="N", help="At most so many; 0 is all.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Print them; gives the exit code."""
    out = invocation.out
    limit = limit_of(out, options.limit)
    with invocation.workspace() as ws:
        names = chosen(ws, options.env, every=options.all) if options.env else None
        found = history.deliveries(ws, names, options.release, limit + 1 if limit else None)
        current = {name: head.current.revision for name, head in ws.history.heads().items() if head.current}
        now = ws.clock.now()
    document = msgspec.structs.replace(found, deliveries=found.deliveries[:limit] if limit else found.deliveries)
    if out.form == "name":
        for delivery in document.deliveries:
            out.line(printable(f"{delivery.environment}/{delivery.revision}"))
        return errors.DONE
    out.document(document, lambda out: _show(out, document, current, now))
    if out.form == "table" and len(found.deliveries) > len(document.deliveries):
        tell_older(out, limit)
    return errors.DONE


def _show(out: Output, document: History, current: Mapping[str, int], now: datetime) -> None:
    deliveries = document.deliveries
    if not deliveries:
        out.say("nothing was delivered yet")
        return
    several = len({delivery.environment for delivery in deliveries}) > 1
    head = ["#", *(["ENV"] if several else []), "WHEN", "RELEASE", "CONFIG", "BY", "OUTCOME", "TOOK", "NOTE"]
    more = _Beside(current=current, cut_off=frozenset(document.cut_off), now=now)
    rows = [_row(out, delivery, more, several=several) for delivery in deliveries]
    print_table(out, head, rows, spare=("CONFIG", "TOOK", "BY"))
    if document.cut_off:
        name = document.cut_off[0].partition("/")[0]
        out.next(f"release resume {name}", f"release abort {name}")
    elif not several and out.on_terminal:
        out.next(f"release show {deliveries[0].environment}/{deliveries[0].revision}")


class _Beside(NamedTuple):
    """What is not in a delivery, and helps a person."""

    current: Mapping[str, int]  # environment → the revision that is known to run
    cut_off: Collection[str]  # ENV/REVISION
    now: datetime


def _row(out: Output, delivery: Delivery, more: _Beside, *, several: bool) -> list[str]:
    cut_off = f"{delivery.environment}/{delivery.revision}" in more.cut_off
    is_current = more.current.get(delivery.environment) == delivery.revision
    notes = [*(["← current"] if is_current else []), *_notes(delivery)]
    return [
        str(delivery.revision),
        *([out.style(printable(delivery.environment), "name")] if several else []),
        moment(out, delivery.started_at, more.now),
        out.style(printable(delivery.release), "name"),
        delivery.config_digest.removeprefix("sha256:")[:7],
        printable(delivery.actor),
        styled(out, delivery.status, outcome(delivery.status, cut_off=cut_off)),
        "-" if cut_off else took(delivery, more.now),
        printable("; ".join(notes)),
    ]


def _notes(delivery: Delivery) -> Iterator[str]:
    """What is worth a few words beside it."""
    if delivery.restores is not None:
        yield f"back to #{delivery.restores}"
    elif delivery.trigger == RECONCILE:
        yield "reconciled"
    elif delivery.trigger != PROMOTE:
        yield delivery.trigger
    if delivery.restored is not None:
        yield f"returned to #{delivery.restored}" if delivery.restored else "returned to nothing"
    if delivery.reason:
        yield " ".join(delivery.reason.split())
    if delivery.message:
        yield " ".join(delivery.message.split())
