"""image diff: what two images differ in."""

from dataclasses import dataclass
from typing import Annotated

import typer

from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.cli.values import ABSENT, amount, grown
from releaser.model.image_content import FileChange, ImageDifference
from releaser.operations import image
from releaser.planning.redact import printable
from releaser.planning.wording import count

FEW = 20
"""Files that are shown without -v."""


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Compare two images: configuration, packages, files.

    Images are named as for `image inspect`. Packages are those of dpkg, apk, Python and npm.
    With -v every file is shown.
    """

    left: Annotated[str, typer.Argument(metavar="OLD", help="As in api:v1.4.")]
    right: Annotated[str, typer.Argument(metavar="NEW", help="As in api:v1.5.")]
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="OS/ARCH", help="Which of an index; default linux/amd64.")
    ] = None
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 2 where they differ.")] = False


def run(invocation: Invocation, options: Options) -> int:
    """Compare and print; gives the exit code."""
    with invocation.workspace() as ws:
        found = image.diff(ws, options.left, options.right, options.platform)
    invocation.out.document(found, lambda out: _show(out, found))
    differ = found.config or found.packages or found.files
    return errors.DIFFERENT if options.exit_code and differ else errors.DONE


def _show(out: Output, found: ImageDifference) -> None:
    old, new = found.layers
    out.line(f"{printable(found.left)} → {printable(found.right)}")
    layers = f"{found.shared_layers} of {old} layers shared" + (f", now {new}" if old != new else "")
    out.line(f"{out.style(grown(found.bytes), 'bold')}, {layers}")
    if not (found.config or found.packages or found.files):
        out.line("the same files and the same configuration")
        return
    for change in found.config:
        out.line(f"  {_sign(out, change.old, change.new)} {printable(change.field)}: {_pair(change.old, change.new)}")
    if found.packages:
        out.line()
        out.line(out.style(count(len(found.packages), "package"), "bold"))
        for one in found.packages:
            name = f"{one.system} {one.name}"
            out.line(f"  {_sign(out, one.old, one.new)} {printable(name)}  {_pair(one.old, one.new)}")
    if found.files:
        _show_files(out, found)


def _show_files(out: Output, found: ImageDifference) -> None:
    out.line()
    out.line(out.style(count(len(found.files), "file"), "bold"))
    for folder in found.folders:
        out.line(f"  {grown(folder.bytes):>14}  {printable('/' + folder.path.lstrip('/'))}")
    shown = found.files if out.verbose else found.files[:FEW]
    for file in shown:
        out.line(f"  {_sign(out, file.old, file.new)} {printable('/' + file.path)}  {_what(file)}")
    if len(shown) < len(found.files):
        out.line(f"  and {len(found.files) - len(shown)} more: -v")


def _what(file: FileChange) -> str:
    if file.old is None or file.new is None:
        return amount(file.old or file.new or 0)
    if file.what != "content":
        return file.what
    return f"{amount(file.old)} → {amount(file.new)}" if file.old != file.new else "content"


def _sign(out: Output, old: object, new: object) -> str:
    if old is None:
        return out.style("+", "good")
    return out.style("-", "bad") if new is None else out.style("~", "name")


def _pair(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return printable(str(old if new is None else new)) or ABSENT
    return f"{printable(old)} → {printable(new)}"
