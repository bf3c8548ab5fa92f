"""Judging: what a service and its tasks say about a delivery; pure.

The engine's own count of running tasks is no proof: it counts old ones while an update hangs. So tasks are counted
that were made from the spec that was written.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from releaser.engines.swarm.comparing import same_spec, same_task
from releaser.engines.swarm.labels import IDLE
from releaser.model.value import JsonMap, Value

WAITING, READY, FAILED, RETURNING = "waiting", "ready", "failed", "returning"

_ALIVE = {"running", "ready"}
_STARTED = {"starting", "running", "complete"}
_BAD = {"failed", "rejected", "orphaned"}
_OVER = {*_BAD, "complete", "shutdown", "remove"}
_PAUSED = {"paused", "rollback_paused"}
UNSETTLED = {"updating", "rollback_started", *_PAUSED}
"""States of an update in which tasks may be of several specs."""

_OTHER_PLATFORM = re.compile(r"no suitable node \(unsupported platform on \d+ nodes?\)")
_MANY = 2
"""Failures in one slot that make a service fail: the first may be an accident."""
_ACCIDENT, _ACCIDENTS = "unable to remount dir as readonly", 5
"""An engine's race with itself: it cannot close a secret's folder while another container is being started. It tries
again, and so often it may."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A service that is waited for: as it was written, or found."""

    name: str
    id: str
    spec: JsonMap
    written: bool = False
    began: str | None = None  # when the update status before our write began
    before: frozenset[str] = frozenset()  # the tasks that were there before our write

    @property
    def job(self) -> bool:
        """Whether it runs to its end."""
        return is_job(self.spec)


class Verdict(Value, frozen=True, kw_only=True):
    """How it stands: in a word, for a person, and how far others who wait for it may go on."""

    state: str  # waiting | ready | failed | returning: the engine brings back what was there
    text: str  # `1/2 running, 1 preparing`
    started: bool = False
    healthy: bool = False
    task: JsonMap | None = None  # the one whose words tell why


def is_job(spec: JsonMap) -> bool:
    """Whether a spec is of a job."""
    return "ReplicatedJob" in spec["Mode"] or "GlobalJob" in spec["Mode"]


def update_state(service: JsonMap) -> str:
    """How far the engine is with its update of a service; empty where it has nothing to say."""
    return str((service.get("UpdateStatus") or {}).get("State", ""))


def paused(service: JsonMap) -> bool:
    """Whether the engine gave up on an update, or on taking it back: it goes on when the service is written again."""
    return update_state(service) in _PAUSED


def judge(watched: Watched, service: JsonMap | None, tasks: Sequence[JsonMap]) -> Verdict:
    """How a service stands now. READY is of this moment: whether it holds is for who waits."""
    template = watched.spec["TaskTemplate"]
    own = [task for task in tasks if same_task(task["Spec"], template)]
    if service is None:
        return Verdict(state=FAILED, text="somebody removed it")
    state = update_state(service)
    if not same_spec(service["Spec"], watched.spec):
        return _taken_away(state, own)
    if watched.job:
        return _job(service, tasks)
    return _running(watched, service, own, tasks)


def _taken_away(state: str, own: Sequence[JsonMap]) -> Verdict:
    """Its spec is another one: the engine went back, or somebody else wrote."""
    task = newest(task for task in own if _state(task) in _BAD)
    if state == "rollback_started":
        return Verdict(state=RETURNING, text="the engine brings back what ran before", task=task)
    if state.startswith("rollback"):
        how = "rolled it back" if state == "rollback_completed" else "could not roll it back: its rollback is paused"
        return Verdict(state=FAILED, text=f"the engine {how}", task=task)
    return Verdict(state=FAILED, text="somebody else changed it while it rolled")


def _running(watched: Watched, service: JsonMap, own: Sequence[JsonMap], tasks: Sequence[JsonMap]) -> Verdict:
    state = update_state(service)
    alive = [task for task in tasks if task["DesiredState"] in _ALIVE]
    ours = [task for task in own if task["DesiredState"] in _ALIVE]
    running = [task for task in ours if (_state(task), task["DesiredState"]) == ("running", "running")]
    ended = _ended(watched, own, {_slot(task) for task in ours})
    wanted = _wanted(service, {_slot(task) for task in alive} | ended)
    failures = [task for task in own if task["ID"] not in watched.before and _failed(task, service)]
    text = _text(len(running), wanted, ours, failures)
    healthy = len(running) + len(ended) == wanted and len(alive) == len(running)
    started = (
        wanted == 0 or any(_state(task) in _STARTED for task in own if task["ID"] not in watched.before) or healthy
    )
    worst = newest(failures)
    foreign = next((task for task in ours if _OTHER_PLATFORM.fullmatch(error(task))), None)
    if foreign is not None:
        return Verdict(state=FAILED, text=f"{text}: the image is for other platforms than the nodes", task=foreign)
    stale = watched.written and bool(state) and (service.get("UpdateStatus") or {}).get("StartedAt") == watched.began
    if state in _PAUSED and not stale:
        said = (service.get("UpdateStatus") or {}).get("Message") or state
        return Verdict(state=FAILED, text=f"{text}; {said}", task=worst)
    if _many(failures) and not _engine_decides(watched, state):
        return Verdict(state=FAILED, text=text, task=worst)
    settled = state not in UNSETTLED and not stale
    return Verdict(
        state=READY if healthy and settled else WAITING,
        text=text,
        started=started,
        healthy=healthy,
        task=worst or newest(task for task in ours if _state(task) != "running"),
    )


