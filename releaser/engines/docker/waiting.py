"""Waiting: until all that changed runs as it was made, or is sure not to."""

from collections.abc import Iterator
from dataclasses import dataclass

from releaser.engines.docker.api import Docker
from releaser.engines.docker.judging import FAILED, READY, Verdict
from releaser.engines.docker.looking import Claims, Instance, Look, Whose
from releaser.engines.docker.watching import Watcher
from releaser.engines.time_limit import Limit
from releaser.model.value import JsonMap
from releaser.ports import Readiness, Stop, Work


@dataclass
class Waiting:
    """One delivery's wait."""

    docker: Docker
    whose: Whose
    work: Work
    watcher: Watcher
    limit: Limit
    stop: Stop

    def run(self) -> Readiness:
        """Look again and again."""
        wanted = {desired.resource.id: desired.resource for desired in self.work.desired}
        look = Look.at(self.docker, self.whose, Claims.of(wanted.values()))
        found = {
            name: look.live.get(name.partition("/")[2], [])
            for name in wanted
            if name.startswith("service/") and name in self.work.changed
        }
        missing = sorted(name for name, instances in found.items() if not instances)
        if missing:
            return Readiness(ready=False, message=f"{missing[0]} was written, and is not there")
        while True:
            if self.stop.requested():
                return Readiness(ready=False, message="asked to stop while waiting")
            late = []
            for name, instances in found.items():
                late += [(name, one, said) for one, said in self._late(name, instances)]
            failed = next((one for one in late if one[2].state == FAILED), None)
            if failed is not None:
                name, one, verdict = failed
                return Readiness(ready=False, message=self.watcher.last_words(one.id, name, verdict))
            if not late:
                return Readiness(ready=True)
            if self.limit.over():
                said = "; ".join(self.watcher.last_words(one.id, name, verdict) for name, one, verdict in late)
                return Readiness(ready=False, message=f"not ready after {self.work.wait:g}s: {said}")
            self.watcher.poll()

    def _late(self, name: str, instances: list[Instance]) -> Iterator[tuple[Instance, Verdict]]:
        """The instances that are not ready; says how the service stands."""
        service = name.partition("/")[2]
        verdicts = [(one, self._verdict(one)) for one in instances]
        late = [(one, verdict) for one, verdict in verdicts if verdict.state != READY]
        text = f"{len(verdicts) - len(late)}/{len(verdicts)} running"
        self.watcher.say(service, ", ".join([text, *dict.fromkeys(verdict.text for _, verdict in late)]))
        yield from late

    def _verdict(self, one: Instance) -> Verdict:
        words: JsonMap = one.noted.body if one.noted else {}
        return self.watcher.verdict(one.id, words, idle=one.noted is not None and one.noted.idle)
