"""A service's body, in the words that were declared, as the API's ServiceSpec; pure.

https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Service
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from releaser.engines.moby import words as api
from releaser.engines.swarm.container import container_spec
from releaser.engines.swarm.references import References
from releaser.model.value import Json, JsonMap, Value
from releaser.model.value import Path as Keys

JOB_MODES = {"replicated-job": "ReplicatedJob", "global-job": "GlobalJob"}
NOWHERE = "node.id==none"
"""A constraint that no node meets: how a global job is there without running."""


class Named(Value, frozen=True, kw_only=True):
    """What a service is called, and the labels that are ours."""

    name: str  # the declared one: other services reach it by that
    real: str
    labels: Mapping[str, str] = {}
    idle: bool = False  # a job that is there without running


def service_spec(named: Named, body: JsonMap, refs: References, root: Path) -> dict[str, Json]:
    """The whole ServiceSpec, without any of the engine's defaults."""
    deploy: JsonMap = body.get("deploy") or {}
    spec: dict[str, Json] = {
        "Name": named.real,
        "Labels": {**api.texts_by_name(deploy.get("labels")), **named.labels},
        "TaskTemplate": _task(named, body, refs, root),
        "Mode": _mode(deploy, idle=named.idle),
    }
    for word, name in (("update_config", "UpdateConfig"), ("rollback_config", "RollbackConfig")):
        if word in deploy:
            spec[name] = _rollout(deploy[word] or {})
    endpoint = _endpoint(body, deploy)
    if endpoint:
        spec["EndpointSpec"] = endpoint
    return spec


def _task(named: Named, body: JsonMap, refs: References, root: Path) -> dict[str, Json]:
    deploy: JsonMap = body.get("deploy") or {}
    found: dict[str, Json] = {
        "ContainerSpec": container_spec(body, refs, root),
        "Resources": _resources(deploy.get("resources") or {}),
        "RestartPolicy": _restart_policy(body, deploy),
        "Placement": _placement(body, deploy, idle=named.idle),
        "Networks": list(_networks(named.name, body, refs)),
        "LogDriver": _log_driver(body.get("logging") or {}),
    }
    return {key: value for key, value in found.items() if value}


def _mode(deploy: JsonMap, *, idle: bool) -> dict[str, Json]:
    mode = deploy.get("mode", "replicated")
    replicas = deploy.get("replicas", 1)
    if mode == "replicated":
        return {"Replicated": {"Replicas": replicas}}
    if mode == "replicated-job":
        return {"ReplicatedJob": {"MaxConcurrent": max(replicas, 1), "TotalCompletions": 0 if idle else replicas}}
    return {JOB_MODES.get(mode, "Global"): {}}


def _resources(resources: JsonMap) -> dict[str, Json]:
    found = {
        name: _amounts(resources.get(word) or {})
        for word, name in (("limits", "Limits"), ("reservations", "Reservations"))
    }
    return {name: amounts for name, amounts in found.items() if amounts}


def _amounts(words: JsonMap) -> dict[str, Json]:
    found = {}
    if "cpus" in words:
        found["NanoCPUs"] = api.nano_cpus(words["cpus"])
    if "memory" in words:
        found["MemoryBytes"] = api.byte_count(words["memory"])
    if "pids" in words:
        found["Pids"] = words["pids"]
    return {name: amount for name, amount in found.items() if amount}


def _restart_policy(body: JsonMap, deploy: JsonMap) -> dict[str, Json]:
    """As declared; a job that says nothing is not started again."""
    if deploy.get("restart_policy"):
        policy = api.restart_policy(deploy["restart_policy"])
    elif "restart" in body:
        policy = api.restart(body["restart"])
    else:
        return {"Condition": "none"} if api.is_job(body) else {}
    numbers = {"MaxAttempts": policy.attempts, "Delay": policy.delay, "Window": policy.window}
    return {"Condition": policy.condition, **{name: value for name, value in numbers.items() if value is not None}}


def _placement(body: JsonMap, deploy: JsonMap, *, idle: bool) -> dict[str, Json]:
    placement: JsonMap = deploy.get("placement") or {}
    constraints = list(placement.get("constraints") or [])
    if idle and deploy.get("mode") == "global-job":
        constraints.append(NOWHERE)
    found: dict[str, Json] = {
        "Constraints": constraints,
        "Preferences": [{"Spread": {"SpreadDescriptor": one["spread"]}} for one in placement.get("preferences") or []],
        "MaxReplicas": placement.get("max_replicas_per_node"),
    }
    if body.get("platform"):
        found["Platforms"] = [_platform(one) for one in api.texts(body["platform"])]
    return {name: value for name, value in found.items() if value}


