"""Placing: services run on nodes that their image is made for.

What a release says of an image's platforms is a fact about its digest, so it changes with the digest alone.
"""

from collections.abc import Iterator

import msgspec

from releaser.engines import rendering
from releaser.model.environment import Environment
from releaser.model.release import Release
from releaser.model.resource import Rendering, Resource


def placed(rendered: Rendering, environment: Environment, release: Release) -> Rendering:
    """The rendering with the platforms of its image on each service that does not name its own."""
    return msgspec.structs.replace(rendered, resources=tuple(_placed(rendered, environment, release)))


def _placed(rendered: Rendering, environment: Environment, release: Release) -> Iterator[Resource]:
    for resource in rendered.resources:
        kind, _, name = resource.id.partition("/")
        platforms = sorted(release.images[environment.services[name]["image"]].platforms) if kind == "service" else []
        if platforms and "platform" not in resource.body:
            body = {**resource.body, "platform": platforms[0] if len(platforms) == 1 else platforms}
            yield rendering.resource(resource.id, body, resource.secrets)
        else:
            yield resource
