"""A project with real declarations, a real history and a real Swarm, delivered by the operations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from releaser.model.delivery import Delivery, Result
from releaser.model.drift import DriftItem
from releaser.model.event import Event, Point
from releaser.model.plan import Plan
from releaser.operations import drift, promote, reconcile, rollback
from releaser.operations.execute import execute, propose
from releaser.operations.proposing import Request
from releaser.settings import read
from releaser.wiring import Flags, open_workspace
from tests.engines.images import Images

ENVIRONMENT = "test1"
Words = Mapping[str, Any]


@dataclass
class Watcher:
    """Keeps what it is told."""

    events: list[Event] = field(default_factory=list)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def rolled(self, service: str) -> list[str]:
        """What was said of a service while it rolled."""
        return [
            event.text
            for event in self.events
            if event.point is Point.ROLLING and event.resource == f"service/{service}"
        ]


class Running:
    """Nobody asks to stop."""

    def requested(self) -> bool:
        return False


@dataclass
class Shop:
    """One project; each verb is a process of its own as far as the code can tell."""

    root: Path
    project: str
    host: str
    images: Images
    watcher: Watcher = field(default_factory=Watcher)
    history: str | None = None
    stable: str = "300ms"
    wait: str = "40s"
    engine: Words | None = None  # the `engine:` section, where it is another one

    def declare(
        self, services: Words, *, pipeline: Words | None = None, sources: Words | None = None, **sections: Any
    ) -> None:
        """Write the declarations; JSON is YAML. `sources`: image → where it is really pulled from."""
        envs = self.root / "envs"
        envs.mkdir(exist_ok=True)
        images = sorted({words["image"] for words in services.values()})
        document = {
            "project": self.project,
            "images": {name: self._image(name, (sources or {}).get(name)) for name in images},
            "environments": {ENVIRONMENT: {"layers": []}},
            **(pipeline or {}),
        }
        engine = self.engine or {"kind": "swarm", "host": self.host}
        layer = {"engine": engine, "wait": self.wait, "stable": self.stable, "services": services, **sections}
        (envs / "pipeline.yaml").write_text(json.dumps(document))
        (envs / f"{ENVIRONMENT}.yaml").write_text(json.dumps(layer))

    def image(self, name: str) -> Images:
        """Pushes to the repository of an image of the project."""
        return Images(self.images.registry, self.images.busybox, self._name(name), self.images.headers, self.images.ca)

    def _name(self, image: str) -> str:
        return f"releaser-test/{self.project}-{image}"

    def _image(self, name: str, pulled_from: str | None) -> Words:
        if pulled_from is None:
            return {"repository": self._repository(name)}
        return {"repository": pulled_from, "source": self._repository(name)}

    def _repository(self, image: str) -> str:
        return f"{self.images.registry}/{self._name(image)}"

    # --- the verbs ---

    def promote(self, version: str, **more: bool) -> Result:
        return self._run(lambda _ws: promote.request(ENVIRONMENT, version, **more))

    def rollback(self, **more: bool) -> Result:
        return self._run(lambda ws: rollback.request(ws, ENVIRONMENT, **more))

    def reconcile(self, **more: bool) -> Result:
        return self._run(lambda _ws: reconcile.request(ENVIRONMENT, **more))

    def plan(self, version: str, **more: bool) -> Plan:
        ws = self._open()
        try:
            return propose(ws, promote.request(ENVIRONMENT, version, **more)).plan
        finally:
            ws.close()

    def drift(self) -> tuple[DriftItem, ...]:
        ws = self._open()
        try:
            found = drift.of(ws, ENVIRONMENT)
            assert found.error is None, found.error
            return found.items
        finally:
            ws.close()

    def head(self) -> Delivery:
        ws = self._open()
        try:
            head = ws.history.head(ENVIRONMENT)
            assert head is not None
            return head
        finally:
            ws.close()

    def _run(self, request: Any) -> Result:
        self.watcher = Watcher()
        ws = self._open()
        try:
            asked: Request = request(ws)
            return execute(ws, asked, propose(ws, asked).plan)
        finally:
            ws.close()

    def _open(self) -> Any:
        return open_workspace(
            read(), Flags(directory=self.root, by="ann", history=self.history), Running(), self.watcher
        )


def delivered(result: Result) -> None:
    """Fail with the delivery's message where it was not."""
    assert result.outcome == "delivered", result.delivery and result.delivery.message
