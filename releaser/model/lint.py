"""What a linter finds in a Dockerfile or in an image."""

from releaser.model.value import Document, Value

ERROR, WARNING, INFO = "error", "warning", "info"


class Finding(Value, frozen=True, kw_only=True):
    """One finding: where, what and why, and how it is mended."""

    rule: str  # base-pinned, DL3008
    level: str  # error | warning | info
    file: str | None  # a Dockerfile; None for an image
    line: int | None
    message: str
    mend: str


class LintReport(Document, frozen=True, kw_only=True, tag="releaser/lint/v1"):
    """What was found in a Dockerfile or an image, in the order of its lines; `linters`: who looked."""

    subject: str
    linters: tuple[str, ...]
    findings: tuple[Finding, ...]
