"""The engine `memory`: a target in a dictionary, with faults that can be switched on.

It behaves as the engines that run services do: it answers with defaults of its own, gives every creation an id and
every change a generation, keeps marks, and writes one thing after another. Several engines may share one target.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from releaser.clock import SYSTEM_CLOCK
from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed, EngineUnreachable, InvalidDeclarations, Problem
from releaser.model.event import Event, Point
from releaser.model.plan import DELETE, REPLACE, UNCHANGED
from releaser.model.preview import NOTHING, Preview
from releaser.model.release import Release
from releaser.model.resource import Inventory, Live, Mark, Observation, Ready, Rendering, Resource, Target
from releaser.model.value import Json, JsonMap, dotted
from releaser.planning import fingerprint
from releaser.planning.diff import leaves
from releaser.ports import Capabilities, Clock, Desired, Progress, Readiness, Scope, SecretValues, Stop, Work

RUNS = Capabilities(runs=True, owns_orphans=False, passes_secrets=True)
"""What the engine can do if it is not told otherwise."""

_DEFAULTS = {"restart": "any", "stop_grace_period": "10s"}


@dataclass
class Faults:
    """What goes wrong, until it is switched off again."""

    unreachable: bool = False  # no call gets an answer
    fail_write: int | None = None  # the write, counted from 1 on from now, that is refused
    took_effect: bool = False  # that write was done all the same: only its answer was lost
    never_ready: bool = False
    ready_after: int = 0  # polls
    last_words: str = "exit 3: cannot open the database"


@dataclass
class Thing:
    """One thing in the target, as the engine keeps it."""

    body: Json
    fingerprint: str
    mark: Mark | None
    uid: str
    generation: int
    at: datetime
    by: str | None


@dataclass
class MemoryTarget:
    """What engines of this kind share: the things, the faults, and every call that was made."""

    name: str
    things: dict[str, Thing] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    calls: list[str] = field(default_factory=list)  # `observe`, `create service/api`, `poll`, …
    passed: dict[str, bytes] = field(default_factory=dict)  # secret → the value that it has now
    values: dict[str, bytes] = field(default_factory=dict)  # id of a secret, former ones too → its value
    created: int = 0
    preview: Preview = NOTHING  # what the engine says to changes

    def change(self, resource: str, body: Json, by: str = "somebody") -> None:
        """Change, or add, a thing by hand: past the engine, so an existing thing keeps its mark."""
        thing = self.things.get(resource)
        if thing is None:
            self.put(resource, Thing(body, fingerprint.of(body), None, "", 1, SYSTEM_CLOCK.now(), by))
        else:
            thing.body, thing.by = body, by
            thing.generation += 1

    def put(self, resource: str, thing: Thing) -> None:
        """Create a thing: it gets an id that none had before."""
        self.created += 1
        thing.uid = f"uid-{self.created}"
        self.things[resource] = thing

    def recreate(self, resource: str) -> None:
        """Remove a thing and create its like, by hand."""
        self.put(resource, self.things.pop(resource))

    def remove(self, resource: str) -> None:
        """Remove a thing by hand."""
        del self.things[resource]

    @property
    def writes(self) -> list[str]:
        """The calls that changed something, or were to."""
        return [call for call in self.calls if " " in call]


class MemoryEngine:
    """An engine over a `MemoryTarget`."""

    def __init__(self, target: MemoryTarget, capabilities: Capabilities = RUNS, clock: Clock = SYSTEM_CLOCK) -> None:
        self.capabilities = capabilities
        self._memory = target
        self._clock = clock

    def target(self) -> Target:
        """The target's name is both its setting and its identity."""
        return Target(engine="memory", identity=self._memory.name, host=self._memory.name)

    def render(self, environment: Environment, release: Release) -> Rendering:
        """Every service, config, secret, volume and network as it is declared, images by digest."""
        resources = tuple(_rendered(environment, release))
        used = sorted({name for resource in resources for name in resource.secrets.values()})
        sources = {resource.id: _source(resource.id) for resource in resources}
        return Rendering(resources=resources, sources=sources, secrets=tuple(used), warnings=environment.warnings)

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:  # noqa: ARG002 - all in the target is ours to see
        """Everything in the target."""
        self._called("observe")
        things = sorted(self._memory.things.items())
        return Observation(resources={name: self._live(name, thing) for name, thing in things}, at=self._clock.now())

    def preview(self, work: Work) -> Preview:
        """What the target was told to say, of what changes."""
        self._called("preview")
        changed, told = work.changed, self._memory.preview
        return Preview(
            sets={name: found for name, found in told.sets.items() if name in changed},
            replaces={name: found for name, found in told.replaces.items() if name in changed},
            refusals=tuple(one for one in told.refusals if changed.intersection(one.resources)),
            unasked={why: names for why, names in told.unasked.items() if changed.intersection(names)},
        )

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:  # noqa: ARG002 - no step of it takes time
        """One write after another: what is wanted in its order, then what is to go, from the last to the first."""
        self._called("apply")
        wanted = {desired.resource.id: desired for desired in work.desired}
        changed = {change.resource for change in work.changes if change.action != UNCHANGED}
        self._announce(progress, work, Point.STAGED, "the values are at hand")
        for name, desired in wanted.items():
            if name in changed and self._set(desired, work, secrets):
                self._announce(progress, work, Point.COMMITTED, f"{name} is written", name)
        for change in reversed(work.changes):
            if change.action == DELETE and change.resource not in wanted and self._remove(change.resource):
                self._announce(progress, work, Point.PRUNED, f"{change.resource} is removed", change.resource)

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Poll, one poll for each second of `work.wait`, and never sleep."""
        self._called("wait")
        faults = self._memory.faults
        for poll in range(int(work.wait) + 1):
            if stop.requested():
                return Readiness(ready=False, message="asked to stop while waiting")
            self._called("poll")
            self._announce(progress, work, Point.WAITING, f"poll {poll + 1}")
            if not faults.never_ready and poll >= faults.ready_after:
                return Readiness(ready=True)
        return Readiness(ready=False, message=f"not ready after {work.wait:g}s; last words: {faults.last_words}")

    def close(self) -> None:
        """There is nothing to let go of."""
        self._memory.calls.append("close")

    def _set(self, desired: Desired, work: Work, secrets: SecretValues) -> bool:
        resource = desired.resource
        mark = work.mark if desired.revision is None else msgspec.structs.replace(work.mark, revision=desired.revision)
        body = _answered(resource)
        thing = self._memory.things.get(resource.id)
        same = thing is not None and (thing.body, thing.fingerprint) == (body, resource.fingerprint)
        if same and thing is not None and _same(thing, mark) and not _has_new_value(resource, work):
            return False
        secret = self._secret(desired, secrets)
        anew = any(change.resource == resource.id and change.action == REPLACE for change in work.changes)
        verb = "create" if thing is None else "replace" if anew else "update"
        with _Write(self._memory, f"{verb} {resource.id}") as effective:
            if effective:
                self._store(resource, body, mark, None if anew else thing)
                if secret is not None:
                    self._keep(resource.id, *secret)
        return True

    def _secret(self, desired: Desired, secrets: SecretValues) -> tuple[str | None, bytes] | None:
        """The id and the value of the secret that this is; what ran before is the same secret again."""
        kind, name = desired.resource.id.split("/", 1)
        if kind != "secret" or not self.capabilities.passes_secrets:
            return None
        before = desired.before.uid if desired.before else None
        if before in self._memory.values:
            return before, self._memory.values[before]
        return None, secrets.value(name)

    def _keep(self, resource: str, uid: str | None, value: bytes) -> None:
        thing = self._memory.things[resource]
        thing.uid = uid or thing.uid
        self._memory.values[thing.uid] = value
        self._memory.passed[resource.removeprefix("secret/")] = value

    def _store(self, resource: Resource, body: Json, mark: Mark, thing: Thing | None) -> None:
        made = Thing(body, resource.fingerprint, mark, "", 1, self._clock.now(), None)
        if thing is None or resource.id.startswith("secret/"):  # another value is another secret
            self._memory.put(resource.id, made)
        else:
            made.uid, made.generation = thing.uid, thing.generation + 1
            self._memory.things[resource.id] = made

    def _remove(self, name: str) -> bool:
        if name not in self._memory.things:
            return False
        with _Write(self._memory, f"delete {name}") as effective:
            if effective:
                del self._memory.things[name]
        return True

    def _live(self, name: str, thing: Thing) -> Live:
        ready = None
        if self.capabilities.runs and name.startswith("service/"):
            wanted = _replicas(thing.body)
            ready = Ready(running=0 if self._memory.faults.never_ready else wanted, desired=wanted)
        return Live(
            id=name,
            body=thing.body,
            fingerprint=thing.fingerprint,
            mark=thing.mark,
            uid=thing.uid,
            generation=thing.generation,
            ready=ready,
            by=thing.by,
            at=thing.at,
        )

    def _called(self, call: str) -> None:
        self._memory.calls.append(call)
        if self._memory.faults.unreachable:
            raise EngineUnreachable(
                f"the engine at {self._memory.name} does not answer", hint="see whether it runs, then try again"
            )

    def _announce(self, progress: Progress, work: Work, point: Point, text: str, resource: str | None = None) -> None:
        at, environment = self._clock.now(), work.mark.environment
        progress.event(Event(at=at, environment=environment, point=point, text=text, resource=resource))


class _Write:
    """One write: counted, and refused where a fault says so, before or after it took effect."""

    def __init__(self, target: MemoryTarget, call: str) -> None:
        self._target, self._call, self._refused = target, call, False

    def __enter__(self) -> bool:
        self._target.calls.append(self._call)
        faults = self._target.faults
        if faults.fail_write is not None:
            faults.fail_write -= 1
            self._refused = faults.fail_write == 0
            faults.fail_write = None if self._refused else faults.fail_write
        return not self._refused or faults.took_effect

    def __exit__(self, *raised: object) -> None:
        if self._refused:
            raise ApplyFailed(f"the engine refused: {self._call}", hint="switch the fault off")


def _rendered(environment: Environment, release: Release) -> Iterator[Resource]:
    for kind, section in (("network", environment.networks), ("volume", environment.volumes)):
        yield from (_resource(f"{kind}/{name}", dict(body)) for name, body in sorted(section.items()))
    for name, body in sorted(environment.configs.items()):
        content = base64.b64decode(body["base64"]) if "base64" in body else body["content"].encode()
        yield _resource(f"config/{name}.{fingerprint.of_bytes(content)[7:19]}", dict(body))
    for name, body in sorted(environment.secrets.items()):
        yield _resource(f"secret/{name}", dict(body), {"from": name})
    for name, service in sorted(environment.services.items()):
        body = {**service, "image": _image(environment, release, name, service)}
        yield _resource(f"service/{name}", body, _references(body))


def _resource(name: str, body: Json, secrets: Mapping[str, str] | None = None) -> Resource:
    return Resource(id=name, body=body, fingerprint=fingerprint.of(body), secrets=secrets or {})


def _image(environment: Environment, release: Release, name: str, service: JsonMap) -> str:
    image = release.images.get(service["image"])
    if image is None:
        problem = Problem(
            code=InvalidDeclarations.code,
            message=f"release {release.version} has no image {service['image']}",
            hint="register a new release: this one is older than the image",
            locations=environment.locate("services", name, "image"),
        )
        raise InvalidDeclarations([problem])
    return image.reference


def _references(body: JsonMap) -> dict[str, str]:
    mounted = {dotted(("secrets", key)): mount.get("source", key) for key, mount in body.get("secrets", {}).items()}
    return mounted | {dotted(path[:-1]): value for path, value in leaves(body) if path[-1:] == ("secret",)}


def _source(resource: str) -> tuple[tuple[str, str], ...]:
    kind, name = resource.split("/", 1)
    return (("", f"{kind}s.{name.rsplit('.', 1)[0] if kind == 'config' else name}"),)


def _answered(resource: Resource) -> Json:
    """The body as this engine answers it: with its own defaults."""
    return {**_DEFAULTS, **resource.body} if resource.id.startswith("service/") else resource.body


def _has_new_value(resource: Resource, work: Work) -> bool:
    """Whether the secret that the resource is has another value than the target was given."""
    fields = (field for change in work.changes if change.resource == resource.id for field in change.fields)
    return resource.id.startswith("secret/") and any(field.path == "value" for field in fields)


def _same(thing: Thing, mark: Mark) -> bool:
    return thing.mark is not None and msgspec.structs.replace(thing.mark, revision=mark.revision) == mark


def _replicas(body: Json) -> int:
    deploy = body.get("deploy") if isinstance(body, dict) else None
    wanted = deploy.get("replicas", 1) if isinstance(deploy, dict) else 1
    return wanted if isinstance(wanted, int) else 1
