"""Watching: one look at all that is waited for, and the last words of what failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from releaser.engines.docker.api import Docker
from releaser.engines.docker.judging import Verdict, health_output, judge
from releaser.model.event import Point
from releaser.model.value import JsonMap

_POLL = 0.1
_TAIL = 10
_LONGEST = 500

Tell = Callable[[Point, str, str | None], None]
"""(point, text, resource): announce progress."""


@dataclass
class Watcher:
    """Looks at containers; one that has no health check is ready once it has run for `stable` seconds."""

    docker: Docker
    tell: Tell
    stable: float
    clock: Callable[[], float] = time.monotonic
    seen: dict[str, JsonMap] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _steady: dict[str, tuple[str, float]] = field(default_factory=dict)  # id → the start that is meant, since when
    _told: dict[str, str] = field(default_factory=dict)

    def state(self, id_: str) -> JsonMap | None:
        """The newest inspection of a container; it is looked at again at the next poll."""
        self._asked.add(id_)
        if id_ not in self.seen:
            self._look([id_])
        return self.seen.get(id_)

    def status(self, id_: str) -> str:
        """`running`, `exited`, …; `gone` where it is not there any more."""
        inspected = self.state(id_)
        return inspected["State"]["Status"] if inspected else "gone"

    def fresh(self, id_: str) -> str:
        """The status as it is now, not as it was at the last poll."""
        self.forget(id_)
        return self.status(id_)

    def verdict(self, id_: str, words: JsonMap, *, idle: bool = False) -> Verdict:
        """How a container stands."""
        inspected = self.state(id_)
        started, since = self._steady.get(id_, ("", self.clock()))
        steady = self.clock() - since if started else 0.0
        return judge(inspected, words, steady, self.stable, idle=idle)

    def poll(self) -> None:
        """Wait a little, and look at all that was asked for since the last time."""
        time.sleep(_POLL)
        asked, self._asked = self._asked, set()
        self._look(sorted(asked))

    def forget(self, id_: str) -> None:
        """What is known of a container that was just changed is old."""
        self.seen.pop(id_, None)

    def say(self, service: str, text: str) -> None:
        """How a service stands, once for each change."""
        if self._told.get(service) != text:
            self._told[service] = text
            self.tell(Point.ROLLING, f"{service}: {text}", f"service/{service}")

    def last_words(self, id_: str, what: str, verdict: Verdict) -> str:
        """Why something is not ready: how it stands, what its health check and its log say."""
        found = f"{what}: {verdict.text}"
        health = health_output(self.seen.get(id_, {}))
        if health:
            found += f"; its health check said: {health[-_LONGEST:]}"
        log = self.docker.logs(id_, _TAIL)
        return f"{found}; its log ends: {log[-_LONGEST:]}" if log else found

    def _look(self, ids: list[str]) -> None:
        found = self.docker.inspect(ids)
        for id_ in ids:
            inspected = found.get(id_)
            if inspected is None:
                self.seen.pop(id_, None)
                self._steady.pop(id_, None)
                continue
            self.seen[id_] = inspected
            state = inspected["State"]
            start = f"{state['StartedAt']} {inspected.get('RestartCount', 0)}" if state.get("Running") else ""
            if self._steady.get(id_, ("", 0.0))[0] != start:
                self._steady[id_] = (start, self.clock())
