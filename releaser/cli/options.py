"""The options that verbs share, as frozen values; a verb's own options are a subclass with more fields.

A field is an `Annotated` with what typer needs; `cli.parsing` makes the command of it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import typer

ColorWord = Literal["auto", "always", "never"]
FORMATS = ("table", "json", "yaml", "ndjson", "md", "name", "github")
"""How answers can be printed; each verb has some of these."""

Environment = Annotated[str, typer.Option("--to", "--env", metavar="ENV", help="The environment to deliver to.")]
Adopt = Annotated[bool, typer.Option("--adopt", help="Take over what others delivered to the target.")]
Move = Annotated[bool, typer.Option("--move", help="The target changed: deliver there, leave the old one.")]
Replace = Annotated[bool, typer.Option("--replace", help="What cannot be changed may be removed and made anew.")]
OneEnvironment = Annotated[str, typer.Option("--env", "--to", metavar="ENV", help="The environment.")]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every verb takes."""

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml")

    directory: Annotated[
        Path,
        typer.Option(
            "-C", "--directory", metavar="DIR", help="Look for the project here and above.", show_default=False
        ),
    ] = Path()
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="FORMAT", help="How to print the answer.")] = (
        None
    )
    json: Annotated[bool, typer.Option("--json", help="The same as -o json.")] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say little.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")] = False
    color: Annotated[
        ColorWord | None, typer.Option("--color", help="When to use colour.", metavar="auto|always|never")
    ] = None
    history: Annotated[
        str | None, typer.Option("--history", metavar="ADDRESS", help="Where the history is, as in sqlite:PATH.")
    ] = None
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks.")] = False


@dataclass(frozen=True, kw_only=True)
class ManyEnvironments(Options):
    """What reading verbs take: `--env` many times, with commas and globs, or all."""

    env: Annotated[
        list[str] | None,
        typer.Option("--env", "--to", metavar="ENV", help="An environment; again, with commas, or 'test*'."),
    ] = None
    all: Annotated[bool, typer.Option("--all", help="Every environment, as without --env.")] = False


@dataclass(frozen=True, kw_only=True)
class Writing(Options):
    """What every verb takes that changes an environment."""

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "ndjson")

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who delivers, for the record.")] = None
    reason: Annotated[str | None, typer.Option("-m", "--message", metavar="WHY", help="Why, for the record.")] = None


@dataclass(frozen=True, kw_only=True)
class PlanOptions(Options):
    """What every verb takes that shows a plan and stops there."""

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "ndjson", "md")

    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Save the plan, for apply.")] = None
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 2 where the plan has something to do.")] = False


@dataclass(frozen=True, kw_only=True)
class Delivering(PlanOptions, Writing):
    """What every verb takes that makes a plan and executes it."""

    FORMATS: ClassVar[tuple[str, ...]] = PlanOptions.FORMATS

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; deliver nothing.")] = False
