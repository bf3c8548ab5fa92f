"""build: the images of a release from their sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors, next_steps
from releaser.cli.building import Building
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.values import short
from releaser.model.build import BuildReport, Reproducibility, ReproducibilityReport
from releaser.model.errors import BadArgument
from releaser.operations.build import build, check_reproducible
from releaser.planning.redact import printable
from releaser.planning.wording import count

FEW = 10
"""Files that are named without -v."""


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Build the images of a release, push them, and register it.

    Every image that the pipeline has a build for is built. With --push they are pushed under the release's name, and
    the release is registered with the digests that the registry has; without, nothing leaves the builder. With
    --check-reproducible every image is built twice instead, and it ends with 2 where their files differ.
    """

    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as in v1.6.")]
    push: Annotated[bool, typer.Option("--push", help="Push the images, and register the release.")] = False
    check_reproducible: Annotated[
        bool, typer.Option("--check-reproducible", help="Build twice without a cache, and compare the files.")
    ] = False
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who builds it, for the record.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Build; gives the exit code."""
    out = invocation.out
    if options.check_reproducible and options.push:
        raise BadArgument("what is checked is not pushed", hint="leave out --push, or --check-reproducible")
    with invocation.workspace(by=options.by) as ws, invocation.signals.gentle(out):
        if options.check_reproducible:
            with Building(out, f"building {options.release} twice") as building:
                checked = check_reproducible(ws, options.release, building.tell)
            return _check(out, checked)
        with Building(out, f"building {options.release}") as building:
            report = build(ws, options.release, building.tell, push=options.push)
        out.document(report, lambda out: _show(out, report))
        if report.release is not None:
            out.next(*next_steps.after_create(ws, report.version))
        else:
            out.next(f"release build {report.version} --push")
    return errors.DONE


def _check(out: Output, report: ReproducibilityReport) -> int:
    out.document(report, lambda out: _show_checks(out, report.images))
    return errors.DONE if all(image.same for image in report.images) else errors.DIFFERENT


def _show_checks(out: Output, images: Sequence[Reproducibility]) -> None:
    for image in images:
        _show_check(out, image)


def _show_check(out: Output, image: Reproducibility) -> None:
    name = f"{out.style(printable(image.image), 'name')} for {printable(image.platform)}"
    layers = f"{image.same_layers} of {count(image.layers, 'layer')} with the same digest"
    took = f"{image.seconds[0]:.1f}s and {image.seconds[1]:.1f}s"
    if image.same:
        out.line(f"{out.style('✓', 'good')} {name} has the same files twice, {layers}, {took}")
        return
    out.line(f"{out.style('✗', 'bad')} {name} differs when it is built twice, {layers}, {took}")
    for change in image.config:
        out.line(f"  {printable(change.field)}")
    for file in image.files[: None if out.verbose else FEW]:
        out.line(f"  {printable('/' + file.path)}  {file.what}")
    if len(image.files) > FEW and not out.verbose:
        out.line(f"  and {len(image.files) - FEW} more: -v")


def _show(out: Output, report: BuildReport) -> None:
    for image in report.images:
        digest = image.digest or image.image_id
        done = "pushed" if image.digest else "built"
        steps = f"{count(image.steps, 'step')} ({image.cached} cached)"
        name = out.style(printable(image.name), "name")
        out.line(f"{out.style('✓', 'good')} {name} {short(digest)} {done}, {steps}, {image.seconds:.1f}s")
        if image.missed is not None and image.cached:
            out.line(f"  {out.style('first not cached:', 'dim')} {printable(image.missed)}")
    if report.release is not None:
        out.line(f"{out.style('✓', 'good')} {report.version} is registered")
