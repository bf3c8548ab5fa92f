"""Status as people read it: a matrix of services and environments, or a block for each where that is too wide."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from releaser.cli.outcomes import STYLES
from releaser.cli.output import Output
from releaser.cli.show_plan import wrapped
from releaser.cli.times import age
from releaser.cli.values import cells, padded
from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, RUNNING, SUCCEEDED
from releaser.model.documents import EnvironmentStatus, LockState, ServiceState, Status
from releaser.planning.redact import printable
from releaser.planning.wording import listed

GAP = 2
LONG, SHORT = 12, 7
"""Digits of a digest: as many as there is room for."""

NOTHING, UNKNOWN = "-", "?"


class Surroundings(NamedTuple):
    """What is not in the document, and helps a person."""

    now: datetime
    locks: Mapping[str, LockState]  # environment → who delivers
    waiting: tuple[tuple[str, str], ...] = ()  # (release, environment) that it could go on to
    emptied: frozenset[str] = frozenset()  # environments that are known to be empty again
    undeclared: frozenset[str] = frozenset()  # environments that the pipeline has no more


class Cell(NamedTuple):
    """A text and its style."""

    text: str
    style: str | None = None


def show_status(out: Output, status: Status, more: Surroundings) -> None:
    """Print it, what it does not say for sure, and what to do next."""
    if not status.environments:
        out.say("the pipeline has no environments")
        return
    for line in _lines(out, status, more):
        out.line(line)
    notes = list(_notes(status, more))
    if notes:
        out.line()
    for symbol, note in notes:
        first, *rest = wrapped(out, note, hang=2)
        out.line(f"{out.style(symbol, 'warn')} {first[2:]}")
        for line in rest:
            out.line(line)
    out.next(*dict.fromkeys(_next(status, more)))


def _lines(out: Output, status: Status, more: Surroundings) -> Iterator[str]:
    for digits in (LONG, SHORT):
        table = list(_matrix(status.environments, more, digits))
        widths = [max(cells(row[column].text) for row in table) for column in range(len(table[0]))]
        if sum(widths) + GAP * (len(widths) - 1) <= out.width:
            for row in table:
                yield _joined(out, row, widths)
            return
    for delivered, group in groupby(status.environments, key=lambda item: item.head is not None):
        if delivered:
            for environment in group:
                yield from _block(out, environment, more)
        else:
            names = listed([printable(environment.environment) for environment in group])
            yield from (out.style(line, "dim") for line in textwrap.wrap(f"{names}: nothing delivered", out.width))


def _joined(out: Output, row: Sequence[Cell], widths: Sequence[int]) -> str:
    found = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        text = cell.text if index == len(row) - 1 else padded(cell.text, width + GAP)
        found.append(out.style(text, cell.style) if cell.style else text)
    return "".join(found).rstrip()


# --- the matrix ---


def _matrix(environments: Sequence[EnvironmentStatus], more: Surroundings, digits: int) -> Iterator[list[Cell]]:
    yield [Cell("", None), *(Cell(printable(item.environment), "name") for item in environments)]
    yield [Cell("release", "dim"), *(_release(item, more) for item in environments)]
    yield [Cell("state", "dim"), *(_state(item) for item in environments)]
    if any(item.drift for item in environments):
        yield [Cell("drift", "dim"), *(_drift(item) for item in environments)]
    yield [Cell("since", "dim"), *(Cell(_since(item, more)) for item in environments)]
    names = sorted({name for item in environments for name in item.services})
    for name in names:
        services = [item.services.get(name) for item in environments]
        yield [Cell(printable(name), "dim"), *_services(services, digits)]


def _services(services: Sequence[ServiceState | None], digits: int) -> Iterator[Cell]:
    """One service everywhere; where it is the same everywhere there is little to see."""
    digests = [service.digest for service in services if service]
    same = len(digests) > 1 and len(set(digests)) == 1
    for service in services:
        if service is None:
            yield Cell(NOTHING, "dim")
        else:
            text = _digest(service, digits) + (f" {_ready(service)}" if service.ready else "")
            style = "bad" if _lacks(service) else "dim" if same else None
            yield Cell(text, style)


def _digest(service: ServiceState, digits: int) -> str:
    return (service.digest or UNKNOWN).removeprefix("sha256:")[:digits]


def _ready(service: ServiceState) -> str:
    return f"{service.ready.running}/{service.ready.desired}" if service.ready else ""


def _lacks(service: ServiceState) -> bool:
    return service.ready is not None and service.ready.running < service.ready.desired


def _release(item: EnvironmentStatus, more: Surroundings) -> Cell:
    if item.current is not None:
        return Cell(printable(item.current.release), "bold")
    known = item.head is None or item.environment in more.emptied
    return Cell(NOTHING, "dim") if known else Cell(UNKNOWN, "warn")


def _state(item: EnvironmentStatus) -> Cell:
    """What is known, in one word: never more than what was looked at."""
    if item.head is None:
        return Cell("empty", "dim")
    if item.error is not None:
        return Cell("unreachable", "bad")
    if item.head.status == RUNNING:
        return Cell("cut off" if item.head.cut_off else "delivering", "warn")
    if item.head.status != SUCCEEDED:
        return Cell(item.head.status, STYLES[item.head.status])
    seen = [service for service in item.services.values() if service.ready]
    if seen:
        return Cell("not ready", "bad") if any(map(_lacks, seen)) else Cell("ready", "good")
    return Cell("written" if item.engine == "directory" else "delivered", "good")


def _drift(item: EnvironmentStatus) -> Cell:
    if item.drift is None:
        return Cell(NOTHING, "dim")
    styles = {"none": "good", "some": "bad", "unknown": "warn"}
    return Cell({"some": "drifted"}.get(item.drift.state, item.drift.state), styles[item.drift.state])


def _since(item: EnvironmentStatus, more: Surroundings) -> str:
    return age(item.current.since, more.now) if item.current else NOTHING


# --- a block for each environment ---


def _block(out: Output, item: EnvironmentStatus, more: Surroundings) -> Iterator[str]:
    facts = [_release(item, more), _state(item)]
    if item.drift:
        drift = _drift(item)
        facts.append(
            Cell({"none": "no drift", "unknown": "drift unknown"}.get(item.drift.state, drift.text), drift.style)
        )
    if item.current:
        facts.append(Cell(_since(item, more), "dim"))
    shown = [out.style(fact.text, fact.style) if fact.style else fact.text for fact in facts]
    yield "  ".join([out.style(printable(item.environment), "name"), *shown])
    width = max((cells(printable(name)) for name in item.services), default=0)
    for name, service in sorted(item.services.items()):
        (cell,) = _services([service], LONG)
        style = cell.style if _lacks(service) else None
        text = out.style(cell.text, style) if style else cell.text
        yield f"  {out.style(padded(printable(name), width), 'dim')}  {text}"


# --- what else there is to say ---


def _notes(status: Status, more: Surroundings) -> Iterator[tuple[str, str]]:
    for item in status.environments:
        note = _note(item, more)
        if note:
            yield note
    for item in status.environments:
        if item.environment in more.undeclared:
            runs = (
                f", and still {'runs' if item.engine != 'directory' else 'has'} {item.current.release}"
                if item.current
                else ""
            )
            yield "!", f"{item.environment} is not declared any more{runs}"
    drifted = [item.environment for item in status.environments if item.drift and item.drift.state == "some"]
    if drifted:
        yield "!", f"{listed(drifted)} {'differs' if len(drifted) == 1 else 'differ'} from the record"
    unseen = [item.environment for item in status.environments if item.head and item.engine == "directory"]
    if unseen:
        yield "·", "written: files are in place; this engine does not observe them running"


def _note(item: EnvironmentStatus, more: Surroundings) -> tuple[str, str] | None:
    """Why an environment is not simply delivered."""
    if item.error is not None:
        return "✗", f"{item.environment}: {item.error}"
    if item.head is None or item.head.status == SUCCEEDED:
        return None
    name = f"{item.environment} #{item.head.revision}"
    empty = "it is empty again" if item.environment in more.emptied else "what runs there is not known"
    after = f"; {item.current.release} is known to run" if item.current else f"; {empty}"
    if item.head.status == RUNNING:
        if item.head.cut_off:
            return "!", f"{name} was cut off: the next delivery finds out what it did"
        lock = more.locks.get(item.environment)
        by = f" by {lock.actor} ({lock.verb}, {age(lock.since, more.now)})" if lock else ""
        return "…", f"{name} is being delivered{by}"
    symbol = {FAILED: "✗", INTERRUPTED: "!", ABORTED: "!"}[item.head.status]
    verb = "was " if item.head.status in {INTERRUPTED, ABORTED} else ""
    return symbol, f"{name} {verb}{item.head.status}{after}"


def _next(status: Status, more: Surroundings) -> Iterator[str]:
    for item in status.environments:
        state = item.head.status if item.head else None
        if item.head and (state == INTERRUPTED or item.head.cut_off):
            yield f"release resume {item.environment}"
        elif state == FAILED and item.head:
            yield f"release show {item.environment}/{item.head.revision}"
        if item.drift and item.drift.state == "some":
            yield f"release drift --env {item.environment}"
    for release, environment in more.waiting:
        yield f"release promote {release} --to {environment}"
    if all(item.head is None for item in status.environments):
        yield f"release promote RELEASE --to {status.environments[0].environment}"
