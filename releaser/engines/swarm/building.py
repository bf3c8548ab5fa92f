"""Building: a service's whole spec from its resource, what is live, and the objects that it refers to."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec

from releaser.engines.moby import marks, names
from releaser.engines.moby import words as api
from releaser.engines.swarm.labels import IDLE, IGNORED, SEALED, Names, Noted, Seal, Use, seal
from releaser.engines.swarm.live import words
from releaser.engines.swarm.looking import Look
from releaser.engines.swarm.references import Object, References
from releaser.engines.swarm.spec import Named, service_spec
from releaser.engines.swarm.templates import escaped
from releaser.engines.swarm.values import Values
from releaser.model.resource import Mark, Resource
from releaser.model.value import Json, JsonMap, at_path, parse_path, with_value
from releaser.ports import Desired, Work


@dataclass
class Builder:
    """Makes specs of one delivery; what was made for it is put in as it is made."""

    work: Work
    look: Look
    values: Values
    root: Path
    networks: dict[str, str]  # real name → id
    configs: dict[str, Object] = field(default_factory=dict)
    secrets: dict[str, Object] = field(default_factory=dict)

    def mark(self, desired: Desired) -> Mark:
        """The mark of what is written: of this delivery, or of the one that is brought back."""
        mark = self.work.mark
        return mark if desired.revision is None else msgspec.structs.replace(mark, revision=desired.revision)

    def labels(self, desired: Desired) -> dict[str, str]:
        """The mark and the fingerprint of a resource as labels."""
        resource = desired.resource
        return marks.labels_of(self.mark(desired), resource.id.partition("/")[2], resource.fingerprint)

    def service(self, desired: Desired, *, idle: bool = False) -> dict[str, Json]:
        """The spec of a service. `idle`: a job that is not to run."""
        name = desired.resource.id.partition("/")[2]
        live = self.look.ours.get(name)
        body = kept(desired.resource.body, live, self.look)
        sealed = dict(self._seals(body, live))
        noted = Noted(
            names=self._names(desired.resource),
            sealed=sealed,
            ignored=tuple(body.get("ignore") or ()),
        )
        labels = {**self.labels(desired), **noted.labels()}
        if idle:
            labels[IDLE] = str(api.replicas(body))
        named = Named(name=name, real=names.of(self.look.whose.prefix, name), labels=labels, idle=idle)
        spec = service_spec(named, body, self._references(body), self.root)
        forced = (live["Spec"]["TaskTemplate"].get("ForceUpdate") if live else 0) or 0
        if forced:  # the counter of restarts by hand: another number is another restart
            spec["TaskTemplate"]["ForceUpdate"] = forced
        return spec

    def used(self, body: JsonMap) -> frozenset[str]:
        """The resources that a service uses."""
        own = self._resources_by_name
        networks = [own.get(("network", joined["name"])) for joined in (body.get("networks") or {}).values()]
        volumes = [own.get(("volume", mount.get("source"))) for mount in (body.get("volumes") or {}).values()]
        configs = [f"config/{mount['name']}" for mount in (body.get("configs") or {}).values()]
        secrets = [f"secret/{name}" for name in secrets_of(body)]
        return frozenset(filter(None, (*networks, *volumes, *configs, *secrets)))

    def desired(self, resource: str) -> Desired | None:
        """A resource that shall be live."""
        return self._by_id.get(resource)

    # --- parts ---

    @cached_property
    def _by_id(self) -> dict[str, Desired]:
        return {desired.resource.id: desired for desired in self.work.desired}

    @cached_property
    def _resources_by_name(self) -> dict[tuple[str, str], str]:
        found = {}
        for desired in self.work.desired:
            kind = desired.resource.id.partition("/")[0]
            if kind in {"network", "volume"}:
                found[kind, desired.resource.body["name"]] = desired.resource.id
        return found

    def _names(self, resource: Resource) -> Names:
        body = resource.body
        networks = {
            joined["name"]: self._use(self._resources_by_name.get(("network", joined["name"])), key)
            for key, joined in (body.get("networks") or {}).items()
        }
        volumes = {
            mount["source"]: self._use(self._resources_by_name.get(("volume", mount["source"])), key)
            for key, mount in (body.get("volumes") or {}).items()
            if mount["type"] == "volume"
        }
        secrets = {name: self._use(f"secret/{name}", name) for name in secrets_of(body)}
        mounts = {mount["target"]: key for key, mount in (body.get("volumes") or {}).items()}
        return Names(networks=networks, volumes=volumes, secrets=secrets, mounts=mounts)

    def _use(self, resource: str | None, key: str) -> Use:
        desired = self._by_id.get(resource or "")
        if desired is None:
            return Use(name=key)
        return Use(name=desired.resource.id.partition("/")[2], fingerprint=desired.resource.fingerprint)

    def _seals(self, body: JsonMap, live: JsonMap | None) -> dict[str, Seal]:
        before = Noted.of(live["Spec"]["Labels"]).sealed if live else {}
        found = {}
        for variable, value in (body.get("environment") or {}).items():
            if isinstance(value, dict):
                name = value["secret"]
                text = escaped(self.values.text(name))
                found[variable] = seal(name, self.values.id(name), text, before.get(variable))
        return found

    def _references(self, body: JsonMap) -> References:
        variables = (body.get("environment") or {}).values()
        return References(
            networks=self.networks,
            configs=self.configs,
            secrets=self.secrets,
            values={
                value["secret"]: self.values.text(value["secret"]) for value in variables if isinstance(value, dict)
            },
            volumes={
                desired.resource.body["name"]: self.volume_options(desired)
                for desired in self.work.desired
                if desired.resource.id.startswith("volume/")
            },
        )

    def volume_options(self, desired: Desired) -> dict[str, Json]:
        """How a volume is made on the node where a task first mounts it.

        Nothing in it changes from delivery to delivery: it is a part of the task.
        """
        body: JsonMap = desired.resource.body
        mark = self.work.mark
        labels = {marks.PROJECT: mark.project, marks.ENVIRONMENT: mark.environment}
        labels |= {marks.NAME: desired.resource.id.partition("/")[2]}
        found: dict[str, Json] = {
            "Labels": {
                name: escaped(text) for name, text in {**api.texts_by_name(body.get("labels")), **labels}.items()
            }
        }
        driver: dict[str, Json] = {"Name": body["driver"]} if body.get("driver") else {}
        if body.get("driver_opts"):
            driver["Options"] = {key: escaped(text) for key, text in api.texts_by_name(body["driver_opts"]).items()}
        return {**found, "DriverConfig": driver} if driver else found


def secrets_of(body: JsonMap) -> list[str]:
    """The secrets that a service refers to, in variables and as files."""
    variables = (body.get("environment") or {}).values()
    return sorted({*(value["secret"] for value in variables if isinstance(value, dict)), *(body.get("secrets") or {})})


def kept(body: JsonMap, live: JsonMap | None, look: Look) -> dict[str, Json]:
    """The body with what its `ignore` list leaves to others as it is live."""
    found: dict[str, Json] = dict(body)
    if live is None or not body.get("ignore"):
        return found
    # Without seals, as a secret that somebody else owns is passed on as it stands there.
    labels = {name: text for name, text in live["Spec"]["Labels"].items() if name not in {IGNORED, SEALED}}
    now = words({**live["Spec"], "Labels": labels}, look.known)
    for text in body["ignore"]:
        path = parse_path(text)
        found = with_value(found, path, at_path(now, path))
    return found
