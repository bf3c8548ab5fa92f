"""history and show: what was delivered."""

from releaser.model.delivery import Details, History, ResourceBody
from releaser.model.errors import UnknownName
from releaser.operations import lock
from releaser.operations.images import known_release
from releaser.operations.recorded import known_environment
from releaser.operations.workspace import Workspace
from releaser.ports import DeliveryQuery


def deliveries(
    ws: Workspace, environments: tuple[str, ...] | None, release: str | None = None, limit: int | None = None
) -> History:
    """Deliveries, newest first. Raises UnknownName for a release that is neither delivered nor registered."""
    query = DeliveryQuery(environments=environments, release=release, limit=limit)
    found = ws.history.deliveries(query)
    if release is not None and not found:
        known_release(ws, release)
    cut_off = lock.cut_off(ws, found)
    names = (f"{item.environment}/{item.revision}" for item in found if (item.environment, item.revision) in cut_off)
    return History(deliveries=found, cut_off=tuple(names))


def show(ws: Workspace, environment: str, revision: int | None = None) -> Details:
    """One delivery, the newest where no revision is named. Raises UnknownName."""
    head = ws.history.head(environment)
    if head is None:
        known_environment(ws, environment)
        raise UnknownName(
            f"nothing was delivered to {environment} yet", hint=f"release promote RELEASE --to {environment}"
        )
    record = ws.history.record(environment, head.revision if revision is None else revision)
    return Details(
        delivery=record.delivery,
        plan=record.plan,
        resources=tuple(ResourceBody(id=resource.id, body=resource.body) for resource in record.resources),
        steps=record.steps,
        cut_off=bool(lock.cut_off(ws, (record.delivery,))),
    )
