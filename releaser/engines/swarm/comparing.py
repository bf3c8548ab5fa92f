"""Whether two specs are the same to a Swarm: without its defaults, and whatever the order of what has none; pure."""

from copy import deepcopy

from releaser.engines.moby import marks
from releaser.model.value import Json, JsonMap
from releaser.planning.fingerprint import canonical

_DEFAULTS: dict[str, tuple[Json, ...]] = {
    "Isolation": ("default",),
    "Runtime": ("container",),
    "ForceUpdate": (0,),
    "MaxAttempts": (0,),
    "MaxFailureRatio": (0,),
    "Window": (0,),
    "Delay": (0,),
    "Monitor": (0,),
    "Disable": (False,),
    "NoNewPrivileges": (False,),
}
_UNORDERED = {
    "Env",
    "Mounts",
    "Configs",
    "Secrets",
    "Networks",
    "Aliases",
    "Ports",
    "CapabilityAdd",
    "CapabilityDrop",
    "Hosts",
    "Groups",
    "Ulimits",
}


def same_spec(one: JsonMap, other: JsonMap) -> bool:
    """Whether writing one over the other would change anything but the revision in the mark, or a forced restart."""
    return bool(_comparable(one) == _comparable(other))


def same_task(task: JsonMap, template: JsonMap) -> bool:
    """Whether a task was made from this TaskTemplate."""
    return bool(_plain(task) == _plain(template))


def _comparable(spec: JsonMap) -> Json:
    plain = deepcopy(dict(spec))
    (plain.get("Labels") or {}).pop(marks.REVISION, None)
    plain.get("TaskTemplate", {}).pop("ForceUpdate", None)
    if (plain.get("EndpointSpec") or {}).get("Mode") == "vip":
        del plain["EndpointSpec"]["Mode"]
    return _plain(plain)


def _plain(tree: Json, key: str = "") -> Json:
    if isinstance(tree, dict):
        kept = {name: _plain(value, name) for name, value in tree.items() if value not in _DEFAULTS.get(name, ())}
        return {name: value for name, value in kept.items() if value not in (None, "", [], {})}
    if isinstance(tree, list):
        values = [_plain(value) for value in tree]
        return sorted(values, key=canonical) if key in _UNORDERED else values
    return tree
