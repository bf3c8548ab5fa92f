"""Drift as people read it: each path with the value of the record and the one that is live."""

from collections.abc import Iterator, Mapping

from releaser.cli.output import Output
from releaser.cli.times import clock_time, iso
from releaser.cli.values import cells, cut, padded, pair
from releaser.model.drift import (
    CHANGED,
    MISSING,
    ORPHAN,
    RECREATED,
    DriftField,
    DriftItem,
    DriftReport,
    EnvironmentDrift,
)
from releaser.planning.redact import printable
from releaser.planning.wording import count

INDENT = 6
LEAST = 12
"""The columns below which two values do not stand beside each other."""

WORDS: Mapping[str, str] = {
    MISSING: "is gone",
    CHANGED: "was changed",
    RECREATED: "was made anew",
    ORPHAN: "is there, and nobody delivered it",
}


def show_drift(out: Output, report: DriftReport) -> None:
    """Print every environment: no drift is said, too."""
    width = max((cells(printable(item.environment)) for item in report.environments), default=0)
    for item in report.environments:
        for line in _environment(out, item, width):
            out.line(line)


def _environment(out: Output, item: EnvironmentDrift, width: int) -> Iterator[str]:
    symbol, style, text = _summary(out, item)
    yield f"{out.style(symbol, style)} {out.style(padded(printable(item.environment), width), 'name')}  {text}"
    for change in item.items:
        yield from _item(out, change)
    for note in item.notes:
        yield f"    {out.style('no drift: ' + printable(note), 'dim')}"


def _summary(out: Output, item: EnvironmentDrift) -> tuple[str, str, str]:
    record = f"#{item.revision}" + (f" ({printable(item.release)})" if item.release else "")
    if item.clean is None:
        return "?", "warn", f"could not be told: {printable(item.error or 'no reason is known')}"
    if item.revision is None:
        return "-", "dim", out.style("nothing delivered", "dim")
    if item.clean:
        return "✓", "good", f"no drift from {record}"
    number = len(item.items)
    verb = "differs" if number == 1 else "differ"
    return "!", "bad", f"{count(number, 'resource')} {verb} from {record}, seen {clock_time(out, item.checked_at)}"


def _item(out: Output, item: DriftItem) -> Iterator[str]:
    who = f" by {printable(item.by)}" if item.by else ""
    when = f" at {iso(item.at)}" if item.at else ""
    yield f"    {out.style(printable(item.resource), 'name')} {WORDS[item.kind]}{who}{when}"
    if item.fields:
        yield from _fields(out, item.fields)


def _fields(out: Output, fields: tuple[DriftField, ...]) -> Iterator[str]:
    """The fields below a head; one below the other where two values do not fit beside the path."""
    rows = [(printable(f.path), *pair(f.recorded, f.live, whole=out.verbose)) for f in fields]
    authors = {row[0]: _author(field) for row, field in zip(rows, fields, strict=True)}
    room = out.width - INDENT - max(cells(author) + 2 if author else 0 for author in authors.values())
    path = max(cells(row[0]) for row in rows)
    each = (room - path - 4) // 2
    if each < LEAST:
        for name, recorded, live in rows:
            yield " " * INDENT + name
            for side, value in (("record", recorded), ("live", live)):
                text = value if out.verbose else cut(value, room - 10)
                yield f"{' ' * INDENT}  {out.style(padded(side, 6), 'dim')}  {text}"
            if author := authors[name]:
                yield f"{' ' * INDENT}  {out.style(padded('by', 6) + '  ' + author, 'dim')}"
        return
    left = min(max(6, *(cells(row[1]) for row in rows)), each)
    yield " " * INDENT + out.style(f"{padded('', path)}  {padded('record', left)}  live", "dim")
    for name, recorded, live in rows:
        shown = (recorded, live) if out.verbose else (cut(recorded, each), cut(live, each))
        author = out.style(f"  {authors[name]}", "dim") if authors[name] else ""
        yield f"{' ' * INDENT}{padded(name, path)}  {padded(shown[0], left)}  {out.style(shown[1], 'change')}{author}"


def _author(field: DriftField) -> str:
    """Who wrote a field, and when, as far as it is known."""
    when = f" at {iso(field.at)}" if field.at else ""
    return f"{printable(field.by)}{when}" if field.by else ""
