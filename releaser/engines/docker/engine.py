"""The engine `docker`: containers of one Docker Engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from releaser.clock import SYSTEM_CLOCK
from releaser.engines.docker import files
from releaser.engines.docker.api import Docker
from releaser.engines.docker.applying import Applying
from releaser.engines.docker.looking import Claims, Look, Whose
from releaser.engines.docker.observing import observation
from releaser.engines.docker.order import START_FIRST, declared, order_of
from releaser.engines.docker.pruning import Pruning
from releaser.engines.docker.waiting import Waiting
from releaser.engines.docker.watching import Watcher
from releaser.engines.moby import words as api
from releaser.engines.moby.client import Client
from releaser.engines.moby.render import render
from releaser.engines.time_limit import Limit
from releaser.engines.vocabulary import DOCKER, SERVICE
from releaser.model.environment import Environment
from releaser.model.errors import ApplyFailed
from releaser.model.event import Event, Point
from releaser.model.preview import NOTHING, Preview
from releaser.model.release import Release
from releaser.model.resource import Inventory, Observation, Rendering, Resource, Target
from releaser.model.value import JsonMap
from releaser.planning.wording import listed
from releaser.ports import Capabilities, Clock, Progress, Readiness, Scope, SecretValues, Stop, Work

ACCEPTED = frozenset(row.word.partition(".")[0] for row in SERVICE)

CAPABILITIES = Capabilities(
    runs=True,
    owns_orphans=False,
    passes_secrets=True,
    gives_back=True,
    watches_configs=False,
    accepts=ACCEPTED,
)
"""It sees what it delivers run, shares its target with others, and is given the values of secrets.

A config is a file in a container, where nobody watches it.
"""


@dataclass
class _Applied:
    """What `apply` leaves to `wait`."""

    work: Work
    watcher: Watcher
    limit: Limit


class DockerEngine:
    """Containers, networks and volumes of one Docker Engine; implements ports.Engine."""

    def __init__(
        self, client: Client, root: Path, keep: int = 1, clock: Clock = SYSTEM_CLOCK, takes_over: str | None = None
    ) -> None:
        self.capabilities = CAPABILITIES
        self._docker = Docker(client)
        self._root = root
        self._keep = keep
        self._clock = clock
        self._takes_over = takes_over
        self._rendered: tuple[Resource, ...] = ()
        self._applied: _Applied | None = None

    def target(self) -> Target:
        """The engine's address and its own id."""
        return Target(engine=DOCKER, identity=self._docker.identity(), host=self._docker.place)

    def render(self, environment: Environment, release: Release) -> Rendering:
        """The services with what they use, images by digest. Raises InvalidDeclarations."""
        rendering = render(environment, release, DOCKER, lambda _, body: files.refused(body))
        self._rendered = rendering.resources  # names that are looked for the next time that somebody looks
        warnings = (*rendering.warnings, *_overlapping(rendering))
        return msgspec.structs.replace(rendering, warnings=warnings)

    def observe(self, scope: Scope, inventory: Inventory) -> Observation:
        """What is live under our mark and names: one list a kind, and one look at each container of ours."""
        resources = (*self._rendered, *(item.resource for item in inventory.items.values()))
        look = Look.at(self._docker, self._whose(scope.project, scope.environment), Claims.of(resources))
        return observation(look, self._clock.now())

    def preview(self, work: Work) -> Preview:  # noqa: ARG002 - the API has no dry run
        """Nothing."""
        return NOTHING

    def apply(self, work: Work, secrets: SecretValues, stop: Stop, progress: Progress) -> None:
        """Replace what changed and no more, each service after those that it needs."""
        tell = self._teller(work, progress)
        watcher, limit = Watcher(self._docker, tell, work.stable), Limit(work.wait, stop)
        self._applied = _Applied(work, watcher, limit)
        Applying(
            docker=self._docker,
            whose=self._whose(work.mark.project, work.mark.environment),
            work=work,
            root=self._root,
            clock=self._clock,
            watcher=watcher,
            tell=tell,
            limit=limit,
        ).run(secrets)

    def wait(self, work: Work, stop: Stop, progress: Progress) -> Readiness:
        """Until every container of what changed runs, and is healthy or has run for `work.stable` seconds."""
        tell = self._teller(work, progress)
        applied = self._applied
        if applied is None or applied.work.mark != work.mark:
            applied = _Applied(work, Watcher(self._docker, tell, work.stable), Limit(work.wait, stop))
        whose = self._whose(work.mark.project, work.mark.environment)
        readiness = Waiting(self._docker, whose, work, applied.watcher, applied.limit, stop).run()
        if readiness.ready:
            try:
                Pruning(self._docker, whose, work, self._keep, tell).run()
            except ApplyFailed as failure:  # what was to be delivered runs
                tell(Point.PRUNED, f"not all that nobody needs any more is removed: {failure.message}", None)
        return readiness

    def close(self) -> None:
        """Let go of the connections."""
        self._docker.client.close()

    def _whose(self, project: str, environment: str) -> Whose:
        return Whose(project=project, environment=environment, composed=self._takes_over)

    def _teller(self, work: Work, progress: Progress) -> Callable[[Point, str, str | None], None]:
        def tell(point: Point, text: str, resource: str | None) -> None:
            at, environment = self._clock.now(), work.mark.environment
            progress.event(Event(at=at, environment=environment, point=point, text=text, resource=resource))

        return tell


def _overlapping(rendering: Rendering) -> Iterator[str]:
    """A warning for services of which two instances run side by side while they are replaced."""
    names = [
        resource.id.partition("/")[2]
        for resource in rendering.resources
        if resource.id.startswith("service/") and _overlaps(resource.body)
    ]
    if names:
        yield (
            f"while {listed(sorted(names))} is replaced, the name leads to the old and the new instance: "
            "a client may meet a listener that is closing, or not open yet"
        )


def _overlaps(words: JsonMap) -> bool:
    return not api.is_job(words) and order_of(words) == START_FIRST and declared(words) is None
