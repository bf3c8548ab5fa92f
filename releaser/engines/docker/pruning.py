"""Pruning: what nobody needs any more goes, but for the newest predecessors; volumes with data never do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from releaser.engines.docker.api import Docker
from releaser.engines.docker.labels import Kept
from releaser.engines.docker.looking import Claims, Instance, Look, Whose
from releaser.engines.docker.watching import Tell
from releaser.engines.moby import marks
from releaser.model.event import Point
from releaser.model.value import JsonMap
from releaser.planning import fingerprint
from releaser.ports import Work


@dataclass
class Pruning:
    """What one delivery leaves behind."""

    docker: Docker
    whose: Whose
    work: Work
    keep: int
    tell: Tell

    def run(self) -> None:
        """Look, and remove."""
        look = Look.at(self.docker, self.whose, Claims.of(desired.resource for desired in self.work.desired))
        gone = set()
        for service, kept in sorted(look.kept.items()):
            for one in self._too_old(kept, look.live.get(service, [])):
                self.docker.remove(one.id, f"container {one.name}")
                gone.add(one.id)
            self._settle([one for one in kept if one.noted is None], look.names)
        self.docker.remove_volumes(self._orphans(look, gone))
        for network in self._networks(look):
            self._network(network)

    def _too_old(self, kept: list[Instance], live: list[Instance]) -> Iterator[Instance]:
        """Ours, but for the newest `keep` that are not what runs now."""
        now = {_template(one) for one in live}
        groups: dict[str, list[Instance]] = {}
        for one in kept:
            if one.noted is not None and one.noted.mark.history == self.work.mark.history and not one.runs:
                groups.setdefault(_template(one), []).append(one)
        newest = sorted(groups.items(), key=lambda group: max(map(_age, group[1])), reverse=True)
        stay = [name for name, _ in newest if name not in now][: self.keep]
        for name, group in newest:
            if name not in stay:
                yield from group

    def _settle(self, kept: list[Instance], names: Mapping[str, object]) -> None:
        """What was taken over stays for good, once another delivery has succeeded since."""
        for one in kept:
            if one.kept is not None and one.kept.revision not in {None, self.work.mark.revision}:
                settled = Kept(name=one.kept.name, policy=one.kept.policy)
                if settled.text in names:  # it was taken over before, too
                    settled = Kept(name=f"{one.kept.name}-{one.id[:12]}", policy=one.kept.policy)
                self.docker.rename(one.id, settled.text, f"container {one.name}")

    def _orphans(self, look: Look, gone: set[str]) -> Iterator[str]:
        """Volumes with files that no container has."""
        used = {
            mount.get("Name")
            for listed in look.lists.containers
            if listed["Id"] not in gone
            for mount in listed.get("Mounts") or []
        }
        return (name for name in sorted(look.files()) if name not in used)

    def _networks(self, look: Look) -> Iterator[JsonMap]:
        """The networks of ours that no instance has joined, and nobody wants."""
        wanted = {
            desired.resource.body.get("name")
            for desired in self.work.desired
            if desired.resource.id.startswith("network/")
        }
        joined = {
            real
            for instances in look.live.values()
            for one in instances
            for real in one.inspected["NetworkSettings"].get("Networks") or {}
        }
        for real, network in sorted(look.networks.items()):
            mark = marks.mark_of(network.get("Labels"))
            ours = mark is not None and msgspec.structs.replace(self.work.mark, revision=mark.revision) == mark
            if ours and real not in joined and real not in wanted:
                yield network

    def _network(self, network: JsonMap) -> None:
        """Remove it; it stays where somebody else is in it."""
        said = self.docker.try_remove_network(network["Id"])
        text = "is removed" if said is None else f"is kept, as it is still used: {said}"
        self.tell(Point.PRUNED, f"the network {network['Name']} {text}", None)


def _template(one: Instance) -> str:
    return fingerprint.of([one.noted.made_from(0), one.noted.uses]) if one.noted else ""


def _age(one: Instance) -> tuple[int, int]:
    revision = one.kept.revision if one.kept is not None else None
    return revision or 0, one.listed["Created"]
