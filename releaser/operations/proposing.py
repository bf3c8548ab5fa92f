"""Proposals: a request becomes a plan with all that its execution needs; reads only.

The three triggers differ in where the resources come from; everything else is the same code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from releaser.model.delivery import RUNNING, Record
from releaser.model.drift import DriftItem
from releaser.model.environment import PipelineEntry, Verify
from releaser.model.errors import ForeignTarget, StalePlan, TargetMoved
from releaser.model.gate import GateResult
from releaser.model.plan import DELETE, UNCHANGED, Change, Plan
from releaser.model.release import Release
from releaser.model.resource import EMPTY, Inventory, Observation, Resource, Target
from releaser.model.value import JsonMap, Value
from releaser.operations.image_changes import with_image_changes
from releaser.operations.previewing import with_preview
from releaser.operations.secrets import other_keys, prints
from releaser.operations.workspace import Workspace
from releaser.planning import drift as drifting
from releaser.planning import planner
from releaser.planning.wording import listed
from releaser.ports import Desired, Engine, Work

DEFAULT_WAIT = 300.0
DEFAULT_STABLE = 5.0


class Request(Value, frozen=True, kw_only=True):
    """What somebody asked for: enough to make the same plan again."""

    trigger: str  # promote | rollback | reconcile
    environment: str
    version: str | None = None  # promote: the release
    revision: int | None = None  # rollback: the revision to bring back
    adopt: bool = False
    move: bool = False
    replace: bool = False  # what cannot become what is wanted may be removed and made anew
    accept: bool = False  # reconcile: take the drift into the record


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the environment wants a delivery to go; the defaults where its declarations cannot be read."""

    wait: float = DEFAULT_WAIT
    stable: float = DEFAULT_STABLE
    rollback_on_failure: bool = True
    verify: Verify | None = None


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What shall be live, and why it may: the part that the three triggers differ in."""

    project: str
    release: Release
    engine: Engine
    desired: tuple[Desired, ...]
    definitions: Mapping[str, JsonMap]  # secret → its source
    secrets: tuple[str, ...]  # the secrets that are referred to
    barred: frozenset[str] = frozenset()  # the secrets whose recorded source is not run today
    config_digest: str
    rules: Rules
    entry: PipelineEntry | None
    locate: planner.Locate
    restores: int | None = None
    registers: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def readable(self) -> Mapping[str, JsonMap]:
        """The sources that may be read today."""
        return {name: source for name, source in self.definitions.items() if name not in self.barred}

    @property
    def recorded(self) -> Mapping[str, JsonMap]:
        """The sources that go into the record: of what is referred to."""
        return {name: self.definitions[name] for name in self.secrets if name in self.definitions}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A plan with everything that its execution needs."""

    plan: Plan
    goal: Goal
    head: Record | None
    base: Inventory  # the head's, also when the target moved
    observation: Observation
    asked: tuple[GateResult, ...] = ()  # the gates that the engine's own answers are

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What is wanted."""
        return tuple(desired.resource for desired in self.goal.desired)

    def warned(self, warnings: tuple[str, ...]) -> "Proposal":
        """The same with more warnings, which are no part of the plan's id."""
        plan = msgspec.structs.replace(self.plan, warnings=(*self.plan.warnings, *warnings))
        return replace(self, plan=plan)


def head_inventory(head: Record | None) -> Inventory:
    """What the head left behind; of a delivery that still runs, what was there before it."""
    if head is None:
        return EMPTY
    return head.base if head.inventory is None else head.inventory


def observe(ws: Workspace, environment: str, goal: Goal, inventory: Inventory) -> Observation:
    """What is live in the environment's target, and what stands where the goal's resources are to be."""
    scope = ws.scope(environment, goal.project, (desired.resource for desired in goal.desired))
    return goal.engine.observe(msgspec.structs.replace(scope, others=True), inventory)


def draft(ws: Workspace, request: Request, goal: Goal, head: Record | None) -> Proposal:
    """The proposal for a goal, its gates not yet asked. Raises TargetMoved, ForeignTarget."""
    inventory = head_inventory(head)
    target = goal.engine.target()
    left = _left_target(request, target, head)
    planned_on = EMPTY if left else inventory
    observation = observe(ws, request.environment, goal, planned_on)
    found, unknown = prints(ws, request.environment, goal.secrets, goal.readable)
    ours = ws.mark(request.environment, goal.project, 0)
    wanted = planner.Wanted(
        resources=tuple(desired.resource for desired in goal.desired),
        inventory=planned_on,
        observation=observation,
        secrets=found,
        owns_orphans=goal.engine.capabilities.owns_orphans,
        ours=ours,
    )
    changes = () if request.accept else planner.changes(wanted, goal.locate)
    adopts = planner.foreign(wanted, ours)
    if adopts and not request.adopt:
        _refuse_beside_another(ws, request, head)
        raise _foreign(request, target, adopts)
    runs = head is not None and head.delivery.status == RUNNING  # after settling: somebody delivers right now
    drift = drifting.detect(planned_on, observation) if not left and not runs else ()
    plan = Plan(
        id="",
        project=goal.project,
        environment=request.environment,
        target=target,
        trigger=request.trigger,
        release=goal.release,
        base_revision=0 if head is None else head.delivery.revision,
        restores=goal.restores,
        rendered_digest=planner.rendered_digest(wanted.resources),
        config_digest=goal.config_digest,
        changes=changes,
        drift=_known_drift(drift, planned_on),
        secrets=found,
        adopts=adopts,
        moves_from=left,
        accepts=request.accept,
        verify=goal.rules.verify.command if goal.rules.verify and not request.accept else None,
        registers=goal.registers,
        warnings=(
            *goal.warnings,
            *unknown,
            *other_keys(planned_on.secrets, found),
            *_running(head),
            *_abandoned(target, head),
            *_kept_data(changes),
        ),
        created_at=ws.clock.now(),
    )
    plan, asked = _previewed(ws, request, goal, plan, planned_on)
    plan = with_image_changes(ws, plan, None if left else head)
    return Proposal(plan=plan, goal=goal, head=head, base=inventory, observation=observation, asked=asked)