def _engine_decides(watched: Watched, state: str) -> bool:
    """Whether the engine itself goes back when an update fails, and is about to."""
    action = (watched.spec.get("UpdateConfig") or {}).get("FailureAction")
    return action == "rollback" and state == "updating"


def _many(failures: Iterable[JsonMap]) -> bool:
    slots: dict[str, list[bool]] = {}
    for task in failures:
        slots.setdefault(_slot(task), []).append(_ACCIDENT in error(task))
    return any(accidents.count(False) >= _MANY or len(accidents) >= _ACCIDENTS for accidents in slots.values())


def _failed(task: JsonMap, service: JsonMap) -> bool:
    """Whether a task ended that was to run on."""
    return _state(task) in _BAD or (_state(task) == "complete" and _condition(service["Spec"]) == "any")


def _ended(watched: Watched, own: Sequence[JsonMap], alive: set[str]) -> set[str]:
    """Slots whose task ended well and is not to be started again."""
    if _condition(watched.spec) == "any":
        return set()
    slots = {_slot(task) for task in own if task["ID"] not in watched.before} - alive
    last = {slot: newest(task for task in own if _slot(task) == slot) for slot in slots}
    return {slot for slot, task in last.items() if task is not None and _state(task) == "complete"}


def _condition(spec: JsonMap) -> str:
    return str((spec["TaskTemplate"].get("RestartPolicy") or {}).get("Condition", "any"))


def _wanted(service: JsonMap, slots: set[str]) -> int:
    replicated: JsonMap | None = service["Spec"]["Mode"].get("Replicated")
    return len(slots) if replicated is None else int(replicated.get("Replicas", 1))


# --- jobs ---


def _job(service: JsonMap, tasks: Sequence[JsonMap]) -> Verdict:
    """Tasks of this run alone: whatever is written to a job makes it run once more."""
    run = _iteration(service.get("JobStatus"))
    own = [task for task in tasks if _iteration(task) == run]
    job: JsonMap = service["Spec"]["Mode"].get("ReplicatedJob") or {}
    slots = {_slot(task) for task in own}
    wanted = int(job.get("TotalCompletions", len(slots) or 1))
    if IDLE in (service["Spec"].get("Labels") or {}):
        return Verdict(state=READY, text="not run again", started=True, healthy=True)
    done = sum(_state(task) == "complete" for task in own)
    bad = [task for task in own if _state(task) in _BAD]
    active = [task for task in own if _state(task) not in _OVER or task["DesiredState"] in _ALIVE]
    text = f"{done}/{wanted} done{_others(active)}{_newest_error(bad)}"
    if done >= wanted:
        return Verdict(state=READY, text=text, started=True, healthy=True)
    worst = newest(bad)
    return Verdict(
        state=FAILED if bad and not active else WAITING,
        text=text,
        started=any(_state(task) in _STARTED for task in own),
        task=worst or newest(active),
    )


def _iteration(thing: JsonMap | None) -> int:
    return int(((thing or {}).get("JobIteration") or {}).get("Index", 0))


# --- in words ---


def _text(running: int, wanted: int, ours: Sequence[JsonMap], failures: Sequence[JsonMap]) -> str:
    waiting = [task for task in ours if (_state(task), task["DesiredState"]) != ("running", "running")]
    return f"{running}/{wanted} running{_others(waiting)}{_newest_error(failures)}"


def _others(tasks: Sequence[JsonMap]) -> str:
    """What the others do, each state once; what a pending one waits for, in the engine's words."""
    states = [_state(task) for task in tasks if _state(task) not in _BAD]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    said = next((error(task) for task in tasks if _state(task) == "pending" and error(task)), "")
    return "".join(f", {one}" for one in counted) + (f" ({said})" if said else "")


def _newest_error(tasks: Iterable[JsonMap]) -> str:
    task = newest(tasks)
    return f"; {why(task)}" if task is not None else ""


def why(task: JsonMap) -> str:
    """Why a task ended: the engine's words, with the exit code."""
    code = ((task.get("Status") or {}).get("ContainerStatus") or {}).get("ExitCode", 0)
    said = error(task) or ("it ended" if _state(task) == "complete" else f"the task is {_state(task)}")
    if _state(task) == "complete" and not code:
        return f"{said}, with exit code 0"
    return said if not code or f"({code})" in said else f"{said} (exit code {code})"


def error(task: JsonMap) -> str:
    """A task's error in the engine's words."""
    return str((task.get("Status") or {}).get("Err") or "")


def newest(tasks: Iterable[JsonMap]) -> JsonMap | None:
    """The task whose state is the newest."""
    return max(tasks, key=lambda task: str((task.get("Status") or {}).get("Timestamp", "")), default=None)


def _state(task: JsonMap) -> str:
    return str((task.get("Status") or {}).get("State", ""))


def _slot(task: JsonMap) -> str:
    return str(task.get("Slot") or task.get("NodeID", ""))
