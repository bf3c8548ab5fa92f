"""rollback: an earlier delivery's resources again, image and configuration, from the record alone."""

from collections.abc import Mapping

from releaser.model.delivery import SUCCEEDED, Delivery, Record
from releaser.model.environment import Environment, Pipeline, PipelineEntry
from releaser.model.errors import NothingToRollBackTo, Refused, ReleaseError, UnknownName
from releaser.model.plan import RECONCILE, ROLLBACK
from releaser.model.resource import EMPTY, InventoryItem
from releaser.operations import images
from releaser.operations.promote import rules_of
from releaser.operations.proposing import Goal, Proposal, Request, Rules, conclude, draft
from releaser.operations.secrets import changed_commands, not_run, refuse_barred
from releaser.operations.settle import settled_head
from releaser.operations.workspace import Workspace, entry_of
from releaser.planning import gates
from releaser.planning.planner import differs
from releaser.planning.wording import listed
from releaser.ports import DeliveryQuery, Desired


def request(  # noqa: PLR0913 - what a person may say
    ws: Workspace,
    environment: str,
    *,
    revision: int | None = None,
    release: str | None = None,
    adopt: bool = False,
    move: bool = False,
) -> Request:
    """A request to roll back; without a revision or a release the target is found.

    Raises NothingToRollBackTo, UnknownName.
    """
    target = find_target(ws, environment, revision=revision, release=release)
    return Request(trigger=ROLLBACK, environment=environment, revision=target.revision, adopt=adopt, move=move)


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


def known_environment(ws: Workspace, environment: str) -> None:
    """Raises UnknownName where the declarations can be read and do not have it."""
    declared = readable(ws, environment)
    if declared.pipeline is not None:
        entry_of(declared.pipeline, environment)


class Readable:
    """What can be read of today's declarations: a rollback goes on without them, and says so."""

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        self.entry: PipelineEntry | None = None
        self.environment: Environment | None = None
        self.warnings: tuple[str, ...] = ()

    @property
    def rules(self) -> Rules:
        """Today's rules, or the defaults."""
        return Rules() if self.environment is None else rules_of(self.environment)


def readable(ws: Workspace, environment: str) -> Readable:
    """Today's declarations of an environment, as far as they can be read."""
    found = Readable()
    try:
        found.pipeline = ws.pipeline()
        found.entry = found.pipeline.environments.get(environment)
        found.environment = ws.declarations.environment(environment)
    except ReleaseError as error:
        found.warnings = (f"the declarations cannot be read ({error.message}): nothing verifies this delivery",)
    return found


def propose(ws: Workspace, asked: Request) -> Proposal:
    """The proposal to bring a recorded delivery back; needs neither declarations nor registries."""
    assert asked.revision is not None  # noqa: S101 - what makes it a rollback
    record = ws.history.record(asked.environment, asked.revision)
    _succeeded(record.delivery)
    inventory = record.inventory or EMPTY
    declared = readable(ws, asked.environment)
    referred = sorted({name for item in inventory.items.values() for name in item.resource.secrets.values()})
    barred = changed_commands(inventory.definitions, declared.environment, referred)
    goal = Goal(
        project=record.plan.project,
        release=record.plan.release,
        engine=ws.engine_at(record.delivery.target),
        desired=tuple(
            Desired(resource=item.resource, revision=item.revision) for item in in_order(record, inventory.items)
        ),
        definitions=inventory.definitions,
        secrets=tuple(referred),
        barred=barred,
        config_digest=record.delivery.config_digest,
        rules=declared.rules,
        entry=declared.entry,
        locate=lambda _resource, _path: None,
        restores=asked.revision,
        warnings=(*declared.warnings, *not_run(barred)),
    )
    proposal = draft(ws, asked, goal, settled_head(ws, asked.environment))
    if goal.engine.capabilities.passes_secrets:
        refuse_barred(proposal.plan, proposal.resources, barred)
    warnings = (*_changed_secrets(record, proposal), *_missing_images(ws, declared.pipeline, proposal))
    found = gates.confirmation(declared.entry) if declared.entry else ()
    return conclude(proposal.warned(warnings), found)


def in_order(record: Record, items: Mapping[str, InventoryItem]) -> tuple[InventoryItem, ...]:
    """The items in the order in which the delivery needed them, what it did not want last."""
    order = {resource.id: index for index, resource in enumerate(record.resources)}
    return tuple(items[name] for name in sorted(items, key=lambda name: (order.get(name, len(order)), name)))


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
