"""Previewing: what the engine says to a plan before it is shown, as parts of the plan and as gates."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from releaser.model.gate import GateResult
from releaser.model.plan import REPLACE, UNCHANGED, UPDATE, Change, FieldChange, Plan
from releaser.model.preview import Preview, Refusal, Set
from releaser.model.resource import Resource
from releaser.model.value import dotted
from releaser.planning.drift import REPLACED, holds_secret
from releaser.planning.planner import Locate
from releaser.planning.wording import listed

MANY = 5
"""Refusals that are told one by one."""


def with_preview(
    plan: Plan, preview: Preview, resources: Iterable[Resource], locate: Locate, *, replace: bool
) -> tuple[Plan, tuple[GateResult, ...]]:
    """The plan with the engine's answers, and the gates that they are; `replace`: what has to be may be made anew.

    `resources`: what is wanted; what an engine sets where a secret is referred to is not shown.
    """
    secrets = {resource.id: resource.secrets for resource in resources if resource.secrets}
    changes = tuple(_with_answer(change, preview, secrets.get(change.resource, {})) for change in plan.changes)
    anew = tuple(name for name, one in preview.replaces.items() if not one.harmless)
    plan = msgspec.structs.replace(
        plan,
        changes=changes,
        replaces=anew if replace else (),
        warnings=(*plan.warnings, *_unasked(preview)),
    )
    gates = (*_refused(preview.refusals, locate), *_replaced(preview, anew, allowed=replace))
    return plan, gates


def kept_replacing(changes: tuple[Change, ...], names: frozenset[str]) -> tuple[Change, ...]:
    """The changes, those of `names` as replacements where they would be updates."""
    return tuple(
        msgspec.structs.replace(change, action=REPLACE)
        if change.action == UPDATE and change.resource in names
        else change
        for change in changes
    )


def replaced(plan: Plan) -> frozenset[str]:
    """What a plan makes anew."""
    return frozenset(change.resource for change in plan.changes if change.action == REPLACE)


def _with_answer(change: Change, preview: Preview, secrets: Mapping[str, str]) -> Change:
    if change.action == UNCHANGED:
        return change
    fields = tuple(_field(one, secrets) for one in preview.sets.get(change.resource, ()))
    action = REPLACE if change.resource in preview.replaces else change.action
    return msgspec.structs.replace(change, action=action, server=fields)


def _field(found: Set, secrets: Mapping[str, str]) -> FieldChange:
    path = dotted(found.path)
    if holds_secret(path, secrets):
        return FieldChange(path=path, old=None, new=REPLACED, secret=True)
    return FieldChange(path=path, old=found.old, new=found.new)


def _refused(refusals: tuple[Refusal, ...], locate: Locate) -> Iterator[GateResult]:
    shown = refusals if len(refusals) <= MANY else refusals[: MANY - 1]
    for refusal in shown:
        place = locate(refusal.resources[0], refusal.path) if refusal.path else None
        where = f" ({place.file}:{place.line})" if place is not None else ""
        yield GateResult(gate="engine", passed=False, detail=refusal.message + where)
    left = [name for refusal in refusals[len(shown) :] for name in refusal.resources]
    if left:
        yield GateResult(gate="engine", passed=False, detail=f"and more for {len(left)} other resources")


def _replaced(preview: Preview, anew: tuple[str, ...], *, allowed: bool) -> Iterator[GateResult]:
    for name in anew:
        why = preview.replaces[name].why
        if allowed:
            yield GateResult(gate="replace", passed=True, detail=f"{name} is removed and made anew: {why}")
        else:
            detail = f"{name} has to be removed and made anew: {why}; say --replace to allow it"
            yield GateResult(gate="replace", passed=False, detail=detail)


def _unasked(preview: Preview) -> Iterator[str]:
    for why, names in preview.unasked.items():
        few = names if len(names) <= MANY else (*names[: MANY - 1], f"{len(names) - MANY + 1} more")
        yield f"the engine could not be asked beforehand about {listed(few)}: {why}"
