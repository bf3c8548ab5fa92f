"""One delivery as people read it: how it ended first, then why, what, and how."""

import textwrap
from collections.abc import Iterator
from datetime import datetime

from releaser.cli.outcomes import outcome, styled
from releaser.cli.output import Output
from releaser.cli.show_changes import blocks
from releaser.cli.show_plan import plan_name, summary_words, wrapped
from releaser.cli.times import ago, clock_time, moment, took
from releaser.cli.trees import tree
from releaser.cli.values import cells, cut, padded, short, shown
from releaser.model.delivery import Details
from releaser.model.value import Json
from releaser.planning.redact import printable

LABEL = 9


def show_details(out: Output, details: Details, current: int | None, now: datetime) -> None:
    """Print it; `current` is the revision that is known to run."""
    for line in _lines(out, details, current, now):
        out.line(line)


def _lines(out: Output, details: Details, current: int | None, now: datetime) -> Iterator[str]:
    delivery = details.delivery
    title = f"{delivery.environment} #{delivery.revision}  {delivery.release}"
    is_current = ", current" if delivery.revision == current else ""
    ended = styled(out, delivery.status, outcome(delivery.status, cut_off=details.cut_off))
    yield f"{out.style(printable(title), 'name')}  {ended}{is_current}"
    for label, text in _facts(out, details, now):
        yield from _fact(out, label, text)
    drift = details.plan.drift if details.plan.accepts else ()
    changes = [line for block in blocks(out, details.plan.changes, drift) for line in block]
    yield ""
    yield out.style(f"Plan {plan_name(details.plan)}: {summary_words(details.plan)}", "name")
    yield from changes
    for gate in details.plan.gates:
        mark = out.style("✓", "good") if gate.passed else out.style("✗", "bad")
        yield f"  {mark} {printable(gate.gate)}  {printable(gate.detail)}"
    yield ""
    yield out.style("Resources", "name")
    yield from _resources(out, details)
    yield ""
    yield out.style("Steps", "name")
    for step in details.steps:
        time = clock_time(out, step.at)
        first, *more = wrapped(out, f"{time}  {' '.join(step.text.split())}", hang=len(time) + 4, first=2)
        yield f"  {out.style(time, 'dim')}{first[len(time) + 2 :]}"
        yield from more


def _facts(out: Output, details: Details, now: datetime) -> Iterator[tuple[str, str]]:
    delivery = details.delivery
    start = moment(out, delivery.started_at, now).strip()
    ended = delivery.finished_at is not None
    length = f"{'took' if ended else 'runs for'} {took(delivery, now)}"
    if details.cut_off:
        length = "cut off: the next delivery finds out what it did"
    yield "when", f"{start} ({ago(delivery.started_at, now)}), {length}"
    yield "by", delivery.actor
    way = delivery.trigger if delivery.restores is None else f"{delivery.trigger} to #{delivery.restores}"
    yield "how", f"{way}, on top of #{delivery.base_revision}" if delivery.base_revision else f"{way}, the first"
    if delivery.reason:
        yield "why", delivery.reason
    if delivery.message:
        yield "message", delivery.message
    if delivery.hint:
        yield "hint", delivery.hint
    if delivery.restored is not None:
        yield "restored", f"#{delivery.restored}" if delivery.restored else "the empty environment"
    yield "target", f"{delivery.target.engine} {delivery.target.place}"
    if delivery.source:
        yield (
            "source",
            delivery.source.commit + (" with changes that are not committed" if delivery.source.dirty else ""),
        )
    digests = (delivery.config_digest, delivery.rendered_digest)
    config, rendered = digests if out.verbose else (short(digest) for digest in digests)
    yield "config", f"{config}, rendered {rendered}, by release {delivery.tool_version}"


def _fact(out: Output, label: str, text: str) -> Iterator[str]:
    lines = [
        line
        for part in printable(text, lines=True).splitlines() or [""]
        for line in textwrap.wrap(part, max(out.width - LABEL - 4, 20), break_on_hyphens=False) or [""]
    ]
    for index, line in enumerate(lines):
        yield f"  {out.style(padded(label if index == 0 else '', LABEL), 'dim')}  {line}"


def _resources(out: Output, details: Details) -> Iterator[str]:
    width = max((cells(printable(resource.id)) for resource in details.resources), default=0)
    for resource in details.resources:
        name = printable(resource.id)
        if out.verbose:
            yield f"  {out.style(name, 'name')}"
            yield from (f"    {line}" for line in tree(resource.body))
        else:
            text = cut(_gist(resource.body), max(out.width - width - 4, 16))
            yield f"  {padded(name, width)}  {out.style(text, 'dim')}".rstrip()


def _gist(body: Json) -> str:
    """What tells one version of a resource from another, in a few words."""
    image = body.get("image") if isinstance(body, dict) else None
    return shown(image) if isinstance(image, str) else ""
