"""The planner: what is wanted, what was recorded and what is live become a list of changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from releaser.model.environment import PipelineEntry
from releaser.model.plan import CREATE, DELETE, UNCHANGED, UPDATE, Change, FieldChange, Plan
from releaser.model.resource import Inventory, InventoryItem, Live, Mark, Observation, Resource, SecretPrint, Target
from releaser.model.value import Json, Location, Path, Value, at_path, dotted
from releaser.planning import fingerprint
from releaser.planning.diff import diff, leaves, same
from releaser.planning.drift import REPLACED, holds_secret, masked

Locate = Callable[[str, Path], Location | None]
"""(resource, path in its body) → where the declarations say so."""


class Wanted(Value, frozen=True, kw_only=True):
    """What a plan is made from."""

    resources: tuple[Resource, ...]
    inventory: Inventory  # the head's
    observation: Observation
    secrets: Mapping[str, SecretPrint]
    owns_orphans: bool
    ours: Mark | None = None  # what we mark things with


def changes(wanted: Wanted, locate: Locate) -> tuple[Change, ...]:
    """Every resource with what would happen to it: the wanted ones in their order, then the deletions."""
    adopted = frozenset(foreign(wanted, wanted.ours) if wanted.ours else ())
    found = [_change(resource, wanted, locate, adopted) for resource in wanted.resources]
    return (*_with_secrets(found, wanted), *_deletions(wanted))


def _change(resource: Resource, wanted: Wanted, locate: Locate, adopted: frozenset[str]) -> Change:
    item = wanted.inventory.items.get(resource.id)
    live = wanted.observation.resources.get(resource.id)
    if live is None:
        return Change(resource=resource.id, action=CREATE, fields=tuple(_created(resource, locate)))
    declared = item is not None and item.resource.fingerprint == resource.fingerprint
    # What bears no mark of ours yet is written also where only its mark is to change.
    mine = resource.id not in adopted and (item is not None or live.mark is not None)
    if declared and mine and item is not None and same(item.snapshot, live.body):
        return Change(resource=resource.id, action=UNCHANGED)
    fields = tuple(_fields(resource, item, live, locate))
    untouched = not fields and mine and (declared or live.fingerprint == resource.fingerprint)
    return Change(resource=resource.id, action=UNCHANGED if untouched else UPDATE, fields=fields)


def _created(resource: Resource, locate: Locate) -> Iterator[FieldChange]:
    for path, value in leaves(resource.body):
        secret = holds_secret(dotted(path), resource.secrets)
        yield FieldChange(path=dotted(path), old=None, new=value, origin=locate(resource.id, path), secret=secret)


def _fields(resource: Resource, item: InventoryItem | None, live: Live, locate: Locate) -> Iterator[FieldChange]:
    before = item.resource.secrets if item else {}
    found: dict[Path, tuple[Json, Json]] = {}
    recorded = item.resource.body if item else live.body
    for path, old, new in masked(recorded, resource.body, before, resource.secrets):
        found[path] = (old, new)
    for path, old, new in diff(item.snapshot, live.body) if item else ():
        declared = at_path(resource.body, path)
        back = old if declared is None and at_path(recorded, path) is None else declared
        if back != new:
            hidden = any(holds_secret(dotted(path), secrets) for secrets in (before, resource.secrets))
            found[path] = (REPLACED if hidden and new is not None else new, back)
        else:
            found.pop(path, None)  # somebody did by hand what is wanted now
    for path in sorted(found):
        secret = any(holds_secret(dotted(path), secrets) for secrets in (before, resource.secrets))
        old, new = found[path]
        yield FieldChange(path=dotted(path), old=old, new=new, origin=locate(resource.id, path), secret=secret)


def _with_secrets(found: list[Change], wanted: Wanted) -> Iterator[Change]:
    """The changes, with those of secret values; only a value known to differ is a change."""
    left = dict(sorted(_changed_secrets(wanted)))
    for change in found:
        field = left.pop(change.resource, None)
        if field is None:
            yield change
        else:
            action = UPDATE if change.action == UNCHANGED else change.action
            yield Change(resource=change.resource, action=action, fields=(*change.fields, field))
    for resource, field in left.items():
        yield Change(resource=resource, action=UPDATE, fields=(field,))


def _changed_secrets(wanted: Wanted) -> Iterator[tuple[str, FieldChange]]:
    unrecorded = _unrecorded(wanted)
    for name, now in wanted.secrets.items():
        then = wanted.inventory.secrets.get(name)
        if differs(then, now) if then is not None else name in unrecorded and now.fingerprint is not None:
            old = then.fingerprint if then is not None else None
            yield f"secret/{name}", FieldChange(path="value", old=old, new=now.fingerprint, secret=True)


def _unrecorded(wanted: Wanted) -> frozenset[str]:
    """The secrets of what is live and in no record of ours: nobody knows which value it was given."""
    live = wanted.observation.resources.keys() - wanted.inventory.items.keys()
    return frozenset(name for one in wanted.resources if one.id in live for name in one.secrets.values())


def differs(then: SecretPrint, now: SecretPrint) -> bool:
    """Whether two fingerprints are of values known to differ: same key, both readable, not equal."""
    return then.key == now.key and None not in {then.fingerprint, now.fingerprint} and then != now


def _deletions(wanted: Wanted) -> Iterator[Change]:
    keep = {resource.id for resource in wanted.resources}
    for name, live in sorted(wanted.observation.resources.items()):
        if name in keep:
            continue
        marked = live.mark is not None and wanted.ours is not None and _whose(live.mark) == _whose(wanted.ours)
        if marked or name in wanted.inventory.items or wanted.owns_orphans:
            yield Change(resource=name, action=DELETE)


def foreign(wanted: Wanted, scope: Mark) -> tuple[str, ...]:
    """The live things that are not ours but in our way: marked by another history, or unmarked under our names.

    Where an engine owns what lies in its target, everything there is in the way; what lost its mark there after a
    delivery of ours was edited by hand, and is ours.
    """
    wanted_ids = {resource.id for resource in wanted.resources}
    in_way = []
    for name, live in wanted.observation.resources.items():
        known = name in wanted.inventory.items or (wanted.owns_orphans and bool(wanted.inventory.items))
        if live.mark is not None:
            other = (live.mark.project, live.mark.environment, live.mark.history) != _whose(scope)
        else:
            other = not known
        if other and (known or name in wanted_ids or wanted.owns_orphans):
            in_way.append(name)
    return tuple(sorted(in_way))


def _whose(mark: Mark) -> tuple[str, str, str]:
    return mark.project, mark.environment, mark.history


def rendered_digest(resources: Sequence[Resource]) -> str:
    """The hash of all resources: equal where an environment would get the same, whatever the order."""
    return fingerprint.of(sorted((resource.id, resource.fingerprint) for resource in resources))


def plan_id(plan: Plan, entry: PipelineEntry | None) -> str:
    """The hash of what a plan rests on; not of times, gate results, wording, or the lines that values stand on."""
    return fingerprint.of(
        {
            "project": plan.project,
            "environment": plan.environment,
            "target": plan.target,
            "trigger": plan.trigger,
            "release": [plan.release.version, plan.release.digests()],
            "base": plan.base_revision,
            "restores": plan.restores,
            "rendered": plan.rendered_digest,
            "secrets": plan.secrets,
            "changes": _essences(plan),
            "drift": _drifted(plan),
            "adopts": plan.adopts,
            "moves": plan.moves_from,
            "replaces": plan.replaces,
            "accepts": plan.accepts,
            "entry": None if entry is None else _rules(entry),
        }
    )


def _essences(plan: Plan) -> Json:
    return [_essence(change) for change in plan.changes if change.action != UNCHANGED]


def _drifted(plan: Plan) -> Json:
    return [
        (item.resource, item.kind, [(field.path, field.recorded, field.live) for field in item.fields])
        for item in plan.drift
    ]


def _essence(change: Change) -> tuple[str, str, list[tuple[str, Json, Json]]]:
    return change.resource, change.action, [(field.path, field.old, field.new) for field in change.fields]


def _rules(entry: PipelineEntry) -> Json:
    return [entry.name, entry.layers, entry.upstream, entry.soak, entry.confirm, entry.platforms]


def moved_parts(old: Plan, new: Plan) -> tuple[str, ...]:
    """What differs between a saved plan and the plan made again, each in a few words."""
    found = tuple(words for one, other, words in _parts(old, new) if one != other)
    return found or ("the environment's entry in the pipeline changed",)


def _parts(old: Plan, new: Plan) -> Iterator[tuple[Json, Json, str]]:
    """Each part of a plan, old and new, with the words for a difference."""
    yield old.project, new.project, "the project is another"
    yield old.environment, new.environment, "the environment is another"
    yield old.trigger, new.trigger, f"it was made to {old.trigger} and is made to {new.trigger}"
    yield old.base_revision, new.base_revision, f"the head was #{old.base_revision} and is #{new.base_revision}"
    yield old.target, new.target, _moved_target(old.target, new.target)
    one, other = old.release, new.release
    yield one.version, other.version, f"the release was {one.version} and is {other.version}"
    if one.version == other.version:
        yield one.digests(), other.digests(), f"{other.version} has other digests"
    yield old.restores, new.restores, "it brings back another revision"
    yield old.rendered_digest, new.rendered_digest, "the declarations give other resources"
    yield old.secrets, new.secrets, "a secret's value or the fingerprint key changed"
    yield _essences(old), _essences(new), "the changes are others"
    yield _drifted(old), _drifted(new), "the live state drifted in another way"
    yield old.adopts, new.adopts, "what it would take over is other"
    yield old.moves_from, new.moves_from, "it would leave another target"
    yield old.replaces, new.replaces, "what it may make anew is other"
    yield old.accepts, new.accepts, "one of them accepts the drift"


def _moved_target(old: Target, new: Target) -> str:
    if old.place != new.place:
        return f"the target was {old.place} and is {new.place}"
    return f"the target {new.place} is another one: it was {old.identity} and is {new.identity}"
