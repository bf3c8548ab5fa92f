"""What a record brings back: the goal of rollback and reconcile, and what today's declarations still have to say."""

from collections.abc import Mapping

from releaser.model.delivery import Record
from releaser.model.environment import Environment, Pipeline, PipelineEntry
from releaser.model.errors import ReleaseError
from releaser.model.gate import GateResult
from releaser.model.resource import Inventory, InventoryItem
from releaser.model.value import JsonMap
from releaser.operations.promote import rules_of
from releaser.operations.proposing import Goal, Proposal, Request, Rules, draft
from releaser.operations.secrets import changed_commands, not_run, refuse_barred
from releaser.operations.workspace import Workspace, entry_of
from releaser.planning import gates
from releaser.ports import Desired, Engine


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

    @property
    def engine(self) -> JsonMap | None:
        """Today's `engine:` section."""
        return None if self.environment is None else self.environment.engine

    @property
    def confirmation(self) -> tuple[GateResult, ...]:
        """The only gate that what a record brings back has to pass."""
        return gates.confirmation(self.entry) if self.entry else ()


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


def in_order(record: Record, items: Mapping[str, InventoryItem]) -> tuple[InventoryItem, ...]:
    """The items in the order in which the delivery needed them, what it did not want last."""
    order = {resource.id: index for index, resource in enumerate(record.resources)}
    return tuple(items[name] for name in sorted(items, key=lambda name: (order.get(name, len(order)), name)))


def goal(record: Record, wanted: Inventory, declared: Readable, engine: Engine) -> Goal:
    """The goal of making an inventory live again, under the release and in the order of its record."""
    referred = sorted({name for item in wanted.items.values() for name in item.resource.secrets.values()})
    barred = changed_commands(wanted.definitions, declared.environment, referred)
    return Goal(
        project=record.plan.project,
        release=record.plan.release,
        engine=engine,
        desired=tuple(
            Desired(resource=item.resource, revision=item.revision) for item in in_order(record, wanted.items)
        ),
        definitions=wanted.definitions,
        secrets=tuple(referred),
        barred=barred,
        config_digest=record.delivery.config_digest,
        rules=declared.rules,
        entry=declared.entry,
        locate=lambda _resource, _path: None,
        warnings=(*declared.warnings, *not_run(barred)),
    )


def draft_recorded(ws: Workspace, asked: Request, recorded: Goal, head: Record | None) -> Proposal:
    """The proposal for a recorded goal. Raises what `draft` raises, and SecretSourceChanged."""
    proposal = draft(ws, asked, recorded, head)
    if recorded.engine.capabilities.passes_secrets:
        refuse_barred(proposal.plan, proposal.resources, recorded.barred)
    return proposal
