"""One's own manifests → resources beside those of the services; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from releaser.engines import rendering
from releaser.engines.kubernetes.manifests import images, quantities, refusals, secrets
from releaser.engines.kubernetes.manifests.refusals import Wrong
from releaser.engines.kubernetes.objects import identity
from releaser.engines.kubernetes.order import in_order
from releaser.engines.kubernetes.render import secret
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.release import Release
from releaser.model.resource import Rendering, Resource
from releaser.model.value import JsonMap, dotted, parse_path


def render(environment: Environment, release: Release, namespace: str, services: Rendering) -> Rendering:
    """The objects of one's own manifests added to what was rendered from services, in the order of kinds.

    `namespace` is the environment's own. What `environment.objects` holds is patched and has its names replaced; here
    images become the release's, references to declared secrets are found, and what no delivery may do is refused.
    Raises InvalidDeclarations, each problem by the place in the manifest.
    """
    made = _Manifests(environment, release, namespace, services)
    problems = tuple(made.problems())
    if problems:
        raise InvalidDeclarations(sorted(problems, key=lambda problem: problem.locations[:1]))
    return made.rendering()


class _Manifests:
    def __init__(self, environment: Environment, release: Release, namespace: str, services: Rendering) -> None:
        self._environment = environment
        self._release = release
        self._namespace = namespace
        self._services = services
        self._declared: Mapping[str, Sequence[str]] = environment.config.get("image_paths") or {}

    # --- what is refused ---

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong."""
        scopes = refusals.Scopes.of(self._environment, self._namespace)
        rendered = {resource.id for resource in self._services.resources}
        for key, body in self._environment.objects.items():
            misshapen = tuple(refusals.misshapen(body))
            yield from self._told(key, misshapen or refusals.of_object(body, scopes))
            if misshapen:
                continue
            yield from self._told(
                key, (*self._images(body), *secrets.wrong(body, self._environment.secrets, self._namespace))
            )
            name = identity(body, self._namespace).resource
            if name in rendered:
                yield self._twice(key, name)

    def _images(self, body: JsonMap) -> Iterator[Wrong]:
        for holder, key, path in images.fields(body, self._declared):
            text = holder.get(key)
            if not isinstance(text, str):
                yield Wrong(path[:-1], "a container has no image", "write `image: NAME`, a name from `images`")
            elif images.match(text, self._release.images) is None and not images.is_pinned(text):
                message = f"`{text}` is no image of the release, and has no digest"
                hint = "name its repository in `images` in envs/pipeline.yaml, or pin it: IMAGE@sha256:…"
                yield Wrong(path, message, hint)

    def _twice(self, key: str, name: str) -> Problem:
        declared = next((where for body, where in self._services.sources.get(name, ()) if not body), None)
        made_of = () if declared is None else self._environment.locate(*parse_path(declared))
        places = (*self._environment.locate("objects", key), *made_of)
        message, hint = f"{name} is made from what is declared there, too", "rename one of them, or remove it"
        return Problem(code=InvalidDeclarations.code, message=message, hint=hint, locations=places)

    def _told(self, key: str, found: "tuple[Wrong, ...] | Iterator[Wrong]") -> Iterator[Problem]:
        for path, message, hint in found:
            yield rendering.problem(self._environment, message, hint, ("objects", key, *path))

    # --- what the cluster gets ---

    def rendering(self) -> Rendering:
        """Everything, in the order of kinds."""
        services = self._services
        own = {key: self._resource(body) for key, body in self._environment.objects.items()}
        used = sorted({name for resource in own.values() for name in resource.secrets.values()} - {*services.secrets})
        more = [secret(self._environment, name) for name in used]
        places = {resource.id: (("", dotted(("objects", key))),) for key, resource in own.items()}
        places |= {f"secret/{name}": (("", dotted(("secrets", name))),) for name in used}
        return Rendering(
            resources=in_order((*services.resources, *more, *own.values())),
            sources={**services.sources, **places},
            secrets=tuple(sorted((*services.secrets, *used))),
            warnings=services.warnings,
        )

    def _resource(self, declared: JsonMap) -> Resource:
        body: Any = _copy(declared)
        if body["metadata"].get("namespace") == self._namespace:
            del body["metadata"]["namespace"]
        for holder, key, _ in images.fields(body, self._declared):
            name = images.match(holder[key], self._release.images)
            if name is not None:
                holder[key] = self._release.images[name].reference
        quantities.as_texts(body)
        found = secrets.references(body, self._environment.secrets)
        return rendering.resource(identity(body, self._namespace).resource, body, found)


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree
