"""render: the resources as the engine would get them."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import OneEnvironment
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.trees import tree
from releaser.model.documents import RenderedResources
from releaser.operations import render
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show the resources as the engine would get them.

    Nothing is delivered. Secrets are references. A release that is not registered yet is looked up by its tag, and
    not registered.
    """

    release: Annotated[str | None, typer.Argument(metavar="[RELEASE]", help="Instead of the current release.")] = None
    env: OneEnvironment


def run(invocation: Invocation, options: Options) -> int:
    """Print them; gives the exit code."""
    with invocation.workspace() as ws:
        document = render.render(ws, options.env, options.release)
    invocation.out.document(document, lambda out: _show(out, document))
    if invocation.out.form == "table":
        for warning in document.warnings:
            invocation.out.warn(printable(warning))
    return errors.DONE


def _show(out: Output, rendered: RenderedResources) -> None:
    head = f"# {rendered.environment} {rendered.release}, rendered {rendered.rendered_digest}"
    out.line(out.style(printable(head), "dim"))
    for resource in rendered.resources:
        for line in tree({resource.id: resource.body}):
            top = not line.startswith(" ")
            out.line(out.style(line, "name") if top else line)
