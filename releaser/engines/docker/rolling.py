"""Rolling: one service on its way to what is wanted, instance by instance; it gives way while it waits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from releaser.engines.docker.crew import Crew
from releaser.engines.docker.judging import FAILED, READY, Verdict
from releaser.engines.docker.looking import RUNNING, Instance
from releaser.engines.docker.moving import together
from releaser.engines.docker.righting import put_right
from releaser.engines.docker.wanting import Wanted
from releaser.engines.moby.service import COMPLETED, lenders
from releaser.model.errors import ApplyFailed, NotReady
from releaser.model.event import Point

HEALTHY = "service_healthy"


@dataclass
class Roll:
    """One service of a delivery."""

    crew: Crew
    wanted: Wanted
    current: dict[int, Instance] = field(default_factory=dict)  # number → the instance that is, or becomes, it
    touched: bool = False
    finished: bool = False
    _begun: bool = False
    _made: list[Instance] = field(default_factory=list)  # not started yet
    _debris: list[Instance] = field(default_factory=list)  # of a delivery that was cut off: never started
    _aside: list[Instance] = field(default_factory=list)  # ended for one that does not run yet

    @property
    def name(self) -> str:
        """The service."""
        return self.wanted.name

    def run(self) -> Iterator[None]:
        """To the end. Raises ApplyFailed, NotReady, Interrupted."""
        while not self._free():
            self.crew.limit.check()
            if self.crew.limit.over():
                raise NotReady(
                    f"not ready after {self.crew.limit.wait:g}s: service/{self.name} waits for what it needs"
                )
            yield
        self._begun = True
        yield from self.steps()
        self.finished = True
        self._lend()
        if self.touched:
            self.crew.tell(Point.COMMITTED, f"{self.name} is written", f"service/{self.name}")

    # --- what others wait for ---

    def _free(self) -> bool:
        """Whether everything that the service needs is as far as it has to be."""
        rolls, body = self.crew.rolls, self.wanted.body
        for other, how in (body.get("depends_on") or {}).items():
            if other in rolls and not rolls[other].far(str(how.get("condition"))):
                return False
        return all(rolls[other].finished for other in lenders(body).values() if other in rolls)

    def far(self, condition: str) -> bool:
        """Whether the service is as far as another one waits for."""
        if condition == COMPLETED:
            return self.finished
        if condition == HEALTHY:
            return self.finished and all(self.verdict(one).state == READY for one in self.current.values())
        return (
            self._begun and all(one.id not in self.crew.asleep for one in self.current.values()) and bool(self.current)
        )

    def verdict(self, one: Instance) -> Verdict:
        """How an instance stands."""
        return self.crew.watcher.verdict(one.id, self.wanted.body, idle=one.noted is not None and one.noted.idle)

    # --- the steps ---

    def steps(self) -> Iterator[None]:
        """What is to be done, once it may be."""
        old = list(self._sorted())
        for number in range(1, self.wanted.count + 1):
            here = self.current.get(number)
            if here is None:
                yield from self._replace(number, _taken(old, number, self.wanted.count))
            else:
                yield from self._keep(here, again=bool(old))
        extra = [self.current.pop(number) for number in sorted(self.current) if number > self.wanted.count]
        if old or extra:
            self.touched = True
            yield from self.crew.end(*old, *extra)
        if self.touched:
            self._write_revision()
            self._report()

    def _sorted(self) -> Iterator[Instance]:
        """Puts what is wanted already into `current`; gives the rest, without what never started."""
        lent = self.crew.lent
        for one in self.crew.look.live.get(self.name, []):
            if one.state == "created" and not (one.noted is not None and one.noted.idle):
                self.crew.mover.discard(one)
                self._debris.append(one)
            elif one.number not in self.current and self.wanted.fits(one, lent):
                self.current[one.number] = one
            else:
                yield one
        yield from self._lingering()

    def _lingering(self) -> Iterator[Instance]:
        """What made room and runs: a delivery was cut off before it had ended, or somebody started it."""
        for one in self.crew.look.kept.get(self.name, []):
            if one.runs and (one.noted is not None or (one.kept is not None and one.kept.revision is not None)):
                yield one

    def _keep(self, one: Instance, *, again: bool) -> Iterator[None]:
        """One that is as it is to be; what was changed by hand is put right. `again`: something waits for it."""
        changed = put_right(self.crew, self.wanted, one)
        self.touched = self.touched or changed
        if changed or again:
            yield from self._until_ready(one)

    def _replace(self, number: int, old: list[Instance]) -> Iterator[None]:
        """A new instance, or one that was kept, in the place of old ones."""
        self.touched = True
        before = next((one for one in old if one.runs), old[0] if old else self._before(number))
        theirs = any(one.noted is None for one in old)  # who else runs it never runs it beside us
        if before is None or not before.runs or theirs or not self.crew.maker.start_first(self.wanted):
            yield from self._stop_first(number, old, before)
            return
        new = self._made_or_kept(number, before)
        yield from self._vacated()
        self._start(number, new)
        yield from self._until_ready(new)
        yield from self.crew.end(*old)

    def _before(self, number: int) -> Instance | None:
        """Whose place it takes where a delivery of this revision was cut off once that one had ended."""
        revision = self.crew.work.mark.revision
        kept = [one for one in self.crew.look.kept.get(self.name, []) if one.kept and one.kept.revision == revision]
        return next((one for one in kept if one.number == number), None)

    def _stop_first(self, number: int, old: list[Instance], before: Instance | None) -> Iterator[None]:
        """The new one is made before the old one ends, so that nobody waits longer than it has to start."""
        named = self.wanted.body.get("container_name")
        if self._kept(number) is not None or (named and any(one.name == named for one in old)):
            yield from together(map(self._make_room, old))
            new = self._made_or_kept(number, before)
        else:
            new = self._made_or_kept(number, before)
            yield from together(map(self._make_room, old))
        yield from self._vacated()
        self._start(number, new)
        yield from self._until_ready(new)

    def _vacated(self) -> Iterator[None]:
        """Until other services of the delivery have let go of the ports that they had and this one is to have."""
        ports = self.wanted.ports
        others = [roll for roll in self.crew.rolls.values() if roll is not self and not roll.wanted.ports & ports]
        having = [one for roll in others for one in self.crew.look.live.get(roll.name, []) if one.ports & ports]
        while any(self.crew.watcher.status(one.id) in RUNNING for one in having) and not self.crew.limit.over():
            self.crew.limit.check()
            yield

    def _make_room(self, old: Instance) -> Iterator[None]:
        """End what is in the place; it is kept, also on a way back, until the new one runs."""
        if self.crew.removes(old):
            yield from self.crew.mover.remove(old)
            return
        aside = self.crew.mover.stand_aside(old)
        if old.runs:
            self._aside.append(aside)
        yield from self.crew.mover.ended(aside)

    def _made_or_kept(self, number: int, before: Instance | None) -> Instance:
        kept = self._kept(number)
        if kept is not None:
            self.crew.look.kept[self.name].remove(kept)
            return self.crew.mover.bring_back(kept, self.wanted)
        new = self.crew.maker.make(self.wanted, number, before, self.crew.lent)
        self._made.append(new)
        return new

    def _kept(self, number: int) -> Instance | None:
        """One that made room and is what is wanted."""
        for one in self.crew.look.kept.get(self.name, []):
            if one.number == number and self.crew.restartable(one, self.wanted):
                return one
        return None

    def _start(self, number: int, new: Instance) -> None:
        """Start it; where that fails, all that did not get through is abandoned."""
        self.crew.asleep.add(new.id)
        self.current[number] = new
        self.crew.watcher.say(self.name, f"{self._ready()}/{self.wanted.count} running, 1 starting")
        try:
            self.crew.mover.start(new)
        except ApplyFailed:
            del self.current[number]
            raise
        self.crew.asleep.discard(new.id)
        self._made = [one for one in self._made if one.id != new.id]
        self._aside.clear()

    def abandon(self) -> Iterator[None]:
        """Remove what never ran, and let what had made room for it run again, once it ended as it was told to."""
        while self._made:
            self.crew.mover.discard(self._made.pop())
        yield from together(map(self.crew.mover.restart, self._aside))

    def _until_ready(self, one: Instance) -> Iterator[None]:
        while True:
            verdict = self.verdict(one)
            self._report()
            if verdict.state == READY:
                return
            what = f"service/{self.name}"
            if verdict.state == FAILED:
                raise NotReady(self.crew.watcher.last_words(one.id, what, verdict))
            self.crew.limit.check()
            if self.crew.limit.over():
                said = self.crew.watcher.last_words(one.id, what, verdict)
                raise NotReady(f"not ready after {self.crew.limit.wait:g}s: {said}")
            yield

    # --- afterwards ---

    def _write_revision(self) -> None:
        """Where only the number of instances changed, the others' names say which delivery wrote the service."""
        if self.wanted.body.get("container_name"):
            return
        for number, one in self.current.items():
            if one.revision != self.wanted.mark.revision:
                self.current[number] = self.crew.mover.rename(one, self.wanted)

    def _lend(self) -> None:
        if self.current:
            self.crew.lent[self.name] = self.current[min(self.current)].id

    def _ready(self) -> int:
        return sum(self.verdict(one).state == READY for one in self.current.values() if one.id not in self.crew.asleep)

    def _report(self) -> None:
        others = [self.verdict(one) for one in self.current.values() if one.id not in self.crew.asleep]
        waiting = [verdict.text for verdict in others if verdict.state != READY]
        text = f"{len(others) - len(waiting)}/{self.wanted.count} running"
        self.crew.watcher.say(self.name, ", ".join([text, *dict.fromkeys(waiting)]))


def _taken(old: list[Instance], number: int, count: int) -> list[Instance]:
    """The old instances whose place a new one takes: of its number, else one whose number is not wanted any more."""
    found = [one for one in old if one.number == number] or [one for one in old if one.number > count][:1]
    for one in found:
        old.remove(one)
    return found
