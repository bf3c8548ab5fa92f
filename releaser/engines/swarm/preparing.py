"""Preparing: what services refer to is made, or found, before any of them is written; refusals come before that."""

import base64
import time
from collections.abc import Iterator, Sequence

from releaser.engines.moby import marks, names
from releaser.engines.moby import words as api
from releaser.engines.moby.networks import comparable, network_body, network_spec
from releaser.engines.moby.versions import refuse_too_new
from releaser.engines.rendering import content_bytes
from releaser.engines.swarm.api import Swarm
from releaser.engines.swarm.building import Builder, secrets_of
from releaser.engines.swarm.looking import Look
from releaser.engines.swarm.observing import OVERLAY
from releaser.engines.swarm.references import Object
from releaser.engines.swarm.watching import Tell
from releaser.engines.time_limit import Limit
from releaser.engines.vocabulary import SWARM
from releaser.model.errors import ApplyFailed
from releaser.model.event import Point
from releaser.model.value import JsonMap
from releaser.ports import Desired, Work

_AGAIN = 0.25


class Preparing:
    """What one delivery's services need."""

    def __init__(self, swarm: Swarm, look: Look, builder: Builder, tell: Tell, limit: Limit) -> None:
        self._swarm = swarm
        self._limit = limit
        self._look = look
        self._builder = builder
        self._tell = tell

    def check(self, services: Sequence[Desired]) -> None:
        """Refuse what cannot be done, and read every value, before anything is written."""
        refuse_too_new(services, SWARM, self._swarm.client.api_version, self._swarm.place)
        for service in services:
            self._check_networks(service)
            self._check_volumes(service)
        for service in services:
            for name in secrets_of(service.resource.body):
                if self._needs_value(service.resource.body, name):
                    self._builder.values.bytes(name)

    def make(self, work: Work, services: Sequence[Desired]) -> None:
        """Make the networks, configs and secrets that are not there; nothing refers to them yet."""
        used = {one for service in services for one in self._builder.used(service.resource.body)}
        for desired in work.desired:
            kind, _, name = desired.resource.id.partition("/")
            if kind == "network":
                self._network(desired, made=desired.resource.id in used | work.changed)
            elif kind == "config":
                self._config(name, desired, made=desired.resource.id in used | work.changed)
            elif kind == "secret":
                self._secret(name, desired, services)

    # --- networks ---

    def _check_networks(self, service: Desired) -> None:
        mode = service.resource.body.get("network_mode")
        found = self._swarm.predefined(mode) if mode else None
        if found is not None:
            self._builder.networks[mode] = found["Id"]
        for joined in (service.resource.body.get("networks") or {}).values():
            real = joined["name"]
            desired = self._network_of(real)
            live = self._look.network(real)
            if desired is None and live is None:
                raise ApplyFailed(
                    f"{service.resource.id} joins the network {real}, which is not there",
                    hint=f"make it: docker network create -d overlay --attachable {real}; or remove `external: true`",
                )
            if desired is not None and live is not None:
                self._check_same(desired, live)

    def _check_same(self, desired: Desired, live: JsonMap) -> None:
        """A network cannot be changed, so one that is there must be what was declared."""
        real = live["Name"]
        if live.get("Scope") == "local":
            raise ApplyFailed(
                f"the network {real} is a network of this node alone, and Docker makes no second one of a name",
                hint="what plain Docker runs under that name has to go first: deliver to a project or environment of "
                "another name, or remove its containers and the network",
            )
        made_from = dict(self._made_from()).get(real) or (live.get("Labels") or {}).get(marks.FINGERPRINT)
        if made_from == desired.resource.fingerprint:
            return
        if network_body(live, OVERLAY) != comparable(desired.resource.body, OVERLAY):
            raise ApplyFailed(
                f"the network {real} is there with other options, and Docker changes none",
                hint=f"give it another name, or let its users go and remove it: docker network rm {real}",
            )

    def _made_from(self) -> Iterator[tuple[str, str | None]]:
        for noted in self._look.noted.values():
            yield from ((real, use.fingerprint) for real, use in noted.names.networks.items())

    def _network_of(self, real: str) -> Desired | None:
        return next(
            (
                desired
                for desired in self._builder.work.desired
                if desired.resource.id.startswith("network/") and desired.resource.body["name"] == real
            ),
            None,
        )

    def _network(self, desired: Desired, *, made: bool) -> None:
        body: JsonMap = desired.resource.body
        real = body["name"]
        live = self._look.network_ids.get(real)
        if not made or (live is not None and not self._is_going(live)):
            return
        spec = network_spec(body, self._builder.labels(desired), OVERLAY)
        self._builder.networks[real] = self._swarm.create_network(spec)
        self._tell(Point.STAGED, f"the network {real} is made", desired.resource.id)

    def _is_going(self, id_: str) -> bool:
        """Whether a network was removed, and the last tasks in it only keep its name; waits until they are gone."""
        if id_ in self._look.joined or self._swarm.has_network(id_):
            return False
        while self._swarm.has_network(id_, here=True) and not self._limit.over():
            self._limit.check()
            time.sleep(_AGAIN)
        return True

    # --- volumes ---

    def _check_volumes(self, service: Desired) -> None:
        """A volume holds data, so one that is there must be what was declared. Only this node's can be seen."""
        declared = {
            desired.resource.body["name"]: desired.resource.body
            for desired in self._builder.work.desired
            if desired.resource.id.startswith("volume/")
        }
        for mount in (service.resource.body.get("volumes") or {}).values():
            if mount["type"] != "volume":
                continue
            real = mount["source"]
            live = self._swarm.volume(real)
            if real in declared and live is not None:
                self._check_volume(declared[real], live)
            elif real not in declared and live is None and self._swarm.alone():
                raise ApplyFailed(
                    f"{service.resource.id} mounts the volume {real}, which is not there",
                    hint=f"make it: docker volume create {real}; or remove `external: true`",
                )

    @staticmethod
    def _check_volume(body: JsonMap, live: JsonMap) -> None:
        driver, options = body.get("driver", "local"), api.texts_by_name(body.get("driver_opts"))
        if (live.get("Driver"), live.get("Options") or {}) != (driver, options):
            raise ApplyFailed(
                f"the volume {body['name']} is there with other options: driver {live.get('Driver')}, "
                f"{live.get('Options') or 'no options'}",
                hint="give it another name; or save what is in it, and remove it by hand",
            )

    # --- configs and secrets ---

    def _config(self, name: str, desired: Desired, *, made: bool) -> None:
        labels = self._builder.labels(desired)
        live = self._look.configs.get(name)
        if live is None:
            if made:
                real = names.of(self._look.whose.prefix, name)
                data = base64.b64encode(content_bytes(desired.resource.body)).decode()
                id_ = self._swarm.create_object("config", {"Name": real, "Labels": labels, "Data": data})
                self._builder.configs[name] = Object(id=id_, name=real)
                self._tell(Point.STAGED, f"the config {real} is made", desired.resource.id)
            return
        spec = live["Spec"]
        if base64.b64decode(spec.get("Data") or "") != content_bytes(desired.resource.body):
            raise ApplyFailed(
                f"the config {spec['Name']} is there with another content, and Swarm changes none",
                hint=f"let its users go, and remove it: docker config rm {spec['Name']}",
            )
        self._builder.configs[name] = Object(id=live["ID"], name=spec["Name"])
        if made and _other(spec.get("Labels"), labels):
            self._swarm.relabel("config", live, labels)
            self._tell(Point.STAGED, f"the config {spec['Name']} is marked", desired.resource.id)

    def _secret(self, name: str, desired: Desired, services: Sequence[Desired]) -> None:
        mounted = any(name in (service.resource.body.get("secrets") or {}) for service in services)
        labels = self._builder.labels(desired)
        found = self._builder.values.object(name)
        if found is not None:
            self._builder.secrets[name] = found
            live = self._look.secrets[found.id]
            if desired.resource.id in self._builder.work.changed and _other(live["Spec"].get("Labels"), labels):
                self._swarm.relabel("secret", live, labels)
                self._tell(Point.STAGED, f"the secret {found.name} is marked", desired.resource.id)
        elif mounted:
            made = self._builder.secrets[name] = self._builder.values.make(self._swarm, name, labels)
            self._tell(Point.STAGED, f"the secret {made.name} is made", desired.resource.id)

    def _needs_value(self, body: JsonMap, name: str) -> bool:
        variables = (body.get("environment") or {}).values()
        if any(isinstance(value, dict) and value["secret"] == name for value in variables):
            return True
        return self._builder.values.object(name) is None


def _other(live: JsonMap | None, labels: JsonMap) -> bool:
    """Whether labels differ in more than the revision, which is never rewritten alone."""
    one, other = ({key: text for key, text in (all_ or {}).items() if key != marks.REVISION} for all_ in (live, labels))
    return one != other
