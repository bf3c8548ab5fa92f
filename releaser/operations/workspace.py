"""Everything that an operation may use, opened once and passed along."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from releaser.model.build import BuilderSettings
from releaser.model.delivery import Record
from releaser.model.environment import Pipeline, PipelineEntry
from releaser.model.errors import ReleaseError
from releaser.model.resource import Mark, Resource, Target
from releaser.model.value import JsonMap
from releaser.planning.redact import mask
from releaser.planning.wording import no_environment
from releaser.ports import (
    Clock,
    Declarations,
    Engine,
    FingerprintKey,
    HistoryStore,
    Holder,
    ImageRegistry,
    Progress,
    Scope,
    SecretSource,
    SourceControl,
    Stop,
    Verifier,
)
from releaser.ports.building import Builder
from releaser.ports.contents import ImageContents, KnownImages


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and with which program."""

    name: str
    host: str
    process: int
    tool_version: str


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One project with its edges opened; `engine_for` opens engines when they are asked for."""

    root: Path
    actor: Actor
    declarations: Declarations
    history: HistoryStore
    registry: ImageRegistry
    open_engine: Callable[[JsonMap], Engine]
    open_builder: Callable[[BuilderSettings], Builder]
    open_contents: Callable[[], ImageContents]
    known_images: KnownImages
    secrets: SecretSource
    open_key: Callable[[], FingerprintKey]
    verifier: Verifier
    source: SourceControl
    clock: Clock
    stop: Stop
    progress: Progress
    _engines: dict[str, Engine] = field(default_factory=dict)

    def engine(self, settings: JsonMap) -> Engine:
        """The engine of an `engine:` section; opened once."""
        key = repr(sorted(settings.items()))
        if key not in self._engines:
            self._engines[key] = self.open_engine(settings)
        return self._engines[key]

    def engine_at(self, target: Target, declared: JsonMap | None = None) -> Engine:
        """The engine of a recorded target; `declared`: today's `engine:` section, for words that say no place."""
        words = declared if declared is not None and declared.get("kind") == target.engine else {}
        return self.engine({word: value for word, value in words.items() if word not in _PLACES} | settings_of(target))

    def pipeline(self) -> Pipeline:
        """The declared pipeline."""
        return self.declarations.pipeline()

    def scope(self, environment: str, project: str, wanted: Iterable[Resource] = ()) -> Scope:
        """Whose things engines are asked for; `wanted`: the resources that a delivery is about."""
        ids = frozenset(resource.id for resource in wanted)
        return Scope(project=project, environment=environment, history=self.history.id, wanted=ids)

    def mark(self, environment: str, project: str, revision: int) -> Mark:
        """What delivered things are marked with."""
        return Mark(project=project, environment=environment, history=self.history.id, revision=revision)

    def holder(self, verb: str) -> Holder:
        """Who we are to a second one who wants the same lease."""
        actor = self.actor
        return Holder(actor=actor.name, host=actor.host, process=actor.process, verb=verb, since=self.clock.now())

    def head_record(self, environment: str) -> Record | None:
        """The newest delivery with all that is stored of it."""
        head = self.history.head(environment)
        return None if head is None else self.history.record(environment, head.revision)

    def masked(self, text: str) -> str:
        """The text without any secret that was read: what others say may repeat what they were given."""
        return mask(text, self.secrets.known())

    def close(self) -> None:
        """Let go of engines and history."""
        for engine in self._engines.values():
            engine.close()
        self.history.close()


_PLACES = {"kind", "path", "host", "context", "namespace"}


def settings_of(target: Target) -> dict[str, str]:
    """The `engine:` section that a target was declared by."""
    words = {"path": target.path, "host": target.host, "context": target.context, "namespace": target.namespace}
    return {"kind": target.engine, **{word: value for word, value in words.items() if value is not None}}


def environments(ws: Workspace) -> tuple[str, ...]:
    """Every environment in pipeline order, then those that only the history knows: they may still run.

    Raises what the declarations raise where neither can tell.
    """
    recorded = sorted(ws.history.heads())
    try:
        declared = tuple(ws.pipeline().environments)
    except ReleaseError:
        if not recorded:
            raise
        declared = ()
    return (*declared, *(name for name in recorded if name not in declared))


def entry_of(pipeline: Pipeline, environment: str) -> PipelineEntry:
    """The environment's line in the pipeline. Raises UnknownName with the nearest name."""
    if environment in pipeline.environments:
        return pipeline.environments[environment]
    raise no_environment(environment, tuple(pipeline.environments))
