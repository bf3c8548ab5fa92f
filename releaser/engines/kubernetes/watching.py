"""Watching: one poll reads all that is waited for, says what changed, and keeps the last words of what failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.judging import FAILED, LATER, READY, WAITING, Pod, Verdict, judge
from releaser.engines.kubernetes.objects import identity
from releaser.model.errors import EngineUnreachable
from releaser.model.event import Point
from releaser.model.resource import ResourceId
from releaser.model.value import JsonMap, Value
from releaser.planning.redact import printable

SERVICE_STARTED, SERVICE_HEALTHY, COMPLETED = "service_started", "service_healthy", "service_completed_successfully"

_TAIL = 10
_LONGEST = 4096
_PAUSE = 1.0
_LEAST = 0.1
_BLIP = 4.0
"""Seconds for which something may fail that may pass: a pull, a Secret that is not seen yet, a quota."""
_AWAY = 60.0
"""Seconds for which the API server may be away, so that it can be restarted under a delivery."""

Tell = Callable[[Point, str, str | None], None]
"""(point, text, resource): announce progress."""


class Written(Value, frozen=True, kw_only=True):
    """A workload as the server answered our write."""

    resource: ResourceId
    answer: JsonMap


@dataclass
class _Seen:
    written: Written
    verdict: Verdict | None = None
    steady_since: float | None = None
    restarts: int = 0
    unwell_since: float | None = None
    passes: str | None = None  # soon | later: what it is not well for
    failed: str | None = None
    told: str = ""


@dataclass
class Watcher:
    """Waits for workloads until each is ready or has failed.

    `stable` is how long readiness has to hold, `patience` for how long a node with room or a service
    account may be missing: somebody may bring it.
    """

    api: Api
    tell: Tell
    stable: float
    patience: float
    clock: Callable[[], float] = time.monotonic
    seen: dict[ResourceId, _Seen] = field(default_factory=dict)
    _version: str | None = None
    _away_since: float | None = None

    def watch(self, written: Written) -> None:
        """Wait for a workload as it was written now."""
        self.seen[written.resource] = _Seen(written)

    def poll(self) -> None:
        """Look at all of them once. Raises EngineUnreachable where the API server stays away."""
        if not self.seen:
            return
        try:
            self._look()
        except EngineUnreachable:
            self._away_since = self.clock() if self._away_since is None else self._away_since
            if self.clock() - self._away_since > _AWAY:
                raise
        else:
            self._away_since = None

    def ready(self) -> bool:
        """Whether every workload is ready, and was for `stable` seconds."""
        return all(self._steady(seen) for seen in self.seen.values())

    def ready_for(self, resource: ResourceId, condition: str) -> bool:
        """Whether a workload is as what depends on it wants it."""
        seen = self.seen.get(resource)
        if seen is None:
            return True
        if seen.verdict is None:
            return False
        return seen.verdict.started if condition == SERVICE_STARTED else seen.verdict.state == READY

    def failure(self) -> str | None:
        """Why the first that failed did, with its last words."""
        return next((seen.failed for seen in self.seen.values() if seen.failed is not None), None)

    def late(self, seconds: float) -> str:
        """What is not ready when the time is over."""
        late = [
            f"{name}: {self._last_words(seen, seen.verdict)}" if seen.verdict else f"{name}: not seen yet"
            for name, seen in self.seen.items()
            if not self._steady(seen)
        ]
        return f"not ready after {seconds:g}s: " + "; ".join(late)

    def pause(self) -> None:
        """Until a pod changes, or a second is over."""
        began = self.clock()
        if self._away_since is None and self._version is not None:
            try:
                pods = self.api.kind("", "pod")
                for event in self.api.watch(pods, seconds=_PAUSE, since=self._version):
                    if event.get("type") != "BOOKMARK":
                        break
            except (ApiRefused, EngineUnreachable):
                self._version = None  # the next look begins anew
        rest = (_LEAST if self._version is not None else _PAUSE) - (self.clock() - began)
        if rest > 0:
            time.sleep(rest)

    # --- how ---

    def _steady(self, seen: _Seen) -> bool:
        return seen.steady_since is not None and self.clock() - seen.steady_since >= self._hold(seen)

    def _hold(self, seen: _Seen) -> float:
        """A job that is done stays so."""
        return 0.0 if seen.written.answer["kind"] == "Job" else self.stable

    def _look(self) -> None:
        api = self.api
        raws: dict[ResourceId, JsonMap] = {}
        sets: list[JsonMap] = []
        for namespace, version, name in sorted({_list_of(seen.written.answer) for seen in self.seen.values()}):
            for raw in api.list(api.kind(version.rpartition("/")[0], name), namespace=namespace):
                raws[identity(raw, api.namespace).resource] = raw
            if name == "Deployment":
                sets += api.list(api.kind("apps", "replicaset"), namespace=namespace)
        pods, self._version = api.list_since(api.kind("", "pod"))
        others = {seen.written.answer["metadata"]["namespace"] for seen in self.seen.values()} - {api.namespace}
        for namespace in sorted(others):
            pods += api.list(api.kind("", "pod"), namespace=namespace)
        for resource, seen in self.seen.items():
            self._judge(resource, seen, raws.get(resource), pods, sets)

    def _judge(
        self, resource: ResourceId, seen: _Seen, raw: JsonMap | None, pods: list[JsonMap], sets: list[JsonMap]
    ) -> None:
        if seen.failed is not None:
            return
        verdict = judge(raw, seen.written.answer, pods, sets)
        seen.verdict = verdict = self._patient(seen, verdict)
        if verdict.state == FAILED:
            seen.failed = f"{resource}: {self._last_words(seen, verdict)}"
        restarts = _restarts(raw, pods)
        if verdict.state != READY or restarts != seen.restarts:
            seen.steady_since = None
        if verdict.state == READY and seen.steady_since is None:
            seen.steady_since = self.clock()
        seen.restarts = restarts
        if verdict.text != seen.told:
            seen.told = verdict.text
            self.tell(Point.ROLLING, f"{_short(resource)}: {printable(verdict.text)}", resource)

    def _patient(self, seen: _Seen, verdict: Verdict) -> Verdict:
        """What may pass is given a grace; then it has failed."""
        if verdict.state != WAITING or verdict.passes is None:
            seen.unwell_since = None
            return verdict
        if seen.unwell_since is None or seen.passes != verdict.passes:
            seen.unwell_since, seen.passes = self.clock(), verdict.passes
        if self.clock() - seen.unwell_since < (self.patience if verdict.passes == LATER else _BLIP):
            return verdict
        text = verdict.text if verdict.pod is None else verdict.pod.text
        return Verdict(state=FAILED, text=text, pod=verdict.pod)

    def _last_words(self, seen: _Seen, verdict: Verdict) -> str:
        pod, found = verdict.pod, verdict.text
        namespace = seen.written.answer["metadata"]["namespace"]
        if pod is None:
            return found
        if pod.text not in found:
            found += f"; {pod.text}"
        for said in self._said(pod, namespace):
            if said not in found:
                found += f"; {said}"
        if pod.container is None:
            return found
        try:
            log = self.api.logs(pod.name, pod.container, lines=_TAIL, previous=pod.previous, namespace=namespace)
        except (ApiRefused, EngineUnreachable):
            return found
        text = printable(log.replace("\r\n", "\n").strip(), lines=True)[-_LONGEST:]
        return f"{found}; its log ends: {text}" if text else found

    def _said(self, pod: Pod, namespace: str) -> list[str]:
        """What a node said last of a pod's probes, or of its start; nothing where that cannot be asked."""
        chosen = "type=Warning" if pod.starting else "reason=Unhealthy"
        try:
            about = f"involvedObject.name={pod.name},{chosen}"
            events = self.api.list(self.api.kind("", "event"), namespace=namespace, fields=about)
        except (ApiRefused, EngineUnreachable):
            return []
        events.sort(key=lambda event: str(event.get("lastTimestamp") or ""))
        return [printable(str(event.get("message", "")).strip()) for event in events[-1:]]


def _restarts(raw: JsonMap | None, pods: list[JsonMap]) -> int:
    """How often containers of a workload's pods were started again: it is steady only while that stays."""
    if raw is None:
        return 0
    labels = ((raw["spec"].get("selector") or {}).get("matchLabels") or {}).items()
    return sum(
        container.get("restartCount", 0)
        for pod in pods
        if labels and labels <= (pod["metadata"].get("labels") or {}).items()
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
    )


def _list_of(answer: JsonMap) -> tuple[str, str, str]:
    """The list that a workload is in: namespace, version, kind."""
    return answer["metadata"]["namespace"], answer["apiVersion"], answer["kind"]


def _short(resource: ResourceId) -> str:
    return resource.rpartition("/")[2]


__all__ = ["COMPLETED", "SERVICE_HEALTHY", "SERVICE_STARTED", "Tell", "Watcher", "Written"]
