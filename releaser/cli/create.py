"""create: register a release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors, next_steps
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.values import short
from releaser.model.errors import BadArgument
from releaser.model.release import Release
from releaser.operations.create import create
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Register a release: each image's tag becomes a digest, once.

    An image's tag is the release's name unless --image says otherwise. The same digests again change nothing; others
    are refused. From then on a tag is never looked at again.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="NAME=REF", help="Another tag, or a digest, for one image; again for more."),
    ] = None
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who registers it, for the record.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Register; gives the exit code."""
    with invocation.workspace(by=options.by) as ws:
        begun = ws.clock.now()
        release = create(ws, options.release, references(options.image or ()))
        invocation.out.document(release, lambda out: _show(out, release, known=release.created_at < begun))
        invocation.out.next(*next_steps.after_create(ws, release.version))
    return errors.DONE


def references(words: Sequence[str]) -> Mapping[str, str]:
    """Image → tag or digest, from NAME=REF. Raises BadArgument."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, reference = word.partition("=")
        if not (name and equals and reference):
            raise BadArgument(f"--image {word} is not NAME=REF", hint="as in --image api=v1.4-rc2")
        if name in found:
            raise BadArgument(f"--image names {name} twice", hint="leave one of them out")
        found[name] = reference
    return found


def _show(out: Output, release: Release, *, known: bool) -> None:
    said = "is registered already, with the same digests" if known else "is registered"
    out.line(f"{out.style('✓', 'good')} {release.version} {said}")
    rows = [
        (
            printable(name),
            short(image.digest),
            "a digest" if image.tag is None else printable(f"tag {image.tag}"),
            printable(", ".join(sorted(image.platforms))),
        )
        for name, image in sorted(release.images.items())
    ]
    out.table(("IMAGE", "DIGEST", "FROM", "PLATFORMS"), rows)
