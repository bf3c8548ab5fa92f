"""Results of deliveries as people read them, and their exit codes."""

import signal

from releaser.cli import errors
from releaser.cli.output import Output
from releaser.cli.signals import Signals
from releaser.model.delivery import Result
from releaser.planning.redact import printable


def show_result(out: Output, result: Result) -> None:
    """Print a result."""
    delivery = result.delivery
    if delivery is None:
        out.line(result.outcome)
        return
    out.line(printable(f"{result.outcome}: {delivery.environment} {delivery.release} (#{delivery.revision})"))
    if delivery.message:
        out.line(printable(delivery.message, lines=True))


def code_of(result: Result, signals: Signals) -> int:
    """The exit code of a result."""
    if result.outcome == "interrupted":
        return errors.TERMINATED if signals.received == signal.SIGTERM else errors.INTERRUPTED
    return 1 if result.outcome == "failed" else errors.DONE
