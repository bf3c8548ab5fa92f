"""Wanting: what a service's instances are to be, and whether one that is there is that already."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from releaser.engines.docker.labels import REPLICAS, Noted, Use
from releaser.engines.docker.live import lasting, words
from releaser.engines.docker.looking import Instance, Look
from releaser.engines.docker.values import Values
from releaser.engines.moby import words as api
from releaser.engines.moby.service import lenders
from releaser.engines.rendering import content_bytes, secrets_in_variables
from releaser.model.errors import ApplyFailed
from releaser.model.resource import Mark
from releaser.model.value import Json, JsonMap, parse_path
from releaser.planning import fingerprint
from releaser.planning.diff import same
from releaser.ports import Desired, Work


@dataclass(frozen=True)
class Wanted:
    """One service as it is to be."""

    desired: Desired
    mark: Mark
    uses: Mapping[str, Use]
    count: int
    snapshot: Json  # as the engine answered for it after its last delivery; None where it was another

    @property
    def name(self) -> str:
        """The service."""
        return self.desired.resource.id.partition("/")[2]

    @property
    def body(self) -> JsonMap:
        """As declared."""
        body: JsonMap = self.desired.resource.body
        return body

    @cached_property
    def job(self) -> bool:
        """Whether it runs to its end."""
        return api.is_job(self.body)

    @cached_property
    def ports(self) -> set[str]:
        """The ports of the host that it is to have."""
        return {str(port.published) for port in api.ports(self.body) if port.published}

    def noted(self, number: int, *, idle: bool = False) -> Noted:
        """What a new instance's labels say."""
        return Noted(
            mark=self.mark,
            service=self.name,
            fingerprint=self.desired.resource.fingerprint,
            body=self.body,
            uses=self.uses,
            number=number,
            idle=idle,
        )

    def fits(self, one: Instance, lent: Mapping[str, str]) -> bool:
        """Whether an instance was made from and with what is wanted, and nothing of it was changed since.

        `lent`: service → the container that lends its namespaces.
        """
        noted = one.noted
        if noted is None or not _same_owner(noted.mark, self.mark):
            return False
        if noted.made_from(api.replicas(self.body)) != self.desired.resource.fingerprint:
            return False
        return dict(noted.uses) == dict(self.uses) and self._shares(one, lent) and not self._changed(one, lent)

    def _shares(self, one: Instance, lent: Mapping[str, str]) -> bool:
        host: JsonMap = (one.inspected or one.listed).get("HostConfig") or {}  # a list tells NetworkMode alone
        return all(
            host.get(_NAMESPACES[word]) == f"container:{lent.get(other)}" for word, other in lenders(self.body).items()
        )

    def _changed(self, one: Instance, lent: Mapping[str, str]) -> bool:
        """Whether it is not what the engine answered for it then, in what only a new container puts right."""
        if not isinstance(self.snapshot, dict) or not one.inspected:
            return False
        return not same(lasting(words(one.inspected, one.noted, lent)), lasting(self.snapshot))


_NAMESPACES = {"network_mode": "NetworkMode", "pid": "PidMode", "ipc": "IpcMode"}


def _same_owner(one: Mark, other: Mark) -> bool:
    return msgspec.structs.replace(one, revision=other.revision) == other


class Wants:
    """What the services of one delivery are to be."""

    def __init__(self, work: Work, look: Look, values: Values) -> None:
        self._work = work
        self._look = look
        self._values = values
        self._resources = {desired.resource.id: desired for desired in work.desired}
        self._networks = {
            desired.resource.body["name"]: name for name, desired in self._resources.items() if name[:8] == "network/"
        }
        self._volumes = {
            desired.resource.body["name"]: name for name, desired in self._resources.items() if name[:7] == "volume/"
        }

    def of(self, desired: Desired) -> Wanted:
        """What one service is to be. Reads no secret."""
        item = self._work.base.items.get(desired.resource.id)
        recorded = item is not None and item.resource.fingerprint == desired.resource.fingerprint
        revision = desired.revision if desired.revision is not None else self._work.mark.revision
        return Wanted(
            desired=desired,
            mark=msgspec.structs.replace(self._work.mark, revision=revision),
            uses=dict(self._uses(desired.resource.body)),
            count=self._count(desired),
            snapshot=item.snapshot if item is not None and recorded else None,
        )

    def _count(self, desired: Desired) -> int:
        """As many as declared; as there are, where somebody else decides that."""
        live = self._look.live.get(desired.resource.id.partition("/")[2], [])
        if REPLICAS in (desired.resource.body.get("ignore") or ()) and live:
            return len(live)
        return api.replicas(desired.resource.body)

    def _uses(self, body: JsonMap) -> Iterator[tuple[str, Use]]:
        for joined in (body.get("networks") or {}).values():
            name = self._networks.get(joined["name"])
            if name is not None:
                yield name, Use(fingerprint=self._made_from(name), id=joined["name"])
        for mount in (body.get("volumes") or {}).values():
            name = self._volumes.get(mount.get("source")) if mount.get("type", "volume") == "volume" else None
            if name is not None:
                yield name, Use(fingerprint=self._made_from(name), id=mount["source"])
        for mount in (body.get("configs") or {}).values():
            name = f"config/{mount['name']}"
            sha256 = fingerprint.of_bytes(self.content(mount["name"]))
            yield name, Use(fingerprint=self._made_from(name), sha256=sha256)
        for secret in secrets_of(body):
            name = f"secret/{secret}"
            yield name, Use(fingerprint=self._made_from(name), id=self._values.id(secret))

    def content(self, config: str) -> bytes:
        """What is in a config, by its name by content. Raises ApplyFailed."""
        desired = self._resources.get(f"config/{config}")
        body = desired.resource.body if desired is not None else {}
        if "content" not in body and "base64" not in body:
            raise ApplyFailed(
                f"the record does not have the content of config/{config}", hint="promote a release again"
            )
        return content_bytes(body)

    def _made_from(self, name: str) -> str:
        desired = self._resources.get(name)
        return desired.resource.fingerprint if desired is not None else ""


def secrets_of(body: JsonMap) -> list[str]:
    """The secrets that a service refers to, in variables and as files."""
    return sorted({*secrets_in_variables(body), *(body.get("secrets") or {})})


def kept_values(body: JsonMap, one: Instance) -> dict[str, Json]:
    """A declared body with the live values at the paths that somebody else owns."""
    found: dict[str, Json] = dict(body)
    if one.noted is None or not one.inspected:
        return found
    bare = replace(one.noted, body={**one.noted.body, "ignore": []})
    live = words(one.inspected, bare)
    for text in body.get("ignore") or ():
        found = _taken(found, live, parse_path(text)) if text != REPLICAS else found
    return found


def _taken(tree: Json, live: Json, path: tuple[str, ...]) -> Json:
    """A tree with another one's value at a path; as it is, where the other has none."""
    key, *rest = path
    value = live.get(key) if isinstance(live, dict) else None
    if value is None:
        return tree
    below = tree.get(key) if isinstance(tree, dict) else None
    return {**(tree or {}), key: _taken(below or {}, value, tuple(rest)) if rest else value}
