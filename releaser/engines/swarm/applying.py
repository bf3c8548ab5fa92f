"""Applying: services are written in the order in which they need each other, and roll side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser.engines.moby import marks
from releaser.engines.swarm.api import Swarm
from releaser.engines.swarm.building import Builder
from releaser.engines.swarm.comparing import same_spec
from releaser.engines.swarm.judging import FAILED, READY, Watched, is_job, judge, paused
from releaser.engines.swarm.labels import IDLE
from releaser.engines.swarm.looking import Look, Whose
from releaser.engines.swarm.preparing import Preparing
from releaser.engines.swarm.pruning import Pruning
from releaser.engines.swarm.values import Values
from releaser.engines.swarm.watching import Tell, Watcher
from releaser.engines.time_limit import Limit
from releaser.model.errors import NotReady
from releaser.model.event import Point
from releaser.model.plan import DELETE, PROMOTE
from releaser.model.value import Json, JsonMap
from releaser.ports import Desired, SecretValues, Work

COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"


@dataclass
class Applying:
    """One delivery's writes."""

    swarm: Swarm
    work: Work
    root: Path
    keep: int
    watcher: Watcher
    tell: Tell
    limit: Limit

    def run(self, source: SecretValues) -> None:
        """Make the changes. Raises what Engine.apply raises."""
        look = Look.at(self.swarm, Whose(self.work.mark.project, self.work.mark.environment))
        values = Values(look, self.work, source)
        builder = Builder(work=self.work, look=look, values=values, root=self.root, networks=dict(look.network_ids))
        services = tuple(self._affected(builder))
        preparing = Preparing(self.swarm, look, builder, self.tell, self.limit)
        preparing.check(services)
        if services:
            self.tell(Point.STAGED, "the values are at hand", None)
        preparing.make(self.work, services)
        awaited = self._awaited_jobs(services)
        live = [look.services[name]["ID"] for name in map(_name, (*services, *awaited)) if name in look.services]
        before = self.swarm.tasks(live) if live else []
        writer = _Writer(self, look, builder, before)
        for job in awaited:
            writer.find(job)
        self._roll(services, writer)
        self._remove(look)

    def _affected(self, builder: Builder) -> Iterator[Desired]:
        """The services that change, or that use what changes: the value of a secret, a network, a volume."""
        for desired in self.work.desired:
            resource = desired.resource
            if not resource.id.startswith("service/"):
                continue
            if resource.id in self.work.changed or builder.used(resource.body) & self.work.changed:
                yield desired

    # --- one after another, side by side ---

    def _roll(self, services: Sequence[Desired], writer: "_Writer") -> None:
        pending = {_name(desired): desired for desired in services}
        while pending:
            self.limit.check()
            free = [name for name, desired in pending.items() if not self._blocked(desired, pending)]
            for name in free:
                writer.write(pending.pop(name))
                self.limit.check()
            if pending and not free:
                self._poll()

    def _blocked(self, desired: Desired, pending: JsonMap) -> bool:
        """Whether something that the service needs is not as far as it has to be."""
        for other, how in (desired.resource.body.get("depends_on") or {}).items():
            if other in pending:
                return True
            if other not in self.watcher.seen:
                continue  # it is not written, so it runs
            verdict = self.watcher.verdict(other)
            condition = how.get("condition")
            if verdict is None:
                return True
            far = {COMPLETED: verdict.state == READY, HEALTHY: verdict.healthy}
            if not far.get(condition, verdict.started):
                return True
        return False

    def _awaited_jobs(self, services: Sequence[Desired]) -> list[Desired]:
        """Jobs that are awaited and not to be written: one that was cut off may still run, or have failed."""
        names = {
            f"service/{other}"
            for desired in services
            for other, how in (desired.resource.body.get("depends_on") or {}).items()
            if how.get("condition") == COMPLETED
        }
        names -= {desired.resource.id for desired in services}
        return [desired for desired in self.work.desired if desired.resource.id in names]

    def _poll(self) -> None:
        self.watcher.poll()
        failure = self.watcher.failure()
        if failure is not None:
            raise NotReady(failure)
        if self.limit.over():
            raise NotReady(self.watcher.late(self.work.wait))
        self.watcher.pause()

    # --- what is to go ---

    def _remove(self, look: Look) -> None:
        deleted = [change.resource for change in self.work.changes if change.action == DELETE]
        for resource in reversed(deleted):
            kind, _, name = resource.partition("/")
            if kind == "service" and name in look.services and self._wanted(resource) is None:
                self.limit.check()
                self.swarm.remove_service(look.services[name]["ID"])
                self.tell(Point.PRUNED, f"the service {look.services[name]['Spec']['Name']} is removed", resource)
            elif kind == "volume" and resource in {f"volume/{one}" for one in _volumes(look)}:
                real = _volumes(look)[name]
                self.tell(Point.PRUNED, f"the volume {real} is kept, with the data in it", resource)
        if not self.work.desired:
            Pruning(self.swarm, self.work, keep=0, tell=self.tell, limit=self.limit).run()

    def _wanted(self, resource: str) -> Desired | None:
        return next((desired for desired in self.work.desired if desired.resource.id == resource), None)


