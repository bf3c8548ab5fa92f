"""Plans as Markdown, for a pull request: the same facts, in a table that folds where it is long."""

import re
from collections.abc import Iterator

from releaser.cli.show_changes import BY_ENGINE, SYMBOLS, WORDS
from releaser.cli.show_plan import image_words, plan_name, refusing, summary_words, telling
from releaser.cli.values import SECRET, SECRET_CHANGED, pair, shown
from releaser.model.plan import CREATE, DELETE, UNCHANGED, Change, FieldChange, Plan
from releaser.planning.redact import printable

FOLDED = 30
"""Rows from which on the table is folded."""


def markdown(plan: Plan, before: str | None) -> Iterator[str]:
    """The lines of a plan."""
    version = plan.release.version
    way = f"{code(before)} → {code(version)}" if before not in {None, version} else code(version)
    target = f"{plain(plan.target.engine)} {code(plan.target.place)}"
    yield f"### Plan {code(plan_name(plan))} for {plain(plan.environment)} ({target}): {plain(plan.trigger)} {way}"
    yield ""
    yield f"**{plain(summary_words(plan))}**" + (f" Refused by: {refusing(plan)}." if plan.refused_by else "")
    rows = [row for change in plan.changes if change.action != UNCHANGED for row in _rows(change)]
    if rows:
        yield ""
        yield from _table(rows)
    notes = list(_notes(plan))
    if notes:
        yield ""
        yield from notes


def _table(rows: list[str]) -> Iterator[str]:
    folded = len(rows) > FOLDED
    if folded:
        yield f"<details><summary>{len(rows)} changes</summary>"
        yield ""
    yield "| | resource | field | old | new | from |"
    yield "|---|---|---|---|---|---|"
    yield from rows
    if folded:
        yield ""
        yield "</details>"


def _rows(change: Change) -> Iterator[str]:
    head = f"{SYMBOLS[change.action]} {WORDS[change.action]}"
    fields = change.fields
    if change.action == DELETE or not (fields or change.server):
        yield f"| {head} | {code(change.resource)} | | | | |"
        return
    if change.action == CREATE:
        fields = tuple(field for field in fields if field.path == "image") or fields[:1]
    for field in fields:
        origin = code(f"{field.origin.file}:{field.origin.line}") if field.origin else ""
        yield f"| {head} | {code(change.resource)} | {_field(field, origin)} |"
    for field in change.server:
        yield f"| {head} | {code(change.resource)} | {_field(field, BY_ENGINE)} |"


def _field(field: FieldChange, origin: str) -> str:
    if field.secret:
        return f"{code(field.path)} | | {SECRET if field.old is None else SECRET_CHANGED} | {origin}"
    if field.old is None:
        return f"{code(field.path)} | | {code(shown(field.new))} | {origin}"
    old, new = pair(field.old, field.new)
    return f"{code(field.path)} | {code(old)} | {code(new)} | {origin}"


def _notes(plan: Plan) -> Iterator[str]:
    for image in telling(plan.images):
        yield f"- image {code(image.image)}: {image_words(image)}"
    for gate in plan.gates:
        yield f"- {'✓' if gate.passed else '✗'} **{plain(gate.gate)}** {plain(gate.detail)}"
    for item in plan.drift:
        yield f"- ! **drift** {code(item.resource)} {item.kind}"
    for warning in plan.warnings:
        yield f"- ! **warning** {plain(warning)}"


def plain(text: str) -> str:
    """A text in which Markdown, HTML and mentions mean nothing."""
    return re.sub(r"([\\`*_\[\]<>#|~@&])", r"\\\1", printable(text))


def code(text: str) -> str:
    """A text as code in a table's cell."""
    shown_text = printable(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", shown_text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown_text}{pad}{fence}"
