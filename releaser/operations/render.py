"""render: the resources as the engine would get them; and validate: the declarations alone."""

from collections.abc import Sequence

from releaser.model.delivery import ResourceBody
from releaser.model.documents import RenderedResources, Validation
from releaser.model.errors import InvalidDeclarations, UnknownName
from releaser.operations import images
from releaser.operations.promote import used_images
from releaser.operations.workspace import Workspace, entry_of
from releaser.planning.planner import rendered_digest


def render(ws: Workspace, name: str, version: str | None = None) -> RenderedResources:
    """The resources of an environment, of its current release where none is named. Raises UnknownName."""
    pipeline = ws.pipeline()
    entry = entry_of(pipeline, name)
    environment = ws.declarations.environment(entry.name)
    wanted = _current(ws, name) if version is None else version
    release, _ = images.registered_or_resolved(ws, pipeline, wanted)
    used_images(environment, release)
    rendering = ws.engine(environment.engine).render(environment, release)
    return RenderedResources(
        environment=name,
        release=release.version,
        rendered_digest=rendered_digest(rendering.resources),
        resources=tuple(ResourceBody(id=resource.id, body=resource.body) for resource in rendering.resources),
        warnings=(*environment.warnings, *rendering.warnings),
    )


def _current(ws: Workspace, name: str) -> str:
    head = ws.history.head(name)
    if head is None or head.current is None:
        raise UnknownName(f"{name} has no current release", hint=f"name one: release render --env {name} RELEASE")
    return head.current.release


def validate(ws: Workspace, names: Sequence[str]) -> Validation:
    """The declarations of these environments. Raises InvalidDeclarations with every error of every file."""
    problems = ws.declarations.problems(names)
    if problems:
        raise InvalidDeclarations(problems)
    files: set[str] = set()
    warnings: list[str] = []
    for name in names:
        files.update(ws.declarations.files(name))
        warnings.extend(f"{name}: {warning}" for warning in ws.declarations.environment(name).warnings)
    return Validation(environments=tuple(names), files=tuple(sorted(files)), warnings=tuple(warnings))
