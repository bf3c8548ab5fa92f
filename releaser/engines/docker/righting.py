"""Putting right what was changed by hand and needs no new container: networks, restarts, whether it runs."""

from collections.abc import Mapping

from releaser.engines.docker.container import endpoint, restart_policy
from releaser.engines.docker.crew import Crew
from releaser.engines.docker.live import may_end
from releaser.engines.docker.looking import Instance
from releaser.engines.docker.wanting import Wanted
from releaser.model.value import Json, JsonMap


def put_right(crew: Crew, wanted: Wanted, one: Instance) -> bool:
    """Whether there was something to do; it was done then."""
    what = f"container {one.name} of service/{wanted.name}"
    left, joined = _networks(wanted, one)
    for real in left:
        crew.docker.disconnect(real, one.id, what)
    for real, settings in joined.items():
        crew.docker.connect(real, one.id, settings, what)
    changed = bool(left or joined) | _restarts(crew, wanted, one, what)
    return changed | _runs(crew, wanted, one, what)


def _networks(wanted: Wanted, one: Instance) -> tuple[list[str], dict[str, JsonMap]]:
    """What it is to leave, and what it is to join; both where it is known there by other names."""
    declared: Mapping[str, JsonMap] = wanted.body.get("networks") or {}
    if not declared:
        return [], {}
    ignored = {path.split(".")[1] for path in wanted.body.get("ignore") or () if path.startswith("networks.")}
    settings = {joined["name"]: endpoint(wanted.name, joined) for key, joined in declared.items() if key not in ignored}
    live: Mapping[str, JsonMap] = one.inspected["NetworkSettings"].get("Networks") or {}
    other = [real for real in settings if real in live and not _same(one, live[real], settings[real])]
    kept = {joined["name"] for joined in declared.values()}
    strange = [] if "networks" in (wanted.body.get("ignore") or ()) else sorted(live.keys() - kept)
    return [*strange, *other], {real: how for real, how in settings.items() if real not in live or real in other}


def _same(one: Instance, live: JsonMap, settings: JsonMap) -> bool:
    aliases = set(live.get("Aliases") or []) - {one.id[:12]}
    asked = settings.get("IPAMConfig") or {}
    given = {name: value for name, value in (live.get("IPAMConfig") or {}).items() if value}
    return aliases == set(settings["Aliases"]) and given == asked


def _restarts(crew: Crew, wanted: Wanted, one: Instance, what: str) -> bool:
    if {"restart", "deploy.restart_policy"} & set(wanted.body.get("ignore") or ()):
        return False
    policy = restart_policy(wanted.body)
    if _policy(one.inspected["HostConfig"].get("RestartPolicy")) == _policy(policy):
        return False
    crew.docker.set_restart(one.id, policy, what)
    return True


def _policy(policy: JsonMap | None) -> tuple[str, Json]:
    found = policy or {}
    return found.get("Name") or "no", found.get("MaximumRetryCount") or 0


def _runs(crew: Crew, wanted: Wanted, one: Instance, what: str) -> bool:
    state: JsonMap = one.inspected["State"]
    ended = state["Status"] in {"exited", "dead"}
    if state["Status"] == "paused":
        crew.docker.unpause(one.id, what)
    elif ended and not (state.get("ExitCode") == 0 and may_end(wanted.body)):
        crew.mover.start(one)
    else:
        return False
    crew.watcher.forget(one.id)
    return True
