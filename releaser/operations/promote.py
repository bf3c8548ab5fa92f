"""promote: a release into an environment, from its declarations."""

from collections.abc import Iterable, Mapping

from releaser.model.environment import Environment, PipelineEntry
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.gate import Standing
from releaser.model.plan import PROMOTE
from releaser.model.release import Release
from releaser.model.value import Location, Path, dotted, parse_path
from releaser.operations import images
from releaser.operations.proposing import Goal, Proposal, Request, Rules, conclude, draft
from releaser.operations.settle import settled_head
from releaser.operations.workspace import Workspace, entry_of
from releaser.planning import fingerprint, gates
from releaser.planning.planner import Locate
from releaser.ports import Desired


def request(
    environment: str, version: str, *, adopt: bool = False, move: bool = False, replace: bool = False
) -> Request:
    """A request to promote."""
    return Request(trigger=PROMOTE, environment=environment, version=version, adopt=adopt, move=move, replace=replace)


def propose(ws: Workspace, asked: Request) -> Proposal:
    """The proposal to promote; reads only, and asks the registries only if something is to be written."""
    assert asked.version is not None  # noqa: S101 - what makes it a promotion
    pipeline = ws.pipeline()
    entry = entry_of(pipeline, asked.environment)
    environment = ws.declarations.environment(entry.name)
    release, registers = images.registered_or_resolved(ws, pipeline, asked.version)
    used = used_images(environment, release)
    images.check_platforms(release, used, entry.platforms, entry.name)
    goal = _goal(ws, environment, release, entry, registers=registers)
    if environment.objects:
        used = {**images_in(goal.desired, release), **used}
        images.check_platforms(release, used, entry.platforms, entry.name)
    proposal = draft(ws, asked, goal, settled_head(ws, entry.name))
    if proposal.plan.writes:
        images.confirm(ws, pipeline, release, tuple(sorted(used)))
    found = gates.evaluate(entry, release.version, standings(ws, entry, release), ws.clock.now())
    return conclude(proposal, found)


def standings(ws: Workspace, entry: PipelineEntry, release: Release) -> dict[str, Standing]:
    """How the release stands in each upstream environment."""
    names = entry.upstream.environments if entry.upstream else ()
    return {name: ws.history.standing(name, release.version) for name in names}


def used_images(environment: Environment, release: Release) -> dict[str, str]:
    """The images that services run, each with one of them. Raises InvalidDeclarations where a release lacks one."""
    used: dict[str, str] = {}
    problems = []
    for service, body in environment.services.items():
        name = body["image"]
        if name in release.images:
            used.setdefault(name, service)
        else:
            problems.append(
                Problem(
                    code=InvalidDeclarations.code,
                    message=f"release {release.version} has no image {name}, which service {service} runs",
                    hint="it was registered before the image was declared; register a new release",
                    locations=environment.locate("services", service, "image"),
                )
            )
    if problems:
        raise InvalidDeclarations(problems)
    return used


def images_in(desired: Iterable[Desired], release: Release) -> dict[str, str]:
    """The images of the release that stand in objects of one's own manifests, each with one that has it."""
    used: dict[str, str] = {}
    for one in desired:
        text = fingerprint.canonical(one.resource.body).decode()
        for name, image in release.images.items():
            if image.reference in text:
                used.setdefault(name, one.resource.id)
    return used


def config_digest(environment: Environment) -> str:
    """The hash of the resolved configuration, mounted files included, image digests not."""
    return fingerprint.of([environment.config, environment.configs])


def _goal(ws: Workspace, environment: Environment, release: Release, entry: PipelineEntry, *, registers: bool) -> Goal:
    engine = ws.engine(environment.engine)
    rendering = engine.render(environment, release)
    return Goal(
        project=environment.project,
        release=release,
        engine=engine,
        desired=tuple(Desired(resource=resource) for resource in rendering.resources),
        definitions=environment.secrets,
        secrets=rendering.secrets,
        config_digest=config_digest(environment),
        rules=rules_of(environment),
        entry=entry,
        locate=locator(environment, rendering.sources),
        registers=registers,
        warnings=(*environment.warnings, *rendering.warnings),
    )


def rules_of(environment: Environment) -> Rules:
    """How the environment wants a delivery to go."""
    return Rules(
        wait=environment.wait,
        stable=environment.stable,
        rollback_on_failure=environment.rollback_on_failure,
        verify=environment.verify,
    )


def locator(environment: Environment, sources: Mapping[str, tuple[tuple[str, str], ...]]) -> Locate:
    """Where the declarations say what a resource's body has at a path: by the longest source path that leads there."""

    def locate(resource: str, path: Path) -> Location | None:
        text = dotted(path)
        leading = [pair for pair in sources.get(resource, ()) if _leads(pair[0], text)]
        if not leading:
            return None
        body, declared = max(leading, key=lambda pair: len(pair[0]))
        rest = path[len(_split(body)) :]
        return environment.origins.locate((*_split(declared), *rest))

    return locate


def _leads(prefix: str, path: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix + ".")


def _split(path: str) -> Path:
    return parse_path(path) if path else ()
