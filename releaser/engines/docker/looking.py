"""Looking: everything of an environment on one engine, at one moment; whose each container is, and what for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from releaser.engines.docker.api import Docker, Lists, labels_of, name_of
from releaser.engines.docker.labels import OWNER, Kept, Noted, revision_in
from releaser.engines.moby import marks, names
from releaser.model.resource import Mark, Resource
from releaser.model.value import JsonMap, Value

RUNNING = {"running", "restarting", "paused"}
"""States in which a container holds its ports and addresses."""

COMPOSE_PROJECT, COMPOSE_SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"


class Whose(Value, frozen=True, kw_only=True):
    """An environment, whichever history delivers it."""

    project: str
    environment: str
    composed: str | None = None  # the Compose project that it takes over from

    @property
    def prefix(self) -> str:
        """What its names begin with."""
        return names.prefix(self.project, self.environment)

    def marked(self, labels: Mapping[str, str]) -> bool:
        """Whether something is the environment's."""
        return labels.get(marks.PROJECT) == self.project and labels.get(marks.ENVIRONMENT) == self.environment


class Claims(Value, frozen=True, kw_only=True):
    """The names that an environment's resources have, or are to have."""

    services: Mapping[str, str | None] = {}  # → the declared name of its container
    networks: Mapping[str, str] = {}  # real name → declared one

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "Claims":
        """What these resources are called."""
        services: dict[str, str | None] = {}
        networks: dict[str, str] = {}
        for resource in resources:
            kind, _, name = resource.id.partition("/")
            body = resource.body if isinstance(resource.body, dict) else {}
            if kind == "service":
                services[name] = body.get("container_name")
            elif kind == "network" and isinstance(body.get("name"), str):
                networks[body["name"]] = name
        return cls(services=services, networks=networks)


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One container of a service: ours, or somebody else's in its place."""

    id: str
    name: str
    state: str  # as the list says it
    service: str
    number: int
    listed: JsonMap
    noted: Noted | None = None  # None: somebody else's
    kept: Kept | None = None  # it made room for another one
    revision: int = 0  # that last wrote it
    inspected: JsonMap = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state in RUNNING

    @property
    def mark(self) -> Mark | None:
        """Whose it is."""
        return self.noted.mark if self.noted else None

    @property
    def ports(self) -> set[str]:
        """The ports of the host that it has while it runs, without random ones."""
        bindings = ((self.inspected.get("HostConfig") or {}).get("PortBindings") or {}).values()
        return {binding.get("HostPort") for several in bindings for binding in several or []} - {"", "0", None}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What there is."""

    whose: Whose
    claims: Claims
    lists: Lists
    instances: tuple[Instance, ...]

    @classmethod
    def at(cls, docker: Docker, whose: Whose, claims: Claims) -> "Look":
        """Look once: a list a kind, then at each of the environment's own containers."""
        lists = docker.lists()
        found = [one for one in map(_Reader(whose, claims).read, lists.containers) if one is not None]
        live = [one.id for one in found if one.kept is None or one.runs]
        inspected = docker.inspect(live)
        seen = (_with(one, inspected.get(one.id)) for one in found if one.kept is not None or one.id in inspected)
        order = sorted(seen, key=lambda one: (one.service, one.number, one.name))
        return cls(whose=whose, claims=claims, lists=lists, instances=tuple(_unhidden(order, whose)))

    @cached_property
    def live(self) -> dict[str, list[Instance]]:
        """Service → its instances, in their order; without those that made room."""
        found: dict[str, list[Instance]] = {}
        for one in self.instances:
            if one.kept is None:
                found.setdefault(one.service, []).append(one)
        return found

    @cached_property
    def kept(self) -> dict[str, list[Instance]]:
        """Service → the instances that made room."""
        found: dict[str, list[Instance]] = {}
        for one in self.instances:
            if one.kept is not None:
                found.setdefault(one.service, []).append(one)
        return found

    @cached_property
    def names(self) -> dict[str, JsonMap]:
        """Every container of the engine by its name."""
        return {name_of(one): one for one in self.lists.containers}

    @cached_property
    def networks(self) -> dict[str, JsonMap]:
        """Every network of the engine by its name."""
        return {one["Name"]: one for one in self.lists.networks}

    @cached_property
    def volumes(self) -> dict[str, JsonMap]:
        """Every volume of the engine by its name."""
        return {one["Name"]: one for one in self.lists.volumes}

    def network_key(self, network: JsonMap) -> str | None:
        """The name that a network is declared by; None for what has nothing to do with the environment."""
        labels = labels_of(network)
        return labels.get(marks.NAME) if self.whose.marked(labels) else self.claims.networks.get(network["Name"])

    def files(self) -> dict[str, str]:
        """The volumes with files of this environment → the service."""
        found = {name: labels_of(volume) for name, volume in self.volumes.items()}
        return {name: labels[OWNER] for name, labels in found.items() if OWNER in labels and self.whose.marked(labels)}


