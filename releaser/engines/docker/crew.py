"""What the services of one delivery share while they roll."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from releaser.engines.docker.api import Docker
from releaser.engines.docker.looking import RUNNING, Instance, Look
from releaser.engines.docker.making import Maker
from releaser.engines.docker.moving import Mover, together
from releaser.engines.docker.wanting import Wanted
from releaser.engines.docker.watching import Tell, Watcher
from releaser.engines.time_limit import Limit
from releaser.model.plan import RESTORE
from releaser.ports import Work

if TYPE_CHECKING:
    from releaser.engines.docker.rolling import Roll


@dataclass
class Crew:
    """Who does what."""

    docker: Docker
    look: Look
    work: Work
    watcher: Watcher
    limit: Limit
    tell: Tell
    maker: Maker
    mover: Mover
    lent: dict[str, str]  # service → the container that lends its namespaces
    rolls: "dict[str, Roll]" = field(default_factory=dict)
    asleep: set[str] = field(default_factory=set)  # containers that are there and not started

    def end(self, *instances: Instance) -> Iterator[None]:
        """End them side by side: kept for a way back; on a way back what is ours is removed."""
        moves = (self.mover.remove(one) if self.removes(one) else self.mover.keep(one) for one in instances)
        yield from together(moves)

    def removes(self, one: Instance) -> bool:
        """Whether it is removed rather than kept: what a failed delivery made."""
        return self.work.trigger == RESTORE and self._ours(one)

    def may_end(self, one: Instance) -> bool:
        """Whether it may be ended where its service is to go: on a way back others' run on."""
        return self.work.trigger != RESTORE or self._ours(one)

    def _ours(self, one: Instance) -> bool:
        return one.noted is not None and one.noted.mark.history == self.work.mark.history

    def restartable(self, one: Instance, wanted: Wanted) -> bool:
        """Whether one that made room can be started again as what is wanted, with all that it needs."""
        if one.noted is None or one.state in RUNNING or not wanted.fits(one, self.lent):
            return False
        joined = (one.listed.get("NetworkSettings") or {}).get("Networks") or {}
        there = {network["Id"] for network in self.look.lists.networks}
        if any(network.get("NetworkID") not in there for network in joined.values()):
            return False
        return set(one.noted.files.values()) <= self.look.volumes.keys()
