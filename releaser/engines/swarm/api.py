"""The calls of the Docker Engine's API that a Swarm is delivered with, and its refusals in words of ours."""

from collections.abc import Mapping, Sequence

from releaser.engines.moby.client import Client
from releaser.engines.moby.errors import Refused
from releaser.model.errors import ApplyFailed, EngineUnreachable
from releaser.model.value import Json, JsonMap, Value

OUT_OF_SEQUENCE = "update out of sequence"
_UNAVAILABLE = 503

_HINTS = (
    ("already in use by service", "publish another port, or let that service go"),
    ("name conflicts with an existing", "look at it: docker service ls; say --adopt to take it over"),
    ("only networks scoped to the swarm", "make it an overlay network: docker network create -d overlay NAME"),
    ("pool overlaps", "choose another subnet, or remove the network that has it"),
    ("no space left", "make room on the engine's disk: docker system df"),
)


class Lists(Value, frozen=True, kw_only=True):
    """What there is, as the API answers it: one list a kind."""

    services: tuple[JsonMap, ...]
    networks: tuple[JsonMap, ...]
    configs: tuple[JsonMap, ...]
    secrets: tuple[JsonMap, ...]


class Swarm:
    """One Swarm, through one of its managers. Every call raises EngineUnreachable, every write ApplyFailed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._predefined: dict[str, JsonMap] = {}  # name or id → a node's own network, as the Swarm has it

    @property
    def place(self) -> str:
        """The manager as a person knows it."""
        return self.client.place

    # --- reads ---

    def cluster(self) -> str:
        """The Swarm's id. Raises EngineUnreachable where there is none, or this is no manager."""
        swarm: JsonMap = self.client.info().get("Swarm") or {}
        if swarm.get("LocalNodeState") != "active":
            raise EngineUnreachable(
                f"the engine at {self.place} is in no Swarm ({swarm.get('LocalNodeState') or 'unknown'})",
                hint=f"make it one: docker -H {self.place} swarm init; or deliver with `engine: {{kind: docker}}`",
            )
        if not swarm.get("ControlAvailable"):
            managers = ", ".join(str(one.get("Addr")) for one in swarm.get("RemoteManagers") or [])
            raise EngineUnreachable(
                f"the engine at {self.place} is a worker of its Swarm, and only managers are asked",
                hint=f"name a manager as `host`: {managers}" if managers else "name a manager as `host`",
            )
        return str(swarm["Cluster"]["ID"])

    def alone(self) -> bool:
        """Whether the Swarm is this one node."""
        return (self.client.info().get("Swarm") or {}).get("Nodes") == 1

    def lists(self, start: str) -> Lists:
        """All services, configs and secrets whose names begin so, and all networks."""
        named = {"filters": {"name": [start]}}
        calls = (
            lambda: self._read("/services", {**named, "status": True}),
            lambda: self._read("/networks", {}),
            lambda: self._read("/configs", named),
            lambda: self._read("/secrets", named),
        )
        services, networks, configs, secrets = self.client.each(calls)
        return Lists(
            services=tuple(services or ()),
            networks=tuple(networks or ()),
            configs=tuple(configs or ()),
            secrets=tuple(secrets or ()),
        )

    def predefined(self, name: str) -> JsonMap | None:
        """`host` or `bridge` as services join them, by name or id: no list has them. They stay as they are."""
        if name not in self._predefined:
            try:
                self._predefined[name] = self.client.call("GET", f"/networks/{name}", params={"scope": "swarm"})
            except Refused as refused:
                if refused.status == 404:
                    return None
                raise self._failed(f"network {name}", refused) from refused
        return self._predefined[name]

    def services(self, ids: Sequence[str]) -> list[JsonMap]:
        """These services, as far as they are there."""
        return self._read("/services", {"filters": {"id": list(ids)}}) or []

    def tasks(self, ids: Sequence[str]) -> list[JsonMap]:
        """The tasks of these services."""
        return self._read("/tasks", {"filters": {"service": list(ids)}}) or []

    def task(self, id_: str) -> JsonMap | None:
        """One task, as long as it is there."""
        try:
            found: JsonMap = self.client.call("GET", f"/tasks/{id_}")
        except Refused:
            return None
        return found

    def volume(self, name: str) -> JsonMap | None:
        """A volume of this node."""
        try:
            found: JsonMap = self.client.call("GET", f"/volumes/{name}")
        except Refused as refused:
            if refused.status == 404:
                return None
            raise self._failed(f"volume {name}", refused) from refused
        return found

    def health(self, task: JsonMap) -> str:
        """What the last health check of a task's container said, where it runs on this node."""
        container = container_of(task)
        here = (self.client.info().get("Swarm") or {}).get("NodeID")
        if container is None or task.get("NodeID") != here:
            return ""
        try:
            state: JsonMap = self.client.call("GET", f"/containers/{container}/json").get("State") or {}
        except Refused:
            return ""
        said = [str(one.get("Output", "")).strip() for one in (state.get("Health") or {}).get("Log") or []]
        return next(filter(None, reversed(said)), "")  # the last check of a container that is stopped says nothing

    # --- writes ---

    def create_service(self, spec: JsonMap) -> str:
        """The new service's id."""
        made = self._write("POST", "/services/create", spec["Name"], body=spec, headers=self._auth(spec))
        return str(made["ID"])

    def update_service(self, live: JsonMap, spec: JsonMap) -> None:
        """Write a whole spec over a service that was just read.

        The version moves with everything that the Swarm itself writes down of a service. So where it moved and the
        spec did not, it is tried again; where somebody else wrote, this is an error.
        """
        before = live["Spec"]
        for _ in range(_TRIES):
            try:
                self.client.call(
                    "POST",
                    f"/services/{live['ID']}/update",
                    params={"version": live["Version"]["Index"]},
                    body=spec,
                    headers=self._auth(spec),
                )
            except Refused as refused:
                if OUT_OF_SEQUENCE not in refused.message:
                    raise self._failed(spec["Name"], refused) from refused
            else:
                return
            found = self.services([live["ID"]])
            if not found or found[0]["Spec"] != before:
                break
            live = found[0]
        raise ApplyFailed(
            f"somebody else changed the service {spec['Name']} while it was written",
            hint="see who delivers there: release lock status; then plan again",
        )

    def remove_service(self, id_: str) -> None:
        """Remove a service; that it is gone already is fine."""
        try:
            self.client.call("DELETE", f"/services/{id_}", timeout=_WRITE)
        except Refused as refused:
            if refused.status != 404:
                raise self._failed(f"the removal of service {id_}", refused) from refused

    def create_network(self, body: JsonMap) -> str:
        """The new network's id."""
        made = self._write("POST", "/networks/create", f"network {body['Name']}", body=body)
        return str(made["Id"])

    def create_object(self, kind: str, body: JsonMap) -> str:
        """The id of a new config or secret."""
        made = self._write("POST", f"/{kind}s/create", f"{kind} {body['Name']}", body=body)
        return str(made["ID"])

    def relabel(self, kind: str, live: JsonMap, labels: Mapping[str, str]) -> None:
        """Give a config or secret other labels: nothing else of it can change."""
        spec = {**live["Spec"], "Labels": dict(labels)}
        version = {"version": live["Version"]["Index"]}
        self._write("POST", f"/{kind}s/{live['ID']}/update", spec["Name"], params=version, body=spec)

    def try_remove(self, kind: str, id_: str) -> str | None:
        """Remove it if nobody uses it; else who does, in the engine's words."""
        try:
            self.client.call("DELETE", f"/{kind}s/{id_}", timeout=_WRITE)
        except Refused as refused:
            if refused.status == 404 or "not found" in refused.message:
                return None
            if refused.status >= 500:
                raise self._failed(f"{kind} {id_}", refused) from refused
            return refused.message
        return None

    def has_network(self, id_: str, *, here: bool = False) -> bool:
        """Whether the Swarm has a network; `here`: whether this node has it, where old tasks keep it for a while."""
        try:
            self.client.call("GET", f"/networks/{id_}", params={} if here else {"scope": "swarm"})
        except Refused as refused:
            if refused.status == 404:
                return False
            raise self._failed(f"network {id_}", refused) from refused
        return True

    # --- how ---

    def _auth(self, spec: JsonMap) -> dict[str, str]:
        return self.client.auth(spec["TaskTemplate"]["ContainerSpec"]["Image"])

    def _read(self, path: str, params: JsonMap) -> Json:
        try:
            return self.client.call("GET", path, params=params)
        except Refused as refused:
            if refused.status == _UNAVAILABLE:
                self.cluster()  # says what it is, where it is no manager
            raise EngineUnreachable(f"the engine at {self.place} refused to tell: {refused.message}") from refused

    def _write(self, method: str, path: str, what: str, **words: Json) -> Json:
        try:
            return self.client.call(method, path, timeout=_WRITE, **words)
        except Refused as refused:
            raise self._failed(what, refused) from refused

    def _failed(self, what: str, refused: Refused) -> ApplyFailed | EngineUnreachable:
        said = refused.message.rpartition(" desc = ")[2]
        if refused.status == _UNAVAILABLE:
            return EngineUnreachable(f"the Swarm at {self.place} cannot be written: {said}")
        hint = next((hint for part, hint in _HINTS if part in said), None)
        return ApplyFailed(f"the Swarm refused {what}: {said}", hint=hint)


def container_of(task: JsonMap) -> str | None:
    """The id of a task's container; None where it has none yet."""
    found: str | None = ((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID")
    return found or None


_TRIES = 5
_WRITE = 30.0
