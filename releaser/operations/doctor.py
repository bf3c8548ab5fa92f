"""doctor: whether everything that a delivery needs is there and answers; nothing is delivered or settled."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from releaser.model.delivery import INTERRUPTED, RUNNING, Delivery
from releaser.model.documents import Check, Examination, Setting
from releaser.model.environment import Environment, Pipeline
from releaser.model.errors import ImageNotFound, KeyUnavailable, ReleaseError
from releaser.model.image import Image
from releaser.model.resource import EMPTY
from releaser.operations.workspace import Workspace
from releaser.planning.wording import count, listed, short

DECLARATIONS, HISTORY = "declarations", "history"
"""The checks that others rest on."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the caller knows of the machine."""

    in_ci: bool
    history_below_root: bool
    git: bool


def examine(ws: Workspace, settings: tuple[Setting, ...], machine: Machine) -> Examination:
    """Every check, one after another; what fails never keeps the next from being made."""
    environments, declared = _declarations(ws)
    checks = [
        declared,
        *_engines(ws, environments),
        *_history(ws, machine),
        *_guarded("registries", lambda: _registries(ws)),
        *_key(ws, environments),
        _source(ws, environments, machine),
    ]
    return Examination(settings=settings, checks=tuple(checks))


def failed(check: str, error: ReleaseError) -> Check:
    """The check that an error ended."""
    return Check(check=check, passed=False, detail=error.message, hint=error.hint)


