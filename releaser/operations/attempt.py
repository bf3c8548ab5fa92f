"""One attempt at a goal: what performing and restoring both work on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from releaser.model.delivery import Current, Delivery
from releaser.model.plan import Plan
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Observation, Resource
from releaser.model.value import Value
from releaser.operations.proposing import Goal
from releaser.operations.workspace import Workspace
from releaser.planning import settling


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A goal, the plan towards it, and what was there before."""

    delivery: Delivery
    goal: Goal
    plan: Plan
    base: Inventory  # the head's, before
    back_to: Current | None  # what was known to run before
    since: datetime  # since when the release is current once it succeeds

    @property
    def here(self) -> Inventory:
        """What was in this target before: nothing, where the environment moves to it."""
        return EMPTY if self.plan.moves_from else self.base

    def observe(self, ws: Workspace) -> Observation:
        """What is live in the target now."""
        wanted = (desired.resource for desired in self.goal.desired)
        scope = ws.scope(self.plan.environment, self.plan.project, wanted)
        return self.goal.engine.observe(scope, self.here)

    def found(self, observation: Observation, *more: Resource, answered: bool = True) -> Inventory:
        """What is live as an inventory: under the goal's, the former or these resources.

        `answered`: whether the attempt got through; if not, things may be as they were.
        """
        wanted = tuple(desired.resource for desired in self.goal.desired)
        known = (*(item.resource for item in self.here.items.values()), *more, *wanted)
        revision = self.delivery.revision
        cut_off = None if answered else settling.to_put_right(self.plan)
        found = settling.inventory_of(observation, known, revision, self.here, cut_off=cut_off)
        written = None if answered else settling.written(revision, observation)
        return msgspec.structs.replace(
            found,
            secrets=settling.secrets_left(self.plan, self.here, wanted, written),
            definitions=self.goal.recorded,
            target=self.goal.engine.target(),  # a delivery may have made it
        )


class Before(Value, frozen=True, kw_only=True):
    """What to go back to; revision 0 is the empty environment."""

    revision: int
    release: str | None  # None: nothing that is known to have run
    inventory: Inventory  # in this target
    items: tuple[InventoryItem, ...] = ()  # the same in the order in which they are needed

    @property
    def named(self) -> str:
        """As messages name it."""
        if self.release:
            return f"#{self.revision} ({self.release})"
        return f"what #{self.revision} left" if self.revision else "the empty environment"

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What was there."""
        return tuple(item.resource for item in self.items)


def verify_variables(plan: Plan, release: str, revision: int) -> Mapping[str, str]:
    """What the `verify` command learns of the delivery, as environment variables."""
    return {
        "RELEASE_PROJECT": plan.project,
        "RELEASE_ENVIRONMENT": plan.environment,
        "RELEASE_VERSION": release,
        "RELEASE_REVISION": str(revision),
        "RELEASE_TARGET": plan.target.place,
    }
