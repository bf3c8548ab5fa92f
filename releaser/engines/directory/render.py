"""Services → what stands in the delivered folder; pure."""

import re
from collections.abc import Iterator

from releaser.engines import rendering, vocabulary
from releaser.engines.directory.document import FILE
from releaser.engines.directory.service import Names, composed, from_root, service
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.release import Release
from releaser.model.resource import Rendering
from releaser.model.value import Json, JsonMap, dotted

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_SECTIONS = ("networks", "volumes", "configs", "secrets", "services")


def render(environment: Environment, release: Release, root: str) -> Rendering:
    """The resources of an environment with a release; `root` is the project's root, seen from the folder.

    Raises InvalidDeclarations, with all that compose would not take.
    """
    renderer = _Renderer(environment, release, root)
    problems = tuple(renderer.problems())
    if problems:
        raise InvalidDeclarations(problems)
    return renderer.rendering()


def variable_of(name: str, definition: JsonMap) -> str:
    """The variable that compose reads a secret from: the declared one, or one that is named after the secret."""
    if definition["from"] == "env":
        return str(definition["name"])
    variable = re.sub(r"[^A-Za-z0-9_]", "_", name).upper()
    return f"_{variable}" if variable[0].isdigit() else variable


class _Renderer:
    def __init__(self, environment: Environment, release: Release, root: str) -> None:
        self._environment = environment
        self._release = release
        self._root = root
        services = environment.services.values()
        self._in_variables = {name for words in services for name in rendering.secrets_in_variables(words)}
        self._mounted = {name for words in services for name in words.get("secrets", {})}
        self._used = sorted(self._in_variables | self._mounted)
        self._configs = {name: rendering.content_name(name, config) for name, config in environment.configs.items()}
        self._variables = {name: variable_of(name, environment.secrets[name]) for name in self._used}
        self._project = f"{environment.project}-{environment.name}"

    # --- what compose would not take ---

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong, in the order of the sections."""
        if not _PROJECT.match(self._project):
            message = f"compose cannot take `{self._project}` as a project's name"
            yield self._problem(message, "use lower-case letters, digits, `-` and `_` in both names", ())
        for section in _SECTIONS:
            for name in getattr(self._environment, section):
                if not _NAME.match(name):
                    message = f"compose cannot take `{name}` as a name in `{section}`"
                    yield self._problem(message, "use letters, digits, `.`, `-` and `_`", (section, name))
        yield from rendering.missing_images(self._environment, self._release)
        for section, table in (("services", vocabulary.SERVICE), ("volumes", vocabulary.VOLUME)):
            for name, words in getattr(self._environment, section).items():
                engine = (vocabulary.DIRECTORY, "A compose file")
                yield from rendering.refused_words(self._environment, engine, table, (section, name), words or {})
        yield from self._unreadable_variables()

    def _unreadable_variables(self) -> Iterator[Problem]:
        taken = {self._variables[name]: name for name in self._used if self._source(name) == "env"}
        for name in self._used:
            variable = self._variables[name]
            if not _VARIABLE.match(variable):
                message = f"compose cannot read the environment variable `{variable}`"
                yield self._problem(message, "use letters, digits and `_` in its name", ("secrets", name))
            elif self._exported(name) and taken.setdefault(variable, name) != name:
                message = f"compose would read `{name}` and `{taken[variable]}` from one variable, `{variable}`"
                yield self._problem(message, "rename one of the secrets", ("secrets", name))

    def _problem(self, message: str, hint: str, path: tuple[str, ...]) -> Problem:
        return rendering.problem(self._environment, message, hint, path)

    # --- what it gets ---

    def rendering(self) -> Rendering:
        """The resources with their sources, and what a person has to know."""
        sources: dict[str, tuple[tuple[str, str], ...]] = {}
        resources = [rendering.resource(FILE, {"name": self._project})]
        for kind, section in (("network", self._environment.networks), ("volume", self._environment.volumes)):
            for name, body in sorted(section.items()):
                resources.append(rendering.resource(f"{kind}/{name}", composed(body or {})))
                sources[resources[-1].id] = (("", dotted((f"{kind}s", name))),)
        for name, config in sorted(self._environment.configs.items()):
            resources.append(rendering.resource(f"config/{self._configs[name]}", rendering.content(config)))
            sources[resources[-1].id] = (("", dotted(("configs", name))),)
        for name in self._used:
            body = self._reference(name)
            resources.append(rendering.resource(f"secret/{name}", body, dict.fromkeys(body, name)))
            sources[resources[-1].id] = (("", dotted(("secrets", name))),)
        for name, words in sorted(self._environment.services.items()):
            rendered = service(name, words, self._names(words))
            resources.append(rendering.resource(f"service/{name}", rendered.body, rendered.secrets))
            sources[resources[-1].id] = rendered.sources
        return Rendering(
            resources=tuple(resources),
            sources=sources,
            secrets=tuple(self._used),
            warnings=(*self._environment.warnings, *self._warnings()),
        )

    def _names(self, words: JsonMap) -> Names:
        image = self._release.images[words["image"]].reference
        return Names(image=image, configs=self._configs, variables=self._variables, root=self._root)

    def _reference(self, name: str) -> dict[str, Json]:
        if self._source(name) == "file":
            path = str(self._environment.secrets[name]["path"])
            return {"file": from_root(self._root, path).replace("$", "$$")}
        return {"environment": self._variables[name]}

    def _warnings(self) -> Iterator[str]:
        for name in self._used:
            if self._exported(name):
                does = "run the command of" if self._source(name) == "exec" else "read into a variable the file of"
                yield f"compose cannot {does} secret {name}: export {self._variables[name]} before it runs"
        yield from rendering.unused_words(self._environment.services, vocabulary.DIRECTORY, "a folder")
        if self._environment.ignore:
            yield "without effect in a folder: ignore (compose.yaml is written as a whole)"

    def _exported(self, name: str) -> bool:
        """Whether somebody has to export the value: compose cannot get it from its source."""
        source = self._source(name)
        return source == "exec" or (source == "file" and name in self._in_variables)

    def _source(self, name: str) -> str:
        return str(self._environment.secrets[name]["from"])