class _Reader:
    """Tells whose a listed container is."""

    def __init__(self, whose: Whose, claims: Claims) -> None:
        self._whose = whose
        self._named = {name: service for service, name in claims.services.items() if name}
        self._services = claims.services.keys()
        self._generated = re.compile(rf"{re.escape(whose.prefix)}-(?P<service>.+)-r\d+-(?P<number>\d+)(-\d+)?")

    def read(self, listed: JsonMap) -> Instance | None:
        """The instance that it is; None where it has nothing to do with the environment."""
        labels, name = labels_of(listed), name_of(listed)
        kept = Kept.of(name)
        noted = Noted.of(labels) if self._whose.marked(labels) else None
        if noted is None:
            return self._theirs(listed, name, kept, labels)
        return Instance(
            id=listed["Id"],
            name=name,
            state=listed["State"],
            service=noted.service,
            number=noted.number,
            listed=listed,
            noted=noted,
            kept=kept,
            revision=revision_in(kept.name if kept else name, self._whose.prefix, noted),
        )

    def _theirs(self, listed: JsonMap, name: str, kept: Kept | None, labels: Mapping[str, str]) -> Instance | None:
        holds = kept is not None or listed["State"] in RUNNING
        if marks.mark_of(labels) is None:
            found = self._by_name(kept.name if kept else name) or (self._composed(labels, kept) if holds else None)
        else:  # another environment's, whose names may begin as ours do: only a declared name is in the way
            found = self._declared(name)
        if found is None:
            return None
        service, number = found
        return Instance(
            id=listed["Id"],
            name=name,
            state=listed["State"],
            service=service,
            number=number,
            listed=listed,
            kept=kept,
        )

    def _composed(self, labels: Mapping[str, str], kept: Kept | None) -> tuple[str, int] | None:
        """A container of the Compose project that is taken over, where its service is to be, or was, delivered here."""
        project = self._whose.composed
        if COMPOSE_SERVICE not in labels or (kept is None and labels[COMPOSE_SERVICE] not in self._services):
            return None
        if project is None or labels.get(COMPOSE_PROJECT) != project or labels.get(_ONE_OFF, "False") != "False":
            return None
        number = labels.get("com.docker.compose.container-number", "1")
        return labels[COMPOSE_SERVICE], int(number) if number.isdecimal() else 1

    def _by_name(self, name: str) -> tuple[str, int] | None:
        """A container with a name that we would give, or are to give."""
        found = self._generated.fullmatch(name)
        return self._declared(name) or ((found["service"], int(found["number"])) if found else None)

    def _declared(self, name: str) -> tuple[str, int] | None:
        return (self._named[name], 1) if name in self._named else None


def _with(one: Instance, inspected: JsonMap | None) -> Instance:
    if inspected is None:
        return one
    return replace(one, inspected=inspected, state=inspected["State"]["Status"])


def _unhidden(instances: list[Instance], whose: Whose) -> Iterator[Instance]:
    """Somebody else's container stands for a service only where none of ours was started, or beside it as Compose's."""
    ours = {one.service for one in instances if one.noted is not None and one.kept is None and one.state != "created"}
    for one in instances:
        composed = whose.composed is not None and labels_of(one.listed).get(COMPOSE_PROJECT) == whose.composed
        if one.noted is not None or one.kept is not None or composed or one.service not in ours:
            yield one
