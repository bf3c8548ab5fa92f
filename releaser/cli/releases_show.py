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
from releaser.model.image import ImageSource
from releaser.operations import releases
from releaser.planning.redact import printable
from releaser.planning.wording import listed


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show one release with its digests.

    With -v each platform's digest is shown too, and digests are not shortened. --log shows what the build of one of its
    images printed.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.4.")]
    log: Annotated[str | None, typer.Option("--log", metavar="IMAGE", help="What the build of this image printed.")] = (
        None
    )


def run(invocation: Invocation, options: Options) -> int:
    """Print it; gives the exit code."""
    if options.log is not None:
        with invocation.workspace() as ws:
            kept = releases.log_of(ws, options.release, options.log)
        invocation.out.document(kept, lambda out: out.text(kept.log))
        return errors.DONE
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
        if image.source is not None:
            _show_source(out, image.source, f"  {' ' * width}  ")
    out.line()
    if not found.reached:
        out.line("delivered nowhere yet")
    width = max((cells(printable(item.environment)) for item in found.reached), default=0)
    for item in found.reached:
        out.line(f"  {padded(printable(item.environment), width)}  {_state(out, item)}")


def _show_source(out: Output, source: ImageSource, margin: str) -> None:
    """The chain that an image was built from, a line each."""

    def digest(value: str | None) -> str:
        return "digest not known" if value is None else value if out.verbose else short(value)

    for base, known in source.bases.items():
        out.line(f"{margin}on {printable(base.partition('@')[0])}@{digest(known)}")
    above = f"{source.context}/" if source.context else ""
    dockerfile = f"{above}{source.dockerfile}" if source.dockerfile else "a Dockerfile of the declaration"
    out.line(f"{margin}by {printable(dockerfile)} {digest(source.dockerfile_digest)}, builder {source.builder}")
    if source.attestations:
        out.line(f"{margin}with {listed([_ATTESTED[one] for one in source.attestations])}")
    commit = f", commit {printable(source.revision[:12])}" if source.revision else ", not committed"
    out.line(f"{margin}of {printable(source.context or source.package or '')} {digest(source.context_digest)}{commit}")


_ATTESTED = {"provenance": "its provenance", "sbom": "a list of what is in it (SBOM)"}


def _state(out: Output, item: Reached) -> str:
    number = f" (#{item.revision})" if item.revision is not None else ""
    if item.current:
        proven = "" if item.proven else ", not proven"
        return out.style("runs now", "bold") + proven + number
    return out.style("✓ proven", "good") + number if item.proven else out.style("✗ rolled back", "bad") + number
