"""drift: live against recorded; reads only."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from releaser.model.delivery import RUNNING
from releaser.model.drift import DriftReport, EnvironmentDrift
from releaser.model.errors import ReleaseError
from releaser.model.resource import EMPTY
from releaser.operations.settle import holder_lives
from releaser.operations.workspace import Workspace
from releaser.planning import drift as drifting


def report(ws: Workspace, names: Sequence[str]) -> DriftReport:
    """Every environment's drift; what could not be read says why in its `error`.

    Two at a time: most of the time is the engines', and memory holds two environments, not all.
    """
    ws.history.heads()  # a history that cannot be read is told once, not for each environment
    with ThreadPoolExecutor(max_workers=2) as pool:
        return DriftReport(environments=tuple(pool.map(lambda name: of(ws, name), names)))


def of(ws: Workspace, environment: str) -> EnvironmentDrift:
    """One environment's drift; an environment that nothing was delivered to is clean."""
    try:
        return _drift(ws, environment)
    except ReleaseError as error:
        return _unknown(ws, environment, error.message)


def _drift(ws: Workspace, environment: str) -> EnvironmentDrift:
    record = ws.head_record(environment)
    if record is None:
        return EnvironmentDrift(
            environment=environment, revision=None, release=None, clean=True, checked_at=ws.clock.now()
        )
    delivery = record.delivery
    if delivery.status == RUNNING:
        state = "runs" if holder_lives(ws, environment) else "was cut off; the next delivery settles it"
        return _unknown(ws, environment, f"delivery #{delivery.revision} {state}", delivery.revision)
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
    )


def _unknown(ws: Workspace, environment: str, why: str, revision: int | None = None) -> EnvironmentDrift:
    return EnvironmentDrift(
        environment=environment, revision=revision, release=None, clean=None, checked_at=ws.clock.now(), error=why
    )
