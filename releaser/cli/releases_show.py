"""releases show: one release with its digests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.times import ago, moment
from releaser.cli.values import cells, padded, short
from releaser.model.documents import Reached, RegisteredRelease, Releases
from releaser.operations import releases
from releaser.planning.redact import printable


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show one release with its digests.

    With -v each platform's digest is shown too, and digests are not shortened.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    with invocation.workspace() as ws:
        found = releases.shown(ws, options.release)
        now = ws.clock.now()
    document = Releases(releases=(found,))
    invocation.out.document(document, lambda out: _show(out, found, now))
    return errors.DONE


def _show(out: Output, found: RegisteredRelease, now: datetime) -> None:
    release = found.release
    when = f"{moment(out, release.created_at, now).strip()} ({ago(release.created_at, now)})"
    out.line(f"{out.style(printable(release.version), 'name')}  registered {when} by {printable(release.created_by)}")
    if release.source:
        out.line(f"built from {printable(release.source.revision)}")
    out.line()
    width = max((cells(printable(name)) for name in release.images), default=0)
    for name, image in release.images.items():
        tag = f"tag {image.tag}" if image.tag else "pinned"
        digest = image.digest if out.verbose else short(image.digest)
        repository = printable(image.repository)
        out.line(f"  {out.style(padded(printable(name), width), 'name')}  {repository}@{digest}  {printable(tag)}")
        if out.verbose:
            for platform, own in sorted(image.platforms.items()):
                out.line(f"  {' ' * width}  {printable(platform)} {own}")
        else:
            out.line(f"  {' ' * width}  {out.style(printable(', '.join(sorted(image.platforms))), 'dim')}")
    out.line()
    if not found.reached:
        out.line("delivered nowhere yet")
    width = max((cells(printable(item.environment)) for item in found.reached), default=0)
    for item in found.reached:
        out.line(f"  {padded(printable(item.environment), width)}  {_state(out, item)}")


def _state(out: Output, item: Reached) -> str:
    number = f" (#{item.revision})" if item.revision is not None else ""
    if item.current:
        proven = "" if item.proven else ", not proven"
        return out.style("runs now", "bold") + proven + number
    return out.style("✓ proven", "good") + number if item.proven else out.style("✗ rolled back", "bad") + number
