"""What must hold across a resolved environment, and no schema can say: names that refer to each other, and the like."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from releaser.declarations.pipeline import circles
from releaser.declarations.problems import MAX_PROBLEMS, problem, suggestion
from releaser.model.environment import Environment, Origins
from releaser.model.errors import Problem
from releaser.model.value import Json, JsonMap, Location, parse_path

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def check(config: JsonMap, images: Iterable[str], origins: Origins) -> tuple[Problem, ...]:
    """Everything that is wrong with a merged document whose layers their schema accepts."""
    return tuple(islice(_Checks(config, frozenset(images), origins).run(), MAX_PROBLEMS))


def warnings(config: JsonMap) -> Iterator[str]:
    """What is allowed, and probably not meant."""
    services: Mapping[str, JsonMap] = config.get("services", {})
    if not services and not config.get("objects"):
        yield "no services are declared: a delivery would remove everything"
    for name, service in services.items():
        deploy = service.get("deploy", {})
        if deploy.get("mode") == "global" and "replicas" in deploy:
            yield f"services.{name}.deploy: `replicas` means nothing with `mode: global`"


Clash = tuple[tuple[Environment, ...], Problem]


def same_targets(environments: Iterable[Environment], root: Path) -> Iterator[Clash]:
    """Environments that would be delivered onto each other, with what is wrong.

    A Docker host or a Swarm takes many environments, as every name there carries its environment's; a folder or a
    namespace takes one.
    """
    folders: dict[Path, Environment] = {}
    taken: dict[tuple[str, ...], Environment] = {}
    for environment in environments:
        if environment.engine["kind"] == "directory":
            yield from _overlapping(
                environment, Path(os.path.realpath(root / environment.engine["path"])), folders, root
            )
        target = _exclusive(environment.engine, root)
        if target is None:
            continue
        first = taken.setdefault(target, environment)
        if first is not environment:
            message = f"`{environment.name}` has the same target as `{first.name}`"
            hint = "give each environment a target of its own"
            yield (environment, first), problem(message, hint, *environment.locate("engine"), *first.locate("engine"))


def _overlapping(
    environment: Environment, folder: Path, folders: dict[Path, Environment], root: Path
) -> Iterator[Clash]:
    """A folder within another's, or one that holds the declarations or the history."""
    place = environment.locate("engine")
    home = Path(os.path.realpath(root))
    for kept in (home / "envs", home / ".release"):
        if kept == folder or kept in folder.parents or folder in kept.parents:
            message = f"`{environment.name}` would be delivered into {environment.engine['path']}, beside {kept.name}/"
            yield (environment,), problem(message, "give it a folder of its own: deploy/${environment}", *place)
    for other, first in folders.items():
        if other in folder.parents or folder in other.parents:
            message = f"the targets of `{environment.name}` and `{first.name}` lie within each other"
            places = (*place, *first.locate("engine"))
            yield (environment, first), problem(message, "give each environment a folder of its own", *places)
    folders[folder] = environment


def _exclusive(engine: JsonMap, root: Path) -> tuple[str, ...] | None:
    if engine["kind"] == "directory":
        return ("directory", os.path.realpath(root / engine["path"]))
    if engine["kind"] == "kubernetes":
        return ("kubernetes", engine.get("context", ""), engine.get("namespace", ""))
    return None


