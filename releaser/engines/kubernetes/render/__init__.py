"""Services → objects of a cluster; pure."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from releaser.engines import rendering, vocabulary
from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.objects import identity
from releaser.engines.kubernetes.render import exposure, names, pod, refusals, sources, workload
from releaser.engines.kubernetes.render.storage import Storage, claim, config_map, storage
from releaser.engines.kubernetes.render.workload import Running, Settings
from releaser.engines.moby.service import awaited, jobs, runs_on
from releaser.engines.vocabulary import KUBERNETES
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.release import Release
from releaser.model.resource import Rendering, Resource
from releaser.model.value import Json, JsonMap, dotted, parse_path, with_value

MANAGED_BY = {"app.kubernetes.io/managed-by": "releaser"}


def render(environment: Environment, release: Release, keep: int = 3, pull_secrets: tuple[str, ...] = ()) -> Rendering:
    """The objects of an environment with a release: what is needed first comes first.

    Raises InvalidDeclarations, with all that a cluster cannot do, each by its place.
    """
    renderer = _Renderer(environment, release, keep, pull_secrets)
    problems = tuple(renderer.problems())
    if problems:
        raise InvalidDeclarations(sorted(problems, key=lambda problem: problem.locations[:1]))
    return renderer.rendering()


def rendered(body: JsonMap) -> bool:
    """Whether an object was made from a service, rather than declared as it is."""
    labels: Mapping[str, str] = body["metadata"].get("labels") or {}
    return MANAGED_BY.items() <= labels.items()


def secret(environment: Environment, key: str) -> Resource:
    """A declared secret: the Secret without its value, and the source that it comes from."""
    metadata = {"name": key, "labels": MANAGED_BY}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "immutable": True}
    return rendering.resource(f"secret/{key}", {**body, "source": environment.secrets[key]}, {"source": key})


class _Renderer:
    def __init__(self, environment: Environment, release: Release, keep: int, pull_secrets: tuple[str, ...]) -> None:
        self._environment = environment
        self._release = release
        self._pull_secrets = pull_secrets
        self._jobs = jobs(environment.services)
        self._instance = names.instance(environment.project, environment.name)
        self._settings = Settings(keep=keep, release=release.version)
        self._configs = {key: config_map(key, body) for key, body in environment.configs.items()}

    # --- what a cluster cannot do ---

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong."""
        services = self._environment.services
        yield from rendering.missing_images(self._environment, self._release)
        for name, words in services.items():
            yield from self._words(vocabulary.SERVICE, ("services", name), words)
            for path, message, hint in refusals.of_service(name, words, self._environment, job=name in self._jobs):
                yield self._problem(message, hint, ("services", name, *path))
        for path, message, hint in (*refusals.of_names(self._environment), *refusals.of_volumes(self._environment)):
            yield self._problem(message, hint, path)
        for key in sorted(self._used_volumes()):
            yield from self._words(vocabulary.VOLUME, ("volumes", key), self._environment.volumes[key])
        for name, by in awaited(services).items():
            if runs_on(services[name]) and name not in self._jobs:
                message = f"`{by}` waits until `{name}` has completed, but `{name}` is started again whenever it ends"
                yield self._problem(message, 'write `restart: "no"`', ("services", name, "restart"))
        try:
            self._in_order()
        except CycleError as error:
            first, *_ = circle = error.args[1]
            text = " → ".join(reversed(circle))
            hint = "remove one of the words by which they need each other"
            yield self._problem(f"each of these services needs another one first: {text}", hint, ("services", first))

    def _words(self, table: vocabulary.Table, at: tuple[str, ...], words: JsonMap) -> Iterator[Problem]:
        return rendering.refused_words(self._environment, (KUBERNETES, "Kubernetes"), table, at, words)

    def _problem(self, message: str, hint: str, path: tuple[str, ...]) -> Problem:
        return rendering.problem(self._environment, message, hint, path)

    # --- what it gets ---

    def rendering(self) -> Rendering:
        """The objects with their sources: ConfigMaps, Secrets, claims; then each service after those that it needs."""
        found: dict[str, Resource] = {}
        places: dict[str, tuple[tuple[str, str], ...]] = {}
        for resource, where in (*self._held(), *self._services()):
            found[resource.id] = resource
            places[resource.id] = where
        used = self._used_secrets()
        return Rendering(
            resources=tuple(found.values()),
            sources=places,
            secrets=tuple(sorted(used)),
            warnings=(*self._environment.warnings, *self._warnings()),
        )

    def _held(self) -> Iterator[tuple[Resource, tuple[tuple[str, str], ...]]]:
        environment = self._environment
        for key in sorted({key for words in environment.services.values() for key in words.get("configs") or ()}):
            yield self._resource(self._configs[key]), (("", dotted(("configs", key))),)
        for key in sorted(self._used_secrets()):
            yield secret(environment, key), (("", dotted(("secrets", key))),)
        for key in sorted(self._used_volumes()):
            volume = environment.volumes[key]
            if not volume.get("external") and "per_replica" not in volume:
                yield self._resource(claim(key, volume)), (("", dotted(("volumes", key))),)

    def _services(self) -> Iterator[tuple[Resource, tuple[tuple[str, str], ...]]]:
        made = {name: self._made(name) for name in self._environment.services}
        for name in self._in_order():
            words = self._environment.services[name]
            body, stored = made[name]
            labels = pod.selector(name, self._instance)
            headless = body["kind"] == "StatefulSet"
            for other in exposure.exposure(name, words, labels, headless=headless):
                yield self._resource(other), sources.of_exposure(name, words, other)
            scale = (words.get("deploy") or {}).get("autoscale")
            if scale:
                place = dotted(("services", name, "deploy", "autoscale"))
                yield self._resource(workload.autoscaler(name, body["kind"], scale)), (("", place),)
            yield self._workload(name, words, body, stored)

    def _made(self, name: str) -> tuple[dict[str, Any], Storage]:
        words = self._environment.services[name]
        named = {key: body["metadata"]["name"] for key, body in self._configs.items()}
        stored = storage(words, self._environment.volumes, named)
        image = self._release.images.get(words["image"])
        template = pod.template(
            name,
            words,
            image=image.reference if image else words["image"],
            instance=self._instance,
            storage=stored,
            pull_secrets=self._pull_secrets,
        )
        kind = workload.kind_of(words, stored, job=name in self._jobs)
        running = Running(kind=kind, template=template, storage=stored)
        return workload.workload(name, words, running, self._settings), stored

    def _workload(
        self, name: str, words: JsonMap, body: dict[str, Any], stored: Storage
    ) -> tuple[Resource, tuple[tuple[str, str], ...]]:
        places = sources.of_workload(name, words, stored)
        notes: dict[str, Json] = {}
        needs = {
            names.label(other): (one or {}).get("condition", "service_started")
            for other, one in sorted((words.get("depends_on") or {}).items())
            if other in self._environment.services
        }
        if needs:
            notes[marks.DEPENDS_ON] = needs
        ignored = sources.ignored(places, name, self._environment.ignore.get(name, ()))
        if (words.get("deploy") or {}).get("autoscale"):
            ignored = (*ignored, "spec.replicas")
        if ignored:
            notes[marks.IGNORE] = sorted(ignored)
        labels = {**api_labels(words), **pod.selector(name, self._instance)}
        whole: Any = workload.annotated({**body, "metadata": {**body["metadata"], "labels": labels}}, notes)
        for path in ignored:
            whole = with_value(whole, parse_path(path), None)
        return self._resource(whole, sources.secrets(words, body, stored)), places

    def _resource(self, body: JsonMap, secrets: Mapping[str, str] | None = None) -> Resource:
        metadata = body["metadata"]
        whole = {**body, "metadata": {**metadata, "labels": {**MANAGED_BY, **metadata.get("labels", {})}}}
        return rendering.resource(identity(body).resource, whole, secrets)

    def _in_order(self) -> tuple[str, ...]:
        """The services, each after those that it needs. Raises CycleError."""
        services = self._environment.services
        needs = {
            name: [other for other in sorted(services[name].get("depends_on") or ()) if other in services]
            for name in sorted(services)
        }
        return tuple(TopologicalSorter(needs).static_order())

    def _used_volumes(self) -> frozenset[str]:
        return frozenset(
            mount.get("source", key)
            for words in self._environment.services.values()
            for key, mount in (words.get("volumes") or {}).items()
            if mount.get("type", "volume") == "volume"
        )

    def _used_secrets(self) -> frozenset[str]:
        services = self._environment.services.values()
        variables = {name for words in services for name in rendering.secrets_in_variables(words)}
        return frozenset(variables | {key for words in services for key in words.get("secrets") or ()})

    def _warnings(self) -> Iterator[str]:
        yield from rendering.unused_words(self._environment.services, KUBERNETES, "Kubernetes")
        for name, words in sorted(self._environment.services.items()):
            absent = sorted((words.get("depends_on") or {}).keys() - self._environment.services.keys())
            if absent:
                yield f"{name} depends on {', '.join(absent)}, which is not declared and not waited for"


def api_labels(words: JsonMap) -> dict[str, str]:
    """The labels of a service itself, where they are such as Kubernetes takes."""
    declared = (words.get("deploy") or {}).get("labels") or {}
    return {key: rendering.text(value) for key, value in sorted(declared.items())}
