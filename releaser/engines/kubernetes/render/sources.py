"""Where the parts of an object were declared, and which of them are secrets or left to others."""

from collections.abc import Iterator, Mapping
from typing import Any

from releaser.engines.kubernetes.render import names
from releaser.engines.kubernetes.render.storage import Storage
from releaser.model.value import JsonMap, dotted, parse_path

Places = tuple[tuple[str, str], ...]
"""(path in the body, path in the declarations): the longest body path that leads wins."""

_POD = ("spec", "template", "spec")

_WORKLOAD = {
    ("spec", "replicas"): ("deploy", "replicas"),
    ("spec", "strategy"): ("deploy", "update_config"),
    ("spec", "updateStrategy"): ("deploy", "update_config"),
    ("spec", "backoffLimit"): ("deploy", "restart_policy", "max_attempts"),
    ("spec", "template", "metadata", "annotations"): ("labels",),
    (*_POD, "hostname"): ("hostname",),
    (*_POD, "terminationGracePeriodSeconds"): ("stop_grace_period",),
    (*_POD, "hostNetwork"): ("network_mode",),
    (*_POD, "hostPID"): ("pid",),
    (*_POD, "hostIPC"): ("ipc",),
    (*_POD, "hostAliases"): ("extra_hosts",),
    (*_POD, "dnsConfig"): ("dns",),
    (*_POD, "nodeSelector"): ("deploy", "placement", "constraints"),
    (*_POD, "topologySpreadConstraints"): ("deploy", "placement", "preferences"),
}
_CONTAINER = {
    ("image",): ("image",),
    ("command",): ("entrypoint",),
    ("args",): ("command",),
    ("workingDir",): ("working_dir",),
    ("env",): ("environment",),
    ("ports",): ("ports",),
    ("resources", "limits", "cpu"): ("deploy", "resources", "limits", "cpus"),
    ("resources", "limits", "memory"): ("deploy", "resources", "limits", "memory"),
    ("resources", "requests", "cpu"): ("deploy", "resources", "reservations", "cpus"),
    ("resources", "requests", "memory"): ("deploy", "resources", "reservations", "memory"),
    ("readinessProbe",): ("healthcheck",),
    ("livenessProbe",): ("healthcheck",),
    ("startupProbe",): ("healthcheck",),
    ("securityContext", "runAsUser"): ("user",),
    ("securityContext", "runAsGroup"): ("user",),
    ("securityContext", "readOnlyRootFilesystem"): ("read_only",),
    ("securityContext", "privileged"): ("privileged",),
    ("securityContext", "capabilities", "add"): ("cap_add",),
    ("securityContext", "capabilities", "drop"): ("cap_drop",),
}


def of_workload(name: str, words: JsonMap, stored: Storage) -> Places:
    """Where the parts of what runs a service were declared."""
    found = {(): ()} | _WORKLOAD
    here = (*_POD, "containers", names.label(name))
    found |= {(*here, *path): declared for path, declared in _CONTAINER.items()}
    found |= {(*here, "env", key): ("environment", key) for key in words.get("environment") or ()}
    for key, mount in (words.get("volumes") or {}).items():
        source = mount.get("source", key) if mount.get("type", "volume") == "volume" else key
        found[*_POD, "volumes", names.label(source)] = ("volumes", key)
        found[*here, "volumeMounts", names.label(source)] = ("volumes", key)
    places = [(dotted(path), dotted(("services", name, *declared))) for path, declared in found.items()]
    # Another content of a config is another name: the place is that of the content.
    for kind, section in (("config", "configs"), ("secret", "secrets")):
        for key in words.get(section) or ():
            volume = dotted((*_POD, "volumes", f"{kind}-{names.label(key)}"))
            places.append((volume, dotted((section, key))))
    if stored.templates:
        places.append((dotted(("spec", "volumeClaimTemplates")), dotted(("services", name, "volumes"))))
    return tuple(places)


def of_exposure(name: str, words: JsonMap, body: JsonMap) -> Places:
    """Where the parts of a Service or an Ingress were declared."""
    whole = ("", dotted(("services", name, "ports") if words.get("ports") else ("services", name)))
    if body["kind"] != "Service":
        return (whole,)
    ports = words.get("ports") or ()
    each = ((("spec", "ports", names.label(key)), ("services", name, "ports", key)) for key in ports)
    return (whole, *((dotted(path), dotted(declared)) for path, declared in each))


def secrets(words: JsonMap, body: JsonMap, stored: Storage) -> dict[str, str]:
    """Dotted path in the body → the declared secret that is referred to there."""
    containers: Any = body["spec"]["template"]["spec"]["containers"]
    here = (*_POD, "containers", containers[0]["name"])
    found = {
        dotted((*here, "env", key)): value["secret"]
        for key, value in (words.get("environment") or {}).items()
        if isinstance(value, Mapping)
    }
    return found | {dotted((*_POD, "volumes", volume)): secret for volume, secret in stored.secrets.items()}


def ignored(places: Places, name: str, declared: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of the body that stand for declared paths which somebody else owns."""
    return tuple(
        sorted({path for text in declared for path in _bodies(places, (*("services", name), *parse_path(text)))})
    )


def _bodies(places: Places, wanted: tuple[str, ...]) -> Iterator[str]:
    for body, declared in places:
        if body and parse_path(declared)[: len(wanted)] == wanted:
            yield body
