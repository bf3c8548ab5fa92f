"""Releases and their digests: registered once, confirmed before something is written."""

from collections.abc import Mapping

import msgspec

from releaser.model.environment import Pipeline
from releaser.model.errors import BadArgument, PlatformMissing, UnknownName
from releaser.model.image import DIGEST, Image, ReleaseImage, Resolved, missing_platforms
from releaser.model.release import VERSION, Release, ReleaseSource
from releaser.operations.workspace import Workspace
from releaser.planning.wording import listed, nearest


def checked_version(version: str) -> str:
    """The version, if it may be one. Raises BadArgument."""
    if VERSION.match(version):
        return version
    raise BadArgument(
        f"{version!r} is not a release name", hint="letters, digits and . _ + - only, beginning with a letter or digit"
    )


def registered_or_resolved(ws: Workspace, pipeline: Pipeline, version: str) -> tuple[Release, bool]:
    """The registered release, else one made of what its tag points at now; True where it is not registered yet."""
    release = ws.history.release_of(checked_version(version))
    if release is not None:
        return release, False
    return resolve(ws, pipeline, version, {}), True


def resolve(ws: Workspace, pipeline: Pipeline, version: str, tags: Mapping[str, str]) -> Release:
    """A release from what every image's tag points at now; `tags` names those that are not the version.

    Where a tag is a digest, it is that content. Raises ImageNotFound, RegistryUnreachable.
    """
    checked_version(version)  # before a registry is asked for a tag of that name
    images: dict[str, ReleaseImage] = {}
    revisions = set()
    for name, declared in pipeline.images.items():
        image = declared
        tag = None if image.digest else tags.get(name, version)
        if tag is not None and DIGEST.match(tag):
            image, tag = msgspec.structs.replace(image, digest=tag), None
        found = ws.registry.pinned(image) if tag is None else ws.registry.resolve(image, tag)
        images[name] = _release_image(image, tag, found)
        if tag is not None and found.revision:
            revisions.add(found.revision)
    return Release(
        version=version,
        images=images,
        created_at=ws.clock.now(),
        created_by=ws.actor.name,
        source=ReleaseSource(revision=revisions.pop()) if len(revisions) == 1 else None,
    )


def _release_image(image: Image, tag: str | None, found: Resolved) -> ReleaseImage:
    return ReleaseImage(repository=image.repository, tag=tag, digest=found.digest, platforms=found.platforms)


def known_release(ws: Workspace, version: str) -> Release:
    """The registered release. Raises UnknownName with the nearest one."""
    release = ws.history.release_of(checked_version(version))
    if release is not None:
        return release
    near = nearest(version, [known.version for known in ws.history.releases()])
    hint = f"did you mean {near}?" if near else f"release create {version}"
    raise UnknownName(f"release {version} is not registered", hint=hint)


def check_platforms(release: Release, used: Mapping[str, str], wanted: tuple[str, ...], environment: str) -> None:
    """Raises PlatformMissing where an image of a service lacks a platform of the environment.

    `used`: the name of each image that a service runs → the service.
    """
    for name, service in sorted(used.items()):
        missing = missing_platforms(release.images[name].platforms, wanted)
        if missing:
            have = listed(sorted(release.images[name].platforms)) or "none that it names"
            raise PlatformMissing(
                f"image {name} of {release.version} has no {listed(missing)}, which {environment} runs {service} on",
                hint=f"it has {have}; build it for more, or set platforms of {environment} in envs/pipeline.yaml",
            )


def confirm(ws: Workspace, pipeline: Pipeline, release: Release, names: tuple[str, ...]) -> None:
    """Ask where digests are looked up whether they are there. Raises ImageNotFound, RegistryUnreachable."""
    for name in names:
        image = release.images[name]
        declared = pipeline.images.get(name) or Image(name=name, repository=image.repository)
        ws.registry.confirm(declared, image.digest)
