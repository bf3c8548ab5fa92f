"""Judging: what an inspection says of one container that is to run, or to end well; pure."""

from releaser.engines.docker.live import may_end
from releaser.model.value import JsonMap, Value

WAITING, READY, FAILED = "waiting", "ready", "failed"
_MANY = 2
"""Ends after which a container that is started again has failed: the first may be an accident."""


class Verdict(Value, frozen=True, kw_only=True):
    """How a container stands, in a word and for a person."""

    state: str  # waiting | ready | failed
    text: str
    started: bool = False


def judge(inspected: JsonMap | None, words: JsonMap, steady: float, stable: float, *, idle: bool = False) -> Verdict:
    """How it stands now; `steady`: the seconds that it has run without being started again."""
    if inspected is None:
        return Verdict(state=FAILED, text="somebody removed it")
    state: JsonMap = inspected["State"]
    status = state["Status"]
    if idle:
        return Verdict(state=READY, text="not run again", started=True)
    if status in {"exited", "dead"}:
        return _ended(state, words)
    restarts = inspected.get("RestartCount", 0)
    if status == "restarting":
        text = f"ended with exit code {state.get('ExitCode')}, started again {restarts} times"
        return Verdict(state=FAILED if restarts >= _MANY else WAITING, text=text, started=True)
    if status != "running":
        return Verdict(state=WAITING, text=status)
    return _running(state, words, steady, stable, restarts)


def _ended(state: JsonMap, words: JsonMap) -> Verdict:
    code = state.get("ExitCode", 0)
    if code == 0 and may_end(words):
        return Verdict(state=READY, text="done", started=True)
    why = "; it ran out of memory" if state.get("OOMKilled") else ""
    text = f"ended with exit code {code}{why}" + (f": {state['Error']}" if state.get("Error") else "")
    return Verdict(state=FAILED, text=text, started=True)


def _running(state: JsonMap, words: JsonMap, steady: float, stable: float, restarts: int) -> Verdict:
    health = (state.get("Health") or {}).get("Status") or "none"
    if may_end(words) and _job(words):
        return Verdict(state=WAITING, text="running", started=True)
    if health == "unhealthy":
        return Verdict(state=FAILED, text="unhealthy", started=True)
    if health == "starting":
        return Verdict(state=WAITING, text="running, not healthy yet", started=True)
    if health == "none" and restarts >= _MANY and steady < stable:
        return Verdict(state=FAILED, text=f"started again {restarts} times", started=True)
    if health == "none" and steady < stable:
        return Verdict(state=WAITING, text="running", started=True)
    return Verdict(state=READY, text="healthy" if health == "healthy" else "running", started=True)


def _job(words: JsonMap) -> bool:
    return str((words.get("deploy") or {}).get("mode", "")).endswith("-job")


def health_output(inspected: JsonMap) -> str:
    """What the last health check said, if it did not pass."""
    log = ((inspected.get("State") or {}).get("Health") or {}).get("Log") or []
    failed = [entry for entry in log if entry.get("ExitCode")]
    return str(failed[-1].get("Output", "")).strip() if failed else ""
