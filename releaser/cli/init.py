"""init: begin a project."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors, schema
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.model.documents import Started
from releaser.model.errors import BadArgument
from releaser.operations import init
from releaser.planning.redact import printable
from releaser.settings import absolute


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Begin a project: write envs/ to start from.

    A pipeline from a test environment over staging to production, with comments that say what may be changed. Nothing
    is overwritten.
    """

    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="The application's name; by default the folder's.")
    ] = None
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="NAME=REPOSITORY", help="An image to deliver; may be given many times."),
    ] = None


def run(invocation: Invocation, options: Options) -> int:
    """Write the files; gives the exit code."""
    root = absolute(options.directory)
    project = options.project or _named(root.name)
    images = dict(_images(options.image or [f"app=registry.example.com/{project}/app"]))
    schemas = {name: schema.text(name) for name in schema.DECLARATIONS}
    document = init.begin(root, project, images, schemas)
    out = invocation.out
    out.document(document, lambda out: _show(out, document))
    if not options.image:
        out.say("write your image's repository into envs/pipeline.yaml, in place of registry.example.com")
    out.say("keep .release/, where the history is, out of version control")
    out.next("release validate", "release promote RELEASE --to test1")
    return errors.DONE


def _named(folder: str) -> str:
    """A folder's name as a project's."""
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.lower()).strip("-_")
    return name[:63] or "app"


def _images(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, equals, repository = text.partition("=")
        if not equals:
            raise BadArgument(f"{text!r} is not NAME=REPOSITORY", hint="--image api=registry.example.com/shop/api")
        yield name, repository


def _show(out: Output, started: Started) -> None:
    for file in started.files:
        out.line(f"{out.style('+', 'add')} {printable(file)}")
