"""Watching: one poll reads all that is waited for, says what changed, and keeps the last words of what failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from releaser.engines.swarm.api import Swarm, container_of
from releaser.engines.swarm.judging import FAILED, READY, RETURNING, Verdict, Watched, error, judge, why
from releaser.model.event import Point
from releaser.model.value import JsonMap

NO_IMAGE = "No such image"
_POLL = 0.25
_TAIL = 10

Tell = Callable[[Point, str, str | None], None]
"""(point, text, resource): announce progress."""


@dataclass
class _Seen:
    """What is known of one service so far."""

    watched: Watched
    verdict: Verdict | None = None
    steady_since: float | None = None
    failed: str | None = None  # why, with the container's last words
    told: str = ""


@dataclass
class Watcher:
    """Waits for services until each is ready or has failed; `stable` is how long readiness has to hold."""

    swarm: Swarm
    tell: Tell
    stable: float
    clock: Callable[[], float] = time.monotonic
    seen: dict[str, _Seen] = field(default_factory=dict)

    def watch(self, watched: Watched) -> None:
        """Wait for a service as it was written now."""
        self.seen[watched.name] = _Seen(watched)

    def forget(self, name: str) -> None:
        """Wait for it no longer."""
        self.seen.pop(name, None)

    def verdict(self, name: str) -> Verdict | None:
        """How a service stood at the last poll; None where it is not watched, or was not seen yet."""
        seen = self.seen.get(name)
        return seen.verdict if seen else None

    def poll(self) -> None:
        """Look at all of them once."""
        ids = [seen.watched.id for seen in self.seen.values()]
        if not ids:
            return
        services = {service["ID"]: service for service in self.swarm.services(ids)}
        tasks: dict[str, list[JsonMap]] = {}
        for task in self.swarm.tasks(ids):
            tasks.setdefault(task["ServiceID"], []).append(task)
        for seen in self.seen.values():
            self._judge(seen, services.get(seen.watched.id), tasks.get(seen.watched.id, []))

    @staticmethod
    def pause() -> None:
        """The time between two polls."""
        time.sleep(_POLL)

    def failure(self) -> str | None:
        """The first failure, in words; None while the engine itself is bringing something back."""
        if any(seen.verdict is not None and seen.verdict.state == RETURNING for seen in self.seen.values()):
            return None
        return next((seen.failed for seen in self.seen.values() if seen.failed is not None), None)

    def ready(self) -> bool:
        """Whether all of them are, and have been for long enough."""
        return all(self._holds(seen) for seen in self.seen.values())

    def late(self, wait: float) -> str:
        """What is not ready after `wait` seconds, with its last words."""
        late = [seen for seen in self.seen.values() if not self._holds(seen)]
        said = "; ".join(self._late(seen) for seen in late)
        return f"not ready after {wait:g}s: {said}" if said else f"not ready after {wait:g}s"

    def _judge(self, seen: _Seen, service: JsonMap | None, tasks: list[JsonMap]) -> None:
        verdict = seen.verdict = judge(seen.watched, service, tasks)
        # From when all of it runs on: the engine watches an update, too, before it calls it completed.
        if not verdict.healthy:
            seen.steady_since = None
        elif seen.steady_since is None:
            seen.steady_since = self.clock()
        if verdict.state == FAILED and seen.failed is None:
            seen.failed = self._words(seen)
        elif verdict.state in {READY, RETURNING}:
            seen.failed = None
        if verdict.text != seen.told:
            seen.told = verdict.text
            self.tell(Point.ROLLING, f"{seen.watched.name}: {verdict.text}", f"service/{seen.watched.name}")

    def _holds(self, seen: _Seen) -> bool:
        if seen.verdict is None or seen.verdict.state != READY or seen.steady_since is None:
            return False
        return seen.watched.job or self.clock() - seen.steady_since >= self.stable

    def _late(self, seen: _Seen) -> str:
        verdict = seen.verdict
        if verdict is not None and verdict.healthy:
            why = "the engine is not through with its update"
            if verdict.state == READY:
                why = f"it does not go on for {self.stable:g}s yet, as `stable` wants"
            return f"service/{seen.watched.name}: {verdict.text}, but {why}"
        return self._words(seen)

    def _words(self, seen: _Seen) -> str:
        """The service with its state, why its newest task ended, and what it said last."""
        verdict = seen.verdict
        if verdict is None:
            return f"service/{seen.watched.name} was not looked at"
        found = f"service/{seen.watched.name}: {verdict.text}"
        if verdict.task is None:
            return found
        reason = why(verdict.task) if error(verdict.task) else ""
        if reason and reason not in found:
            found += f": {reason}"
        if NO_IMAGE in found:  # a Swarm does not tell why
            found += " (no node could pull it: is it in the registry, and may it be read with your docker login?)"
        if container_of(verdict.task) is None:
            return found  # it was never started, so it said nothing
        health = self.swarm.health(verdict.task)
        if health:
            found += f"; its health check said: {_last(health)}"
        log = self.swarm.client.logs(f"/tasks/{verdict.task['ID']}/logs", _TAIL)
        return f"{found}; its log ends: {_last(log)}" if log else found


def _last(text: str) -> str:
    return text[-_LONGEST:]


_LONGEST = 500