def _platform(text: str) -> dict[str, Json]:
    parts = [*text.split("/"), ""]
    # Nodes of 32-bit ARM name theirs by version, as in armv7l, so Docker's own client leaves it open too.
    return {"OS": parts[0], "Architecture": "" if parts[1] == "arm" else parts[1]}


def _networks(name: str, body: JsonMap, refs: References) -> Iterator[dict[str, Json]]:
    mode = body.get("network_mode")
    if mode is not None:
        yield {"Target": refs.network(mode)}
        return
    for key, joined in sorted((body.get("networks") or {}).items()):
        found: dict[str, Json] = {
            "Target": refs.network((joined or {}).get("name", key)),
            "Aliases": sorted({name, *((joined or {}).get("aliases") or [])}),
        }
        options = api.texts_by_name((joined or {}).get("driver_opts"))
        yield {**found, "DriverOpts": options} if options else found


def _log_driver(logging: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if logging.get("driver"):
        found["Name"] = logging["driver"]
    if logging.get("options"):
        found["Options"] = api.texts_by_name(logging["options"])
    return found


def _rollout(words: JsonMap) -> dict[str, Json]:
    """How tasks are replaced: one after another, and stopping at the first failure, unless it says otherwise."""
    found: dict[str, Json] = {
        "Parallelism": words.get("parallelism", 1),
        "FailureAction": words.get("failure_action", "pause"),
        "Order": words.get("order", "stop-first"),
        "MaxFailureRatio": float(words.get("max_failure_ratio", 0)),
    }
    for word, name in (("delay", "Delay"), ("monitor", "Monitor")):
        if word in words:
            found[name] = api.nanoseconds(words[word])
    return found


def _endpoint(body: JsonMap, deploy: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if "endpoint_mode" in deploy:
        found["Mode"] = deploy["endpoint_mode"]
    ports = [_port(port) for port in api.ports(body) if port.outside]
    return {**found, "Ports": ports} if ports else found


def _port(port: api.Port) -> dict[str, Json]:
    found: dict[str, Json] = {
        "Name": port.key,
        "Protocol": port.protocol,
        "TargetPort": port.target,
        "PublishMode": port.mode,
    }
    return found if port.published is None else {**found, "PublishedPort": port.published}


# --- what no translation is for ---


def refused(_name: str, body: JsonMap) -> Iterable[tuple[Keys, str, str]]:
    """What Swarm cannot do beyond what the table of words says: the path in the service, why, and what to do."""
    yield from _refused_job(body)
    yield from _refused_ports(body)
    yield from _refused_words(body)


def _refused_job(body: JsonMap) -> Iterator[tuple[Keys, str, str]]:
    deploy: JsonMap = body.get("deploy") or {}
    if not api.is_job(body):
        return
    for word in ("update_config", "rollback_config"):
        if deploy.get(word):
            yield ("deploy", word), f"a job has no `{word}`: it is run anew, not replaced", "remove it"


def _refused_ports(body: JsonMap) -> Iterator[tuple[Keys, str, str]]:
    if (body.get("deploy") or {}).get("endpoint_mode") != "dnsrr":
        return
    for port in api.ports(body):
        if port.outside and port.mode == "ingress":
            yield (
                ("ports", port.key, "published"),
                "a port cannot be published on every node with `endpoint_mode: dnsrr`",
                "write `mode: host` for the port, or `endpoint_mode: vip`",
            )


def _refused_words(body: JsonMap) -> Iterator[tuple[Keys, str, str]]:
    for folder, options in api.tmpfs(body).items():
        for option in filter(None, options.split(",")):
            if option.partition("=")[0] not in {"size", "mode"}:
                yield (
                    ("tmpfs",),
                    f"Swarm takes `size` and `mode` for the folder in memory at {folder}, not `{option}`",
                    "remove it",
                )
    for index, option in enumerate(body.get("security_opt") or []):
        if not any(option.startswith(known) for known in _SECURITY):
            yield (
                ("security_opt", str(index)),
                f"Swarm does not take the security option `{option}`",
                "write no-new-privileges:true, seccomp=unconfined, apparmor=unconfined or label=…, or remove it",
            )


_SECURITY = (
    "no-new-privileges",
    "seccomp=unconfined",
    "seccomp:unconfined",
    "apparmor=unconfined",
    "apparmor:unconfined",
    "label=",
    "label:",
)
