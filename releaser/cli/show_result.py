"""Results of deliveries as people read them, and their exit codes."""

import signal
from collections.abc import Iterator

from releaser.cli import errors
from releaser.cli.output import Output
from releaser.cli.signals import Signals
from releaser.model.delivery import ABORTED, SUCCEEDED, Delivery, Result
from releaser.model.plan import RECONCILE, ROLLBACK
from releaser.planning.redact import printable
from releaser.planning.wording import duration


def show_result(out: Output, result: Result, *, accepted: bool = False) -> None:
    """Print a result; `accepted`: what was delivered is drift that went into the record."""
    for line in _lines(out, result, accepted=accepted):
        out.line(line)


def _lines(out: Output, result: Result, *, accepted: bool) -> Iterator[str]:
    delivery = result.delivery
    if delivery is None:
        yield "Nothing to do."
        return
    release, name = printable(delivery.release), printable(delivery.environment)
    if result.outcome == "unchanged":
        since = delivery.current.revision if delivery.current else delivery.revision
        yield f"{out.style('✓', 'good')} nothing to do: {name} has {printable(_running(delivery))} already (#{since})"
        if delivery.status == SUCCEEDED:
            yield from _message(delivery)
    elif result.outcome == "failed":
        yield f"{out.style('✗ failed:', 'bad')} {release} in {name} (#{delivery.revision}, {_took(delivery)})"
        yield from _message(delivery)
        yield f"  {_left(delivery)}"
        if delivery.hint:
            yield f"  {out.style('hint:', 'command')} {printable(delivery.hint)}"
    elif result.outcome == "interrupted":
        yield f"{out.style('✗ interrupted:', 'bad')} {release} in {name} (#{delivery.revision}, {_took(delivery)})"
        yield from _message(delivery)
    else:
        yield f"{out.style('✓', 'good')} {_done(delivery, accepted=accepted)}"
        yield from _message(delivery)


def _done(delivery: Delivery, *, accepted: bool) -> str:
    release, name = printable(_running(delivery)), printable(delivery.environment)
    told = f"(#{delivery.revision}, {_took(delivery)})"
    if delivery.status == ABORTED:
        back = f"{name} has {release} again" if delivery.current else f"{name} is empty again"
        return f"aborted: {back} {told}"
    if accepted:
        return f"{name} has {release}, and the record has its drift {told}"
    verb = "now runs" if delivery.target.runs else "now has"
    was = "" if delivery.leaves in {None, delivery.release} else f". Was {printable(str(delivery.leaves))}"
    how = {ROLLBACK: f", as #{delivery.restores} left it", RECONCILE: ", as recorded"}.get(delivery.trigger, "")
    return f"{name} {verb} {release}{how} {told}{was}"


def _running(delivery: Delivery) -> str:
    return delivery.current.release if delivery.current else delivery.release


def _left(delivery: Delivery) -> str:
    """What is known to run after a failure."""
    name, current = printable(delivery.environment), delivery.current
    verb = "runs" if delivery.target.runs else "has"
    if current is not None:
        return f"{name} {verb} {printable(current.release)} (#{current.revision}), as before"
    if delivery.restored == 0:
        return f"{name} is empty, as before"
    return f"what {name} {verb} is not known to be right: release status --env {name} --live"


def _message(delivery: Delivery) -> Iterator[str]:
    for line in (delivery.message or "").splitlines():
        yield f"  {printable(line)}"


def _took(delivery: Delivery) -> str:
    if delivery.finished_at is None:
        return "not ended"
    seconds = (delivery.finished_at - delivery.started_at).total_seconds()
    return duration(seconds) if seconds >= 10 else f"{seconds:.1f}s"


def code_of(result: Result, signals: Signals) -> int:
    """The exit code of a result."""
    if result.outcome == "interrupted":
        return errors.TERMINATED if signals.received == signal.SIGTERM else errors.INTERRUPTED
    return 1 if result.outcome == "failed" else errors.DONE
