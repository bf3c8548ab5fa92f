"""One look at a Swarm: an environment's services, networks, configs and secrets, and who uses what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from releaser.engines.moby import marks, names
from releaser.engines.swarm.api import Lists, Swarm
from releaser.engines.swarm.labels import NAMES, Noted, Use
from releaser.engines.swarm.live import Known
from releaser.engines.swarm.references import Object
from releaser.engines.swarm.templates import unescaped
from releaser.model.resource import Mark
from releaser.model.value import JsonMap


@dataclass(frozen=True)
class Whose:
    """Whose things are looked for: a project's environment, of whichever history."""

    project: str
    environment: str

    @property
    def prefix(self) -> str:
        """What every name begins with."""
        return names.prefix(self.project, self.environment)

    def marked(self, labels: Mapping[str, str] | None) -> bool:
        """Whether a thing bears this environment's mark."""
        mark = marks.mark_of(labels)
        return mark is not None and (mark.project, mark.environment) == (self.project, self.environment)

    def elsewhere(self, labels: Mapping[str, str] | None) -> bool:
        """Whether a thing is another environment's, and only its name begins as ours do."""
        mark = marks.mark_of(labels)
        return mark is not None and names.prefix(mark.project, mark.environment) != self.prefix


class Look:
    """What was there at one moment, by the names it was declared by."""

    def __init__(self, whose: Whose, lists: Lists) -> None:
        self.whose = whose
        self._lists = lists

    @classmethod
    def at(cls, swarm: Swarm, whose: Whose) -> "Look":
        """Look now. Raises EngineUnreachable."""
        lists = swarm.lists(f"{whose.prefix}_")
        known = {network["Id"] for network in lists.networks}
        joined = {id_ for service in lists.services for id_ in networks_of(service["Spec"])}
        others = tuple(found for id_ in sorted(joined - known) if (found := swarm.predefined(id_)) is not None)
        return cls(whose, msgspec.structs.replace(lists, networks=(*lists.networks, *others)))

    @cached_property
    def services(self) -> dict[str, JsonMap]:
        """Every service under our names."""
        found = {}
        for service in self._lists.services:
            if not self.whose.elsewhere(service["Spec"].get("Labels")):
                found[self._short(service["Spec"]["Name"])] = service
        return found

    @cached_property
    def ours(self) -> dict[str, JsonMap]:
        """The services that we made, also where somebody took a part of their mark away."""
        return {name: one for name, one in self.services.items() if self._made(one["Spec"].get("Labels") or {})}

    @cached_property
    def noted(self) -> dict[str, Noted]:
        """What the labels of our services say."""
        return {name: Noted.of(one["Spec"]["Labels"]) for name, one in self.ours.items()}

    def mark(self, name: str) -> Mark | None:
        """The mark of one of our services."""
        return marks.mark_of(self.ours[name]["Spec"]["Labels"])

    def _made(self, labels: Mapping[str, str]) -> bool:
        return self.whose.marked(labels) or (NAMES in labels and marks.mark_of(labels) is None)

    # --- networks ---

    @cached_property
    def network_names(self) -> dict[str, str]:
        """Id → real name, of every network there is."""
        return {network["Id"]: network["Name"] for network in self._lists.networks}

    @cached_property
    def network_ids(self) -> dict[str, str]:
        """Real name → id; a Swarm's network goes before a node's own of that name."""
        ordered = sorted(self._lists.networks, key=lambda network: str(network.get("Scope")) == "swarm")
        return {network["Name"]: network["Id"] for network in ordered}

    def network(self, real: str) -> JsonMap | None:
        """A network by its real name."""
        id_ = self.network_ids.get(real)
        return next((network for network in self._lists.networks if network["Id"] == id_), None)

    def our_networks(self) -> Iterator[tuple[str, JsonMap, dict[str, Use]]]:
        """Each network of ours, or under our names: declared name, as it is, and the services that use it."""
        for network in self._lists.networks:
            users = self._users_of_network(network)
            labels = network.get("Labels") or {}
            if self.whose.marked(labels):
                yield labels.get(marks.NAME) or network["Name"], network, users
                continue
            noted = next((use for use in users.values()), None)
            if noted is not None and noted.fingerprint is not None:
                yield noted.name, network, users
            elif noted is None and self._under_our_names(network["Name"], labels):
                yield self._short(network["Name"]), network, users

    def _users_of_network(self, network: JsonMap) -> dict[str, Use]:
        """Our services that join a network, with what they say of it."""
        found = {}
        for name, service in self.ours.items():
            use = self.noted[name].names.networks.get(network["Name"])
            if use is not None and network["Id"] in networks_of(service["Spec"]):
                found[name] = use
        return found

    # --- configs and secrets ---

    def objects(self, kind: str) -> Iterator[tuple[str, JsonMap]]:
        """Each config or secret under our names with its declared name; a config's ends in its hash."""
        for one in self._lists.configs if kind == "config" else self._lists.secrets:
            spec = one["Spec"]
            labels = spec.get("Labels") or {}
            if self.whose.elsewhere(labels):
                continue
            short = self._short(spec["Name"])
            yield (short if kind == "config" else short.rpartition(".")[0] or short), one

    @cached_property
    def configs(self) -> dict[str, JsonMap]:
        """Configs by their name by content."""
        return dict(self.objects("config"))

    @cached_property
    def secrets(self) -> dict[str, JsonMap]:
        """Secrets by their id: several may have one declared name."""
        return {one["ID"]: one for _, one in self.objects("secret")}

    def secret(self, name: str, value: str) -> Object | None:
        """The secret object that holds a certain value of a secret."""
        for declared, one in self.objects("secret"):
            if declared == name and value_id(one) == value and self.whose.marked(one["Spec"].get("Labels")):
                return Object(id=one["ID"], name=one["Spec"]["Name"])
        return None

    @cached_property
    def known(self) -> Known:
        """What the ids in our specs stand for."""
        return Known(
            networks=self.network_names,
            configs={one["ID"]: name for name, one in self.configs.items() if self.whose.marked(_labels(one))},
            secrets={one["ID"]: name for name, one in self.objects("secret") if self.whose.marked(_labels(one))},
        )

    # --- who uses what ---

    @cached_property
    def referred(self) -> frozenset[str]:
        """The ids of configs and secrets that services have now."""
        return frozenset(id_ for service in self.services.values() for id_ in objects_of(service["Spec"]))

    @cached_property
    def joined(self) -> frozenset[str]:
        """The ids of networks that services join now."""
        return frozenset(id_ for service in self.services.values() for id_ in networks_of(service["Spec"]))

    @cached_property
    def needed(self) -> frozenset[str]:
        """The ids that services have now, or would have again if the engine itself took one back."""
        specs = (service.get("PreviousSpec") for service in self.services.values())
        return self.referred | {id_ for spec in specs if spec for id_ in objects_of(spec)}

    def _short(self, real: str) -> str:
        return real.removeprefix(f"{self.whose.prefix}_")

    def _under_our_names(self, real: str, labels: Mapping[str, str]) -> bool:
        return real.startswith(f"{self.whose.prefix}_") and not self.whose.elsewhere(labels)


def _labels(one: JsonMap) -> Mapping[str, str]:
    return one["Spec"].get("Labels") or {}


def value_id(secret: JsonMap) -> str:
    """Which value of a secret an object holds: the end of its name, fixed when it was made."""
    return str(secret["Spec"]["Name"]).rpartition(".")[2]


def networks_of(spec: JsonMap) -> list[str]:
    """The ids of the networks that a spec joins."""
    return [joined["Target"] for joined in spec["TaskTemplate"].get("Networks") or []]


def objects_of(spec: JsonMap) -> list[str]:
    """The ids of the configs and secrets that a spec mounts."""
    container: JsonMap = spec["TaskTemplate"].get("ContainerSpec") or {}
    return [
        *(one["ConfigID"] for one in container.get("Configs") or []),
        *(one["SecretID"] for one in container.get("Secrets") or []),
    ]


def volumes_of(spec: JsonMap) -> dict[str, JsonMap]:
    """Real name → the mount, of the named volumes that a spec mounts."""
    container: JsonMap = spec["TaskTemplate"].get("ContainerSpec") or {}
    return {
        unescaped(mount["Source"]) or mount["Source"]: mount
        for mount in container.get("Mounts") or []
        if mount.get("Type") == "volume" and mount.get("Source")
    }
