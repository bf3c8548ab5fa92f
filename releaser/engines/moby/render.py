"""Services → what stands in a Docker Engine or a Swarm; pure.

Bodies stay in the words that a person declared, so that a plan reads in them; an engine translates at apply time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from releaser.engines import rendering, vocabulary
from releaser.engines.moby import limits, names
from releaser.engines.moby.advice import about_services, about_volumes, title
from releaser.engines.moby.conflicts import conflicts
from releaser.engines.moby.forms import malformed
from releaser.engines.moby.service import COMPLETED, Names, Rendered, awaited, jobs, lenders, needed, runs_on, service
from releaser.engines.vocabulary import DOCKER, SWARM
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.release import Release
from releaser.model.resource import Rendering, Resource
from releaser.model.value import Json, JsonMap, Path, dotted
from releaser.planning.wording import nearest

Refuse = Callable[[str, JsonMap], Iterable[tuple[Path, str, str]]]
"""(service, its body) → what an engine's translator refuses: the path in the declared service, a message, a hint."""


def render(environment: Environment, release: Release, kind: str, refuse: Refuse) -> Rendering:
    """The resources of an environment with a release, for the engine `kind`.

    Raises InvalidDeclarations, with all that the engine cannot do, each by its place.
    """
    renderer = _Renderer(environment, release, kind)
    problems = (*renderer.problems(), *renderer.refused(refuse))
    if problems:
        raise InvalidDeclarations(sorted(problems, key=lambda problem: problem.locations[:1]))
    return renderer.rendering()


