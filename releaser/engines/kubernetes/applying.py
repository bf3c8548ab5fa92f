"""Applying: one delivery's writes, and no more, each after what it needs."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby

import msgspec

from releaser.engines.kubernetes import live, marks, target
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.definitions import DEFINITION, await_served
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.judging import WATCHED
from releaser.engines.kubernetes.looking import Look
from releaser.engines.kubernetes.marked import marked, written
from releaser.engines.kubernetes.objects import ObjectId, identity, parse
from releaser.engines.kubernetes.observing import Seen
from releaser.engines.kubernetes.order import CALLED, KEPT, WORKLOADS, step
from releaser.engines.kubernetes.references import SECRET, names
from releaser.engines.kubernetes.render.pod import NAME
from releaser.engines.kubernetes.secrets import Chosen
from releaser.engines.kubernetes.watching import COMPLETED, SERVICE_HEALTHY, Tell, Watcher, Written
from releaser.engines.kubernetes.writing import put
from releaser.engines.time_limit import Limit
from releaser.model.errors import ApplyFailed, NotReady
from releaser.model.event import Point
from releaser.model.plan import DELETE, REPLACE, UNCHANGED, Change
from releaser.model.resource import ResourceId
from releaser.model.value import Json, JsonMap
from releaser.ports import Desired, Scope, SecretValues, Work

THREADS = 8
_AGAIN = 0.2


@dataclass
class Applying:
    """One delivery's writes to a namespace."""

    api: Api
    work: Work
    watcher: Watcher
    tell: Tell
    limit: Limit
    seen: Seen = field(init=False)
    chosen: Chosen = field(init=False)

    def run(self, values: SecretValues) -> None:
        """Look, then write what changed. Raises ApplyFailed, NotReady, SecretMissing, Interrupted."""
        try:
            self._run(values)
        except ApiRefused as refused:
            raise told(refused) from refused

    def _run(self, values: SecretValues) -> None:
        mark = self.work.mark
        ids = [parse(name) for name in self._ids()]
        scope = Scope(project=mark.project, environment=mark.environment, history=mark.history)
        self.seen = Seen(look=Look.at(self.api, ids), scope=scope, namespace=self.api.namespace)
        self.chosen = Chosen(seen=self.seen, work=self.work, values=values)
        secrets = [self._secret(desired) for desired in self._desired("secret/")]
        others = [desired for desired in self._changed() if not _runs(desired) and not _is_secret(desired)]
        self.limit.check()
        if self.work.desired and target.make(self.api):
            self.tell(Point.STAGED, f"the namespace {self.api.namespace} is made", None)
        self._each([one for one in secrets if one is not None], Point.STAGED)
        self._write_in_steps(one for one in others if step(one.resource.id) <= WORKLOADS)
        for wave in self._waves():
            self._each([partial(self._run_on, desired) for desired in wave if self._to_write(desired)], Point.COMMITTED)
        self._write_in_steps(one for one in others if WORKLOADS < step(one.resource.id) < CALLED)
        called = [one for one in others if step(one.resource.id) >= CALLED and self._to_write(one)]
        if any(_is_called(one.resource.body) for one in called):
            self._await(dict.fromkeys(self.watcher.seen, SERVICE_HEALTHY))
        self._write_in_steps(called)
        self._delete()

    def _write_in_steps(self, several: Iterable[Desired]) -> None:
        for _, of_step in groupby(several, key=lambda desired: step(desired.resource.id)):
            self._each([partial(self._write, desired) for desired in of_step if self._to_write(desired)], Point.STAGED)

    # --- what there is to do ---

    def _ids(self) -> Iterator[ResourceId]:
        for desired in self.work.desired:
            if not _is_secret(desired):
                yield desired.resource.id
        for change in self.work.changes:
            if change.action == DELETE and not change.resource.startswith("secret/"):
                yield change.resource

    def _desired(self, start: str) -> Iterator[Desired]:
        return (desired for desired in self.work.desired if desired.resource.id.startswith(start))

    def _changed(self) -> Iterator[Desired]:
        return (desired for desired in self.work.desired if desired.resource.id in self._changes)

    @cached_property
    def _changes(self) -> dict[ResourceId, Change]:
        """What is to be written or removed."""
        return {change.resource: change for change in self.work.changes if change.action != UNCHANGED}

    def _live(self, desired: Desired) -> JsonMap | None:
        return self.seen.look.objects.get(desired.resource.id)

    def _to_write(self, desired: Desired) -> bool:
        """Whether it is not live as it is to be: what was written before a crash is not written again."""
        raw = self._live(desired)
        if raw is None or not self.seen.is_ours(raw) or marks.fingerprint_of(raw) != desired.resource.fingerprint:
            return True
        change = self._changes.get(desired.resource.id)
        if change is not None and (change.fields or change.action == REPLACE):
            return True
        return self._refers_elsewhere(raw, desired)

    def _refers_elsewhere(self, raw: JsonMap, desired: Desired) -> bool:
        """Whether it refers to another Secret than the one that was chosen."""
        if raw["kind"] == "Job":
            return False  # it ran with what it had, and cannot change
        wanted = {self.chosen.real[name] for name in desired.resource.secrets.values() if name in self.chosen.real}
        return bool(wanted) and not wanted <= names(raw, SECRET)

    def _waves(self) -> Iterator[list[Desired]]:
        """The workloads, as many at a time as need nothing of each other; waits for what the next ones need."""
        wave: list[Desired] = []
        for desired in self.work.desired:
            if not _runs(desired) or not (desired.resource.id in self._changes or self._moved(desired)):
                continue
            needs = self._needs(desired)
            if needs.keys() & {one.resource.id for one in wave}:
                yield wave
                wave = []
            self._watch_what_goes_on(needs)
            waits = {name: how for name, how in needs.items() if name in self.watcher.seen}
            if waits:
                if wave:
                    yield wave
                    wave = []
                self._await(waits)
            wave.append(desired)
        if wave:
            yield wave

    def _watch_what_goes_on(self, needs: Mapping[ResourceId, str]) -> None:
        """Watch what is needed and a delivery that was cut off has written: it may still roll out, or have failed."""
        for other in self.work.desired:
            name, raw = other.resource.id, self._live(other)
            awaited = needs.get(name) == COMPLETED or (name in needs and name in self._changes)
            if awaited and raw is not None and name not in self.watcher.seen and not self._to_write(other):
                self.watcher.watch(Written(resource=name, answer=raw))

    def _needs(self, desired: Desired) -> dict[ResourceId, str]:
        """What it depends on, with the condition."""
        text = live.annotations(desired.resource.body).get(marks.DEPENDS_ON)
        declared = msgspec.json.decode(text, type=dict[str, str]) if text else {}
        return {
            other.resource.id: declared[name]
            for other in self.work.desired
            if _runs(other) and (name := live.labels(other.resource.body).get(NAME, "")) in declared
        }

    def _moved(self, desired: Desired) -> bool:
        """Whether a secret that it uses has become another one, so that its pods are to have the new value."""
        raw = self._live(desired)
        return raw is not None and self._refers_elsewhere(raw, desired)

    def _await(self, needs: Mapping[ResourceId, str]) -> None:
        while True:
            self.limit.check()
            self.watcher.poll()
            failure = self.watcher.failure()
            if failure is not None:
                raise NotReady(failure)
            if all(self.watcher.ready_for(name, how) for name, how in needs.items()):
                return
            if self.limit.over():
                raise NotReady(self.watcher.late(self.work.wait))
            self.watcher.pause()

    # --- writes ---

    def _each(self, writes: Sequence[Callable[[], tuple[str, ResourceId]]], point: Point) -> None:
        """Make writes side by side; each is told of, and the first that is refused ends it."""
        if not writes:
            return
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            going = [pool.submit(write_one) for write_one in writes]
            try:
                for one in going:
                    text, resource = one.result()
                    self.tell(point, text, resource)
                    self.limit.check()
            except BaseException:
                for one in going:
                    one.cancel()
                raise

    def _secret(self, desired: Desired) -> Callable[[], tuple[str, ResourceId]] | None:
        made = self.chosen.choose(desired)
        if made is not None:
            return partial(self._create, made, desired)
        raw = self.chosen.live(desired.resource.id.partition("/")[2])
        if raw is not None and not self.seen.is_ours(raw) and desired.resource.id in self._changes:
            return partial(self._mark, raw, desired)
        return None

    def _create(self, body: JsonMap, desired: Desired) -> tuple[str, ResourceId]:
        self.api.create(body)
        return f"the Secret {body['metadata']['name']} is made", desired.resource.id

    def _mark(self, raw: JsonMap, desired: Desired) -> tuple[str, ResourceId]:
        """Its data cannot change; whose it is can."""
        notes = marked(desired, self.work.mark)["metadata"]["annotations"]
        operations: list[dict[str, Json]] = [
            {"op": "add", "path": f"/metadata/annotations/{key.replace('/', '~1')}", "value": notes[key]}
            for key in (marks.HISTORY, marks.REVISION, marks.FINGERPRINT)
        ]
        self.api.patch(identity(raw, self.api.namespace), operations)
        return f"the Secret {raw['metadata']['name']} is marked", desired.resource.id

    def _write(self, desired: Desired) -> tuple[str, ResourceId]:
        answer = self._put(desired)
        if answer["kind"] == DEFINITION:
            await_served(self.api, parse(desired.resource.id), self.limit)
        return f"{desired.resource.id} is written", desired.resource.id

    def _run_on(self, desired: Desired) -> tuple[str, ResourceId]:
        answer = self._put(desired)
        if answer["kind"] in WATCHED:
            self.watcher.watch(Written(resource=desired.resource.id, answer=answer))
        return f"{desired.resource.id} is written", desired.resource.id

    def _put(self, desired: Desired) -> JsonMap:
        raw, name = self._live(desired), desired.resource.id
        change = self._changes.get(name, Change(resource=name, action=UNCHANGED))
        if change.action == REPLACE and raw is not None:
            self._remove(parse(desired.resource.id), raw)
            raw = None
        body = written(desired, self.work, self.chosen.real)
        return put(self.api, body, change, raw, ours=raw is not None and self.seen.is_ours(raw))

    # --- deletions ---

    def _delete(self) -> None:
        gone = [change.resource for change in self.work.changes if change.action == DELETE]
        self._each([partial(self._deleted, name) for name in gone if self._goes(name)], Point.PRUNED)
        for name in gone:
            if name.partition("/")[0] in KEPT and name in self.seen.look.objects:
                self.tell(Point.PRUNED, f"{name} is kept, with what is in it: delete it by hand", name)

    def _goes(self, name: ResourceId) -> bool:
        """Whether it is deleted now; what is kept by content goes when nothing refers to it, after a success."""
        raw = self.seen.look.objects.get(name)
        if raw is None or name.partition("/")[0] in KEPT or marks.NAME in live.annotations(raw):
            return False
        recorded = self.work.base.items.get(name)
        known = recorded is not None and recorded.uid == raw["metadata"]["uid"]
        return known or self.seen.is_ours(raw)

    def _deleted(self, name: ResourceId) -> tuple[str, ResourceId]:
        raw = self.seen.look.objects[name]
        self.api.delete(parse(name), raw["metadata"]["uid"])
        return f"{name} is deleted", name

    def _remove(self, id_: ObjectId, raw: JsonMap) -> None:
        """Delete it, and wait until it is gone, so that another one can be made under its name."""
        uid = raw["metadata"]["uid"]
        self.api.delete(id_, uid, propagation="Foreground")
        while (found := self.api.get(id_)) is not None and found["metadata"]["uid"] == uid:
            self.limit.check()
            if self.limit.over():
                raise ApplyFailed(
                    f"{id_.resource} is deleted, and is not gone after {self.work.wait:g}s",
                    hint="see what holds it: its finalizers, or its pods that end slowly",
                )
            time.sleep(_AGAIN)


def _is_called(body: Json) -> bool:
    """Whether the API server calls it at once: without a certificate, its own pods bring one when they run."""
    if isinstance(body, dict):
        return bool(body.get("caBundle")) or any(map(_is_called, body.values()))
    return isinstance(body, list) and any(map(_is_called, body))


def _runs(desired: Desired) -> bool:
    """Whether it runs something, or may: it is written after what it needs, in its order."""
    return desired.resource.body["kind"] in WATCHED


def _is_secret(desired: Desired) -> bool:
    """Whether it is a declared secret."""
    return desired.resource.id.startswith("secret/") and "source" in desired.resource.body
