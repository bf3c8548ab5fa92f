"""image inspect: an image from the inside."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.tables import print_table
from releaser.cli.values import amount, short
from releaser.model.errors import BadArgument
from releaser.model.image_content import ContainerLayer, FileSize, ImageReport, LayerReport
from releaser.operations import image
from releaser.planning.redact import printable

HEAD = ("LAYER", "SIZE", "", "FILES", "WASTED", "INSTRUCTION")
FEW = 20
"""Files of a container that are shown without -v."""
_BAR = 12
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Look into an image: its layers, their files, and what is wasted.

    IMAGE:RELEASE is an image of the pipeline, REGISTRY/NAME:TAG (or @DIGEST) another one, docker:NAME one of the
    engine, oci:PATH:TAG one of a layout, tar:FILE what docker save wrote. A byte is wasted where a later layer
    overwrites or removes it. With -v each layer's largest files are shown.
    """

    reference: Annotated[str | None, typer.Argument(metavar="[IMAGE]", help="As in api:v1.4 or docker:shop/api.")] = (
        None
    )
    container: Annotated[
        str | None, typer.Option("--container", metavar="ID", help="A container of the engine, over its image.")
    ] = None
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="OS/ARCH", help="Which of an index; default linux/amd64.")
    ] = None


def run(invocation: Invocation, options: Options) -> int:
    """Read and print; gives the exit code."""
    with invocation.workspace() as ws:
        if (options.reference is None) == (options.container is None):
            raise BadArgument("name an image, or a container by --container", hint="release image inspect api:v1.4")
        if options.container is not None:
            report = image.inspect_container(ws, options.container)
        else:
            report = image.inspect(ws, str(options.reference), options.platform)
    invocation.out.document(report, lambda out: _show(out, report))
    return errors.DONE


def _show(out: Output, report: ImageReport) -> None:
    digest = f"@{report.digest if out.verbose else short(report.digest)}" if report.digest else ""
    others = [name for name in report.platforms if name != report.platform]
    also = f", also for {', '.join(others)}" if others else ""
    out.line(f"{out.style(printable(report.reference), 'name')}{digest}  {printable(report.platform + also)}")
    for name, text in _facts(report):
        out.line(f"  {out.style(f'{name:12}', 'dim')}{printable(text)}")
    out.line()
    most = max((layer.files_size for layer in report.layers), default=0)
    print_table(out, HEAD, [_row(out, layer, most) for layer in report.layers], spare=("FILES", "WASTED", ""))
    if report.container is not None:
        _show_container(out, report.container)
    if out.verbose:
        _show_largest(out, report)
    out.line()
    part = f"{amount(report.wasted)} of {amount(report.size)} wasted"
    out.line(
        f"{out.style(f'{report.efficiency:.1%}', 'bold')} efficient: {part if report.wasted else 'nothing wasted'}"
    )
    _show_files(out, report.waste)


def _facts(report: ImageReport) -> Iterator[tuple[str, str]]:
    yield "user", report.user or "root"
    several = {
        "runs": " ".join((*report.entrypoint, *report.command)),
        "in": report.working_dir,
        "ports": ", ".join(report.ports),
        "volumes": ", ".join(report.volumes),
        "created": report.created or "",
    }
    yield from ((name, text) for name, text in several.items() if text)
    for at, variable in enumerate(report.environment):
        yield "" if at else "environment", variable
    for at, (name, text) in enumerate(sorted(report.labels.items())):
        yield "" if at else "labels", f"{name}={text}"


def _row(out: Output, layer: LayerReport, most: int) -> list[str]:
    counts = ((layer.added, "+"), (layer.changed, "~"), (layer.removed, "-"))
    filled = round(_BAR * layer.files_size / most) if most else 0
    return [
        short(layer.digest) if not out.verbose else layer.digest,
        amount(layer.files_size),
        out.style("█" * filled, "name") + "·" * (_BAR - filled),
        " ".join(f"{sign}{count}" for count, sign in counts if count) or "none",
        amount(layer.wasted) if layer.wasted else "",
        printable(layer.instruction),
    ]


def _show_container(out: Output, layer: ContainerLayer) -> None:
    """The layer that can be written, which stands on top of those that cannot."""
    state = "runs" if layer.running else "has ended"
    out.line()
    name = out.style(printable(layer.name), "name")
    out.line(f"{name} {layer.id[:12]} {state}; it has written {amount(layer.size)} of its own, which go with it")
    shown = layer.files if out.verbose else layer.files[:FEW]
    for file in shown:
        out.line(f"  {_SIGNS[file.what]} {printable('/' + file.path)}")
    if len(shown) < len(layer.files):
        out.line(f"  and {len(layer.files) - len(shown)} more: -v")


def _show_largest(out: Output, report: ImageReport) -> None:
    for layer in report.layers:
        if layer.largest:
            out.line()
            out.line(f"{short(layer.digest)} {out.style(printable(layer.instruction), 'dim')}")
            _show_files(out, layer.largest)


def _show_files(out: Output, files: tuple[FileSize, ...]) -> None:
    for file in files:
        out.line(f"  {amount(file.size):>9}  {printable('/' + file.path)}")
