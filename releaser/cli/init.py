"""init: begin a project."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
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

    With --from the declarations deliver what Docker Compose runs now: its files are read as Compose reads them, its
    volumes and networks are used in place, and what has no place in the declarations is told, by file and line. The
    values of secrets are never written.
    """

    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="The application's name; by default the folder's.")
    ] = None
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="NAME=REPOSITORY", help="An image to deliver; may be given many times."),
    ] = None
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="A Compose file, or the folder in which `docker compose` is run."),
    ] = None
    file: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", metavar="FILE", help="A Compose file that overrides it; again for more."),
    ] = None
    env_file: Annotated[
        list[Path] | None,
        typer.Option("--env-file", metavar="FILE", help="Variables for the Compose files; by default .env."),
    ] = None
    profile: Annotated[
        list[str] | None, typer.Option("--profile", metavar="NAME", help="A profile of Compose; again for more.")
    ] = None
    compose_project: Annotated[
        str | None,
        typer.Option("-p", "--compose-project", metavar="NAME", help="The name Compose runs it under, if not its own."),
    ] = None
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            "--to",
            metavar="ENV",
            help="The environment that Compose runs now, by default test1; again for those after it.",
        ),
    ] = None
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", metavar="NAME", help="This variable of the Compose files holds a secret."),
    ] = None
    var: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME[=VALUE]", help="This one holds none, and is written; its value."),
    ] = None
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compose does not run it: no volume and no network is there yet.")
    ] = False


def run(invocation: Invocation, options: Options) -> int:
    """Write the files; gives the exit code."""
    root = absolute(options.directory)
    project = options.project or _named(root.name)
    images = dict(_images(options.image or ()))
    schemas = {name: schema.text(name) for name in schema.DECLARATIONS}
    if options.source is not None:
        from releaser.cli.init_from import begin_from  # noqa: PLC0415 - most begin with nothing

        return begin_from(invocation, options, images, schemas)
    _refuse_without_source(options)
    document = init.begin(root, project, images or {"app": f"registry.example.com/{project}/app"}, schemas)
    out = invocation.out
    out.document(document, lambda out: show(out, document))
    if not options.image:
        out.say("write your image's repository into envs/pipeline.yaml, in place of registry.example.com")
    out.say("keep .release/, where the history is, out of version control")
    out.next("release validate", "release promote RELEASE --to test1")
    return errors.DONE


def _refuse_without_source(options: Options) -> None:
    """Raises BadArgument where an option says how to read Compose files, and none is named."""
    for word in ("file", "env_file", "profile", "compose_project", "env", "secret", "var", "fresh"):
        if getattr(options, word):
            name = "--" + word.replace("_", "-")
            raise BadArgument(f"{name} is about Compose files", hint=f"release init --from compose.yaml {name} …")


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


def show(out: Output, started: Started) -> None:
    """The files that were written."""
    for file in started.files:
        out.line(f"{out.style('+', 'add')} {printable(file)}")