def _previewed(
    ws: Workspace, request: Request, goal: Goal, plan: Plan, here: Inventory
) -> tuple[Plan, tuple[GateResult, ...]]:
    """The plan with what the engine says to it; it is asked only where something would be written."""
    if not any(change.action != UNCHANGED for change in plan.changes):
        return plan, ()
    work = Work(
        mark=ws.mark(plan.environment, plan.project, plan.base_revision + 1),
        desired=goal.desired,
        changes=plan.changes,
        base=here,
        wait=goal.rules.wait,
        trigger=plan.trigger,
    )
    resources = (desired.resource for desired in goal.desired)
    return with_preview(plan, goal.engine.preview(work), resources, goal.locate, replace=request.replace)


def _running(head: Record | None) -> tuple[str, ...]:
    if head is None or head.delivery.status != RUNNING:
        return ()
    delivery = head.delivery
    return (f"#{delivery.revision} is being delivered by {delivery.actor}: this plan will be stale when it ends",)


def _kept_data(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """A warning for volumes that are not used any more: no engine removes what is in them."""
    unused = [c.resource.removeprefix("volume/") for c in changes if c.action == DELETE and c.resource[:7] == "volume/"]
    if not unused:
        return ()
    return (f"volume {listed(unused)}: no longer used; what is in it is kept until you remove it by hand",)


def _abandoned(target: Target, head: Record | None) -> tuple[str, ...]:
    """A warning where this leaves a move that did not get through, with what it may have written."""
    if head is None or head.plan.moves_from is None or head.delivery.restored is not None:
        return ()
    there, recorded = head.delivery.target, head_inventory(head).target
    if recorded is None or there.is_same(recorded) or there.is_same(target):
        return ()
    where = f"{there.engine} {there.place}"
    return (f"#{head.delivery.revision} did not get through its move to {where}; look there, and remove what it left",)


def conclude(proposal: Proposal, gates: tuple[GateResult, ...]) -> Proposal:
    """The finished plan: nothing to do, or with its gates; then with its id."""
    idle = nothing_to_do(proposal)
    plan = msgspec.structs.replace(proposal.plan, gates=() if idle else (*gates, *proposal.asked), nothing_to_do=idle)
    plan = msgspec.structs.replace(plan, id=planner.plan_id(plan, proposal.goal.entry))
    return replace(proposal, plan=plan)


def nothing_to_do(proposal: Proposal) -> bool:
    """Whether the same release with the same resources is known to run, untouched, with the same secrets."""
    plan, head = proposal.plan, proposal.head
    if head is None or head.delivery.current is None or plan.adopts or plan.moves_from or plan.drift:
        return False
    same = head.delivery.current.release == plan.release.version and _same_resources(proposal)
    return same and all(change.action == UNCHANGED for change in plan.changes)


def _same_resources(proposal: Proposal) -> bool:
    recorded = {name: item.resource.fingerprint for name, item in proposal.base.items.items()}
    return recorded == {resource.id: resource.fingerprint for resource in proposal.resources}


def _left_target(request: Request, target: Target, head: Record | None) -> Target | None:
    """The target that a move leaves behind, None where it stays. Raises TargetMoved."""
    if head is None or not head_inventory(head).items:
        return None  # nothing would be left behind
    was = head_inventory(head).target or head.delivery.target
    if was.is_same(target):
        return None
    if not request.move:
        raise _moved(request.environment, was, target)
    return was


def _moved(environment: str, was: Target, now: Target) -> TargetMoved:
    if (was.engine, was.place) == (now.engine, now.place):
        return TargetMoved(
            f"{environment} was delivered to {was.engine} {was.place}, and that is another one now: {was.identity} "
            f"was delivered to, and {now.identity} is there",
            hint="it may have been removed and made anew: look, and say --move to deliver to the new one",
        )
    return TargetMoved(
        f"{environment} was delivered to {was.engine} {was.place}, and would now go to {now.engine} {now.place}",
        hint="say --move to deliver to the new target and remove it from the old one",
    )


def _refuse_beside_another(ws: Workspace, request: Request, head: Record | None) -> None:
    """Raises StalePlan where what is in the way may be of a delivery that runs, or ran while the plan was made."""
    now = ws.history.head(request.environment)
    if now is None or (head is not None and now.revision == head.delivery.revision and head.delivery.status != RUNNING):
        return
    state = "is being delivered" if now.status == RUNNING else "was delivered in between"
    raise StalePlan(
        f"#{now.revision} {state} to {request.environment} by {now.actor}",
        hint="look at what there is to do when it has ended: say the same again",
    )


def _foreign(request: Request, target: Target, names: tuple[str, ...]) -> ForeignTarget:
    shown = listed(names[:5] if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"])
    return ForeignTarget(
        f"{target.place} holds what this history did not deliver to {request.environment}: {shown}",
        hint="look at it first; say --adopt to take it over, which is recorded",
    )


def _known_drift(drift: tuple[DriftItem, ...], inventory: Inventory) -> tuple[DriftItem, ...]:
    """The drift of a delivered environment; before the first delivery nothing can have drifted."""
    return drift if inventory.items or inventory.files else ()
