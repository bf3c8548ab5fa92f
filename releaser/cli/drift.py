"""drift: what is live against the record."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from releaser.cli import errors
from releaser.cli.drift_markdown import markdown
from releaser.cli.environments import chosen
from releaser.cli.invocation import Invocation
from releaser.cli.options import ManyEnvironments
from releaser.cli.show_drift import show_drift
from releaser.model.drift import DriftReport
from releaser.operations import drift


@dataclass(frozen=True, kw_only=True)
class Options(ManyEnvironments):
    """Compare what is live with the record.

    Nothing is changed. Drift is a difference between what the newest delivery left behind and what is there now.
    Exits with 5 where an environment could not be read.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "md")

    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 2 where something drifted.")] = False


def run(invocation: Invocation, options: Options) -> int:
    """Look and print; gives the exit code."""
    out = invocation.out
    with invocation.workspace() as ws:
        document = drift.report(ws, chosen(ws, options.env, every=options.all))
    if out.form == "md":
        for line in markdown(document):
            out.line(line)
    else:
        out.document(document, lambda out: show_drift(out, document))
    if out.form in {"table", "md"}:
        out.next(*_next(document))
    if any(item.clean is None for item in document.environments):
        return errors.UNREACHABLE
    drifted = any(item.clean is False for item in document.environments)
    return errors.DIFFERENT if drifted and options.exit_code else errors.DONE


def _next(document: DriftReport) -> Iterator[str]:
    """Both ways out of the first drift."""
    for item in document.environments:
        if item.clean is False:
            yield f"release reconcile --to {item.environment}"
            yield f"release reconcile --to {item.environment} --accept -m WHY"
            return
