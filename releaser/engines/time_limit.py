"""How long a delivery may take, from the beginning of `apply` to the end of `wait`, and whether it was stopped."""

import time
from dataclasses import dataclass, field

from releaser.model.errors import Interrupted
from releaser.ports import Stop


@dataclass
class Limit:
    """Seconds from now on."""

    wait: float
    stop: Stop
    began: float = field(default_factory=time.monotonic)

    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() - self.began >= self.wait

    def check(self) -> None:
        """Raises Interrupted where somebody asked to stop."""
        if self.stop.requested():
            raise Interrupted("stopped on request, between two steps")
