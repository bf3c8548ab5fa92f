"""Observing: what is live of an environment, as resources; pure over a look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec

from releaser.engines.kubernetes import live, managed_fields, marks
from releaser.engines.kubernetes.looking import Look
from releaser.engines.kubernetes.references import CLAIM, CONFIG_MAP, SECRET, names
from releaser.model.resource import Author, Inventory, InventoryItem, Live, Observation, ResourceId
from releaser.model.value import Json, JsonMap, Path, at_path, dotted, with_value
from releaser.planning import fingerprint
from releaser.planning.diff import diff, same
from releaser.ports import Scope

_KEPT = frozenset({"ConfigMap", "Secret", "PersistentVolumeClaim"})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a look shows of one environment."""

    look: Look
    scope: Scope
    namespace: str

    @cached_property
    def ours(self) -> dict[ResourceId, JsonMap]:
        """What bears our project and environment, of whichever history; what a controller made of it does not count."""
        mine = (self.scope.project, self.scope.environment)
        found = {}
        for name, raw in self.look.objects.items():
            labels = live.labels(raw)
            if (labels.get(marks.PROJECT), labels.get(marks.ENVIRONMENT)) == mine and not _owned(raw):
                found[name] = raw
        return found

    @cached_property
    def used(self) -> Mapping[str, frozenset[str]]:
        """The Secrets, ConfigMaps and claims that our workloads refer to now, by their real names."""
        return {
            kind: frozenset(name for raw in self.ours.values() for name in names(raw, kind))
            for kind in (SECRET, CONFIG_MAP, CLAIM)
        }

    @cached_property
    def secrets(self) -> dict[str, list[JsonMap]]:
        """Declared name → our Secrets for it: those that something refers to first, then the newest."""
        found: dict[str, list[JsonMap]] = {}
        for _, raw in self.look.of("", SECRET):
            declared = live.annotations(raw).get(marks.NAME)
            labels = live.labels(raw)
            mine = (labels.get(marks.PROJECT), labels.get(marks.ENVIRONMENT))
            if declared is not None and mine == (self.scope.project, self.scope.environment):
                found.setdefault(declared, []).append(raw)
        for several in found.values():
            several.sort(key=lambda raw: str(raw["metadata"].get("creationTimestamp", "")), reverse=True)
            several.sort(key=lambda raw: raw["metadata"]["name"] not in self.used[SECRET])
        return found

    @cached_property
    def declared(self) -> dict[str, str]:
        """Real name of a Secret of ours → the name that it was declared by."""
        return {raw["metadata"]["name"]: name for name, several in self.secrets.items() for raw in several}

    def is_ours(self, raw: JsonMap) -> bool:
        """Whether it bears the mark of our history, project and environment."""
        found, scope = marks.mark_of(raw), self.scope
        return found is not None and (found.project, found.environment, found.history) == (
            scope.project,
            scope.environment,
            scope.history,
        )

    @staticmethod
    def is_declared_secret(raw: JsonMap) -> bool:
        """Whether it was made for a declared secret, which stands under another name than it."""
        return raw["kind"] == "Secret" and marks.NAME in live.annotations(raw)

    def hidden(self, raw: JsonMap) -> bool:
        """Whether it is kept, for a way back or for what is in it, and no part of what is live: nobody refers to it."""
        if raw["kind"] not in _KEPT or marks.NAME not in live.annotations(raw):
            return False
        return raw["metadata"]["name"] not in self.used[raw["kind"].lower()]


def observation(seen: Seen, inventory: Inventory, at: datetime) -> Observation:
    """Ours by mark, what is recorded, and what stands where something is about to be delivered."""
    found = {}
    for name, raw in _shown(seen, inventory):
        found[name] = _live(name, raw, seen, inventory.items.get(name))
    return Observation(resources=found, at=at)


def _shown(seen: Seen, inventory: Inventory) -> Iterator[tuple[ResourceId, JsonMap]]:
    wanted = inventory.items.keys() | (seen.scope.wanted if seen.scope.others else frozenset())
    for name, raw in seen.look.objects.items():
        if name in seen.ours:
            in_way = name in wanted and not seen.is_ours(raw)  # another history kept it
            if not seen.is_declared_secret(raw) and (in_way or not seen.hidden(raw)):
                yield name, raw
        elif name in wanted and raw["kind"] != "Secret":  # ours have names that nobody else gives
            yield name, raw
    for declared, several in seen.secrets.items():
        if not seen.hidden(several[0]):
            yield f"secret/{declared}", several[0]


def _owned(raw: JsonMap) -> bool:
    return any(owner.get("controller") for owner in raw["metadata"].get("ownerReferences") or ())


def _live(name: ResourceId, raw: JsonMap, seen: Seen, item: InventoryItem | None) -> Live:
    known = seen.declared
    found = live.body(raw, seen.namespace, known)
    mark = marks.mark_of(raw)
    authors: dict[str, Author] = {}
    notes: list[str] = []
    if item is None and not seen.is_ours(raw):  # what somebody declared; the server's own choices are none of a plan
        found = live.body(managed_fields.owned(raw), seen.namespace, known)
    elif item is not None and not same(item.snapshot, found):
        found = _judged(raw, found, item, authors, notes)
    when = live.restarted(raw)
    if when is not None:
        notes.append(f"its pods were restarted on request at {when}")
    last = next((manager for manager, _ in managed_fields.managers(raw) if not manager.is_controller), None)
    return Live(
        id=name,
        body=found,
        fingerprint=marks.fingerprint_of(raw) or fingerprint.of(found),
        mark=mark,
        uid=raw["metadata"].get("uid"),
        generation=raw["metadata"].get("generation"),
        ready=live.ready(raw),
        by=last.name if last and authors else None,
        at=last.at if last and authors else None,
        authors=authors,
        notes=tuple(notes),
    )


def _judged(raw: JsonMap, found: Json, item: InventoryItem, authors: dict[str, Author], notes: list[str]) -> Json:
    """The body without what is new there and nobody's doing; says who did the rest."""
    for path, recorded, value in tuple(diff(item.snapshot, found)):
        by = managed_fields.owner(raw, path)
        if recorded is None and value is not None and not _by_somebody(raw, path, by):
            found = with_value(found, path, None)
            who = f"by {by.name}" if by is not None else "by the server"
            notes.append(f"{dotted(path)} was set {who}: {_short(value)}")
        elif by is not None and not by.is_controller:
            authors[dotted(path)] = Author(by=by.name, at=by.at)
    return _without_empty(item.snapshot, found)


def _by_somebody(raw: JsonMap, path: Path, by: managed_fields.Manager | None) -> bool:
    if by is not None:
        return not by.is_controller
    return managed_fields.ours(raw, path)


def _without_empty(recorded: Json, found: Json) -> Json:
    """The tree without maps that are empty now, and were not there."""
    if isinstance(found, dict):
        kept = {key: _without_empty(at_path(recorded, (key,)), value) for key, value in found.items()}
        return {key: value for key, value in kept.items() if value != {} or at_path(recorded, (key,)) is not None}
    return found


def _short(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."
