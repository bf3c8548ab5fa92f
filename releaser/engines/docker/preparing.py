"""Preparing: refusals come before the first write; then images, networks and volumes, to which nothing refers yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from releaser.engines.docker.crew import Crew
from releaser.engines.docker.looking import Instance
from releaser.engines.docker.wanting import Wanted, secrets_of
from releaser.engines.moby import marks
from releaser.engines.moby import words as api
from releaser.engines.moby.networks import BRIDGE, comparable, network_body, network_spec
from releaser.engines.moby.versions import refuse_too_new
from releaser.engines.rendering import secrets_in_variables
from releaser.engines.vocabulary import DOCKER
from releaser.model.errors import ApplyFailed
from releaser.model.event import Point
from releaser.model.value import Json, JsonMap
from releaser.ports import Desired


@dataclass
class Preparing:
    """What one delivery's services need."""

    crew: Crew

    def check(self, services: Sequence[Wanted]) -> None:
        """Refuse what cannot be done, and read every value. Raises ApplyFailed, SecretMissing."""
        crew = self.crew
        refuse_too_new([one.desired for one in services], DOCKER, crew.docker.client.api_version, crew.docker.place)
        for service in services:
            self._check_networks(service)
            self._check_volumes(service)
            for config in (service.body.get("configs") or {}).values():
                crew.maker.wants.content(config["name"])
        for service in self._made_anew(services):
            for name in secrets_of(service.body):
                crew.maker.values.data(name)
            for name in secrets_in_variables(service.body):
                crew.maker.values.text(name)

    def make(self, services: Sequence[Wanted]) -> None:
        """Pull images, make networks and volumes."""
        for service in self._made_anew(services):
            self._pull(service)
        if services:
            self.crew.tell(Point.STAGED, "the values are at hand", None)
        used = {name for service in services for name in service.uses} | self.crew.work.changed
        for desired in self.crew.work.desired:
            kind, _, name = desired.resource.id.partition("/")
            if desired.resource.id not in used:
                continue
            if kind == "network":
                self._network(name, desired)
            elif kind == "volume":
                self._volume(name, desired)

    def _made_anew(self, services: Sequence[Wanted]) -> Iterator[Wanted]:
        """The services that need a new container, as far as can be told before anything is written."""
        for service in services:
            live = self.crew.look.live.get(service.name, [])
            kept = self.crew.look.kept.get(service.name, [])
            fitting = {one.number for one in live if _started(one) and service.fits(one, self.crew.lent)}
            fitting |= {one.number for one in kept if self.crew.restartable(one, service)}
            if service.job or any(number not in fitting for number in range(1, service.count + 1)):
                yield service

    def _pull(self, service: Wanted) -> None:
        def tell(text: str) -> None:
            self.crew.limit.check()
            self.crew.watcher.say(service.name, text)

        image = service.body["image"]
        if image not in self.crew.maker.images:
            found = self.crew.docker.client.pull(image, service.body.get("platform"), tell)
            self.crew.maker.images[image] = found

    # --- networks ---

    def _check_networks(self, service: Wanted) -> None:
        for joined in (service.body.get("networks") or {}).values():
            real = joined["name"]
            desired = self._of("network", real)
            live = self.crew.look.networks.get(real)
            if desired is None and live is None:
                raise ApplyFailed(
                    f"service/{service.name} joins the network {real}, which is not there",
                    hint=f"make it: docker network create {real}; or remove `external: true`",
                )
            if live is not None and live.get("Scope") == "swarm" and not live.get("Attachable"):
                raise ApplyFailed(
                    f"service/{service.name} joins the network {real}, which is a Swarm's and not attachable",
                    hint="make it with --attachable, or join another one",
                )
            if desired is not None and live is not None:
                self._check_same(desired, live)

    def _check_same(self, desired: Desired, live: JsonMap) -> None:
        """A network cannot be changed, so one that is there must be what was declared."""
        if (live.get("Labels") or {}).get(marks.FINGERPRINT) == desired.resource.fingerprint:
            return
        found, wanted = network_body(live, BRIDGE), comparable(desired.resource.body, BRIDGE)
        if not self.crew.look.whose.marked(live.get("Labels") or {}):  # somebody else's: its labels are his
            found.pop("labels", None)
            wanted.pop("labels", None)
        # An engine may add options of its own to every network.
        options, said = found.pop("driver_opts", {}), wanted.pop("driver_opts", {})
        if found != wanted or not said.items() <= options.items():
            raise ApplyFailed(
                f"the network {live['Name']} is there with other options, and Docker changes none",
                hint=f"give it another name, or let its users go and remove it: docker network rm {live['Name']}",
            )

    def _network(self, name: str, desired: Desired) -> None:
        body: JsonMap = desired.resource.body
        if body["name"] in self.crew.look.networks:
            return
        mark = self.crew.work.mark
        made = network_spec(body, marks.labels_of(mark, name, desired.resource.fingerprint), BRIDGE)
        id_ = self.crew.docker.create_network(made)
        self.crew.look.networks[body["name"]] = {**made, "Id": id_}
        self.crew.tell(Point.STAGED, f"the network {body['name']} is made", desired.resource.id)

    # --- volumes ---

    def _check_volumes(self, service: Wanted) -> None:
        """A volume holds data, so one that is there must be what was declared."""
        for mount in (service.body.get("volumes") or {}).values():
            if mount.get("type", "volume") != "volume":
                continue
            real = mount["source"]
            desired, live = self._of("volume", real), self.crew.look.volumes.get(real)
            if desired is None and live is None:
                raise ApplyFailed(
                    f"service/{service.name} mounts the volume {real}, which is not there",
                    hint=f"make it: docker volume create {real}; or remove `external: true`",
                )
            if desired is not None and live is not None:
                _check_volume(desired.resource.body, live)

    def _volume(self, name: str, desired: Desired) -> None:
        body: JsonMap = desired.resource.body
        if body["name"] in self.crew.look.volumes:
            return
        made = volume_spec(body, marks.labels_of(self.crew.work.mark, name, desired.resource.fingerprint))
        self.crew.docker.create_volume(made)
        self.crew.look.volumes[body["name"]] = made
        self.crew.tell(Point.STAGED, f"the volume {body['name']} is made", desired.resource.id)

    def _of(self, kind: str, real: str) -> Desired | None:
        return next(
            (
                desired
                for desired in self.crew.work.desired
                if desired.resource.id.startswith(f"{kind}/") and desired.resource.body.get("name") == real
            ),
            None,
        )


def _started(one: Instance) -> bool:
    return one.state != "created" or (one.noted is not None and one.noted.idle)


def _check_volume(body: JsonMap, live: JsonMap) -> None:
    driver, options = body.get("driver", "local"), api.texts_by_name(body.get("driver_opts"))
    if (live.get("Driver"), live.get("Options") or {}) != (driver, options):
        raise ApplyFailed(
            f"the volume {body['name']} is there with other options: driver {live.get('Driver')}, "
            f"{live.get('Options') or 'no options'}",
            hint="give it another name; or save what is in it, and remove it by hand",
        )


def volume_spec(body: JsonMap, labels: JsonMap) -> dict[str, Json]:
    """What `POST /volumes/create` gets."""
    found: dict[str, Json] = {"Name": body["name"], "Driver": body.get("driver") or "local"}
    if body.get("driver_opts"):
        found["DriverOpts"] = api.texts_by_name(body["driver_opts"])
    return found | {"Labels": {**api.texts_by_name(body.get("labels")), **labels}}
