"""image lint: what is to be mended in a Dockerfile or an image."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from releaser.checks.hadolint import hadolint
from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.cli.output import Output
from releaser.model.lint import ERROR, INFO, WARNING, Finding, LintReport
from releaser.operations import image
from releaser.planning.redact import printable
from releaser.planning.wording import count

_STYLES = {ERROR: "bad", WARNING: "warn", INFO: "dim"}
_GITHUB = {ERROR: "error", WARNING: "warning", INFO: "notice"}


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Find what to mend in a Dockerfile or an image.

    A SUBJECT is a Dockerfile, or an image as `image inspect` has it; without one all builds' Dockerfiles are read. What
    hadolint finds is told too, where it is installed. It ends with 2 where there is an error or a warning.
    """

    FORMATS: ClassVar[tuple[str, ...]] = ("table", "json", "yaml", "github")

    subject: Annotated[str | None, typer.Argument(metavar="[SUBJECT]", help="As in app/Dockerfile, api:v1.4.")] = None


def run(invocation: Invocation, options: Options) -> int:
    """Look and print; gives the exit code."""
    out = invocation.out
    with invocation.workspace() as ws:
        report = image.lint(ws, options.subject, hadolint)
    if out.form == "github":
        for finding in report.findings:
            out.line(_annotation(finding))
    else:
        out.document(report, lambda out: _show(out, report))
    return errors.DIFFERENT if any(one.level != INFO for one in report.findings) else errors.DONE


def _show(out: Output, report: LintReport) -> None:
    for one in report.findings:
        where = f"{printable(one.file)}:{one.line}" if one.file else printable(report.subject)
        level = out.style(one.level, _STYLES[one.level])
        out.line(f"{out.style(where, 'name')}  {level}  {printable(one.message)}  {out.style(one.rule, 'dim')}")
        out.line(f"    {printable(one.mend)}")
    if not report.findings:
        out.line(f"{out.style('✓', 'good')} nothing to mend in {printable(report.subject)}")
        return
    levels = [one.level for one in report.findings]
    told = [count(levels.count(level), level) for level in (ERROR, WARNING) if level in levels]
    hints = levels.count(INFO)
    told += [count(hints, "hint")] if hints else []
    out.line(", ".join(told))


def _annotation(finding: Finding) -> str:
    """As GitHub's workflow commands have it: https://docs.github.com/actions/reference/workflow-commands."""
    place = f"file={_escaped(finding.file)},line={finding.line}," if finding.file else ""
    text = f"{finding.message}: {finding.mend}".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{_GITHUB[finding.level]} {place}title={_escaped(finding.rule)}::{printable(text)}"


def _escaped(text: str) -> str:
    for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        text = text.replace(sign, code)
    return printable(text)
