"""The engine swarm: a target is a Docker Swarm, reached through one of its managers."""

from pathlib import Path

from releaser.clock import SYSTEM_CLOCK
from releaser.engines.moby.client import Client
from releaser.engines.moby.render import render
from releaser.engines.swarm.api import Swarm
from releaser.engines.swarm.applying import Applying
from releaser.engines.swarm.judging import Watched
from releaser.engines.swarm.looking import Look, Whose
from releaser.engines.swarm.observing import observation
from releaser.engines.swarm.placing import placed
from releaser.engines.swarm.pruning import Pruning
from releaser.engines.swarm.spec import refused
from releaser.engines.swarm.watching import Tell, Watcher
from releaser.engines.time_limit import Limit
from releaser.engines.vocabulary import SERVICE, SWARM
from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed
from releaser.model.event import Event, Point
from releaser.model.preview import NOTHING, Preview
from releaser.model.release import Release
from releaser.model.resource import Inventory, Observation, Rendering, Target
from releaser.ports import Capabilities, Clock, Progress, Readiness, Scope, SecretValues, Stop, Work

_NAMED = {"configs", "secrets", "networks", "network_mode", "volumes"}
"""Words that name things which are not declared, where somebody added them by hand."""

ACCEPTED = frozenset(row.word.partition(".")[0] for row in SERVICE) - _NAMED

CAPABILITIES = Capabilities(runs=True, owns_orphans=False, passes_secrets=True, accepts=ACCEPTED)
"""It sees what it delivers run, shares its target with others, and is given the values of secrets."""


class SwarmEngine:
    """Services, networks, configs and secrets of a Swarm; implements ports.Engine."""

    def __init__(self, client: Client, root: Path, keep: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self.capabilities = CAPABILITIES
        self._swarm = Swarm(client)
        self._root = root
        self._keep = keep
        self._clock = clock
        self._applied: tuple[Work, Watcher, Limit] | None = None

    def target(self) -> Target:
        """The manager's address, and the Swarm's id. Raises EngineUnreachable where there is no Swarm."""
        return Target(engine=SWARM, identity=self._swarm.cluster(), host=self._swarm.place)

    def render(self, environment: Environment, release: Release) -> Rendering:
        """The services with what they use, images by digest. Raises InvalidDeclarations."""
        return placed(render(environment, release, SWARM, refused), environment, release)

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:  # noqa: ARG002 - all of our names begin alike
        """What is live under our mark and names: one list a kind."""
        look = Look.at(self._swarm, Whose(scope.project, scope.environment))
        return observation(look, self._clock.now())

    def preview(self, work: Work) -> Preview:  # noqa: ARG002 - the API has no dry run
        """Nothing."""
        return NOTHING

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:
        """Write what changed and no more, each service after those that it needs."""
        tell = self._teller(work, progress)
        watcher, limit = Watcher(self._swarm, tell, work.stable), Limit(work.wait, stop)
        self._applied = (work, watcher, limit)
        Applying(
            swarm=self._swarm, work=work, root=self._root, keep=self._keep, watcher=watcher, tell=tell, limit=limit
        ).run(secrets)

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Until every task that was wanted runs as it was written, and goes on for `work.stable` seconds."""
        watcher, limit = self._waiting(work, stop, progress)
        while True:
            if stop.requested():
                return Readiness(ready=False, message="asked to stop while waiting")
            watcher.poll()
            failure = watcher.failure()
            if failure is not None:
                return Readiness(ready=False, message=failure)
            if watcher.ready():
                self._prune(work, self._teller(work, progress), limit)
                return Readiness(ready=True)
            if limit.over():
                return Readiness(ready=False, message=watcher.late(work.wait))
            watcher.pause()

    def _prune(self, work: Work, tell: Tell, limit: Limit) -> None:
        try:
            Pruning(self._swarm, work, keep=self._keep, tell=tell, limit=limit).run()
        except ApplyFailed as failure:  # what was to be delivered runs
            tell(Point.PRUNED, f"not all that nobody needs any more is removed: {failure.message}", None)

    def close(self) -> None:
        """Let go of the connections."""
        self._swarm.client.close()

    def _waiting(self, work: Work, stop: Stop, progress: Progress) -> tuple[Watcher, Limit]:
        """What apply has begun; else what the work changes, as it is live."""
        if self._applied is not None and self._applied[0].mark == work.mark:
            _, watcher, limit = self._applied
        else:
            watcher, limit = Watcher(self._swarm, self._teller(work, progress), work.stable), Limit(work.wait, stop)
        look = Look.at(self._swarm, Whose(work.mark.project, work.mark.environment))
        for desired in work.desired:
            kind, _, name = desired.resource.id.partition("/")
            if kind == "service" and desired.resource.id in work.changed and name not in watcher.seen:
                live = look.ours.get(name)
                if live is not None:
                    watcher.watch(Watched(name=name, id=live["ID"], spec=live["Spec"]))
        return watcher, limit

    def _teller(self, work: Work, progress: Progress) -> Tell:
        def tell(point: Point, text: str, resource: str | None) -> None:
            at, environment = self._clock.now(), work.mark.environment
            progress.event(Event(at=at, environment=environment, point=point, text=text, resource=resource))

        return tell
