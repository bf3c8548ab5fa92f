"""Drift as Markdown, for a comment or a page."""

from collections.abc import Iterator

from releaser.cli.plan_markdown import code, plain
from releaser.cli.show_drift import WORDS
from releaser.cli.times import iso
from releaser.cli.values import pair
from releaser.model.drift import DriftReport, EnvironmentDrift
from releaser.planning.wording import count


def markdown(report: DriftReport) -> Iterator[str]:
    """The lines of a report."""
    for index, item in enumerate(report.environments):
        if index:
            yield ""
        yield f"### {plain(item.environment)}: {_title(item)}"
        rows = list(_rows(item))
        if rows:
            yield ""
            yield "| resource | path | record | live | by |"
            yield "|---|---|---|---|---|"
            yield from rows


def _title(item: EnvironmentDrift) -> str:
    if item.clean is None:
        return f"could not be told ({plain(item.error or '')})"
    if item.revision is None:
        return "nothing delivered"
    state = "no drift" if item.clean else f"{count(len(item.items), 'resource')} drifted"
    return f"{state} from #{item.revision}" + (f" ({plain(item.release)})" if item.release else "")


def _rows(item: EnvironmentDrift) -> Iterator[str]:
    for change in item.items:
        by = plain(change.by or "") + (f" {iso(change.at)}" if change.at else "")
        name = f"{code(change.resource)} {WORDS[change.kind]}"
        if not change.fields:
            yield f"| {name} | | | | {by} |"
        for field in change.fields:
            recorded, live = pair(field.recorded, field.live)
            yield f"| {name} | {code(field.path)} | {code(recorded)} | {code(live)} | {by} |"
