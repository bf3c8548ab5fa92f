"""The project's `envs/` as values: the pipeline, and each environment with its layers merged."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from releaser.declarations import checks, manifests, mounted, schema, yaml12, yaml_text
from releaser.declarations import pipeline as pipelines
from releaser.declarations.files import ProjectFiles, Unreadable
from releaser.declarations.pipeline import seconds
from releaser.declarations.problems import problem
from releaser.model.environment import Environment, Pipeline, PipelineEntry, Verify
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.tree import MAP, Node
from releaser.model.value import JsonMap, Location, dotted, parse_path
from releaser.planning import interpolation, overlay
from releaser.planning.origins import LayerOrigins
from releaser.planning.wording import no_environment

DEFAULT_WAIT = "5m"
DEFAULT_STABLE = "5s"
DEFAULT_VERIFY_TIMEOUT = "60s"


class _Document(NamedTuple):
    """A file that was read; `node` is None where nothing could be made of it."""

    node: Node | None
    problems: tuple[Problem, ...]


class _Resolution(NamedTuple):
    environment: Environment | None
    problems: tuple[Problem, ...]


class ProjectDeclarations:
    """The declarations below one root; each file is read at most once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = ProjectFiles(root)
        self._documents: dict[str, _Document | Unreadable] = {}
        self._pipeline: tuple[Pipeline | None, tuple[Problem, ...]] | None = None
        self._latest: tuple[str, _Resolution] | None = None  # one only: eight large ones are too much to keep

    def pipeline(self) -> Pipeline:
        """What is delivered, in which order. Raises InvalidDeclarations."""
        pipeline, problems = self._read_pipeline()
        if pipeline is None or problems:
            raise InvalidDeclarations(problems)
        return pipeline

    def environment(self, name: str) -> Environment:
        """Resolved. Raises InvalidDeclarations, UnknownName."""
        environment, problems = self._resolved(self._entry(name))
        if environment is None or problems:
            raise InvalidDeclarations(_in_order(problems))
        return environment

    def files(self, name: str) -> tuple[str, ...]:
        """The files that the environment rests on, relative to the root, the mounted ones included. Raises as above."""
        entry = self._entry(name)
        config = self.environment(name).config
        layers = (path for path in _paths(entry) if isinstance(self._document(path, "layer"), _Document))
        own = manifests.names(config.get("manifests", {}), self._files)
        return tuple(dict.fromkeys((pipelines.FILE, *layers, *mounted.names(config.get("configs", {})), *own)))

    def problems(self, names: Iterable[str] = ()) -> tuple[Problem, ...]:
        """Everything that is wrong with these environments, or with all: every file, each problem once."""
        pipeline, problems = self._read_pipeline()
        if pipeline is None or problems:
            return _in_order((*problems, *self._problems_of_files()))
        found: list[Problem] = []
        resolved: list[Environment] = []
        for name in tuple(names) or pipeline.environments:
            environment, wrong = self._resolved(self._entry(name))
            found.extend(wrong)
            if environment is not None:
                resolved.append(environment)
        return _in_order((*found, *self._same_targets(resolved)))

    def _same_targets(self, chosen: Sequence[Environment]) -> Iterator[Problem]:
        """What two environments would be delivered onto, where one of the chosen is among them.

        An environment that cannot be resolved is left out: its own problems are told when it is chosen.
        """
        names = {environment.name for environment in chosen}
        others = (self._resolved(self._entry(name))[0] for name in self.pipeline().environments if name not in names)
        everybody = [*chosen, *(other for other in others if other is not None)]
        for environments, wrong in checks.same_targets(everybody, self.root):
            if names & {environment.name for environment in environments}:
                yield wrong

    # --- the pipeline ---

    def _entry(self, name: str) -> PipelineEntry:
        environments = self.pipeline().environments
        if name not in environments:
            raise no_environment(name, tuple(environments))
        return environments[name]

    def _read_pipeline(self) -> tuple[Pipeline | None, tuple[Problem, ...]]:
        if self._pipeline is None:
            document = self._document(pipelines.FILE, "pipeline")
            if isinstance(document, Unreadable):
                hint = "begin a project with `release init`" if document.missing else document.hint
                self._pipeline = None, (problem(document.message, hint),)
            elif document.node is None or document.problems:
                self._pipeline = None, document.problems
            else:
                pipeline, problems = pipelines.pipeline(document.node)
                self._pipeline = pipeline, _in_order(problems)
        return self._pipeline

    def _problems_of_files(self) -> Iterator[Problem]:
        for name in self._files.yaml_names("envs"):
            if name != "pipeline":
                document = self._document(f"envs/{name}.yaml", "layer")
                if isinstance(document, _Document):
                    yield from document.problems

    # --- an environment ---

    def _resolved(self, entry: PipelineEntry) -> _Resolution:
        latest = self._latest  # environments may be resolved in several threads
        if latest is None or latest[0] != entry.name:
            latest = self._latest = entry.name, self._resolve(entry)
        return latest[1]

    def _resolve(self, entry: PipelineEntry) -> _Resolution:
        layers, file_problems = self._layers(entry)
        if not layers or any(layer.kind != MAP for layer in layers):
            return _Resolution(None, file_problems)
        layers, patches = manifests.without_patches(layers)
        root, merge_problems = overlay.merge(layers)
        builtins = {"project": self.pipeline().project, "environment": entry.name}
        config, name_problems = interpolation.resolve(root, builtins)
        problems = _told_once((*file_problems, *merge_problems, *name_problems))
        misfits = schema.check_values(config, "layer", LayerOrigins(root, config))
        if misfits:  # what lacks its shape can be checked no further; most of these are told by file already
            return _Resolution(None, problems or misfits)
        config = {**config, "engine": _engine(config, entry.name)}
        own = manifests.read(config, root, patches, self._files, builtins)
        if own.objects:
            root, config = own.root, {**config, "objects": own.objects}
        environment, more = self._environment(entry, config, LayerOrigins(root, config))
        if problems or own.problems:
            return _Resolution(None, _told_once((*problems, *own.problems, *more)))
        return _Resolution(environment, more)

    def _layers(self, entry: PipelineEntry) -> tuple[list[Node], tuple[Problem, ...]]:
        layers: list[Node] = []
        problems: list[Problem] = []
        own = f"envs/{entry.name}.yaml"
        for path in _paths(entry):
            document = self._document(path, "layer")
            if isinstance(document, _Document):
                problems.extend(document.problems)
                if document.node is not None:
                    layers.append(document.node)
            elif path != own or not document.missing:
                problems.append(problem(document.message, document.hint, self._layer_place(entry, path)))
            elif not entry.layers:
                message = f"the environment `{entry.name}` has no layers and no file"
                problems.append(problem(message, f"write `{own}`", entry.location))
        return layers, tuple(problems)

    def _layer_place(self, entry: PipelineEntry, path: str) -> Location | None:
        document = self._document(pipelines.FILE, "pipeline")
        if isinstance(document, _Document) and document.node is not None:
            words = document.node.value["environments"].value[entry.name].value
            for written in words["layers"].value if "layers" in words else ():
                if f"envs/{written.value}.yaml" == path:
                    place: Location = written.location
                    return place
        return entry.location

    def _environment(self, entry: PipelineEntry, config: JsonMap, origins: LayerOrigins) -> _Resolution:
        pipeline = self.pipeline()
        configs, unread = mounted.read_configs(config.get("configs", {}), self._files, origins)
        problems = (*checks.check(config, pipeline.images, origins), *unread)
        if problems:
            return _Resolution(None, problems)
        environment = Environment(
            name=entry.name,
            project=pipeline.project,
            platforms=entry.platforms,
            config=config,
            engine=config["engine"],
            wait=seconds(config.get("wait", DEFAULT_WAIT)),
            stable=seconds(config.get("stable", DEFAULT_STABLE)),
            ignore=_ignored(config),
            rollback_on_failure=config.get("on_failure", "rollback") == "rollback",
            verify=_verify(config),
            services=config.get("services", {}),
            configs=configs,
            secrets=config.get("secrets", {}),
            volumes=config.get("volumes", {}),
            networks=config.get("networks", {}),
            objects=config.get("objects", {}),
            origins=origins,
            warnings=(*checks.warnings(config), *self._strays(entry)),
        )
        return _Resolution(environment, ())

    def _strays(self, entry: PipelineEntry) -> Iterator[str]:
        """Files that nobody uses, where the environment has none: a misspelled one would be left out in silence."""
        own = self._document(f"envs/{entry.name}.yaml", "layer")
        if isinstance(own, _Document):
            return
        environments = self.pipeline().environments
        used = {"pipeline", *environments, *(layer for other in environments.values() for layer in other.layers)}
        strays = [f"envs/{name}.yaml" for name in self._files.yaml_names("envs") if name not in used]
        if strays:
            yield f"there is no envs/{entry.name}.yaml, and no environment uses {', '.join(strays)}"

    # --- files ---

    def _document(self, path: str, kind: str) -> _Document | Unreadable:
        if path not in self._documents:
            self._documents[path] = self._parse(path, kind)
        return self._documents[path]

    def _parse(self, path: str, kind: str) -> _Document | Unreadable:
        try:
            data = self._files.read(path, yaml_text.MAX_BYTES)
        except Unreadable as error:
            return error
        layer = Path(path).stem if kind == "layer" else ""
        node, problems = yaml12.read(data, path, layer)
        if node is None:
            return _Document(None, problems)
        told = {wrong.locations[0].line for wrong in problems}
        misfits = (wrong for wrong in schema.check(node, kind) if wrong.locations[0].line not in told)
        return _Document(node, (*problems, *misfits))


