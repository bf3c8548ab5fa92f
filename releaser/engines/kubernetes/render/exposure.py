"""How a service is reached: a Service inside the cluster, one for what is published, and an Ingress."""

from collections.abc import Iterator, Mapping
from typing import Any

from releaser.engines.kubernetes.render import names
from releaser.engines.moby import words as api
from releaser.model.value import Json, JsonMap


def exposure(name: str, words: JsonMap, labels: Mapping[str, str], *, headless: bool) -> Iterator[dict[str, Any]]:
    """The objects; none for a service without ports, unless its replicas have names of their own."""
    inside = list(_inside(words))
    if inside or headless:
        one_address = not headless and (words.get("deploy") or {}).get("endpoint_mode") != "dnsrr"
        spec: dict[str, Any] = {"selector": dict(labels)}
        if inside:
            spec["ports"] = inside
        if not one_address:
            spec["clusterIP"] = "None"
        yield _object("v1", "Service", names.label(name), spec)
    outside = [port for port in api.ports(words) if port.outside and port.mode != "host"]
    if outside:
        ports = [_port(port.key, port.published or port.target, port.target, port.protocol) for port in outside]
        kind = "LoadBalancer" if any(port.published for port in outside) else "NodePort"
        yield _object("v1", "Service", published(name), {"type": kind, "selector": dict(labels), "ports": ports})
    yield from _ingress(name, words)


def published(name: str) -> str:
    """The name of the Service for what is published."""
    return f"{names.label(name)}-published"


def _inside(words: JsonMap) -> Iterator[dict[str, Json]]:
    by_port = {port.inside: port for port in api.ports(words)}
    for inside in sorted(api.exposed(words), key=lambda one: (int(one.partition("/")[0]), one)):
        number, _, protocol = inside.partition("/")
        port = by_port.get(inside)
        key = port.key if port is not None else f"{protocol}-{number}"
        yield _port(key, int(number), int(number), protocol)


def _port(key: str, port: int, target: int, protocol: str) -> dict[str, Json]:
    return {"name": names.label(key), "port": port, "targetPort": target, "protocol": protocol.upper()}


def _ingress(name: str, words: JsonMap) -> Iterator[dict[str, Any]]:
    rules: list[JsonMap] = []
    tls: list[JsonMap] = []
    kind = None
    for key, port in sorted((words.get("ports") or {}).items()):
        declared = port.get("ingress")
        if not declared:
            continue
        backend = {"service": {"name": names.label(name), "port": {"name": names.label(key)}}}
        path = {"path": declared.get("path", "/"), "pathType": "Prefix", "backend": backend}
        host = {"host": declared["host"]} if "host" in declared else {}
        rules.append({**host, "http": {"paths": [path]}})
        if "tls" in declared:
            tls.append({"secretName": declared["tls"], **({"hosts": [declared["host"]]} if host else {})})
        kind = declared.get("class", kind)
    if rules:
        spec: dict[str, Any] = {"rules": rules}
        spec |= {"ingressClassName": kind} if kind else {}
        spec |= {"tls": tls} if tls else {}
        yield _object("networking.k8s.io/v1", "Ingress", names.label(name), spec)


def _object(version: str, kind: str, name: str, spec: JsonMap) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
