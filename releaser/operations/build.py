"""build: the images of a release from their sources, pushed, and registered as that release."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import msgspec

from releaser.model.build import Build, BuildReport, Built, BuiltImage, Package, Reproducibility, ReproducibilityReport
from releaser.model.environment import Pipeline
from releaser.model.errors import (
    BadArgument,
    BuildFailed,
    Interrupted,
    ReleaseConflict,
    ReleaseError,
)
from releaser.model.image import ImageSource
from releaser.model.release import Release, ReleaseSource
from releaser.operations import images
from releaser.operations.workspace import Workspace
from releaser.planning.fingerprint import of_bytes
from releaser.planning.image_difference import difference
from releaser.planning.redact import mask
from releaser.planning.wording import count
from releaser.ports.building import Builder

Tell = Callable[[str, str], None]
"""(image, text): what happens now."""

Said = Callable[[str], None]
_T = TypeVar("_T", Build, BuiltImage)
_Made = TypeVar("_Made", Built, BuiltImage)

SIDE_BY_SIDE = 4
"""Images that are built, or pushed, at a time."""
LONGEST_LOG = 1 << 20
"""Characters of an image's log that are kept."""
LABELS = {
    "source": "org.opencontainers.image.source",
    "version": "org.opencontainers.image.version",
    "revision": "org.opencontainers.image.revision",
}
"""Labels of the OCI image specification that every build gets."""


def build(ws: Workspace, version: str, tell: Tell, *, push: bool) -> BuildReport:
    """Build every image that the pipeline has a build for; with `push` the release is registered.

    Raises BadArgument without builds, ReleaseConflict where the version is registered, ImageNotFound where an image
    that is not built has no tag of that name, BuildFailed.
    """
    pipeline = ws.pipeline()
    images.checked_version(version)
    if not pipeline.builds:
        raise _nothing_to_build()
    if push:
        _refuse_registered(ws, version)
        _refuse_missing(ws, pipeline, version)
    declared = _declared(ws, pipeline, version, tell)
    builder = ws.open_builder(pipeline.builder)
    try:
        logs: dict[str, str] = {}
        made = _each(ws, tell, declared, lambda one, said: _made(ws, pipeline, builder, one, said, logs))
        if not push:
            return BuildReport(version=version, images=made, release=None)
        _refuse_registered(ws, version)  # by now, before its tags are another build's
        pushed = _each(ws, tell, made, lambda one, said: _pushed(ws, builder, pipeline, version, one, said))
    finally:
        builder.close()
    release = _registered(ws, pipeline, version, pushed, tuple(logs.values()))
    return BuildReport(version=version, images=pushed, release=release)


def check_reproducible(ws: Workspace, version: str, tell: Tell) -> ReproducibilityReport:
    """Build every image twice without a cache, and compare the files of both. Raises as `build`.

    Images of other steps than copies rarely have the same layers twice, as their files have other times; what runs is
    the same where the files are.
    """
    pipeline = ws.pipeline()
    images.checked_version(version)
    if not pipeline.builds:
        raise _nothing_to_build()
    declared = [msgspec.structs.replace(one, cache=False) for one in _declared(ws, pipeline, version, tell)]
    builder = ws.open_builder(pipeline.builder)
    try:
        both = [_each(ws, tell, declared, builder.build) for _ in range(2)]
    finally:
        builder.close()
    return ReproducibilityReport(
        version=version,
        images=tuple(
            _compared(ws, pipeline.builder.host, build.image, platform, (one, other))
            for build, one, other in zip(declared, *both, strict=True)
            for platform in (build.platforms if len(build.platforms) > 1 else (None,))
        ),
    )


def _compared(
    ws: Workspace, host: str | None, name: str, platform: str | None, both: tuple[Built, Built]
) -> Reproducibility:
    contents = ws.open_contents()
    left, right = (contents.of_engine(one.image_id, platform, files=True, host=host) for one in both)
    found = difference(left, right)
    return Reproducibility(
        image=name,
        platform=platform or right.platforms[0],
        same=not (found.files or found.config),
        files=found.files,
        config=found.config,
        same_layers=sum(a.digest == b.digest for a, b in zip(left.layers, right.layers, strict=False)),
        layers=len(right.layers),
        seconds=(both[0].seconds, both[1].seconds),
    )


def _declared(ws: Workspace, pipeline: Pipeline, version: str, tell: Tell) -> list[Build]:
    """The builds, with their labels; revisions of git are commits from here on, one for all that name the same."""
    contexts = _revision(ws, pipeline)
    commits: dict[tuple[str, str | None], str] = {}
    found = []
    for name, build in pipeline.builds.items():
        package, revision = build.package, contexts if build.context is not None else None
        if package is not None and package.git is not None:
            asked = (package.git, package.repository)
            if asked not in commits:
                commits[asked] = ws.source.commit(*asked, _teller(ws, tell, name))
            revision = commits[asked]
            package = msgspec.structs.replace(package, commit=revision)
        known = {"version": version, "revision": revision, "source": _place(ws, package) if revision else None}
        labels = {LABELS[word]: text for word, text in known.items() if text is not None} | dict(build.labels)
        found.append(msgspec.structs.replace(build, package=package, labels=labels, revision=revision))
    return found


def _place(ws: Workspace, package: Package | None) -> str | None:
    """Where the commit is: in another repository, or where others have ours."""
    return package.repository if package is not None and package.repository else ws.source.origin()


