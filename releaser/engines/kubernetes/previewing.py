"""Previewing: a dry run of each change, and what the server says to it."""

from collections.abc import Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from releaser.engines.kubernetes import live
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.defaults import sets
from releaser.engines.kubernetes.errors import ApiRefused, missing_right, told
from releaser.engines.kubernetes.fields import path_of
from releaser.engines.kubernetes.marked import written
from releaser.engines.kubernetes.objects import identity, parse
from releaser.engines.kubernetes.observing import Seen
from releaser.engines.kubernetes.order import KEPT
from releaser.engines.kubernetes.secrets import standing
from releaser.engines.kubernetes.writing import applied, around
from releaser.model.plan import CREATE, UNCHANGED, Change
from releaser.model.preview import Preview, Refusal, Replacement, Set
from releaser.model.resource import ResourceId
from releaser.model.value import JsonMap, Path
from releaser.planning import fingerprint
from releaser.ports import Desired, Work

THREADS = 8
_DEFINITION = "CustomResourceDefinition"

Answer = JsonMap | ApiRefused
Answers = MutableMapping[tuple[ResourceId, str, str | None], Answer]
"""(resource, hash of what is sent, version of what is live) → the answer: what was asked once is known."""


@dataclass
class Previewing:
    """The dry runs of one plan."""

    api: Api
    work: Work
    seen: Seen
    answers: Answers
    absent: bool  # the namespace is not there yet
    barred: Mapping[ResourceId, str]  # what we refuse ourselves, and why
    sets: dict[ResourceId, tuple[Set, ...]] = field(default_factory=dict)
    replaces: dict[ResourceId, Replacement] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)  # what is told once → of which resources
    unasked: dict[str, tuple[ResourceId, ...]] = field(default_factory=dict)

    def run(self) -> Preview:
        """Ask for all that changes. Raises EngineUnreachable."""
        changed = [desired for desired in self.work.desired if self._is_asked(desired)]
        served = [desired for desired in changed if self._is_served(desired)]
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            for desired, answer in zip(served, pool.map(self._answer, served), strict=True):
                self._take(desired, answer)
        return Preview(
            sets=self.sets,
            replaces=self.replaces,
            refusals=tuple(self.refusals.values()),
            unasked=self.unasked,
        )

    # --- what is asked ---

    def _is_asked(self, desired: Desired) -> bool:
        """Whether it is written, and no declared secret: those have their values only then."""
        return desired.resource.id in self._changes and "source" not in desired.resource.body

    def _is_served(self, desired: Desired) -> bool:
        """Whether the server can be asked now: it has the namespace and the kind."""
        body, name = desired.resource.body, desired.resource.id
        if name in self.barred:
            self._refuse(name, self.barred[name], ("kind",))
            return False
        id_ = parse(name)
        try:
            kind = self.api.kind(id_.group, id_.kind)
        except ApiRefused as refused:
            if self._is_defined(body):
                self._not_asked(name, f"the kind {body['kind']} comes with this delivery")
            else:
                self._refuse(name, f"{name}: {refused.message}", ("kind",))
            return False
        if self.absent and kind.namespaced and id_.namespace is None:
            self._not_asked(name, f"the namespace {self.api.namespace} is not there yet")
            return False
        if id_.namespace is not None and self._is_made(f"namespace/{id_.namespace}"):
            self._not_asked(name, f"the namespace {id_.namespace} comes with this delivery")
            return False
        return True

    def _is_made(self, name: ResourceId) -> bool:
        return name in self._changes and name not in self.seen.look.objects

    def _is_defined(self, body: JsonMap) -> bool:
        group = str(body["apiVersion"]).rpartition("/")[0]
        return any(
            other["kind"] == _DEFINITION
            and other["spec"]["group"] == group
            and other["spec"]["names"]["kind"] == body["kind"]
            for other in (desired.resource.body for desired in self.work.desired)
        )

    def _answer(self, desired: Desired) -> Answer:
        raw, change = self.seen.look.objects.get(desired.resource.id), self._changes[desired.resource.id]
        body = written(desired, self.work, self._real)
        version = None if raw is None else raw["metadata"]["resourceVersion"]
        question = (desired.resource.id, fingerprint.of(body), version)
        if question not in self.answers:
            self.answers[question] = self._asked(raw, body, change)
        return self.answers[question]

    def _asked(self, raw: JsonMap | None, body: JsonMap, change: Change) -> Answer:
        taken = raw is not None and not self.seen.is_ours(raw) and change.action != CREATE
        try:
            return applied(self.api, body, change, raw, force=taken, dry_run=True)
        except ApiRefused as refused:
            operations = [] if raw is None else around(refused, raw, body, change)
            answer = refused
        try:
            return (
                self.api.patch(identity(body, self.api.namespace), operations, dry_run=True) if operations else answer
            )
        except ApiRefused:
            return answer

    @cached_property
    def _changes(self) -> dict[ResourceId, Change]:
        return {change.resource: change for change in self.work.changes if change.action != UNCHANGED}

    @cached_property
    def _real(self) -> Mapping[str, str]:
        return standing(self.seen, self.work)

    # --- what is answered ---

    def _take(self, desired: Desired, answer: Answer) -> None:
        name = desired.resource.id
        if not isinstance(answer, ApiRefused):
            self.sets[name] = self._set(desired, answer)
        elif "does not support dry run" in answer.message:
            self._not_asked(name, answer.message)
        elif answer.immutable and len(answer.immutable) == len(answer.causes):
            self._replace(desired, answer)
        else:
            message = missing_right(answer) or told(answer).message
            paths = [path_of(desired.resource.body, one) for one in answer.fields]
            self._refuse(name, message, next((path for path in paths if path), ()))

    def _set(self, desired: Desired, answer: JsonMap) -> tuple[Set, ...]:
        raw, known, own = self.seen.look.objects.get(desired.resource.id), self.seen.declared, self.api.namespace
        before = None if raw is None else live.body(raw, own, known)
        declared: Any = live.body(desired.resource.body, own, known)
        return sets(before, declared, live.body(answer, own, known))

    def _replace(self, desired: Desired, answer: ApiRefused) -> None:
        name = desired.resource.id
        why = "; ".join(f"{cause.field}: {cause.message.rpartition(': ')[2]}" for cause in answer.immutable)
        if name.partition("/")[0] in KEPT:
            message = f"{name} holds data, and cannot become what is declared: {why}"
            self._refuse(name, message, path_of(desired.resource.body, answer.immutable[0].field))
            return
        raw = self.seen.look.objects.get(name) or {}
        harmless = desired.resource.body["kind"] == "Job" and not (raw.get("status") or {}).get("active")
        self.replaces[name] = Replacement(why=why, harmless=harmless)

    def _refuse(self, name: ResourceId, message: str, path: Path) -> None:
        before = self.refusals.get(message)
        names = (name,) if before is None else (*before.resources, name)
        self.refusals[message] = Refusal(resources=names, message=message, path=before.path if before else path or None)

    def _not_asked(self, name: ResourceId, why: str) -> None:
        self.unasked[why] = (*self.unasked.get(why, ()), name)
