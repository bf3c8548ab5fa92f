"""A laboratory in the test bed's Swarm: an engine on it, and hands that reach past the engine."""

import base64
import json
import time
from collections.abc import Hashable
from pathlib import Path

import msgspec
import pytest

from releaser.engines.moby.client import Client
from releaser.engines.swarm.engine import SwarmEngine
from releaser.model.release import Release
from releaser.model.resource import Mark
from releaser.model.value import JsonMap
from releaser.ports import Engine
from tests.contracts.engine_contract import ENVIRONMENT, Delivering, as_declared, release
from tests.engines.images import Images
from tests.engines.swarm.shop import Shop


class SwarmLab:
    """One environment in a Swarm."""

    atomic = False
    spelled = staticmethod(as_declared)

    def __init__(self, client: Client, project: str, images: Images) -> None:
        self.client = client
        self.project = project
        self.images = images
        self.keep = 0
        self.host: str | None = None  # where the engine connects to, if not where we do
        self.engines: list[SwarmEngine] = []

    def engine(self) -> Engine:
        made = SwarmEngine(Client(self.host or self.client.place), Path("/"), self.keep)
        self.engines.append(made)
        return made

    def close(self) -> None:
        for engine in self.engines:
            engine.close()

    def release(self, version: str = "v1", **images: str) -> Release:
        """`api` and `web` run and do nothing, unless others are named."""
        named = {"api": self.images.sleep("api"), "web": self.images.sleep("web"), **images}
        made = release(version, *named)
        found = {}
        for name, reference in named.items():
            repository, _, digest = reference.partition("@")
            found[name] = msgspec.structs.replace(made.images[name], repository=repository, digest=digest)
        return msgspec.structs.replace(made, images=found)

    # --- hands ---

    def real(self, name: str) -> str:
        return f"{self.project}-{ENVIRONMENT}_{name}"

    def service(self, name: str) -> JsonMap:
        return self.client.call("GET", f"/services/{self.real(name)}")

    def services(self) -> list[JsonMap]:
        filters = {"label": [f"releaser.project={self.project}"]}
        return self.client.call("GET", "/services", params={"filters": filters}) or []

    def change(self, name: str, change: object) -> None:
        """Change a service's spec by hand, as `docker service update` does."""
        live = self.service(name)
        change(live["Spec"])
        self.client.call(
            "POST", f"/services/{live['ID']}/update", params={"version": live["Version"]["Index"]}, body=live["Spec"]
        )

    def settled(self, name: str) -> None:
        """Wait until the engine is through with an update."""
        end = time.monotonic() + 20
        while (self.service(name).get("UpdateStatus") or {}).get("State") != "completed":
            assert time.monotonic() < end, self.service(name).get("UpdateStatus")
            time.sleep(0.1)

    def tasks(self, name: str) -> list[JsonMap]:
        return self.client.call("GET", "/tasks", params={"filters": {"service": [self.real(name)]}})

    def running(self, name: str) -> set[str]:
        """The ids of the tasks that run."""
        return {task["ID"] for task in self.tasks(name) if task["Status"]["State"] == "running"}

    def objects(self, kind: str) -> dict[str, JsonMap]:
        """Configs or secrets of the project, by their real name."""
        found = self.client.call("GET", f"/{kind}s", params={"filters": {"name": [self.project]}})
        return {one["Spec"]["Name"]: one for one in found or []}

    # --- what the contract asks for ---

    def edit(self, resource: str) -> str:
        kind, _, name = resource.partition("/")
        if kind == "config":  # its content cannot be changed, only its labels
            live = self.objects("config")[self.real(name)]
            labels = {**live["Spec"]["Labels"], "touched": "by-hand"}
            self.client.call(
                "POST",
                f"/configs/{live['ID']}/update",
                params={"version": live["Version"]["Index"]},
                body={**live["Spec"], "Labels": labels},
            )
            return "labels.touched"
        self.change(name, lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=["LEVEL=by-hand"]))
        return "environment.LEVEL"

    def remove(self, resource: str) -> None:
        self.client.call("DELETE", f"/services/{self.real(resource.partition('/')[2])}")

    def add(self) -> str:
        spec = {
            "Name": self.real("extra"),
            "Labels": {"releaser.project": self.project},  # so that it is removed after the test
            "TaskTemplate": {"ContainerSpec": {"Image": self.images.sleep("extra")}},
        }
        self.client.call("POST", "/services/create", body=spec)
        return "service/extra"

    def content(self) -> Hashable:
        """Every spec of the project without ids and the ends of secrets' names, with what it refers to.

        What no service refers to is kept for a way back, and volumes are never removed.
        """
        filters = {"label": [f"releaser.project={self.project}"]}
        services = self.services()
        networks = self.client.call("GET", "/networks", params={"filters": filters}) or []
        specs = [_without_ids(service["Spec"]) for service in services]
        used = json.dumps([service["Spec"] for service in services])
        kept = [
            (name, one["Spec"]["Labels"], one["Spec"].get("Data"))
            for name, one in self.objects("config").items()
            if one["ID"] in used or not services
        ]
        values = [
            (name.rpartition(".")[0], one["Spec"]["Labels"])
            for name, one in self.objects("secret").items()
            if one["ID"] in used or not services
        ]
        named = [(network["Name"], network["Labels"]) for network in networks]
        return tuple(sorted(json.dumps(one, sort_keys=True) for one in (*specs, *kept, *values, *named)))

    def writes(self) -> Hashable:
        """The version of everything: it moves with each write, also with one that changes nothing."""
        services = self.services()
        objects = (*self.objects("config").values(), *self.objects("secret").values())
        return tuple(sorted((one["ID"], one["Version"]["Index"]) for one in (*services, *objects)))


def _without_ids(spec: JsonMap) -> JsonMap:
    labels = {name: text for name, text in spec["Labels"].items() if name != "releaser.sealed"}
    task = dict(spec["TaskTemplate"])
    task["Networks"] = len(task.get("Networks") or [])
    container = dict(task["ContainerSpec"])
    container["Configs"] = [one["ConfigName"] for one in container.get("Configs") or []]
    container["Secrets"] = [one["SecretName"].rpartition(".")[0] for one in container.get("Secrets") or []]
    return {**spec, "Labels": labels, "TaskTemplate": {**task, "ContainerSpec": container}}


def text_of(config: JsonMap) -> str:
    """What is in a config."""
    return base64.b64decode(config["Spec"]["Data"]).decode()


def mark(project: str, revision: int) -> Mark:
    return Mark(project=project, environment=ENVIRONMENT, history="history-1", revision=revision)


@pytest.fixture
def lab(client: Client, project: str, images: Images) -> SwarmLab:
    made = SwarmLab(client, project, images)
    yield made
    made.close()


@pytest.fixture
def delivering(lab: SwarmLab) -> Delivering:
    return Delivering(lab)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_host: str, images: Images, project: str) -> Shop:
    """A project with an image `api`: v1 runs, v2 too."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-two")
    made = Shop(tmp_path, project, engine_host, images)
    for version in ("v1", "v2"):
        made.image("api").tag(made.image("api").serve(version), version)
    return made
