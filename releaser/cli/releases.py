"""releases: what is registered, and how far each release has come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

import typer

from releaser.cli import errors, limits
from releaser.cli.environments import names
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.tables import print_table
from releaser.cli.times import moment
from releaser.cli.values import cells
from releaser.model.documents import Reached, RegisteredRelease, Releases
from releaser.operations import releases
from releaser.planning.redact import printable

HEAD = ("RELEASE", "CREATED", "BY", "IMAGES")


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """List the registered releases, and how far each has come.

    Newest first. `now` runs there, `✓` is proven there, `✗` was rolled back away from.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "name")

    limit: Annotated[int | None, typer.Option("--limit", "-n", metavar="N", help="At most so many; 0 is all.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Print them; gives the exit code."""
    out = invocation.out
    limit = limits.limit_of(out, options.limit)
    with invocation.workspace() as ws:
        document = releases.listed(ws, limit + 1 if limit else None)
        environments = names(ws)
        now = ws.clock.now()
    more = bool(limit) and len(document.releases) > limit
    if more:
        document = Releases(releases=document.releases[:limit])
    if out.form == "name":
        for item in document.releases:
            out.line(printable(item.release.version))
        return errors.DONE
    out.document(document, lambda out: _show(out, document.releases, environments, now))
    if more and out.form == "table":
        limits.tell_older(out, limit)
    return errors.DONE


def _show(out: Output, registered: Sequence[RegisteredRelease], environments: Sequence[str], now: datetime) -> None:
    if not registered:
        out.say("no release is registered yet")
        out.next("release create RELEASE")
        return
    rows = [[*_facts(out, item, now), *_strip(out, item, environments)] for item in registered]
    head = [*HEAD, *map(printable, environments)]
    if _fits(out, head, registered, now):
        print_table(out, head, rows)
    else:
        rows = [[*_facts(out, item, now), ", ".join(reached(item.reached))] for item in registered]
        print_table(out, [*HEAD, "REACHED"], rows, spare=("IMAGES", "BY"))


def _fits(out: Output, head: Sequence[str], registered: Sequence[RegisteredRelease], now: datetime) -> bool:
    facts = [_facts(out, item, now) for item in registered]
    plain = [[printable(item.release.version), *row[1:]] for item, row in zip(registered, facts, strict=True)]
    widths = [max([cells(title), *(cells(row[index]) for row in plain)]) for index, title in enumerate(HEAD)]
    return sum(widths) + sum(max(cells(title), 3) for title in head[len(HEAD) :]) + 2 * (len(head) - 1) <= out.width


def _facts(out: Output, item: RegisteredRelease, now: datetime) -> list[str]:
    release = item.release
    return [
        out.style(printable(release.version), "name"),
        moment(out, release.created_at, now).strip(),
        printable(release.created_by),
        str(len(release.images)),
    ]


def _strip(out: Output, item: RegisteredRelease, environments: Sequence[str]) -> Iterator[str]:
    found = {reached.environment: reached for reached in item.reached}
    for name in environments:
        yield mark(out, found.get(name))


def mark(out: Output, reached: Reached | None) -> str:
    """How far a release has come in one environment, in a word or a symbol."""
    if reached is None:
        return out.style("-", "dim")
    if reached.current:
        return out.style("now", "bold")
    return out.style("✓", "good") if reached.proven else out.style("✗", "bad")


def reached(found: Sequence[Reached]) -> Iterator[str]:
    """The same in words, where there is no room for a column each."""
    for item in found:
        state = "now" if item.current else "" if item.proven else "rolled back"
        yield printable(item.environment) + (f" ({state})" if state else "")
