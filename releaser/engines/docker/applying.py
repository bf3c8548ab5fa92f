"""Applying: services roll side by side, each after those that it needs."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from releaser.engines.docker.api import Docker
from releaser.engines.docker.crew import Crew
from releaser.engines.docker.jobs import JobRoll
from releaser.engines.docker.looking import Claims, Instance, Look, Whose
from releaser.engines.docker.making import Maker
from releaser.engines.docker.moving import Mover, together
from releaser.engines.docker.observing import lenders_of
from releaser.engines.docker.preparing import Preparing
from releaser.engines.docker.pruning import Pruning
from releaser.engines.docker.rolling import Roll
from releaser.engines.docker.values import Values
from releaser.engines.docker.wanting import Wanted, Wants
from releaser.engines.docker.watching import Tell, Watcher
from releaser.engines.moby.service import COMPLETED, lenders
from releaser.engines.time_limit import Limit
from releaser.model.errors import EngineUnreachable, ReleaseError
from releaser.model.event import Point
from releaser.model.plan import DELETE, RESTORE
from releaser.ports import Clock, Desired, SecretValues, Work


@dataclass
class Applying:
    """One delivery's writes."""

    docker: Docker
    whose: Whose
    work: Work
    root: Path
    clock: Clock
    watcher: Watcher
    tell: Tell
    limit: Limit

    def run(self, source: SecretValues) -> Crew:
        """Make the changes; gives who made them. Raises what Engine.apply raises."""
        crew, wants = self._crew(source)
        services = [wants.of(desired) for desired in self._affected(wants)]
        preparing = Preparing(crew)
        preparing.check(services)
        preparing.make(services)
        crew.rolls = {one.name: (JobRoll if one.job else Roll)(crew, one) for one in services}
        deleted = list(self._deleted(crew))
        room = [one for one in deleted if self._in_the_way(one, services)]
        self._roll(crew, room)
        self._go(crew, [one for one in deleted if one not in room])
        self._give_back(crew)
        self._say(crew, deleted)
        if not self.work.desired:
            Pruning(self.docker, self.whose, self.work, keep=0, tell=self.tell).run()
        return crew

    def _crew(self, source: SecretValues) -> tuple[Crew, Wants]:
        claims = Claims.of(
            (
                *(desired.resource for desired in self.work.desired),
                *(item.resource for item in self.work.base.items.values()),
            )
        )
        look = Look.at(self.docker, self.whose, claims)
        values = Values(self.docker, look, self.work, source)
        wants = Wants(self.work, look, values)
        taken: dict[str, object] = dict(look.names)
        maker = Maker(self.docker, look, wants, values, self.root, self.clock, taken=taken)
        mover = Mover(self.docker, look, self.watcher, self.work.mark.revision, taken)
        crew = Crew(
            docker=self.docker,
            look=look,
            work=self.work,
            watcher=self.watcher,
            limit=self.limit,
            tell=self.tell,
            maker=maker,
            mover=mover,
            lent=lenders_of(look),
        )
        return crew, wants

    # --- who is affected ---

    def _affected(self, wants: Wants) -> Iterator[Desired]:
        """The services that change, that use what changes, or that share what such a one has; and the jobs they await.

        A job that was cut off, or failed, may be as it was recorded.
        """
        services = {
            desired.resource.id.partition("/")[2]: desired
            for desired in self.work.desired
            if desired.resource.id.startswith("service/")
        }
        affected = {
            name
            for name, desired in services.items()
            if desired.resource.id in self.work.changed or wants.of(desired).uses.keys() & self.work.changed
        }
        for name, desired in services.items():  # each stands after those that it needs
            if set(lenders(desired.resource.body).values()) & affected:
                affected.add(name)
        for name in tuple(affected):
            needed = services[name].resource.body.get("depends_on") or {}
            affected |= {
                other for other, how in needed.items() if how.get("condition") == COMPLETED and other in services
            }
        return (desired for name, desired in services.items() if name in affected)

    def _deleted(self, crew: Crew) -> Iterator[Instance]:
        wanted = {desired.resource.id for desired in self.work.desired}
        for change in reversed(self.work.changes):
            kind, _, name = change.resource.partition("/")
            if change.action == DELETE and change.resource not in wanted and kind == "service":
                yield from (one for one in crew.look.live.get(name, []) if crew.may_end(one))

    @staticmethod
    def _in_the_way(one: Instance, services: list[Wanted]) -> bool:
        """Whether a service that is to go has a port or a name that one which is to come wants."""
        wanted = {port for service in services for port in service.ports}
        return bool(one.ports & wanted) or one.name in {service.body.get("container_name") for service in services}

    # --- side by side ---

    def _roll(self, crew: Crew, room: list[Instance]) -> None:
        try:
            self._go(crew, room)
            self._drive(roll.run() for roll in crew.rolls.values())
        except EngineUnreachable:
            raise
        except ReleaseError:
            self._drive([_abandoned(roll) for roll in crew.rolls.values()])
            raise

    def _go(self, crew: Crew, instances: list[Instance]) -> None:
        self._drive([crew.end(*instances)])

    def _drive(self, moves: "Iterator[Iterator[None]] | list[Iterator[None]]") -> None:
        for _ in together(moves):
            self.watcher.poll()

    # --- afterwards ---

    def _give_back(self, crew: Crew) -> None:
        """On a way back, what was taken over from others runs again, where nothing of ours is in its place."""
        if self.work.trigger != RESTORE:
            return
        wanted = {desired.resource.id for desired in self.work.desired}
        for service, kept in sorted(crew.look.kept.items()):
            theirs = [one for one in kept if self._taken_over(one)]
            if not theirs or f"service/{service}" in wanted:
                continue
            newest = max(one.kept.revision or 0 for one in theirs if one.kept)
            again = [one for one in theirs if one.kept is not None and one.kept.revision == newest]
            self._drive([crew.mover.restart(one) for one in again])
            self.watcher.say(service, "what was taken over runs again")

    def _taken_over(self, one: Instance) -> bool:
        """Whether it was somebody else's, and made room for a delivery that is not settled."""
        theirs = one.noted is None or one.noted.mark.history != self.work.mark.history
        return theirs and one.kept is not None and one.kept.revision is not None

    def _say(self, crew: Crew, deleted: list[Instance]) -> None:
        for service in dict.fromkeys(one.service for one in deleted):
            self.tell(Point.PRUNED, f"{service} is stopped and gone", f"service/{service}")
        wanted = {desired.resource.id for desired in self.work.desired}
        for change in reversed(self.work.changes):
            if change.action == DELETE and change.resource.startswith("volume/") and change.resource not in wanted:
                real = self._real_volume(crew, change.resource)
                self.tell(Point.PRUNED, f"the volume {real} is kept, with the data in it", change.resource)

    def _real_volume(self, crew: Crew, resource: str) -> str:
        for one in crew.look.instances:
            use = one.noted.uses.get(resource) if one.noted else None
            if use is not None and use.id:
                return use.id
        return resource.partition("/")[2]


def _abandoned(roll: Roll) -> Iterator[None]:
    with suppress(ReleaseError):  # the first failure is the one to tell
        yield from roll.abandon()