def _name(desired: Desired) -> str:
    return desired.resource.id.partition("/")[2]


def _volumes(look: Look) -> dict[str, str]:
    """Declared name → real name of the volumes that services of ours mount."""
    return {
        use.name: real
        for noted in look.noted.values()
        for real, use in noted.names.volumes.items()
        if use.fingerprint is not None
    }


@dataclass
class _Writer:
    """Writes services, unless they are as they shall be, and has them watched."""

    applying: Applying
    look: Look
    builder: Builder
    before: Sequence[JsonMap]  # the tasks of all of them, before the first write

    def write(self, desired: Desired) -> None:
        """Write one service."""
        name = _name(desired)
        live = self.look.services.get(name)
        spec = self._spec(desired, live)
        if live is None:
            self._create(desired, spec)
        elif same_spec(live["Spec"], spec) and not paused(live) and not self._failed_job(desired, live):
            self.applying.watcher.watch(Watched(name=name, id=live["ID"], spec=live["Spec"]))
        elif _mode(live["Spec"]) != _mode(spec):
            self.applying.swarm.remove_service(live["ID"])
            self.applying.tell(
                Point.COMMITTED, f"{name} is removed, as Swarm changes no service's mode", desired.resource.id
            )
            self._create(desired, spec)
        else:
            self._update(desired, live, spec)

    def find(self, desired: Desired) -> None:
        """Watch a job as it is; run it once more where it failed, and may."""
        live = self.look.ours.get(_name(desired))
        if live is not None and self._failed_job(desired, live):
            self._update(desired, live, live["Spec"])
        elif live is not None:
            self.applying.watcher.watch(Watched(name=_name(desired), id=live["ID"], spec=live["Spec"]))

    def _create(self, desired: Desired, spec: JsonMap) -> None:
        id_ = self.applying.swarm.create_service(spec)
        self._written(desired, Watched(name=_name(desired), id=id_, spec=spec, written=True))

    def _update(self, desired: Desired, live: JsonMap, spec: JsonMap) -> None:
        before = frozenset(task["ID"] for task in self._tasks(live))
        began = (live.get("UpdateStatus") or {}).get("StartedAt")
        self.applying.swarm.update_service(live, spec)
        watched = Watched(name=_name(desired), id=live["ID"], spec=spec, written=True, began=began, before=before)
        self._written(desired, watched)

    def _written(self, desired: Desired, watched: Watched) -> None:
        self.applying.watcher.watch(watched)
        self.applying.tell(Point.COMMITTED, f"{watched.name} is written", desired.resource.id)

    # --- jobs ---

    def _spec(self, desired: Desired, live: JsonMap | None) -> dict[str, Json]:
        """The spec; a job that is as it shall be stays as it is, whether it ran or not."""
        body = desired.resource.body
        spec = self.builder.service(desired)
        if not is_job(spec):
            return spec
        idle = self.builder.service(desired, idle=True)
        if live is not None:
            for same in (spec, idle):
                if same_spec(live["Spec"], same):
                    return same
        return spec if self._runs(desired, body, live) else idle

    def _runs(self, desired: Desired, body: JsonMap, live: JsonMap | None) -> bool:
        """Whether a job that is written is to run now: once for a release and its configuration."""
        if self.applying.work.trigger not in {PROMOTE, *(body.get("on") or [])}:
            return False
        labels = (live["Spec"].get("Labels") or {}) if live else {}
        again = labels.get(marks.FINGERPRINT) == desired.resource.fingerprint  # another mark, or a secret's new value
        return live is None or not again or (IDLE not in labels and self._state(live) != READY)

    def _failed_job(self, desired: Desired, live: JsonMap) -> bool:
        """Whether a job that is written as it shall be failed before, and is to run once more."""
        if not is_job(live["Spec"]) or IDLE in live["Spec"]["Labels"]:
            return False
        return self._runs(desired, desired.resource.body, live) and self._state(live) == FAILED

    def _state(self, live: JsonMap) -> str:
        watched = Watched(name="", id=live["ID"], spec=live["Spec"])
        return judge(watched, live, self._tasks(live)).state

    def _tasks(self, live: JsonMap) -> list[JsonMap]:
        return [task for task in self.before if task["ServiceID"] == live["ID"]]


def _mode(spec: JsonMap) -> str:
    return str(next(iter(spec["Mode"])))
