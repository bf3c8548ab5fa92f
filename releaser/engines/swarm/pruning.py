"""Pruning: what no service needs any more goes, but for the newest that a way back may want."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from releaser.engines.swarm.api import Swarm
from releaser.engines.swarm.looking import Look, Whose
from releaser.engines.swarm.watching import Tell
from releaser.engines.time_limit import Limit
from releaser.model.event import Point
from releaser.model.value import JsonMap
from releaser.ports import Work

_AGAIN = 0.25
_TASK = re.compile(r"in use by task (\w+)")


@dataclass
class Pruning:
    """What one delivery leaves behind."""

    swarm: Swarm
    work: Work
    keep: int
    tell: Tell
    limit: Limit

    def run(self) -> None:
        """Look, and remove."""
        look = Look.at(self.swarm, Whose(self.work.mark.project, self.work.mark.environment))
        for network in self._networks(look):
            self._network(network)
        for kind in ("config", "secret"):
            for one in self._objects(look, kind):
                if self.swarm.try_remove(kind, one["ID"]) is None:
                    self.tell(Point.PRUNED, f"the {kind} {one['Spec']['Name']} is removed", None)

    # --- networks ---

    def _networks(self, look: Look) -> Iterator[JsonMap]:
        """The networks of ours that no service joins, and nobody wants."""
        wanted = {
            desired.resource.body["name"] for desired in self.work.desired if desired.resource.id.startswith("network/")
        }
        for _, network, _ in look.our_networks():
            ours = look.whose.marked(network.get("Labels"))
            if ours and network["Id"] not in look.joined and network["Name"] not in wanted:
                yield network

    def _network(self, network: JsonMap) -> None:
        """Remove it once the tasks that were in it are gone; it stays where somebody else is in it."""
        said = self.swarm.try_remove("network", network["Id"])
        while said is not None and self._by_a_task(said) and not self.limit.over():
            time.sleep(_AGAIN)
            said = self.swarm.try_remove("network", network["Id"])
        while said is None and self.swarm.has_network(network["Id"], here=True) and not self.limit.over():
            time.sleep(_AGAIN)  # until then its name is taken, too
        text = "is removed" if said is None else f"is kept, as it is still used: {said.rpartition(' desc = ')[2]}"
        self.tell(Point.PRUNED, f"the network {network['Name']} {text}", None)

    def _by_a_task(self, said: str) -> bool:
        """Whether a task of a service is still in it; a container that joined by itself may stay for ever."""
        found = _TASK.search(said)
        task = self.swarm.task(found[1]) if found else None
        return task is not None and "NetworkAttachmentSpec" not in task["Spec"]

    # --- configs and secrets ---

    def _objects(self, look: Look, kind: str) -> Iterator[JsonMap]:
        """All but what services have, or would have again, and the newest `keep` of each name."""
        unused: dict[str, list[JsonMap]] = {}
        for declared, one in look.objects(kind):
            if look.whose.marked(one["Spec"].get("Labels")) and one["ID"] not in look.referred:
                name = declared.rpartition(".")[0] if kind == "config" else declared
                unused.setdefault(name, []).append(one)
        for several in unused.values():
            several.sort(key=lambda one: str(one.get("CreatedAt", "")), reverse=True)
            yield from (one for one in several[self.keep :] if one["ID"] not in look.needed)
