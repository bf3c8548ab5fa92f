"""A small project whose edges are in memory, where tests can hurt them; its declarations are real files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.engines.memory import RUNS, MemoryEngine, MemoryTarget
from releaser.history.memory import MemoryHistory
from releaser.model.build import BuilderSettings
from releaser.model.delivery import DeclarationSource, Delivery, Result
from releaser.model.environment import Verify
from releaser.model.errors import ImageNotFound, SecretMissing, VerifyFailed
from releaser.model.event import Event, Point
from releaser.model.image import Image
from releaser.model.image_content import ImageContent, ImageSummary
from releaser.model.plan import Plan
from releaser.model.resource import SecretPrint
from releaser.model.value import JsonMap
from releaser.operations import promote, reconcile, rollback
from releaser.operations.execute import execute, propose
from releaser.operations.proposing import Request
from releaser.operations.workspace import Actor, Workspace
from releaser.planning import fingerprint
from releaser.ports import Capabilities
from releaser.ports.building import Builder
from releaser.ports.contents import ImageContents
from releaser.registry.memory import MemoryRegistry

PIPELINE = """
project: shop
images:
  api: registry.test/shop/api
environments:
  test: {layers: [base]}
  staging: {layers: [base], from: test}
  production: {layers: [base], from: staging, soak: 1h, confirm: name}
"""
BASE = """
services:
  api:
    image: api
    environment:
      LEVEL: info
      PASSWORD: {secret: password}
secrets:
  password: {from: env, name: SHOP_PASSWORD}
verify: {command: [check]}
"""


def _no_contents() -> ImageContents:
    raise ImageNotFound("there are no images to look into")


@dataclass
class Known:
    """What is known of images is given."""

    images: dict[str, ImageSummary] = field(default_factory=dict)

    def summary(self, image: Image, digest: str) -> ImageSummary | None:
        return self.images.get(digest)

    def keep(self, digest: str, content: ImageContent) -> None:
        raise AssertionError("nothing is read here")


@dataclass
class MovableClock:
    """A clock that only moves when it is told, and a little at each look, so that nothing happens at once."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def move(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Secrets:
    values: dict[str, str] = field(default_factory=lambda: {"SHOP_PASSWORD": "hunter-two"})
    commands: list[tuple[str, ...]] = field(default_factory=list)  # every one that was run
    seen: set[bytes] = field(default_factory=set)

    def read(self, name: str, definition: JsonMap) -> bytes:
        if definition["from"] == "exec":
            self.commands.append(tuple(definition["command"]))
            return b"printed-value"
        if definition["from"] != "env" or definition["name"] not in self.values:
            raise SecretMissing(f"secret {name} has no value")
        self.seen.add(self.values[definition["name"]].encode())
        return self.values[definition["name"]].encode()

    def known(self) -> tuple[bytes, ...]:
        return tuple(self.seen)


@dataclass
class Key:
    id: str = "key-1"

    def sign(self, environment: str, name: str, value: bytes) -> SecretPrint:
        return fingerprint.keyed(b"k" * 32, self.id, environment, name, value)


@dataclass
class Verifier:
    ran: list[dict[str, str]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)  # releases

    def run(self, verify: Verify, variables: dict[str, str], stop: object) -> None:
        self.ran.append(dict(variables))
        if variables["RELEASE_VERSION"] in self.refuses:
            raise VerifyFailed("check refuses it")


class Source:
    def describe(self, files: tuple[str, ...]) -> DeclarationSource:
        return DeclarationSource(commit="c" * 40, dirty=False)

    def origin(self) -> str | None:
        return "https://git.test/shop.git"

    def commit(self, revision: str, repository: str | None, tell: Callable[[str], None]) -> str:
        tell(f"looking for {revision}")
        return ("a" if repository is None else "b") * 40


@dataclass
class Stopper:
    stopped: bool = False

    def requested(self) -> bool:
        return self.stopped