class _Checks:
    def __init__(self, config: JsonMap, images: frozenset[str], origins: Origins) -> None:
        self._config = config
        self._images = images
        self._origins = origins
        self._services: Mapping[str, JsonMap] = config.get("services", {})
        self._declared = {kind: config.get(kind, {}) for kind in ("configs", "secrets", "volumes", "networks")}
        self._published: dict[tuple[str, ...], Location | None] = {}

    def run(self) -> Iterator[Problem]:
        for name, service in self._services.items():
            yield from self._image(name, service)
            if "environment" in service:
                yield from self._environment(name, service["environment"])
            for kind in ("configs", "secrets"):
                for used in service.get(kind, ()):
                    yield from self._known(kind, used, ("services", name, kind, used))
            for used in service.get("networks", ()):
                if used != "default":  # every project has one
                    yield from self._known("networks", used, ("services", name, "networks", used))
            if "ports" in service:
                yield from self._ports(name, service["ports"])
            if "volumes" in service:
                yield from self._volumes(name, service["volumes"])
            yield from self._others(name, service)
        yield from self._left_to_others()
        yield from self._circles()
        if "verify" in self._config and "command" not in self._config["verify"]:
            yield self._missing("command", ("verify",), "write `command: [./smoke]`")

    def _left_to_others(self) -> Iterator[Problem]:
        for index, text in enumerate(self._config.get("ignore", ())):
            yield from self._ignored(text, ("ignore", str(index)))

    def _ignored(self, text: str, path: tuple[str, ...]) -> Iterator[Problem]:
        try:
            section, *rest = parse_path(text)
        except ValueError:
            section, rest = "", []
        if section != "services" or len(rest) < 2:
            hint = "write a path within a service, as in `services.api.deploy.replicas`"
            yield problem(f"`{text}` cannot be left to others", hint, self._at(*path))
        elif rest[0] not in self._services:
            near = suggestion(rest[0], self._services, "name a service of this environment")
            yield problem(f"no service `{rest[0]}` to ignore something of", near, self._at(*path))

    def _image(self, name: str, service: JsonMap) -> Iterator[Problem]:
        image: str | None = service.get("image")
        if image is None:
            hint = "write `image: NAME`, a name from `images` in envs/pipeline.yaml"
            yield problem(f"the service `{name}` has no image", hint, self._at("services", name))
        elif image not in self._images:
            near = suggestion(image, self._images, "name it in `images` in envs/pipeline.yaml")
            yield problem(f"no image `{image}` in the pipeline", near, self._at("services", name, "image"))

    def _environment(self, name: str, environment: Mapping[str, Json]) -> Iterator[Problem]:
        for key, value in environment.items():
            if value.__class__ is dict:
                yield from self._known("secrets", value["secret"], ("services", name, "environment", key, "secret"))

    def _ports(self, name: str, ports: Mapping[str, JsonMap]) -> Iterator[Problem]:
        for key, port in ports.items():
            path = ("services", name, "ports", key)
            if "target" not in port:
                yield self._missing("target", path, "write the port inside the container, as in `target: 8080`")
            published = port.get("published", "auto")
            if published == "auto":
                continue
            host = port.get("host_ip", "")
            taken = (str(published), port.get("protocol", "tcp"), "" if host in _EVERY_ADDRESS else host)
            place = self._at(*path, "published")
            if taken in self._published:
                message = f"the port {published} is published twice"
                yield problem(message, "publish another one, or `auto`", place, self._published[taken])
            self._published.setdefault(taken, place)

    def _volumes(self, name: str, volumes: Mapping[str, JsonMap]) -> Iterator[Problem]:
        for key, volume in volumes.items():
            path = ("services", name, "volumes", key)
            kind = volume.get("type", "volume")
            if "target" not in volume:
                yield self._missing("target", path, "write the path inside the container, as in `target: /data`")
            if kind == "bind" and "source" not in volume:
                yield self._missing("source", path, "write the path on the host that is mounted")
            if kind == "volume":
                source = volume.get("source", key)
                yield from self._known("volumes", source, (*path, "source") if "source" in volume else path)

    def _others(self, name: str, service: JsonMap) -> Iterator[Problem]:
        for other, dependency in service.get("depends_on", {}).items():
            if dependency.get("required", True):
                yield from self._service(other, ("services", name, "depends_on", other))
        mode = service.get("network_mode", "")
        if mode.startswith("service:"):
            yield from self._service(mode.removeprefix("service:"), ("services", name, "network_mode"))

    def _service(self, name: str, path: tuple[str, ...]) -> Iterator[Problem]:
        if name not in self._services:
            yield problem(f"no service `{name}`", suggestion(name, self._services), self._at(*path))

    def _known(self, kind: str, name: str, path: tuple[str, ...]) -> Iterator[Problem]:
        declared = self._declared[kind]
        if name not in declared:
            hint = suggestion(name, declared, f"declare it in `{kind}` at the top of a layer")
            yield problem(f"no `{name}` in `{kind}`", hint, self._at(*path))

    def _circles(self) -> Iterator[Problem]:
        def after(name: str) -> tuple[str, ...]:
            return tuple(other for other in self._services[name].get("depends_on", ()) if other in self._services)

        for circle in circles(self._services, after):
            text = " → ".join((*circle, circle[0]))
            follower = circle[1] if len(circle) > 1 else circle[0]
            place = self._at("services", circle[0], "depends_on", follower)
            yield problem(f"`depends_on` leads in a circle: {text}", "remove one of them", place)

    def _missing(self, word: str, path: tuple[str, ...], hint: str) -> Problem:
        return problem(f"`{'.'.join(path)}` has no `{word}`", hint, self._at(*path))

    def _at(self, *path: str) -> Location | None:
        return self._origins.locate(path)
