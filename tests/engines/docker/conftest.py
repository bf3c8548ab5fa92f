"""A laboratory on the test bed's engine: an engine of ours on it, and hands that reach past it."""

import json
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from releaser.engines.docker.engine import DockerEngine
from releaser.engines.moby import marks
from releaser.engines.moby.client import Client
from releaser.model.release import Release
from releaser.model.value import Json, JsonMap
from releaser.ports import Engine
from tests.contracts.engine_contract import ENVIRONMENT, Delivering, as_declared, release
from tests.engines.images import Images

if TYPE_CHECKING:
    from tests.engines.docker.shop import Shop


class CountingClient(Client):
    """Counts what may change something."""

    wrote = 0

    def call(self, method: str, path: str, **words: Json) -> Json:
        self.wrote += method != "GET"
        return super().call(method, path, **words)

    def upload(self, path: str, data: bytes, params: JsonMap) -> None:
        self.wrote += 1
        super().upload(path, data, params)


class DockerLab:
    """One environment on an engine."""

    atomic = False
    spelled = staticmethod(as_declared)

    def __init__(self, client: Client, project: str, images: Images) -> None:
        self.client = client
        self.project = project
        self.images = images
        self.keep = 1
        self.adopts: str | None = None
        self.host: str | None = None  # where the engine connects to, if not where we do
        self.named: dict[str, str] = {}  # image → reference, beside `api` and `web`
        self.clients: list[CountingClient] = []

    def engine(self) -> Engine:
        client = CountingClient(self.host or self.client.place)
        self.clients.append(client)
        return DockerEngine(client, Path("/"), self.keep, takes_over=self.adopts)

    def close(self) -> None:
        for client in self.clients:
            client.close()

    def release(self, version: str = "v1") -> Release:
        """`api` and `web` run and do nothing, unless others are named."""
        named = {"api": self.images.sleep("api"), "web": self.images.sleep("web"), **self.named}
        made = release(version, *named)
        found = {}
        for name, reference in named.items():
            repository, _, digest = reference.partition("@")
            found[name] = msgspec.structs.replace(made.images[name], repository=repository, digest=digest)
        return msgspec.structs.replace(made, images=found)

    # --- hands ---

    def containers(self, *, kept: bool = False) -> list[JsonMap]:
        """The project's containers, in the order of their names; without those that made room, or those alone."""
        filters = {"label": [f"{marks.PROJECT}={self.project}"]}
        found = self.client.call("GET", "/containers/json", params={"all": True, "filters": filters})
        chosen = [one for one in found if one["Names"][0].endswith(".kept") is kept]
        return sorted(chosen, key=lambda one: one["Names"])

    def service(self, name: str, *, kept: bool = False) -> list[JsonMap]:
        """A service's containers, inspected."""
        found = [one for one in self.containers(kept=kept) if one["Labels"].get(marks.NAME) == name]
        return [self.client.call("GET", f"/containers/{one['Id']}/json") for one in found]

    def one(self, name: str) -> JsonMap:
        """The only container of a service, inspected."""
        (found,) = self.service(name)
        return found

    def ids(self, name: str) -> list[str]:
        """The ids of a service's containers."""
        return [one["Id"] for one in self.service(name)]

    def update(self, id_: str, **words: Json) -> None:
        """As `docker update` does."""
        self.client.call("POST", f"/containers/{id_}/update", body=words)

    def run(self, image: str, name: str, labels: Mapping[str, str] | None = None, **config: Json) -> str:
        """As `docker run -d` does; it is removed with the project."""
        body = {"Image": image, "Labels": {marks.PROJECT: self.project, **(labels or {})}, **config}
        self.client.pull(image, None, lambda _: None)
        made = self.client.call("POST", "/containers/create", params={"name": name}, body=body)
        self.client.call("POST", f"/containers/{made['Id']}/start")
        return str(made["Id"])

    def volumes(self) -> dict[str, JsonMap]:
        """The project's volumes by name."""
        filters = {"label": [f"{marks.PROJECT}={self.project}"]}
        found = self.client.call("GET", "/volumes", params={"filters": filters})["Volumes"]
        return {one["Name"]: one for one in found or []}

    # --- what the contract asks for ---

    def edit(self, resource: str) -> str:
        self.update(self.one(resource.partition("/")[2])["Id"], Memory=64 << 20, MemorySwap=128 << 20)
        return "deploy.resources.limits.memory"

    def remove(self, resource: str) -> None:
        for id_ in self.ids(resource.partition("/")[2]):
            self.client.call("DELETE", f"/containers/{id_}", params={"force": True})

    def add(self) -> str:
        self.run(self.images.sleep("extra"), f"{self.project}-{ENVIRONMENT}-extra-r1-1")
        return "service/extra"

    def content(self) -> Hashable:
        """Every live container without ids and times, what was put into it, and the networks.

        What made room is kept for a way back, and volumes are never removed.
        """
        found = [self._content(one["Id"]) for one in self.containers()]
        networks = self.client.call(
            "GET", "/networks", params={"filters": {"label": [f"{marks.PROJECT}={self.project}"]}}
        )
        found += [{"network": one["Name"], "labels": one["Labels"]} for one in networks]
        return tuple(sorted(json.dumps(one, sort_keys=True) for one in found))

    def _content(self, id_: str) -> JsonMap:
        one = self.client.call("GET", f"/containers/{id_}/json")
        unsteady = {"releaser.files", "releaser.uses"}
        labels = {name: text for name, text in one["Config"]["Labels"].items() if name not in unsteady}
        return {
            "name": one["Name"],
            "running": one["State"]["Running"],
            "labels": labels,
            "env": one["Config"]["Env"],
            "command": one["Config"]["Cmd"],
            "memory": one["HostConfig"]["Memory"],
            "restart": one["HostConfig"]["RestartPolicy"],
            "networks": sorted(one["NetworkSettings"]["Networks"]),
        }

    def writes(self) -> Hashable:
        """How many requests of engines may have changed something."""
        return sum(client.wrote for client in self.clients)


@pytest.fixture
def lab(client: Client, project: str, images: Images) -> Iterator[DockerLab]:
    made = DockerLab(client, project, images)
    yield made
    made.close()


@pytest.fixture
def delivering(lab: DockerLab) -> Delivering:
    return Delivering(lab)


@pytest.fixture
def shop(
    lab: DockerLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    images: Images,
    project: str,
    engine_host: str,
) -> "Shop":
    """A project on disk, with a home and a secret of its own."""
    from tests.engines.docker.shop import Shop  # noqa: PLC0415 - it needs the laboratory of this file

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SHOP_PASSWORD", "hunter-two")
    return Shop(tmp_path, project, engine_host, client, Images(images.registry, images.busybox, f"t/{project}"), lab)