class Died(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class Watcher:
    """Takes every event; dies, or does something, at a point."""

    seen: list[Point] = field(default_factory=list)
    at: dict[Point, Callable[[], None]] = field(default_factory=dict)

    def event(self, event: Event) -> None:
        self.seen.append(event.point)
        if event.point in self.at:
            self.at[event.point]()


def _no_builder(settings: BuilderSettings) -> Builder:
    raise AssertionError(f"nothing is built here: {settings}")


@dataclass
class Project:
    root: Path
    targets: dict[str, MemoryTarget] = field(default_factory=dict)
    history: MemoryHistory = field(default_factory=MemoryHistory)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    clock: MovableClock = field(default_factory=MovableClock)
    secrets: Secrets = field(default_factory=Secrets)
    key: Key = field(default_factory=Key)
    verifier: Verifier = field(default_factory=Verifier)
    stop: Stopper = field(default_factory=Stopper)
    watcher: Watcher = field(default_factory=Watcher)
    known: Known = field(default_factory=Known)
    capabilities: Capabilities = RUNS

    def another(self) -> "Project":
        """The same project in another process."""
        return replace(self, history=self.history.client(), watcher=Watcher(), stop=Stopper())

    def write(self, name: str, text: str) -> None:
        (self.root / "envs" / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        file = self.root / "envs" / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def target(self, environment: str) -> MemoryTarget:
        return self.targets.setdefault(environment, MemoryTarget(environment))

    def workspace(self) -> Workspace:
        return Workspace(
            root=self.root,
            actor=Actor(name="ann", host="here", process=7, tool_version="0"),
            declarations=ProjectDeclarations(self.root),
            history=self.history,
            registry=self.registry,
            open_engine=self._engine,
            open_builder=_no_builder,
            open_contents=_no_contents,
            known_images=self.known,
            secrets=self.secrets,
            open_key=lambda: self.key,
            verifier=self.verifier,
            source=Source(),
            clock=self.clock,
            stop=self.stop,
            progress=self.watcher,
        )

    def _engine(self, section: JsonMap) -> MemoryEngine:
        """The declared folder, or the recorded host, names the target."""
        name = str(section.get("path") or section.get("host")).removeprefix("deploy/")
        return MemoryEngine(self.target(name), self.capabilities, clock=self.clock)

    # --- the verbs, each as a process of its own ---

    def plan(self, request: Request) -> Plan:
        return propose(self.workspace(), request).plan

    def run(self, request: Request) -> Result:
        ws = self.workspace()
        return execute(ws, request, propose(ws, request).plan)

    def promote(self, version: str, environment: str, **more: bool) -> Result:
        return self.run(promote.request(environment, version, **more))

    def rollback(self, environment: str, **more: object) -> Result:
        return self.run(rollback.request(self.workspace(), environment, **more))

    def reconcile(self, environment: str, **more: bool) -> Result:
        return self.run(reconcile.request(environment, **more))

    def head(self, environment: str) -> Delivery:
        head = self.history.head(environment)
        assert head is not None
        return head

    def die_at(self, point: Point) -> None:
        def die() -> None:
            raise Died

        self.watcher.at[point] = die

    @contextmanager
    def dying(self) -> Iterator[None]:
        """A process that dies within the block: its leases die with it, and another process takes over."""
        with pytest.raises(Died):
            yield
        self.history.close()
        self.history = self.history.client()
        self.watcher = Watcher()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture(name="make_project", scope="session")
def _make_project() -> Callable[[Path], Project]:
    return make_project


def make_project(root: Path) -> Project:
    """The project in a folder of its own."""
    (root / "envs").mkdir()
    made = Project(root)
    made.write("pipeline.yaml", PIPELINE)
    made.write("base.yaml", BASE)
    for name in ("test", "staging", "production"):
        made.write(f"{name}.yaml", f"vars: {{name: {name}}}\n")
    for version in ("v1", "v2", "v3"):
        made.registry.push("registry.test/shop/api", version, content=version)
    return made
