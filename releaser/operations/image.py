"""image: one image from the inside, and what two of them differ in."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from releaser.model.build import Build
from releaser.model.errors import BadArgument
from releaser.model.image import DIGEST, Image, named, pinned_in
from releaser.model.image_content import ImageContent, ImageDifference, ImageReport
from releaser.model.lint import Finding, LintReport
from releaser.operations.workspace import Workspace
from releaser.planning import layers
from releaser.planning.image_difference import difference
from releaser.planning.lint import lint as lint_file
from releaser.planning.lint import together
from releaser.planning.lint_image import lint_image
from releaser.planning.wording import nearest

OtherLinter = Callable[[str, str], tuple[Finding, ...] | None]
"""(text, path) of a Dockerfile → what another program finds, None where it is not there."""

ENGINE, ARCHIVE, LAYOUT = "docker:", "tar:", "oci:"


def inspect(ws: Workspace, reference: str, platform: str | None) -> ImageReport:
    """One image from the inside. Raises as `_read`."""
    return layers.report(_read(ws, reference, platform, files=False))


def inspect_container(ws: Workspace, name: str) -> ImageReport:
    """A container's own layer over the layers of its image. Raises UnknownName, EngineUnreachable, ImageNotFound."""
    contents = ws.open_contents()
    layer = contents.of_container(name)
    report = layers.report(contents.of_engine(layer.image, None, files=False))
    return msgspec.structs.replace(report, container=layer)


def diff(ws: Workspace, left: str, right: str, platform: str | None) -> ImageDifference:
    """What the right image has other than the left one. Raises as `_read`."""
    return difference(_read(ws, left, platform, files=True), _read(ws, right, platform, files=True))


def lint(ws: Workspace, subject: str | None, other: OtherLinter) -> LintReport:
    """What is to be mended in a Dockerfile, in an image, or without a subject in the Dockerfiles of all builds.

    `other` is asked about Dockerfiles too. Raises BadArgument, and as `_read`.
    """
    if subject is not None and not Path(subject).is_file():
        found = lint_image(_read(ws, subject, None, files=False))
        return LintReport(subject=subject, linters=("release",), findings=found)
    if subject is not None:
        return _linted(ws, [(Path(subject), None)], other, subject)
    builds = [one for one in ws.pipeline().builds.values() if one.recipe is None]
    if not builds:
        raise BadArgument("the pipeline builds nothing of a Dockerfile", hint="release image lint FILE")
    files = [(ws.root / one.place, _ignores(ws.root, one)) for one in builds]
    return _linted(ws, list(dict.fromkeys(files)), other, "builds")


def _ignores(root: Path, build: Build) -> bool | None:
    """Whether its context has a .dockerignore, where builders look for one; None of a package."""
    if build.context is None:
        return None
    names = (f"{build.dockerfile}.dockerignore", ".dockerignore")
    return any((root / build.context / name).is_file() for name in names)


def _linted(ws: Workspace, files: list[tuple[Path, bool | None]], other: OtherLinter, subject: str) -> LintReport:
    findings: list[Finding] = []
    linters = {"release"}
    for path, ignores in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadArgument(f"{path} cannot be read: {error}", hint="name a Dockerfile") from error
        shown = str(path.relative_to(ws.root)) if path.is_relative_to(ws.root) else str(path)
        ours, theirs = lint_file(text, shown, ignores=ignores), other(text, shown)
        linters |= {"hadolint"} if theirs is not None else set()
        findings += together(text, ours, theirs or ())
    return LintReport(subject=subject, linters=tuple(sorted(linters, reverse=True)), findings=tuple(findings))


def _read(ws: Workspace, reference: str, platform: str | None, *, files: bool) -> ImageContent:
    """The image that a reference means.

    docker:NAME is the engine's, tar:FILE an archive, oci:PATH:TAG a layout; IMAGE:RELEASE is the digest of a
    registered release, else what the tag points at; everything else is a registry's. Raises BadArgument, ImageNotFound,
    RegistryUnreachable, EngineUnreachable, PlatformMissing.
    """
    contents = ws.open_contents()
    if reference.startswith(ENGINE):
        return contents.of_engine(reference.removeprefix(ENGINE), platform, files=files)
    if reference.startswith(ARCHIVE):
        return contents.of_archive(Path(reference.removeprefix(ARCHIVE)), platform, files=files)
    image, tag, digest = _in_registry(ws, reference)
    if digest is None:
        digest = ws.registry.resolve(image, tag).digest
    found = contents.of_registry(image, digest, platform, files=files)
    if platform is None:
        ws.known_images.keep(digest, found)
    return msgspec.structs.replace(found, reference=reference)


def _in_registry(ws: Workspace, reference: str) -> tuple[Image, str, str | None]:
    """The image, its tag, and its digest where that is known already."""
    if reference.startswith(LAYOUT):
        path, tag, digest = _of_layout(reference)
        return Image(name=reference, repository=reference, source=path), tag, digest
    if "/" not in reference:
        name, _, version = reference.partition(":")
        declared = ws.pipeline().images
        if name in declared:
            return _declared(ws, declared[name], version)
        near = nearest(name, list(declared))
        hint = f"did you mean {near}?" if near else "a registry's image has its host: registry.example.com/shop/api:v1"
        raise BadArgument(f"the pipeline has no image `{name}`", hint=hint)
    repository, tag = named(reference)
    return Image(name=reference, repository=repository), tag, pinned_in(reference)


def _declared(ws: Workspace, image: Image, version: str) -> tuple[Image, str, str | None]:
    if DIGEST.match(version):
        return image, "", version
    release = ws.history.release_of(version) if version else None
    if release is not None and image.name in release.images:
        return image, version, release.images[image.name].digest
    if not version and image.digest is None:
        raise BadArgument(f"say which release of `{image.name}`", hint=f"{image.name}:v1.4, or {image.name}:sha256:…")
    return image, version, image.digest


def _of_layout(reference: str) -> tuple[str, str, str | None]:
    digest = pinned_in(reference)
    path = reference.partition("@")[0]
    if digest is not None:
        return path, "", digest
    before, colon, tag = path.rpartition(":")
    if not colon or before == "oci" or "/" in tag:
        raise BadArgument(f"{reference} names no tag", hint=f"{path}:v1.4, or {path}@sha256:…")
    return before, tag, None
