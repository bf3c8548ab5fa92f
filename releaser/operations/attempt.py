"""One attempt at a goal: what performing and restoring both work on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from releaser.model.delivery import Current, Delivery
from releaser.model.plan import Plan
from releaser.model.resource import EMPTY, Inventory, Observation, Resource
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
        return self.goal.engine.observe(ws.scope(self.plan.environment, self.plan.project), self.here)

    def found(self, observation: Observation, *more: Resource, before: Inventory = EMPTY) -> Inventory:
        """What is live as an inventory: under the goal's, the former or these resources.

        `before`: what an attempt that did not get through may have left as it was.
        """
        known = (
            *(item.resource for item in self.base.items.values()),
            *more,
            *(desired.resource for desired in self.goal.desired),
        )
        found = settling.inventory_of(observation, known, self.delivery.revision, before)
        definitions = {name: self.goal.definitions[name] for name in self.goal.secrets if name in self.goal.definitions}
        return msgspec.structs.replace(
            found, secrets=self.plan.secrets, definitions=definitions, target=self.plan.target
        )


def verify_variables(plan: Plan, release: str, revision: int) -> Mapping[str, str]:
    """What the `verify` command learns of the delivery, as environment variables."""
    return {
        "RELEASE_PROJECT": plan.project,
        "RELEASE_ENVIRONMENT": plan.environment,
        "RELEASE_VERSION": release,
        "RELEASE_REVISION": str(revision),
        "RELEASE_TARGET": plan.target.place,
    }
