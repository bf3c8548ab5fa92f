"""The engine kubernetes: a target is a namespace of a cluster, reached through a context of the kubeconfig."""

from collections.abc import Iterable

from releaser.clock import SYSTEM_CLOCK
from releaser.engines.kubernetes import manifests
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.applying import Applying
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.judging import WATCHED
from releaser.engines.kubernetes.looking import Look
from releaser.engines.kubernetes.manifests.scope import keep_inside, outside
from releaser.engines.kubernetes.objects import parse
from releaser.engines.kubernetes.observing import Seen, observation
from releaser.engines.kubernetes.previewing import Answers, Previewing
from releaser.engines.kubernetes.pruning import Pruning
from releaser.engines.kubernetes.render import render
from releaser.engines.kubernetes.target import target
from releaser.engines.kubernetes.watching import Tell, Watcher, Written
from releaser.engines.time_limit import Limit
from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed, EngineUnreachable
from releaser.model.event import Event, Point
from releaser.model.preview import Preview
from releaser.model.release import Release
from releaser.model.resource import ABSENT, Inventory, Observation, Rendering, ResourceId, Target
from releaser.ports import Capabilities, Clock, Progress, Readiness, Scope, SecretValues, Stop, Work

ACCEPTED = frozenset({"metadata", "spec", "data"})
"""The words of an object that a live value may be taken into."""

CAPABILITIES = Capabilities(runs=True, owns_orphans=False, passes_secrets=True, accepts=ACCEPTED)
"""It sees what it delivers run, shares its namespace with others, and is given the values of secrets."""


class KubernetesEngine:
    """Objects in a namespace of a cluster; implements ports.Engine."""

    def __init__(
        self,
        api: Api,
        keep: int = 3,
        pull_secrets: tuple[str, ...] = (),
        *,
        cluster_scoped: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.capabilities = CAPABILITIES
        self._api = api
        self._keep = keep
        self._pull_secrets = pull_secrets
        self._cluster_scoped = cluster_scoped
        self._clock = clock
        self._target: Target | None = None
        self._seen: Seen | None = None
        self._answers: Answers = {}
        self._applied: tuple[Work, Watcher, Limit] | None = None

    def target(self) -> Target:
        """The context and the namespace, with the namespace's uid. Raises EngineUnreachable."""
        if self._target is None:
            self._target = target(self._api)
        return self._target

    def render(self, environment: Environment, release: Release) -> Rendering:
        """The services as objects, and those of manifests, images by digest. Raises InvalidDeclarations."""
        services = render(environment, release, self._keep, self._pull_secrets)
        return manifests.render(environment, release, self._api.namespace, services)

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:
        """What is live under our mark, in the record, and where something is about to be delivered: one list a kind."""
        self._seen = self._looked(scope, (*inventory.items, *scope.wanted))
        return observation(self._seen, inventory, self._clock.now())

    def preview(self, work: Work) -> Preview:
        """A dry run of each object that changes, on what was observed last; the same question is asked once."""
        mark = work.mark
        scope = Scope(project=mark.project, environment=mark.environment, history=mark.history)
        seen = self._seen or self._looked(scope, (desired.resource.id for desired in work.desired))
        absent = self.target().identity == ABSENT
        barred = {} if self._cluster_scoped else outside(self._api, work)
        return Previewing(
            api=self._api, work=work, seen=seen, answers=self._answers, absent=absent, barred=barred
        ).run()

    def _looked(self, scope: Scope, names: Iterable[ResourceId]) -> Seen:
        ids = [parse(name) for name in names if not name.startswith("secret/")]
        try:
            look = Look.at(self._api, ids)
        except ApiRefused as refused:
            failure = told(refused)
            raise EngineUnreachable(failure.message, hint=failure.hint) from refused
        return Seen(look=look, scope=scope, namespace=self._api.namespace)

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:
        """Write what changed and no more, each object after those that it needs."""
        tell = self._teller(work, progress)
        watcher, limit = self._watcher(work, tell), Limit(work.wait, stop)
        self._applied = (work, watcher, limit)
        if not self._cluster_scoped:
            keep_inside(self._api, work)
        Applying(api=self._api, work=work, watcher=watcher, tell=tell, limit=limit).run(secrets)
        if self._target is not None and self._target.identity == ABSENT:
            self._target = None  # it is there now

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Until every workload is rolled out as it was written, and stays so for `work.stable` seconds."""
        tell = self._teller(work, progress)
        watcher, limit = self._waiting(work, tell, stop)
        try:
            while True:
                if stop.requested():
                    return Readiness(ready=False, message="asked to stop while waiting")
                watcher.poll()
                failure = watcher.failure()
                if failure is not None:
                    return Readiness(ready=False, message=failure)
                if watcher.ready():
                    self._prune(work, tell)
                    return Readiness(ready=True)
                if limit.over():
                    return Readiness(ready=False, message=watcher.late(work.wait))
                watcher.pause()
        except ApiRefused as refused:
            return Readiness(ready=False, message=told(refused).message)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _watcher(self, work: Work, tell: Tell) -> Watcher:
        return Watcher(self._api, tell, work.stable, patience=work.wait / 2)

    def _waiting(self, work: Work, tell: Tell, stop: Stop) -> tuple[Watcher, Limit]:
        """What apply has begun; else what the work changes, as it is live."""
        if self._applied is not None and self._applied[0].mark == work.mark:
            _, watcher, limit = self._applied
        else:
            watcher, limit = self._watcher(work, tell), Limit(work.wait, stop)
        changed = work.changed
        names = [
            desired.resource.id
            for desired in work.desired
            if desired.resource.body["kind"] in WATCHED
            and desired.resource.id in changed
            and desired.resource.id not in watcher.seen
        ]
        if names:
            ids = [parse(name) for name in names]
            for name, raw in Look.at(self._api, ids, {(one.group, one.kind) for one in ids}).objects.items():
                if name in names:
                    watcher.watch(Written(resource=name, answer=raw))
        return watcher, limit

    def _prune(self, work: Work, tell: Tell) -> None:
        try:
            Pruning(self._api, work, tell).run()
        except (ApplyFailed, EngineUnreachable) as failure:  # what was to be delivered runs
            tell(Point.PRUNED, f"not all that nobody needs any more is removed: {failure.message}", None)

    def _teller(self, work: Work, progress: Progress) -> Tell:
        def tell(point: Point, text: str, resource: str | None) -> None:
            at, environment = self._clock.now(), work.mark.environment
            progress.event(Event(at=at, environment=environment, point=point, text=text, resource=resource))

        return tell
