"""A project on disk that is delivered to the test bed's engine, each verb as a process of its own would."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from releaser.engines.moby.client import Client
from releaser.model.delivery import Delivery, Result
from releaser.model.drift import DriftItem
from releaser.model.event import Event
from releaser.model.value import Json
from releaser.operations import drift, promote, reconcile, resume, rollback
from releaser.operations.execute import execute, propose
from releaser.operations.proposing import Request
from releaser.operations.workspace import Workspace
from releaser.settings import read
from releaser.wiring import Flags, open_workspace
from tests.engines.docker.conftest import DockerLab
from tests.engines.images import Images


@dataclass
class Watcher:
    """Takes every event; does something where it is told to."""

    seen: list[Event] = field(default_factory=list)
    when: Callable[[Event], None] | None = None

    def event(self, event: Event) -> None:
        self.seen.append(event)
        if self.when is not None:
            self.when(event)

    def texts(self) -> list[str]:
        return [event.text for event in self.seen]


class Running:
    def requested(self) -> bool:
        return False


@dataclass
class Shop:
    """The project; its one environment is `test1`."""

    root: Path
    name: str
    host: str
    client: Client
    images: Images
    lab: DockerLab
    watcher: Watcher = field(default_factory=Watcher)
    pulled_from: str | None = None  # the repository that the engine is told, if not the one with the images

    def declare(self, services: Mapping[str, Json], **sections: Json) -> None:
        """Write the declarations anew."""
        envs = self.root / "envs"
        envs.mkdir(exist_ok=True)
        image = {"repository": self.pulled_from or self.images.repository, "source": self.images.repository}
        images = {words["image"]: dict(image) for words in services.values()}
        pipeline = {"project": self.name, "images": images, "environments": {"test1": {"layers": []}}}
        engine = {"kind": "docker", "host": self.host, **sections.pop("engine", {})}
        layer = {"engine": engine, "wait": "40s", "stable": "300ms", "services": services, **sections}
        (envs / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
        (envs / "test1.yaml").write_text(yaml.safe_dump(layer))

    def release(self, version: str, reference: str) -> None:
        """What the tag of a release is from now on; `reference` is `repository@digest`."""
        self.images.tag(reference, version)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        ws = open_workspace(read(), Flags(directory=self.root, by="ann"), Running(), self.watcher)
        try:
            yield ws
        finally:
            ws.close()

    def run(self, request: Callable[[Workspace], Request]) -> Result:
        with self.workspace() as ws:
            asked = request(ws)
            return execute(ws, asked, propose(ws, asked).plan)

    def promote(self, version: str, *, adopt: bool = False) -> Result:
        return self.run(lambda _: promote.request("test1", version, adopt=adopt))

    def rollback(self) -> Result:
        return self.run(lambda ws: rollback.request(ws, "test1"))

    def reconcile(self) -> Result:
        return self.run(lambda _: reconcile.request("test1"))

    def resume(self) -> Result:
        with self.workspace() as ws:
            return resume.resume(ws, "test1")

    def abort(self) -> Result:
        with self.workspace() as ws:
            return resume.abort(ws, "test1")

    def delivered(self, version: str, **more: bool) -> Delivery:
        result = self.promote(version, **more)
        assert result.outcome == "delivered", result.delivery
        assert result.delivery is not None
        return result.delivery

    def failed(self, version: str, **more: bool) -> Delivery:
        result = self.promote(version, **more)
        assert result.outcome == "failed", result
        assert result.delivery is not None
        return result.delivery

    def drifted(self) -> tuple[DriftItem, ...]:
        with self.workspace() as ws:
            found = drift.of(ws, "test1")
            assert found.error is None, found.error
            return found.items
