"""The pipeline and its environments, as declared and as resolved."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from releaser.model.build import Build, BuilderSettings
from releaser.model.image import Image
from releaser.model.tree import APPEND, MERGE, PREPEND, REMOVE, SET
from releaser.model.value import Json, JsonMap, Location, Value, one_of


class Upstream(Value, frozen=True, kw_only=True):
    """`from`: the release must be proven in any, or in all, of these environments."""

    mode: str  # any | all
    environments: tuple[str, ...]


class RegistrySettings(Value, frozen=True, kw_only=True):
    """How a registry is spoken to."""

    ca: str | None = None  # a PEM file, relative to the root
    insecure: bool = False  # plain HTTP
    auth: str | None = None  # the host of its token server, where that is another one and shall be given the login


class PipelineEntry(Value, frozen=True, kw_only=True):
    """One environment's line in the pipeline: its layers and the rules for entering it."""

    name: str
    layers: tuple[str, ...]
    upstream: Upstream | None = None  # None: an entry environment
    soak: float | None = None  # seconds
    confirm: str | None = None  # `name`: the person types the environment's name
    platforms: tuple[str, ...]
    location: Location | None = None


class Pipeline(Value, frozen=True, kw_only=True):
    """`envs/pipeline.yaml`: what is delivered, in which order, under which rules."""

    project: str
    images: Mapping[str, Image]
    registries: Mapping[str, RegistrySettings]
    history: str | None = None  # None: not declared
    builds: Mapping[str, Build] = {}  # by the image that each makes
    builder: BuilderSettings = BuilderSettings()
    environments: Mapping[str, PipelineEntry]  # in pipeline order


class Verify(Value, frozen=True, kw_only=True):
    """The command that has the last word on a delivery; run at the project's root."""

    command: tuple[str, ...]
    timeout: float  # seconds


class ChainLink(Value, frozen=True, kw_only=True):
    """One layer's part in a value: where, and whether it set, merged, appended to or removed it."""

    location: Location
    layer: str
    action: Annotated[str, one_of(SET, MERGE, APPEND, PREPEND, REMOVE)]
    value: Json


class Origins(Protocol):
    """Where the values of a resolved environment come from; paths start at the document's root."""

    def locate(self, path: Sequence[str]) -> Location | None:
        """The place of the value at `path`, or of the nearest value above it; None where nothing is."""

    def chain(self, path: Sequence[str]) -> tuple[ChainLink, ...]:
        """Every layer's part in the value at `path`, the winner last; empty where no layer ever had it."""


class Environment(Value, frozen=True, kw_only=True, gc=True):
    """One environment, resolved: its layers merged, its names replaced; no secret values."""

    name: str
    project: str
    platforms: tuple[str, ...]
    config: JsonMap  # the whole merged document, as `diff` and `explain` see it
    engine: JsonMap  # {kind: …, …}
    wait: float  # seconds until ready, at most
    stable: float = 5.0  # seconds that what runs must go on running
    ignore: Mapping[str, tuple[str, ...]] = {}  # service → dotted paths in it that somebody else owns
    rollback_on_failure: bool
    verify: Verify | None
    services: Mapping[str, JsonMap]  # in the Compose Specification's words, named things as maps
    configs: Mapping[str, JsonMap]  # name → {content: text} with files read; more words as declared
    secrets: Mapping[str, JsonMap]  # name → {from: env|file|exec, …}
    volumes: Mapping[str, JsonMap]
    networks: Mapping[str, JsonMap]
    objects: Mapping[str, JsonMap] = {}  # one's own manifests: kind.group/[namespace/]name → object, patched
    origins: Origins
    warnings: tuple[str, ...] = ()

    def locate(self, *path: str) -> tuple[Location, ...]:
        """The place of a value, as errors carry it: one location, or none."""
        place = self.origins.locate(path)
        return (place,) if place else ()