def _guarded(name: str, look: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    try:
        return tuple(look())
    except ReleaseError as error:
        return (failed(name, error),)


# --- declarations and engines ---


def _declarations(ws: Workspace) -> tuple[tuple[Environment, ...], Check]:
    """The environments that can be resolved, and whether all can."""
    try:
        names = tuple(ws.pipeline().environments)
    except ReleaseError as error:
        return (), _broken(error.problems[0].message, len(error.problems))
    resolved = [environment for name in names if (environment := _resolved(ws, name)) is not None]
    problems = ws.declarations.problems(())
    if problems:
        return tuple(resolved), _broken(problems[0].message, len(problems))
    files = {file for name in names for file in ws.declarations.files(name)}
    detail = f"{count(len(files), 'file')} of {count(len(names), 'environment')}, no errors"
    return tuple(resolved), Check(check=DECLARATIONS, passed=True, detail=detail)


def _broken(first: str, number: int) -> Check:
    return Check(check=DECLARATIONS, passed=False, detail=f"{count(number, 'error')}: {first}", hint="release validate")


def _resolved(ws: Workspace, name: str) -> Environment | None:
    try:
        return ws.declarations.environment(name)
    except ReleaseError:
        return None  # its problems are told by the check of the declarations


def _engines(ws: Workspace, environments: Iterable[Environment]) -> tuple[Check, ...]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(pool.map(lambda environment: _engine(ws, environment), environments))


def _engine(ws: Workspace, environment: Environment) -> Check:
    name = f"engine of {environment.name}"
    try:
        engine = ws.engine(environment.engine)
        target = engine.target()
        found = engine.observe(ws.scope(environment.name, environment.project), EMPTY)
    except ReleaseError as error:
        return failed(name, error)
    detail = f"{target.engine} {target.place}: {count(len(found.resources), 'resource')}"
    return Check(check=name, passed=True, detail=detail)


# --- the history ---


def _history(ws: Workspace, machine: Machine) -> Iterator[Check]:
    try:
        chain = ws.history.verify()
        if chain.broken_at is not None:
            detail = f"the chain of events is broken at event {chain.broken_at}: {chain.message or 'it was changed'}"
            hint = "bring back a backup; what was recorded up to there is what was written"
            yield Check(check=HISTORY, passed=False, detail=detail, hint=hint)
            return
        detail = f"{count(chain.events, 'event')}, the chain is whole" if chain.events else "nothing is recorded yet"
        yield Check(check=HISTORY, passed=True, detail=detail)
        yield from _locks_and_deliveries(ws)
    except ReleaseError as error:
        yield failed(HISTORY, error)
    if machine.in_ci and machine.history_below_root:
        yield Check(
            check="history in CI",
            passed=None,
            detail="it is below the project's root, so each clone has its own",
            hint="set RELEASE_HISTORY to a place that CI keeps",
        )


def _locks_and_deliveries(ws: Workspace) -> Iterator[Check]:
    leases = ws.history.leases()
    for lease in leases:
        holder = f"{lease.holder.actor} ({lease.holder.host}, process {lease.holder.process}, {lease.holder.verb})"
        name = f"lock of {lease.environment}"
        if lease.alive:
            yield Check(check=name, passed=True, detail=f"held by {holder}, who delivers now")
        else:
            yield Check(check=name, passed=None, detail=f"left by {holder}, who died; the next delivery takes it")
    if not leases:
        yield Check(check="locks", passed=True, detail="nobody delivers now")
    held = {lease.environment for lease in leases if lease.alive}
    unfinished = [check for head in ws.history.heads().values() for check in _unfinished(head, held)]
    yield from unfinished or [Check(check="deliveries", passed=True, detail="none is unfinished")]


def _unfinished(head: Delivery, held: set[str]) -> Iterator[Check]:
    name = f"{head.environment} #{head.revision}"
    ways = f"release resume {head.environment}, or release abort {head.environment}"
    if head.status == RUNNING and head.environment in held:
        yield Check(check=name, passed=True, detail=f"{head.release} is being delivered")
    elif head.status == RUNNING:
        yield Check(check=name, passed=None, detail=f"the delivery of {head.release} was cut off", hint=ways)
    elif head.status == INTERRUPTED:
        yield Check(check=name, passed=None, detail=f"the delivery of {head.release} was interrupted", hint=ways)
    elif head.current is None:
        detail = f"the delivery of {head.release} {head.status}, and what runs there is not known"
        yield Check(check=name, passed=None, detail=detail, hint=f"release show {name.replace(' #', '/')}")


# --- registries ---


def _registries(ws: Workspace) -> Iterator[Check]:
    """Each place where digests are looked up is asked for one that it must have."""
    pipeline = ws.pipeline()
    known = _digests(ws, pipeline)
    for place, images in _places(pipeline).items():
        name = f"images at {place}"
        asked = next((image for image in images if image.name in known), None)
        if asked is None:
            names = listed([image.name for image in images])
            yield Check(check=name, passed=None, detail=f"not asked: no digest of {names} is registered yet")
        else:
            yield _registry(ws, name, asked, known[asked.name])


def _registry(ws: Workspace, name: str, image: Image, digest: str) -> Check:
    try:
        platforms = ws.registry.confirm(image, digest)
    except ImageNotFound as error:
        return Check(check=name, passed=None, detail=f"it answers, but {error.message}", hint=error.hint)
    except ReleaseError as error:
        return failed(name, error)
    return Check(check=name, passed=True, detail=f"it has {image.name} {short(digest)} for {listed(sorted(platforms))}")


def _digests(ws: Workspace, pipeline: Pipeline) -> dict[str, str]:
    """Image → the digest that it is pinned to, or has in the newest release."""
    found: dict[str, str] = {}
    for release in ws.history.releases()[:1]:
        found.update(release.digests())
    found.update({name: image.digest for name, image in pipeline.images.items() if image.digest})
    return found


def _places(pipeline: Pipeline) -> Mapping[str, list[Image]]:
    """Registry or layout → the images that are looked up there."""
    found: dict[str, list[Image]] = {}
    for image in pipeline.images.values():
        first = image.lookup.partition("/")[0]
        registry = first if "." in first or ":" in first or first == "localhost" else "docker.io"
        place = image.lookup if image.lookup.startswith("oci:") else registry
        found.setdefault(place, []).append(image)
    return found


# --- secrets and sources ---


def _key(ws: Workspace, environments: Iterable[Environment]) -> Iterator[Check]:
    name = "fingerprint key"
    with_secrets = [environment.name for environment in environments if environment.secrets]
    if not with_secrets:
        return
    try:
        key = ws.open_key()
    except KeyUnavailable as error:
        yield Check(check=name, passed=None, detail=error.message, hint=error.hint)
    except ReleaseError as error:
        yield failed(name, error)
    else:
        yield Check(check=name, passed=True, detail=f"its id is {key.id}")


def _source(ws: Workspace, environments: Iterable[Environment], machine: Machine) -> Check:
    name = "git"
    if not machine.git:
        return Check(check=name, passed=None, detail="not installed: deliveries do not record the declarations' commit")
    files = {file for environment in environments for file in ws.declarations.files(environment.name)}
    found = ws.source.describe(tuple(sorted(files)))
    if found is None:
        return Check(
            check=name, passed=None, detail="no commit: deliveries do not record one", hint="keep envs/ in git"
        )
    state = "with changes that are not committed" if found.dirty else "as committed"
    return Check(check=name, passed=True, detail=f"the declarations are at {found.commit[:12]}, {state}")
