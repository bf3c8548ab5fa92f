"""validate: the declarations alone, all errors at once."""

from dataclasses import dataclass

from releaser.cli import errors
from releaser.cli.environments import chosen
from releaser.cli.invocation import Invocation
from releaser.cli.options import ManyEnvironments
from releaser.cli.output import Output
from releaser.model.documents import Validation
from releaser.model.errors import InvalidDeclarations
from releaser.operations import render
from releaser.planning.redact import printable
from releaser.planning.wording import count


@dataclass(frozen=True, kw_only=True)
class Options(ManyEnvironments):
    """Check the declarations, all errors at once.

    Each by file, line and column. No engine, no registry and no history is asked.
    """


def run(invocation: Invocation, options: Options) -> int:
    """Check; gives the exit code, and raises InvalidDeclarations where something is wrong."""
    out = invocation.out
    with invocation.workspace() as ws:
        if not options.env:
            problems = ws.declarations.problems(())
            if problems:
                raise InvalidDeclarations(problems)
        document = render.validate(ws, chosen(ws, options.env, every=options.all, declared=True))
    out.document(document, lambda out: _show(out, document))
    if out.form == "table":
        for warning in document.warnings:
            out.warn(printable(warning))
    return errors.DONE


def _show(out: Output, validation: Validation) -> None:
    files, environments = count(len(validation.files), "file"), count(len(validation.environments), "environment")
    out.line(f"{out.style('✓', 'good')} {files} of {environments}: no errors")
    if out.verbose:
        for file in validation.files:
            out.line(f"  {printable(file)}")
