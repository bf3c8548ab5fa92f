"""One delivery in a process of its own, which kills itself at the Nth point that it reaches.

driver.py ROOT VERB ENVIRONMENT RELEASE N      N = 0: it lives, and prints the points that it passed
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from releaser.model.errors import StalePlan
from releaser.model.event import Event, Point
from releaser.operations import promote, reconcile, rollback
from releaser.operations.execute import execute, propose
from releaser.settings import read
from releaser.wiring import Flags, open_workspace

_ENDS = 10.0
"""Seconds within which an engine ends what a killed process had asked it for."""

Delivered = TypeVar("Delivered")


class Abort(BaseException):
    """The process ends here, as far as the code under test can tell."""


@dataclass
class Watcher:
    """Counts the points, and ends the process at one of them."""

    at: int
    kill: bool
    seen: list[Point] = field(default_factory=list)

    def event(self, event: Event) -> None:
        """Take notice, and die if it is time."""
        self.seen.append(event.point)
        if len(self.seen) == self.at:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Abort


class Running:
    """Nobody asks to stop."""

    def requested(self) -> bool:
        """Never."""
        return False


def deliver(root: Path, verb: str, environment: str, release: str, watcher: Watcher) -> str:
    """Plan and execute; gives the outcome."""
    ws = open_workspace(read(), Flags(directory=root, by="driver"), Running(), watcher)
    try:
        if verb == "promote":
            request = promote.request(environment, release)
        elif verb == "rollback":
            request = rollback.request(ws, environment)
        else:
            request = reconcile.request(environment)
        return execute(ws, request, propose(ws, request).plan).outcome
    finally:
        ws.close()


def after_kill(promote: Callable[[], Delivered]) -> Delivered:
    """Deliver again while the plan is stale: an engine may still be at what the dead process asked it for last."""
    until = time.monotonic() + _ENDS
    while True:
        try:
            return promote()
        except StalePlan:
            if time.monotonic() > until:
                raise


def main() -> None:
    """Run by the crash suite."""
    root, verb, environment, release, at = sys.argv[1:]
    watcher = Watcher(at=int(at), kill=True)
    outcome = deliver(Path(root), verb, environment, release, watcher)
    sys.stdout.write(" ".join([outcome, *watcher.seen]) + "\n")


if __name__ == "__main__":
    main()
