"""drift: live against recorded; reads only."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from releaser.model.delivery import RUNNING, Record
from releaser.model.drift import DriftReport, EnvironmentDrift
from releaser.model.errors import InvalidDeclarations, ReleaseError
from releaser.model.resource import EMPTY
from releaser.operations.settle import holder_lives
from releaser.operations.workspace import Workspace
from releaser.planning import drift as drifting


def report(ws: Workspace, names: Sequence[str]) -> DriftReport:
    """Every environment's drift; what could not be read says why in its `error`.

    Four at a time: one that does not answer holds up the others less, and memory does not hold all of them.
    """
    ws.history.heads()  # a history that cannot be read is told once, not for each environment
    with ThreadPoolExecutor(max_workers=4) as pool:
        return DriftReport(environments=tuple(pool.map(lambda name: of(ws, name), names)))


def of(ws: Workspace, environment: str) -> EnvironmentDrift:
    """One environment's drift; an environment that nothing was delivered to is clean."""
    record = None
    try:
        record = ws.head_record(environment)
        return _undelivered(ws, environment) if record is None else _drift(ws, environment, record)
    except ReleaseError as error:
        return _unknown(ws, environment, error.message, record)


def _undelivered(ws: Workspace, environment: str) -> EnvironmentDrift:
    """Nothing was delivered, so nothing drifted; unless the target says that another history delivered there."""
    clean = EnvironmentDrift(
        environment=environment, revision=None, release=None, clean=True, checked_at=ws.clock.now()
    )
    try:
        declared = ws.declarations.environment(environment)
    except InvalidDeclarations:
        return clean  # what is wrong with them is for validate: nothing was delivered from them
    engine = ws.engine(declared.engine)
    observation = engine.observe(ws.scope(environment, declared.project), EMPTY)
    if any(live.mark is not None for live in observation.resources.values()):
        where = engine.target().place
        return _unknown(
            ws, environment, f"this history has no delivery, but {where} holds one of another history", None
        )
    return clean


def _drift(ws: Workspace, environment: str, record: Record) -> EnvironmentDrift:
    delivery = record.delivery
    if delivery.status == RUNNING:
        state = "runs" if holder_lives(ws, environment) else "was cut off; the next delivery settles it"
        return _unknown(ws, environment, f"delivery #{delivery.revision} {state}", record)
    inventory = record.inventory or EMPTY
    engine = ws.engine_at(inventory.target or delivery.target)
    observation = engine.observe(ws.scope(environment, record.plan.project), inventory)
    items = drifting.detect(inventory, observation)
    return EnvironmentDrift(
        environment=environment,
        revision=delivery.revision,
        release=delivery.current.release if delivery.current else None,
        clean=not items,
        checked_at=ws.clock.now(),
        items=items,
        notes=drifting.notes(observation),
    )


def _unknown(ws: Workspace, environment: str, why: str, record: Record | None) -> EnvironmentDrift:
    delivery = record.delivery if record else None
    return EnvironmentDrift(
        environment=environment,
        revision=delivery.revision if delivery else None,
        release=delivery.current.release if delivery and delivery.current else None,
        clean=None,
        checked_at=ws.clock.now(),
        error=why,
    )
