"""Plans as people read them: what changes, why it may or may not, and what comes next, at a glance."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from releaser.cli.output import Output
from releaser.cli.show_changes import blocks
from releaser.cli.values import grown, short
from releaser.model.plan import (
    CREATE,
    DELETE,
    PROMOTE,
    RECONCILE,
    REPLACE,
    ROLLBACK,
    UNCHANGED,
    UPDATE,
    ImageChange,
    Plan,
)
from releaser.planning.redact import printable
from releaser.planning.wording import count, listed


def show_plan(out: Output, plan: Plan, before: str | None = None, *, title: str | None = None) -> None:
    """Print a plan under its title; `before` is the release that is known to run now."""
    for line in lines(out, plan, title or heading(plan, before)):
        out.line(line)


def lines(out: Output, plan: Plan, title: str) -> Iterator[str]:
    """The lines of a plan, in the style and the width of the answer."""
    for line in wrapped(out, title, first=0):
        yield out.style(line, "name")
    yield from _notes(out, plan)
    changes = [line for block in blocks(out, plan.changes, plan.drift if plan.accepts else ()) for line in block]
    if changes:
        yield ""
        yield from changes
    rest = [*_gates(out, plan), *_drift(out, plan), *_warnings(out, plan)]
    if rest:
        yield ""
        yield from rest
    if changes or rest:
        yield ""
    yield from _summary(out, plan)


def heading(plan: Plan, before: str | None) -> str:
    """`Plan 9c1e2a for staging (directory deploy/staging): v1.3 → v1.4`."""
    version = plan.release.version
    way = version if before in {None, version} else f"{before} → {version}"
    if plan.trigger == ROLLBACK:
        way = f"back to #{plan.restores} ({version})" if before in {None, version} else f"{way} (#{plan.restores})"
    elif plan.trigger == RECONCILE:
        way = f"accept the drift from {version}" if plan.accepts else f"{version} as recorded"
    return f"Plan {plan_name(plan)} for {plan.environment} ({plan.target.engine} {plan.target.place}): {way}"


def plan_name(plan: Plan) -> str:
    """The first six digits of the plan's id."""
    return short(plan.id)[:6]


def _summary(out: Output, plan: Plan) -> Iterator[str]:
    for line in wrapped(out, summary_words(plan), first=0):
        yield out.style(line, "good") if plan.nothing_to_do else line
    if plan.refused_by:
        yield out.style(f"Refused by: {refusing(plan)}.", "bad")


def summary_words(plan: Plan) -> str:
    """`2 to change, 1 to add, 0 to remove`, or why there is nothing of that."""
    if plan.nothing_to_do:
        state = {PROMOTE: "as declared", RECONCILE: "as recorded"}.get(plan.trigger, f"as #{plan.restores} left it")
        return f"Nothing to do: {plan.environment} has {plan.release.version} {state}."
    actions = Counter(change.action for change in plan.changes)
    if plan.accepts:
        counted = f"{count(len(plan.drift), 'drifted resource')} to take into the record; nothing is written"
    elif not plan.writes:
        counted = "No resource changes: only the record of the release"
    else:
        parts = [f"{actions[UPDATE]} to change", f"{actions[CREATE]} to add", f"{actions[DELETE]} to remove"]
        counted = ", ".join([*parts, *([f"{actions[REPLACE]} to replace"] if actions[REPLACE] else [])])
    if actions[UNCHANGED]:
        counted += f" ({actions[UNCHANGED]} unchanged)"
    return f"{counted}."


def telling(images: Sequence[ImageChange]) -> Iterator[ImageChange]:
    """Those that differ in more than their digest."""
    return (image for image in images if image.packages or image.bytes)


def image_words(image: ImageChange) -> str:
    """`3 packages changed, 2.1 MB more`."""
    packages = f"{count(image.packages, 'package') if image.packages else 'no package'} changed"
    return f"{packages}, {grown(image.bytes)}"


def refusing(plan: Plan) -> str:
    """The gates that refuse, by name."""
    return printable(listed(list(dict.fromkeys(gate.gate for gate in plan.refused_by))))


def _notes(out: Output, plan: Plan) -> Iterator[str]:
    if plan.registers:
        images = [f"{name} {short(image.digest)}" for name, image in plan.release.images.items()]
        yield from wrapped(out, f"registers {plan.release.version}: {', '.join(images)}")
    for image in telling(plan.images):
        yield from wrapped(out, f"image {image.image}: {image_words(image)}")
    if plan.moves_from:
        yield from wrapped(out, f"moves from {plan.moves_from.engine} {plan.moves_from.place}, which is left empty")
    if plan.adopts:
        yield from wrapped(out, f"takes over what others delivered: {few(plan.adopts, whole=out.verbose)}")


def _gates(out: Output, plan: Plan) -> Iterator[str]:
    width = max((len(gate.gate) for gate in plan.gates), default=0)
    for gate in plan.gates:
        mark = out.style("✓", "good") if gate.passed else out.style("✗", "bad")
        word = "" if gate.passed else "refused: "
        first, *more = wrapped(out, f"{gate.gate:{width}}  {word}{gate.detail}", hang=6 + width)
        yield f"  {mark} {first[4:]}"
        yield from more


def _drift(out: Output, plan: Plan) -> Iterator[str]:
    if not plan.drift or plan.accepts:
        return
    kinds: dict[str, list[str]] = {}
    for item in plan.drift:
        kinds.setdefault(item.kind, []).append(item.resource)
    found = "; ".join(f"{few(names, whole=out.verbose)} {kind}" for kind, names in sorted(kinds.items()))
    then = "which this puts back" if plan.trigger == RECONCILE else "which this overwrites"
    first, *more = wrapped(out, f"drift: {found}, {then}", hang=4)
    yield f"  {out.style('!', 'warn')} {first[4:]}"
    yield from more


def _warnings(out: Output, plan: Plan) -> Iterator[str]:
    for warning in plan.warnings:
        first, *more = wrapped(out, f"warning: {warning}", hang=4)
        yield f"  {out.style('!', 'warn')} {first[4:]}"
        yield from more


def few(names: Sequence[str], most: int = 4, *, whole: bool = False) -> str:
    """The names, or the first of them and how many more there are."""
    if whole or len(names) <= most:
        return listed(names)
    return listed([*names[: most - 1], f"{len(names) - most + 1} more"])


def wrapped(out: Output, text: str, hang: int = 2, first: int | None = None) -> list[str]:
    """The text in lines of the answer's width, all but the first `hang` columns in, that one `first`."""
    begin = " " * (min(hang, 4) if first is None else first)
    return textwrap.wrap(
        printable(text),
        width=max(out.width, 30),
        initial_indent=begin,
        subsequent_indent=" " * hang,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    ) or [begin]