def _paths(entry: PipelineEntry) -> tuple[str, ...]:
    return tuple(f"envs/{layer}.yaml" for layer in (*entry.layers, entry.name))


def _engine(config: JsonMap, environment: str) -> JsonMap:
    declared: JsonMap = config.get("engine", {"kind": "directory"})
    if declared["kind"] == "directory" and "path" not in declared:
        return {**declared, "path": f"deploy/{environment}"}
    return declared


def _ignored(config: JsonMap) -> dict[str, tuple[str, ...]]:
    """Service → the paths in it that somebody else owns; checked before."""
    found: dict[str, tuple[str, ...]] = {}
    for text in config.get("ignore", ()):
        _, service, *path = parse_path(text)
        found[service] = (*found.get(service, ()), dotted(path))
    return found


def _verify(config: JsonMap) -> Verify | None:
    declared = config.get("verify")
    if declared is None:
        return None
    timeout = seconds(declared.get("timeout", DEFAULT_VERIFY_TIMEOUT))
    return Verify(command=tuple(declared["command"]), timeout=timeout)


def _told_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The first problem of each place: what goes wrong later there is most often its consequence."""
    places: set[Location] = set()
    kept = []
    for each in problems:
        place = each.locations[0] if each.locations else None
        if place is None or place not in places:
            kept.append(each)
        if place is not None:
            places.add(place)
    return tuple(kept)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by file and line; what has no place comes first."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.locations[:1]))
