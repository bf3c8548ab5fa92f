"""The commands that one would run next: worked out from the pipeline, said on stderr."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from releaser.model.delivery import INTERRUPTED, SUCCEEDED, Delivery, Result
from releaser.model.environment import PipelineEntry
from releaser.model.errors import ReleaseError
from releaser.model.plan import PROMOTE, Plan
from releaser.operations import promote, rollback
from releaser.operations.workspace import Workspace
from releaser.planning.gates import ran
from releaser.planning.wording import duration

if TYPE_CHECKING:
    from releaser.model.gate import Standing


def after_plan(plan: Plan, command: str) -> Iterator[str]:
    """Of a plan that was only shown: deliver it, unless there is nothing to deliver."""
    if not plan.nothing_to_do and not plan.refused_by:
        yield command


def way_in(ws: Workspace, plan: Plan, entry: PipelineEntry | None) -> Iterator[str]:
    """Of a plan that a gate refused: what opens the gate."""
    if entry is None or entry.upstream is None or plan.trigger != PROMOTE:
        return
    version = plan.release.version
    standings = promote.standings(ws, entry, plan.release)
    gates = {gate.gate for gate in plan.refused_by}
    unproven = [name for name in entry.upstream.environments if standings[name].proven is None]
    if "from" in gates and unproven:
        yield shlex.join(["release", "promote", version, "--to", unproven[0]])
    elif "soak" in gates:
        yield from _soaking(ws, plan, entry, standings)


def _soaking(ws: Workspace, plan: Plan, entry: PipelineEntry, standings: "dict[str, Standing]") -> Iterator[str]:
    again = shlex.join(["release", "promote", plan.release.version, "--to", plan.environment])
    soak, now = entry.soak or 0.0, ws.clock.now()
    running = [standing for standing in standings.values() if standing.since and standing.until is None]
    if not running:
        yield shlex.join(["release", "promote", plan.release.version, "--to", next(iter(standings))])
        return
    left = [soak - ran(standing, now) for standing in running]
    of_all = entry.upstream is not None and entry.upstream.mode == "all"
    yield f"wait {duration(max(max(left) if of_all else min(left), 0) + 1)}, then {again}"


def after_result(ws: Workspace, result: Result) -> Iterator[str]:
    """Of a delivery: onward and back, or what an unfinished one needs."""
    delivery = result.delivery
    if delivery is None:
        return
    name = delivery.environment
    if delivery.status == INTERRUPTED:
        yield shlex.join(["release", "resume", name])
        yield shlex.join(["release", "abort", name])
    elif result.outcome == "failed":
        yield f"release show {shlex.quote(name)}/{delivery.revision}"
    elif delivery.trigger == PROMOTE and delivery.status == SUCCEEDED:
        onward = _downstream(ws, delivery)
        if onward:
            yield shlex.join(["release", "promote", delivery.release, "--to", onward])
        if result.outcome == "delivered" and _way_back(ws, name):
            yield shlex.join(["release", "rollback", "--to", name])
    else:
        yield shlex.join(["release", "history", "--env", name])


def _way_back(ws: Workspace, environment: str) -> bool:
    """Whether a rollback would find something."""
    try:
        rollback.find_target(ws, environment)
    except ReleaseError:
        return False
    return True


def after_create(ws: Workspace, version: str) -> Iterator[str]:
    """Of a registration: the first environment that it may enter."""
    for name, entry in ws.pipeline().environments.items():
        if entry.upstream is None:
            yield shlex.join(["release", "promote", version, "--to", name])
            return


def _downstream(ws: Workspace, delivery: Delivery) -> str | None:
    """The first environment that this one leads to and that does not have the release yet."""
    try:
        entries = ws.pipeline().environments.values()
    except ReleaseError:
        return None
    heads = ws.history.heads()
    for entry in entries:
        if entry.upstream and delivery.environment in entry.upstream.environments:
            head = heads.get(entry.name)
            if head is None or head.current is None or head.current.release != delivery.release:
                return entry.name
    return None