def _teller(ws: Workspace, tell: Tell, name: str, broken: threading.Event | None = None) -> Said:
    def said(text: str) -> None:
        if ws.stop.requested() or (broken is not None and broken.is_set()):
            raise Interrupted(f"image {name} was broken off; nothing is registered")
        tell(name, mask(text, ws.secrets.known()))

    return said


def _revision(ws: Workspace, pipeline: Pipeline) -> str | None:
    """The commit of the contexts, where they are as it has them."""
    contexts = [one.context for one in pipeline.builds.values() if one.context is not None]
    commit = ws.source.describe(contexts) if contexts else None
    return None if commit is None or commit.dirty else commit.commit


def _nothing_to_build() -> BadArgument:
    return BadArgument("envs/pipeline.yaml has no `builds`", hint="builds: {IMAGE: {context: FOLDER}}")


def _each(ws: Workspace, tell: Tell, several: Sequence[_T], work: Callable[[_T, Said], _Made]) -> tuple[_Made, ...]:
    """The work for several images, side by side; the first that fails, or a wish to stop, breaks off the others."""
    broken = threading.Event()

    def one(item: _T) -> _Made:
        try:
            return work(item, _teller(ws, tell, item.image if isinstance(item, Build) else item.name, broken))
        except BuildFailed as failed:
            broken.set()
            # What a step printed last may be a secret of it.
            raise BuildFailed(mask(failed.message, ws.secrets.known()), hint=failed.hint) from failed
        except BaseException:
            broken.set()
            raise

    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        going = [pool.submit(one, item) for item in several]
        failed = [error for error in (future.exception() for future in going) if error is not None]
    if failed:
        raise next((error for error in failed if not isinstance(error, Interrupted)), failed[0])
    return tuple(future.result() for future in going)


def _refuse_registered(ws: Workspace, version: str) -> None:
    known = ws.history.release_of(version)
    if known is not None:
        raise ReleaseConflict(
            f"release {version} is registered since {known.created_at:%Y-%m-%d %H:%M}Z, and is never built anew",
            hint="choose another version, or deliver it: release promote",
        )


def _refuse_missing(ws: Workspace, pipeline: Pipeline, version: str) -> None:
    """Raises ImageNotFound where an image that is neither built nor pinned has no tag of the version."""
    for name, image in pipeline.images.items():
        if name not in pipeline.builds and image.digest is None:
            ws.registry.resolve(image, version)


def _made(  # noqa: PLR0913, PLR0917 - what a build needs to know
    ws: Workspace, pipeline: Pipeline, builder: Builder, declared: Build, said: Said, logs: dict[str, str]
) -> BuiltImage:
    found: Built = builder.build(declared, said)
    logs[declared.image] = log = _kept(mask(found.log, ws.secrets.known()))
    return BuiltImage(
        name=declared.image,
        repository=pipeline.images[declared.image].repository,
        image_id=found.image_id,
        digest=None,
        steps=found.steps,
        cached=found.cached,
        missed=found.missed,
        seconds=found.seconds,
        source=ImageSource(
            builder=pipeline.builder.kind,
            context=declared.context,
            package=declared.package.place if declared.package is not None else None,
            context_digest=found.context_digest,
            dockerfile=declared.dockerfile if declared.recipe is None else None,
            dockerfile_digest=found.dockerfile_digest,
            bases=found.bases,
            revision=declared.revision,
            attestations=declared.attestations,
            log=of_bytes(log.encode()),
        ),
    )


def _kept(log: str) -> str:
    """What is kept of a log: its end, where it is very long."""
    if len(log) <= LONGEST_LOG:
        return log
    end = log[-LONGEST_LOG:].partition("\n")[2]
    left_out = log[: len(log) - len(end)].count("\n")
    return f"… {count(left_out, 'line')} before this {'is' if left_out == 1 else 'are'} not kept\n{end}"


def _pushed(  # noqa: PLR0913, PLR0917 - what a push needs to know
    ws: Workspace, builder: Builder, pipeline: Pipeline, version: str, image: BuiltImage, said: Said
) -> BuiltImage:
    digest = builder.push(image.image_id, image.repository, version, said)
    declared = pipeline.images[image.name]
    asked = msgspec.structs.replace(declared, source=None, digest=digest)
    if ws.registry.pinned(asked).digest != digest:
        raise BuildFailed(f"{image.repository}:{version} is another one in the registry than what was pushed")
    said("looking into the image")
    with suppress(ReleaseError):  # a plan can do without
        content = ws.open_contents().of_engine(image.image_id, None, files=False, host=pipeline.builder.host)
        ws.known_images.keep(digest, content)
    return msgspec.structs.replace(image, digest=digest)


def _registered(
    ws: Workspace, pipeline: Pipeline, version: str, pushed: tuple[BuiltImage, ...], logs: tuple[str, ...]
) -> Release:
    """The release of what was pushed, pinned images as they are, others by their tag. Raises ReleaseConflict."""
    tags = {one.name: one.digest for one in pushed if one.digest is not None}
    release = images.resolve(ws, pipeline, version, tags)
    sources = {one.name: one.source for one in pushed}
    made = {
        name: msgspec.structs.replace(image, tag=version, source=sources[name]) if name in tags else image
        for name, image in release.images.items()
    }
    revisions = {one.source.revision for one in pushed if one.source.revision or one.source.context}
    revision = revisions.pop() if len(revisions) == 1 else None
    source = ReleaseSource(revision=revision) if revision else release.source
    return ws.history.register(msgspec.structs.replace(release, images=made, source=source), logs)
