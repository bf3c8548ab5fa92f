"""How deliveries ended, in words and colours."""

from collections.abc import Mapping

from releaser.cli.output import Output
from releaser.model.delivery import ABORTED, FAILED, INTERRUPTED, RUNNING, SUCCEEDED

_SYMBOLS: Mapping[str, str] = {RUNNING: "…", SUCCEEDED: "✓", FAILED: "✗", INTERRUPTED: "!", ABORTED: "✗"}
STYLES: Mapping[str, str] = {
    RUNNING: "warn",
    SUCCEEDED: "good",
    FAILED: "bad",
    INTERRUPTED: "warn",
    ABORTED: "warn",
}


def outcome(status: str, *, cut_off: bool = False) -> str:
    """A delivery's status with its symbol: `✓ succeeded`; `cut_off`: it runs no more, and its holder died."""
    if cut_off:
        return "! cut off"
    return f"{_SYMBOLS[status]} {status}"


def styled(out: Output, status: str, text: str) -> str:
    """A text in the colour of a status."""
    return out.style(text, STYLES[status])
