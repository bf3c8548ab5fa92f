"""The calls of the Docker Engine's API that containers are delivered with, and its refusals in words of ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from releaser.engines.docker.container import Body
from releaser.engines.moby.client import Client
from releaser.engines.moby.errors import Refused
from releaser.model.errors import ApplyFailed, EngineUnreachable
from releaser.model.value import Json, JsonMap, Value

_WRITE = 60.0  # starting a container waits for its network and its mounts

_HINTS = (
    (("port is already allocated", "address already in use"), "publish another port, or let go what has it: docker ps"),
    (("container name", "already in use"), "look at it: docker ps -a; remove or rename it"),
    (
        ("no space left", "quota exceeded"),
        "make room on the engine's disk (docker system df), then go on: release resume",
    ),
    (("pool overlaps",), "choose another subnet, or remove the network that has it: docker network ls"),
    (("address pools", "non-overlapping"), "remove networks that nobody uses: docker network prune"),
    (("bind source path does not exist",), "make it on the engine's host, or write `bind: {create_host_path: true}`"),
    (("executable file not found", "exec format error"), "correct `command` or `entrypoint`, or the image"),
)


class Lists(Value, frozen=True, kw_only=True):
    """What there is, as the API answers it: one list a kind."""

    containers: tuple[JsonMap, ...]
    networks: tuple[JsonMap, ...]
    volumes: tuple[JsonMap, ...]


class Docker:
    """One engine. Every call raises EngineUnreachable, every write ApplyFailed."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def place(self) -> str:
        """The engine as a person knows it."""
        return self.client.place

    # --- reads ---

    def identity(self) -> str:
        """The engine's own id."""
        return str(self.client.info().get("ID") or self.place)

    def lists(self) -> Lists:
        """All there is, whoever made it: names are taken by others, too."""
        calls: tuple[Callable[[], Json], ...] = (
            lambda: self._read("/containers/json", {"all": True}),
            lambda: self._read("/networks", {}),
            lambda: self._read("/volumes", {}),
        )
        containers, networks, volumes = self.client.each(calls)
        return Lists(
            containers=tuple(containers or ()),
            networks=tuple(networks or ()),
            volumes=tuple((volumes or {}).get("Volumes") or ()),
        )

    def inspect(self, ids: Sequence[str]) -> dict[str, JsonMap]:
        """These containers, as far as they are there, side by side."""
        found = self.client.each([partial(self._one, f"/containers/{id_}/json") for id_ in ids])
        return {id_: one for id_, one in zip(ids, found, strict=True) if one is not None}

    def image(self, name: str) -> JsonMap | None:
        """An image that the engine has."""
        return self._one(f"/images/{name}/json")

    def archive(self, id_: str, path: str) -> bytes | None:
        """What is at a path in a container, as a tar; None where nothing is."""
        try:
            return self.client.download(f"/containers/{id_}/archive", {"path": path})
        except Refused:
            return None

    def logs(self, id_: str, tail: int) -> str:
        """The last lines that a container wrote."""
        return self.client.logs(f"/containers/{id_}/logs", tail)

    # --- containers ---

    def create(self, made: Body, what: str) -> str:
        """The id of a new container, which has joined all of its networks."""
        params = {"name": made.name, "platform": made.platform}
        id_ = str(self._write("POST", "/containers/create", what, params=params, body=made.body)["Id"])
        for network, endpoint in made.networks:
            self.connect(network, id_, endpoint, what)
        return id_

    def connect(self, network: str, id_: str, endpoint: JsonMap, what: str) -> None:
        """Join a network."""
        body = {"Container": id_, "EndpointConfig": endpoint}
        self._write("POST", f"/networks/{network}/connect", what, body=body)

    def disconnect(self, network: str, id_: str, what: str) -> None:
        """Leave a network."""
        self._write("POST", f"/networks/{network}/disconnect", what, body={"Container": id_, "Force": True})

    def upload(self, id_: str, folder: str, tar: bytes, what: str) -> None:
        """Put files into a folder of a container."""
        self._said(what, lambda: self.client.upload(f"/containers/{id_}/archive", tar, {"path": folder}))

    def start(self, id_: str, what: str) -> None:
        """Start it; that it runs already is fine."""
        self._write("POST", f"/containers/{id_}/start", what)

    def unpause(self, id_: str, what: str) -> None:
        """Let it go on."""
        self._write("POST", f"/containers/{id_}/unpause", what)

    def signal(self, id_: str, signal: str, what: str) -> None:
        """Send a signal; that it has ended is fine."""
        try:
            self.client.call("POST", f"/containers/{id_}/kill", params={"signal": signal}, timeout=_WRITE)
        except Refused as refused:
            if refused.status not in {404, 409}:
                raise self._failed(what, refused) from refused

    def stop(self, id_: str, what: str) -> None:
        """End it now, whatever it does, and also where the engine is about to start it again."""
        self._write("POST", f"/containers/{id_}/stop", what, params={"t": 0}, gone=True)

    def set_restart(self, id_: str, policy: JsonMap, what: str) -> None:
        """How it is started again when it ends."""
        self._write("POST", f"/containers/{id_}/update", what, body={"RestartPolicy": dict(policy)})

    def rename(self, id_: str, name: str, what: str) -> None:
        """Give it another name."""
        self._write("POST", f"/containers/{id_}/rename", what, params={"name": name})

    def remove(self, id_: str, what: str) -> None:
        """Remove it, running or not; the volumes that it has stay."""
        self._write("DELETE", f"/containers/{id_}", what, params={"force": True}, gone=True)

    # --- what they use ---

    def create_network(self, body: JsonMap) -> str:
        """The id of a new network."""
        made = self._write("POST", "/networks/create", f"the network {body['Name']}", body=body)
        return str(made["Id"])

    def try_remove_network(self, id_: str) -> str | None:
        """Remove it if nobody is in it; else who is, in the engine's words."""
        try:
            self.client.call("DELETE", f"/networks/{id_}", timeout=_WRITE)
        except Refused as refused:
            return None if refused.status == 404 else refused.message
        return None

    def create_volume(self, body: JsonMap) -> None:
        """A new volume."""
        self._write("POST", "/volumes/create", f"the volume {body['Name']}", body=body)

    def remove_volumes(self, volumes: Iterable[str]) -> None:
        """Remove volumes with files in them, which nobody else has."""
        for name in volumes:
            self._write("DELETE", f"/volumes/{name}", f"the volume {name}", gone=True)

    # --- how ---

    def _read(self, path: str, params: JsonMap) -> Json:
        try:
            return self.client.call("GET", path, params=params)
        except Refused as refused:
            raise EngineUnreachable(f"the engine at {self.place} refused to tell: {refused.message}") from refused

    def _one(self, path: str) -> JsonMap | None:
        try:
            found: JsonMap = self.client.call("GET", path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise EngineUnreachable(f"the engine at {self.place} refused to tell: {refused.message}") from refused
        return found

    def _write(self, method: str, path: str, what: str, *, gone: bool = False, **words: Json) -> Json:
        """The answer; `gone`: that it is not there any more is fine."""
        try:
            return self.client.call(method, path, timeout=_WRITE, **words)
        except Refused as refused:
            if gone and refused.status == 404:
                return None
            raise self._failed(what, refused) from refused

    def _said(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Refused as refused:
            raise self._failed(what, refused) from refused

    def _failed(self, what: str, refused: Refused) -> ApplyFailed:
        lower = refused.message.lower()
        hint = next((hint for signs, hint in _HINTS if any(sign in lower for sign in signs)), None)
        return ApplyFailed(f"the engine at {self.place} refused {what}: {refused.message}", hint=hint)


def name_of(listed: JsonMap) -> str:
    """A listed container's name: not one that another one links to it by."""
    names: Sequence[str] = listed.get("Names") or []
    return next((name[1:] for name in names if name.count("/") == 1), "")


def labels_of(thing: JsonMap) -> Mapping[str, str]:
    """The labels of a listed thing."""
    return thing.get("Labels") or {}
