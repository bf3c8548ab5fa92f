"""Jobs: a container that runs once for a release, to its end, before those that await it."""

from collections.abc import Iterator
from dataclasses import dataclass

from releaser.engines.docker.judging import FAILED, READY
from releaser.engines.docker.looking import Instance
from releaser.engines.docker.rolling import Roll
from releaser.model.errors import NotReady
from releaser.model.plan import PROMOTE


@dataclass
class JobRoll(Roll):
    """A job of a delivery."""

    def steps(self) -> Iterator[None]:
        """Run it where it is to run; else have it there as if it had."""
        old = list(self._sorted())
        runs = self._runs(old)
        if self.wanted.body.get("container_name"):
            yield from self.crew.end(*old)
            self.touched, old = self.touched or bool(old), []
        for number in range(1, self.wanted.count + 1):
            here = self.current.get(number)
            if here is not None and runs and self.verdict(here).state == FAILED:
                old.append(self.current.pop(number))
                here = None
            if here is None:
                self.touched = True
                self._prepare(number, runs=runs)
        for number, one in list(self.current.items()):
            if one.id in self.crew.asleep:
                self._start(number, one)
        extra = [self.current.pop(number) for number in sorted(self.current) if number > self.wanted.count]
        self.touched = self.touched or bool(old or extra)
        yield from self.crew.end(*old, *extra)
        while not all(self._done(one) for one in self.current.values()):
            self.crew.limit.check()
            if self.crew.limit.over():
                raise NotReady(f"not ready after {self.crew.limit.wait:g}s: {self._last_words()}")
            yield
        if self.touched:
            self._write_revision()

    def _prepare(self, number: int, *, runs: bool) -> None:
        """One that is to run, or one that stands for having run."""
        if not runs:
            kept = self._kept(number)
            if kept is not None:
                self.crew.look.kept[self.name].remove(kept)
                self.current[number] = self.crew.mover.bring_back(kept, self.wanted)
            else:
                self.current[number] = self.crew.maker.make(self.wanted, number, None, self.crew.lent, idle=True)
            return
        new = self.crew.maker.make(self.wanted, number, None, self.crew.lent)
        self._made.append(new)
        self.current[number] = new
        self.crew.asleep.add(new.id)

    def _runs(self, old: list[Instance]) -> bool:
        """Whether it is to run now: once for a release and its configuration, and where it says so itself."""
        work, trigger = self.crew.work, self.crew.work.trigger
        if trigger != PROMOTE:
            return trigger in (self.wanted.body.get("on") or ())
        item = work.base.items.get(f"service/{self.name}")
        resource = self.wanted.desired.resource
        here = [*old, *self.current.values()]
        same = [one for one in here if self._same(one)]
        if same:  # another mark, or another value of a secret, is no other release
            return any(self.verdict(one).state == FAILED for one in same)
        if here or any(self._same(one) for one in self._debris):
            return True
        return item is None or item.resource.fingerprint != resource.fingerprint

    def _same(self, one: Instance) -> bool:
        made_from = one.noted.made_from(self.wanted.count) if one.noted else None
        return made_from == self.wanted.desired.resource.fingerprint

    def _done(self, one: Instance) -> bool:
        verdict = self.verdict(one)
        self._report()
        if verdict.state == FAILED:
            raise NotReady(self.crew.watcher.last_words(one.id, f"service/{self.name}", verdict))
        return verdict.state == READY

    def _last_words(self) -> str:
        late = next(one for one in self.current.values() if self.verdict(one).state != READY)
        return self.crew.watcher.last_words(late.id, f"service/{self.name}", self.verdict(late))
