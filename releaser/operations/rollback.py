"""rollback: an earlier delivery's resources again, image and configuration, from the record alone."""

import dataclasses

from releaser.model.delivery import SUCCEEDED, Delivery, Record
from releaser.model.environment import Pipeline
from releaser.model.errors import NothingToRollBackTo, Refused, ReleaseError, UnknownName
from releaser.model.plan import RECONCILE, ROLLBACK
from releaser.model.resource import EMPTY
from releaser.operations import images
from releaser.operations.proposing import Proposal, Request, conclude
from releaser.operations.recorded import draft_recorded, goal, known_environment, readable
from releaser.operations.settle import settled_head
from releaser.operations.workspace import Workspace
from releaser.planning.planner import differs
from releaser.planning.wording import listed
from releaser.ports import DeliveryQuery


def request(  # noqa: PLR0913 - what a person may say
    ws: Workspace,
    environment: str,
    *,
    revision: int | None = None,
    release: str | None = None,
    adopt: bool = False,
    move: bool = False,
    replace: bool = False,
) -> Request:
    """A request to roll back; without a revision or a release the target is found.

    Raises NothingToRollBackTo, UnknownName.
    """
    target = find_target(ws, environment, revision=revision, release=release)
    return Request(
        trigger=ROLLBACK,
        environment=environment,
        revision=target.revision,
        adopt=adopt,
        move=move,
        replace=replace,
    )


def find_target(
    ws: Workspace, environment: str, *, revision: int | None = None, release: str | None = None
) -> Delivery:
    """The delivery to bring back (design, rule 9)."""
    head = settled_head(ws, environment)
    if head is None:
        known_environment(ws, environment)
        raise NothingToRollBackTo(
            f"nothing was delivered to {environment} yet", hint=f"release promote RELEASE --to {environment}"
        )
    if revision is not None:
        return _succeeded(ws.history.delivery(environment, revision))
    if release is not None:
        return _of_release(ws, environment, release)
    return _before(ws, environment, head)


def _succeeded(delivery: Delivery) -> Delivery:
    if delivery.status != SUCCEEDED:
        raise Refused(
            f"{delivery.environment} #{delivery.revision} {delivery.status}: only what succeeded can be brought back",
            hint=f"release history --env {delivery.environment}",
        )
    return delivery


def _of_release(ws: Workspace, environment: str, release: str) -> Delivery:
    query = DeliveryQuery(environments=(environment,), release=release, status=SUCCEEDED, limit=1)
    found = ws.history.deliveries(query)
    if not found:
        raise UnknownName(
            f"{release} never succeeded in {environment}", hint=f"release history --env {environment}, for what did"
        )
    return found[0]


def _before(ws: Workspace, environment: str, head: Record) -> Delivery:
    current = head.delivery.current
    if current is None:
        query = DeliveryQuery(environments=(environment,), status=SUCCEEDED, limit=1)
    else:
        original = _first_delivered_as(ws, ws.history.delivery(environment, current.revision))
        query = DeliveryQuery(
            environments=(environment,),
            status=SUCCEEDED,
            before=original.revision,
            other_than=original.rendered_digest,
            limit=1,
        )
    found = ws.history.deliveries(query)
    if found:
        return found[0]
    current = head.delivery.current
    only = f"#{current.revision} ({current.release})" if current else f"#{head.delivery.revision}"
    raise NothingToRollBackTo(
        f"{environment} has nothing to roll back to: no delivery with other resources succeeded before {only}",
        hint=f"release history --env {environment}",
    )


def _first_delivered_as(ws: Workspace, delivery: Delivery) -> Delivery:
    """The delivery that first brought what this one brought back, by a rollback or over drift."""
    while (earlier := _brought_back(ws, delivery)) is not None:
        delivery = ws.history.delivery(delivery.environment, earlier)
    return delivery


def _brought_back(ws: Workspace, delivery: Delivery) -> int | None:
    """The revision that a delivery put back; None where it brought something new, as accepted drift is."""
    if delivery.trigger != RECONCILE:
        return delivery.restores
    current = ws.history.delivery(delivery.environment, delivery.base_revision).current
    if current is None:
        return None
    before = ws.history.delivery(delivery.environment, current.revision)
    return before.revision if before.rendered_digest == delivery.rendered_digest else None


def propose(ws: Workspace, asked: Request) -> Proposal:
    """The proposal to bring a recorded delivery back; needs neither declarations nor registries."""
    assert asked.revision is not None  # noqa: S101 - what makes it a rollback
    record = ws.history.record(asked.environment, asked.revision)
    _succeeded(record.delivery)
    declared = readable(ws, asked.environment)
    engine = ws.engine_at(record.delivery.target, declared.engine)
    recorded = goal(record, record.inventory or EMPTY, declared, engine)
    recorded = dataclasses.replace(recorded, restores=asked.revision)
    proposal = draft_recorded(ws, asked, recorded, settled_head(ws, asked.environment))
    warnings = (*_changed_secrets(record, proposal), *_missing_images(ws, declared.pipeline, proposal))
    return conclude(proposal.warned(warnings), declared.confirmation)


def _changed_secrets(record: Record, proposal: Proposal) -> tuple[str, ...]:
    then = record.inventory.secrets if record.inventory else {}
    changed = [name for name, now in proposal.plan.secrets.items() if name in then and differs(then[name], now)]
    if not changed:
        return ()
    return (f"today's value of secret {listed(sorted(changed))} is not that of #{record.delivery.revision}",)


def _missing_images(ws: Workspace, pipeline: Pipeline | None, proposal: Proposal) -> tuple[str, ...]:
    if not proposal.plan.writes or pipeline is None:
        return ()
    try:
        images.confirm(ws, pipeline, proposal.plan.release, tuple(sorted(proposal.plan.release.images)))
    except ReleaseError as error:
        return (f"the images could not be confirmed: {error.message}",)
    return ()
