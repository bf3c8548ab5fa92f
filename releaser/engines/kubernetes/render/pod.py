"""A declared service as a pod template; nothing in it knows a release or a time: what is declared alike is alike."""

import re
from typing import Any

from releaser.engines.kubernetes.render import names
from releaser.engines.kubernetes.render.container import container
from releaser.engines.kubernetes.render.storage import Storage
from releaser.engines.moby import words as api
from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap

NAME, INSTANCE = "app.kubernetes.io/name", "app.kubernetes.io/instance"

_NODE_LABEL = re.compile(r"node\.labels\.(?P<label>\S+?)\s*==\s*(?P<value>\S+)")
_HOSTNAME = re.compile(r"node\.hostname\s*==\s*(?P<value>\S+)")


def selector(name: str, instance: str) -> dict[str, str]:
    """The labels by which a service's pods are found; they can never change."""
    return {NAME: names.label(name), INSTANCE: instance}


def template(  # noqa: PLR0913 - what a pod is made of
    name: str, words: JsonMap, *, image: str, instance: str, storage: Storage, pull_secrets: tuple[str, ...]
) -> dict[str, Any]:
    """The pod template of a service."""
    metadata: dict[str, Any] = {"labels": selector(name, instance)}
    notes = {**api.texts_by_name(words.get("labels")), **api.texts_by_name(words.get("annotations"))}
    if notes:
        metadata["annotations"] = notes
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container(name, words, image, storage)],
    }
    if storage.volumes:
        spec["volumes"] = list(storage.volumes)
    if pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in pull_secrets]
    return {"metadata": metadata, "spec": spec | _settings(words)}


def _settings(words: JsonMap) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "hostname" in words:
        found["hostname"] = words["hostname"]
    if "stop_grace_period" in words:
        found["terminationGracePeriodSeconds"] = round(api.seconds(words["stop_grace_period"]))
    for word, key in (("network_mode", "hostNetwork"), ("pid", "hostPID"), ("ipc", "hostIPC")):
        if words.get(word) == "host":
            found[key] = True
    if words.get("extra_hosts"):
        found["hostAliases"] = _aliases(words["extra_hosts"])
    dns = _dns(words)
    if dns:
        found["dnsConfig"] = dns
    security = _security(words)
    if security:
        found["securityContext"] = security
    nodes = _nodes(words)
    if nodes:
        found["nodeSelector"] = nodes
    spread = _spread(words)
    if spread:
        found["topologySpreadConstraints"] = spread
    return found


def _aliases(hosts: JsonMap) -> list[dict[str, Json]]:
    """Host names by address."""
    found: dict[str, list[str]] = {}
    for host, address in sorted(hosts.items()):
        found.setdefault(text(address), []).append(host)
    return [{"ip": address, "hostnames": several} for address, several in sorted(found.items())]


def _dns(words: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if words.get("dns"):
        found["nameservers"] = api.texts(words["dns"])
    if words.get("dns_search"):
        found["searches"] = api.texts(words["dns_search"])
    if words.get("dns_opt"):
        pairs = (option.partition(":") for option in api.texts(words["dns_opt"]))
        found["options"] = [{"name": name, **({"value": value} if value else {})} for name, _, value in pairs]
    return found


def _security(words: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    groups = [int(group) for group in api.texts(words.get("group_add") or []) if group.isdecimal()]
    if groups:
        found["supplementalGroups"] = groups
    if words.get("sysctls"):
        found["sysctls"] = [
            {"name": name, "value": value} for name, value in api.texts_by_name(words["sysctls"]).items()
        ]
    return found


def _nodes(words: JsonMap) -> dict[str, str]:
    """The labels of the nodes that it may run on."""
    found = {}
    if "platform" in words:
        system, _, rest = str(words["platform"]).partition("/")
        found = {"kubernetes.io/os": system, "kubernetes.io/arch": rest.partition("/")[0]}
    for constraint in _placement(words).get("constraints") or ():
        if match := _NODE_LABEL.fullmatch(constraint.strip()):
            found[match["label"]] = match["value"]
        elif match := _HOSTNAME.fullmatch(constraint.strip()):
            found["kubernetes.io/hostname"] = match["value"]
    return found


def is_known_constraint(constraint: str) -> bool:
    """Whether a nodeSelector can say it."""
    return bool(_NODE_LABEL.fullmatch(constraint.strip()) or _HOSTNAME.fullmatch(constraint.strip()))


def _spread(words: JsonMap) -> list[dict[str, Json]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": str(one["spread"]).removeprefix("node.labels."),
            "whenUnsatisfiable": "ScheduleAnyway",
        }
        for one in _placement(words).get("preferences") or ()
    ]


def _placement(words: JsonMap) -> JsonMap:
    found: JsonMap = (words.get("deploy") or {}).get("placement") or {}
    return found