class _Renderer:
    def __init__(self, environment: Environment, release: Release, kind: str) -> None:
        self._environment = environment
        self._release = release
        self._kind = kind
        self._prefix = names.prefix(environment.project, environment.name)
        self._jobs = jobs(environment.services)
        self._services = {name: words for name, words in environment.services.items() if not self._left_out(words)}
        self._networks = {names.DEFAULT_NETWORK: {}, **environment.networks}
        self._real_networks = {
            key: names.external_name(key, body) if body.get("external") else names.network_name(self._prefix, key, body)
            for key, body in self._networks.items()
        }
        self._real_volumes = {
            key: names.external_name(key, body) if body.get("external") else names.volume_name(self._prefix, key, body)
            for key, body in environment.volumes.items()
        }
        self._configs = {name: rendering.content_name(name, body) for name, body in environment.configs.items()}
        self._malformed = {name: tuple(malformed(words)) for name, words in self._services.items()}
        self._bodies = {name: self._service(name, words) for name, words in self._services.items()}

    def _left_out(self, words: JsonMap) -> bool:
        """Plain Docker has nothing that could stand for a service without instances."""
        return self._kind == DOCKER and _replicas(words) == 0

    def _service(self, name: str, words: JsonMap) -> Rendered:
        image = self._release.images.get(words["image"])
        others = {other: one for other, one in words.get("depends_on", {}).items() if other in self._services}
        if "depends_on" in words:
            words = {**words, "depends_on": others}
        known = Names(
            image=image.reference if image else words["image"],
            release=self._release.version,
            networks=self._real_networks,
            volumes=self._real_volumes,
            configs=self._configs,
        )
        ignore = self._environment.ignore.get(name, ())
        return service(name, words, known, job=name in self._jobs, ignore=ignore)

    # --- what the engine cannot do ---

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong whatever the translator says."""
        yield from rendering.missing_images(self._environment, self._release)
        for name, by in awaited(self._environment.services).items():
            yield from self._never_completed(name, by)
        for name, words in self._services.items():
            yield from self._on(name, words)
            yield from self._without_instances(name, words)
            yield from self._lenders(name, words)
            yield from self._words(vocabulary.SERVICE, ("services", name), words)
            for path, message, hint in (*self._malformed[name], *conflicts(words, docker=self._kind == DOCKER)):
                yield self._problem(message, hint, ("services", name, *path))
        for key in self._used("networks"):
            yield from self._section(vocabulary.NETWORK, ("networks", key), self._networks[key])
        for key in self._used_volumes():
            yield from self._section(vocabulary.VOLUME, ("volumes", key), self._environment.volumes[key])
        for path, message, hint in self._limits():
            yield self._problem(message, hint, path)
        yield from self._circle()

    def _words(self, table: vocabulary.Table, at: Path, words: JsonMap) -> Iterator[Problem]:
        """What the table of words refuses."""
        return rendering.refused_words(self._environment, (self._kind, title(self._kind)), table, at, words)

    def _section(self, table: vocabulary.Table, at: Path, body: JsonMap) -> Iterator[Problem]:
        if not body.get("external"):
            yield from self._words(table, at, body)
            return
        for word in sorted(body.keys() - {"external", "name"}):
            message = f"`{word}` does not go with `external`: what is there already is not made"
            yield self._problem(message, f"remove `{word}`, or `external`", (*at, word))

    def _limits(self) -> Iterator[limits.Wrong]:
        volumes = {key: self._real_volumes[key] for key in self._used_volumes()}
        yield from limits.volume_names(
            {key: name for key, name in volumes.items() if self._environment.volumes[key].get("name")}
        )
        if self._kind != SWARM:
            return
        wrong = tuple(limits.swarm_prefix(self._prefix))
        yield from wrong
        if not wrong:
            yield from self._swarm_names()
        configs = self._used("configs")
        sizes = ((key, len(rendering.content_bytes(self._environment.configs[key]))) for key in sorted(configs))
        yield from limits.swarm_configs(sizes)

    def _swarm_names(self) -> Iterator[limits.Wrong]:
        def real(found: Iterable[str]) -> dict[str, str]:
            return {name: names.of(self._prefix, name) for name in found}

        networks = {key: self._real_networks[key] for key in self._used("networks")}
        yield from limits.swarm_names("services", real(self._services))
        yield from limits.swarm_names(
            "networks", {key: name for key, name in networks.items() if not self._networks[key].get("external")}
        )
        by_content = {key: names.of(self._prefix, self._configs[key]) for key in self._used("configs")}
        yield from limits.swarm_objects("configs", by_content)
        secrets = {key: f"{names.of(self._prefix, key)}.{'0' * 8}" for key in self._used_secrets()}
        yield from limits.swarm_objects("secrets", secrets)

    def refused(self, refuse: Refuse) -> Iterator[Problem]:
        """What the engine's translator refuses."""
        for name, rendered in self._bodies.items():
            if self._malformed[name]:
                continue  # a translator may rely on the form of what it is given
            for path, message, hint in refuse(name, rendered.body):
                yield self._problem(message, hint, ("services", name, *path))

    def _never_completed(self, name: str, by: str) -> Iterator[Problem]:
        words = self._environment.services[name]
        if runs_on(words) and name not in self._jobs:
            message = f"`{by}` waits until `{name}` has completed, but `{name}` is started again whenever it ends"
            policy = words.get("deploy", {}).get("restart_policy")
            path = ("deploy", "restart_policy", "condition") if policy else ("restart",)
            yield self._problem(message, 'write `restart: "no"`', ("services", name, *path))

    def _on(self, name: str, words: JsonMap) -> Iterator[Problem]:
        if words.get("on") and name not in self._jobs:
            message = f"`on` is for jobs, and `{name}` is none"
            hint = f'a job has `restart: "no"`, and another service awaits it with `condition: {COMPLETED}`'
            yield self._problem(message, hint, ("services", name, "on"))

    def _without_instances(self, name: str, words: JsonMap) -> Iterator[Problem]:
        for other, one in words.get("depends_on", {}).items():
            known = self._environment.services.get(other)
            condition = one.get("condition", "service_started")
            if known is not None and _replicas(known) == 0 and condition != "service_started":
                message = f"`{name}` waits for `{other}`, of which no instance is to run"
                hint = "remove the dependency with null, or give it `deploy: {replicas: 1}`"
                yield self._problem(message, hint, ("services", name, "depends_on", other))

    def _lenders(self, name: str, words: JsonMap) -> Iterator[Problem]:
        for word, other in lenders(words).items():
            if other not in self._services:
                none = "is to run" if other in self._environment.services else "is declared"
                near = nearest(other, self._services)
                hint = f"did you mean `{near}`?" if near else "name a service that runs"
                yield self._problem(f"no instance of `{other}` {none}", hint, ("services", name, word))

    def _circle(self) -> Iterator[Problem]:
        try:
            self._in_order()
        except CycleError as error:
            first, *_ = circle = error.args[1]
            text = " → ".join(reversed(circle))
            hint = "remove one of the words by which they need each other"
            yield self._problem(f"each of these services needs another one first: {text}", hint, ("services", first))

    def _problem(self, message: str, hint: str, path: Path) -> Problem:
        return rendering.problem(self._environment, message, hint, path)

    # --- what it gets ---

    def rendering(self) -> Rendering:
        """The resources with their sources, and what a person has to know."""
        found: list[Resource] = []
        sources: dict[str, tuple[tuple[str, str], ...]] = {}

        def add(resource: Resource, *places: tuple[str, str]) -> None:
            found.append(resource)
            sources[resource.id] = places

        for section, used, real in (
            ("networks", self._used("networks"), self._real_networks),
            ("volumes", self._used_volumes(), self._real_volumes),
        ):
            declared = self._networks if section == "networks" else self._environment.volumes
            for key in sorted(used):
                if not declared[key].get("external"):
                    body = {**_without_external(declared[key]), "name": real[key]}
                    add(rendering.resource(f"{section[:-1]}/{key}", body), ("", dotted((section, key))))
        for key in sorted(self._used("configs")):
            body = rendering.content(self._environment.configs[key])
            add(rendering.resource(f"config/{self._configs[key]}", body), ("", dotted(("configs", key))))
        secrets = self._used_secrets()
        for key in sorted(secrets):
            body = dict(self._environment.secrets[key])
            add(rendering.resource(f"secret/{key}", body, {"from": key}), ("", dotted(("secrets", key))))
        for name in self._in_order():
            rendered = self._bodies[name]
            add(rendering.resource(f"service/{name}", rendered.body, rendered.secrets), *rendered.sources)
        return Rendering(
            resources=tuple(found),
            sources=sources,
            secrets=tuple(sorted(secrets)),
            warnings=(*self._environment.warnings, *self._warnings()),
        )

    def _in_order(self) -> tuple[str, ...]:
        """The services, each after those that it needs. Raises CycleError."""
        services = {name: needed(self._bodies[name].body) for name in sorted(self._services)}
        return tuple(name for name in TopologicalSorter(services).static_order() if name in services)

    def _used(self, word: str) -> frozenset[str]:
        return frozenset(key for rendered in self._bodies.values() for key in rendered.body.get(word, ()))

    def _used_volumes(self) -> frozenset[str]:
        return frozenset(
            mount.get("source", key)
            for words in self._services.values()
            for key, mount in words.get("volumes", {}).items()
            if mount.get("type", "volume") == "volume"
        )

    def _used_secrets(self) -> frozenset[str]:
        return frozenset(name for rendered in self._bodies.values() for name in rendered.secrets.values())

    def _warnings(self) -> Iterator[str]:
        idle = sorted(self._environment.services.keys() - self._services.keys())
        if idle:
            yield f"no instance of {', '.join(idle)} is to run (`replicas: 0`): nothing of it is delivered"
        for name, words in sorted(self._services.items()):
            absent = sorted(words.get("depends_on", {}).keys() - self._environment.services.keys())
            if absent:
                yield f"{name} depends on {', '.join(absent)}, which is not declared and not waited for"
        yield from about_services(self._services, self._kind, self._jobs)
        yield from about_volumes(self._environment.volumes, self._used_volumes())


def _replicas(words: JsonMap) -> int:
    deploy: Mapping[str, Json] = words.get("deploy", {})
    return 1 if str(deploy.get("mode", "")).startswith("global") else int(deploy.get("replicas", 1))


def _without_external(body: JsonMap) -> dict[str, Json]:
    return {word: value for word, value in body.items() if word != "external"}
