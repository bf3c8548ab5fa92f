"""schema: the JSON Schema of a declaration or a document."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import releaser
from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.model.errors import BadArgument, InternalError, UnknownName
from releaser.planning.wording import listed, nearest

FOLDER = Path(releaser.__file__).parent / "schemas"
SUFFIX = ".schema.json"
DECLARATIONS = ("pipeline", "layer")


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Print the JSON Schema of a declaration or a document.

    Without a name the names are printed. The declarations' schemas are for editors: `release init` puts them beside
    what they describe.
    """

    FORMATS = ("table", "json", "name")

    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="As in pipeline, layer, plan, status.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    if options.name is None and _document_asked_for(options):
        raise BadArgument("the names of the schemas are no document", hint="release schema NAME, or -o name")
    if options.name is None:
        for name in names():
            invocation.out.line(name)
    else:
        invocation.out.line(text(options.name).rstrip("\n"))
    return errors.DONE


def _document_asked_for(options: Options) -> bool:
    return options.json or (options.output or "").removeprefix("=") == "json"


def names() -> tuple[str, ...]:
    """What there are schemas of: the declarations first."""
    documents = sorted(file.name.removesuffix(SUFFIX) for file in FOLDER.glob(f"*{SUFFIX}"))
    if not documents:
        raise InternalError(f"the schemas are not installed in {FOLDER}")
    return (*DECLARATIONS, *(name for name in documents if name not in DECLARATIONS))


def text(name: str) -> str:
    """A schema as it is shipped. Raises UnknownName with the nearest name."""
    known = names()
    if name not in known:
        near = nearest(name, known)
        raise UnknownName(
            f"there is no schema {name}", hint=f"did you mean {near}?" if near else f"there are {listed(known)}"
        )
    return (FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8")
