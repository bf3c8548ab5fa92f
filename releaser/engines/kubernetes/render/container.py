"""A declared service as a container of a pod."""

import math
from collections.abc import Mapping
from typing import Any

from releaser.engines.kubernetes.render import names
from releaser.engines.kubernetes.render.storage import Storage
from releaser.engines.moby import words as api
from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap

KEY = "value"
"""The key of a Secret under which a declared secret stands."""

_SHELL = ["/bin/sh", "-c"]


def container(name: str, words: JsonMap, image: str, storage: Storage) -> dict[str, Any]:
    """The container; its secrets are references to Secrets by their declared names."""
    found: dict[str, Any] = {"name": names.label(name), "image": image, "imagePullPolicy": "IfNotPresent"}
    for word, key in (("entrypoint", "command"), ("command", "args")):
        if words.get(word) is not None:
            found[key] = [escaped(one) for one in api.argv(words[word])]
    if "working_dir" in words:
        found["workingDir"] = words["working_dir"]
    if words.get("environment"):
        found["env"] = [_variable(key, value) for key, value in sorted(words["environment"].items())]
    ports = _ports(words)
    if ports:
        found["ports"] = ports
    resources = _resources((words.get("deploy") or {}).get("resources") or {})
    if resources:
        found["resources"] = resources
    found |= _probes(words.get("healthcheck"))
    if storage.mounts:
        found["volumeMounts"] = list(storage.mounts)
    security = _security(words)
    if security:
        found["securityContext"] = security
    found |= {key: True for word, key in (("tty", "tty"), ("stdin_open", "stdin")) if words.get(word)}
    return found


def escaped(value: str) -> str:
    """A text that Kubernetes does not expand: it takes `$(NAME)` for a variable."""
    return value.replace("$(", "$$(")


def _variable(key: str, value: Json) -> dict[str, Json]:
    if isinstance(value, Mapping):
        return {"name": key, "valueFrom": {"secretKeyRef": {"name": value["secret"], "key": KEY}}}
    return {"name": key, "value": escaped(text(value))}


def _ports(words: JsonMap) -> list[dict[str, Json]]:
    found: dict[tuple[int, str], dict[str, Json]] = {}
    for inside in api.exposed(words):
        number, _, protocol = inside.partition("/")
        found[int(number), protocol] = {"containerPort": int(number), "protocol": protocol.upper()}
    for port in api.ports(words):
        if port.outside and port.mode == "host":
            found[port.target, port.protocol]["hostPort"] = port.published or port.target
    return [found[key] for key in sorted(found)]


def _resources(declared: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for word, key in (("limits", "limits"), ("reservations", "requests")):
        amounts = declared.get(word) or {}
        kept: dict[str, Json] = {}
        if "cpus" in amounts:
            kept["cpu"] = text(amounts["cpus"])
        if "memory" in amounts:
            kept["memory"] = quantity(amounts["memory"])
        if kept:
            found[key] = kept
    return found


def quantity(size: str | int) -> str:
    """A size as Kubernetes writes it; Docker's `M` is 1024 times 1024."""
    amount = api.byte_count(size)
    for unit, factor in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if amount and amount % factor == 0:
            return f"{amount // factor}{unit}"
    return str(amount)


# --- probes ---


def _probes(check: JsonMap | None) -> dict[str, Json]:
    """A health check as probes: what is not healthy gets no traffic, and is restarted as a Swarm replaces it."""
    if not check or check.get("disable") or not check.get("test"):
        return {}
    test = check["test"]
    command = [*_SHELL, test] if isinstance(test, str) else _command(list(test))
    if command is None:
        return {}
    probe = {
        "exec": {"command": command},
        "periodSeconds": _whole(check.get("interval", "30s")),
        "timeoutSeconds": _whole(check.get("timeout", "30s")),
        "failureThreshold": check.get("retries", 3),
    }
    found: dict[str, Json] = {"readinessProbe": probe, "livenessProbe": probe}
    if "start_period" in check:
        often = _whole(check.get("start_interval", "5s"))
        first = math.ceil(api.seconds(check["start_period"]) / often)
        found["startupProbe"] = {**probe, "periodSeconds": often, "failureThreshold": first + check.get("retries", 3)}
    return found


def _command(test: list[str]) -> list[str] | None:
    kind, *rest = test
    if kind == "NONE":
        return None
    return rest if kind == "CMD" else [*_SHELL, *rest]


def _whole(span: str) -> int:
    """Seconds, as Kubernetes knows no part of one."""
    return max(1, math.ceil(api.seconds(span)))


# --- rights ---


def _security(words: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if words.get("privileged"):
        found["privileged"] = True
    if words.get("read_only"):
        found["readOnlyRootFilesystem"] = True
    user, _, group = text(words.get("user", "")).partition(":")
    if user.isdecimal():
        found["runAsUser"] = int(user)
    if group.isdecimal():
        found["runAsGroup"] = int(group)
    capabilities = {
        key: [name.removeprefix("CAP_") for name in api.capabilities(words[word])]
        for word, key in (("cap_add", "add"), ("cap_drop", "drop"))
        if words.get(word)
    }
    if capabilities:
        found["capabilities"] = capabilities
    if {"no-new-privileges", "no-new-privileges:true"} & set(words.get("security_opt") or ()):
        found["allowPrivilegeEscalation"] = False
    return found
