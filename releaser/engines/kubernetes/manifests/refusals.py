"""What no delivery may do with an object of one's own manifests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from releaser.engines.kubernetes import marks
from releaser.engines.kubernetes.kinds import KNOWN
from releaser.engines.kubernetes.references import pod_spec
from releaser.engines.kubernetes.render import MANAGED_BY
from releaser.model.environment import Environment
from releaser.model.value import Json, JsonMap, Path, at_path

_SERVERS = ("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields", "ownerReferences")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_TEXTS = ("labels", "annotations")

_POD: Json = {
    "containers": [{"env": [{"valueFrom": {"secretKeyRef": {}}}], "envFrom": [{}], "volumeMounts": [{}]}],
    "initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {}}}], "envFrom": [{}], "volumeMounts": [{}]}],
    "ephemeralContainers": [{"env": [{"valueFrom": {"secretKeyRef": {}}}], "envFrom": [{}]}],
    "volumes": [{"secret": {"items": [{}]}, "projected": {"sources": [{"secret": {"items": [{}]}}]}}],
    "imagePullSecrets": [{}],
}
_TEMPLATE: Json = {"metadata": {"labels": {}, "annotations": {}}, "spec": _POD}
_RUNNING: Json = {"spec": {"template": _TEMPLATE}}
_SHAPES: dict[str, Json] = {
    "Pod": {"spec": _POD},
    "CronJob": {"spec": {"jobTemplate": {"spec": {"template": _TEMPLATE}}}},
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _RUNNING),
}
"""Where maps and lists must stand, as far as a delivery looks into an object."""


class Wrong(NamedTuple):
    """One thing that cannot be done: the path in the object, what, what to do."""

    path: Path
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Scopes:
    """Where objects may be: the environment's namespace, others that are declared, outside of any where it is said."""

    own: str
    others: frozenset[str]
    cluster: bool
    clusterwide: frozenset[tuple[str, str]]  # group and kind in lower case

    @classmethod
    def of(cls, environment: Environment, namespace: str) -> "Scopes":
        """As the engine's settings say; the kinds as this version knows them, and as the manifests define them."""
        known = {key for key, kind in KNOWN.items() if not kind.namespaced}
        return cls(
            own=namespace,
            others=frozenset(environment.engine.get("namespaces") or ()),
            cluster=bool(environment.engine.get("cluster_scoped")),
            clusterwide=frozenset(known | {key for body in environment.objects.values() for key in _defined(body)}),
        )


def misshapen(body: JsonMap) -> Iterator[Wrong]:
    """Where there is something else than the map or the list that must stand there."""
    yield from _misfits(body, {"metadata": {"labels": {}, "annotations": {}}}, ())
    shape = _SHAPES.get(body["kind"])
    if shape is not None:
        yield from _misfits(body, shape, ())
    elif body["kind"] == "Service":
        yield from _misfits(body, {"spec": {"ports": [{}]}}, ())
    if shape is None and (pods := pod_spec(body)) is not None:  # a custom resource with a template of pods
        yield from _misfits(pods, _POD, ("spec", "template", "spec"))
    for word in _TEXTS:
        texts = body["metadata"].get(word)
        for key, value in texts.items() if isinstance(texts, dict) else ():
            if not isinstance(value, str):
                yield Wrong(("metadata", word, key), f"the value of `{key}` must be a text", "put it in quotes")


def of_object(body: JsonMap, scopes: Scopes) -> Iterator[Wrong]:
    """What is refused in an object whose shape is right."""
    metadata = body["metadata"]
    yield from _marks(body)
    yield from _scope(body, scopes)
    for word in _SERVERS:
        if word in metadata:
            yield Wrong(("metadata", word), f"`{word}` is written by the server, not declared", "remove it")
    if body["kind"] == "Secret":
        yield from _secret(body)


def _secret(body: JsonMap) -> Iterator[Wrong]:
    hint = "declare it in `secrets` of a layer, and let the pods refer to it: secretKeyRef: {name: NAME, key: value}"
    word = next((word for word in ("stringData", "data") if word in body), None)
    message = "a Secret in a manifest would put its values into the history" if word else "a manifest makes no Secrets"
    yield Wrong((word,) if word else (), message, hint)


def _marks(body: JsonMap) -> Iterator[Wrong]:
    for word in _TEXTS:
        for key, value in (body["metadata"].get(word) or {}).items():
            if key.startswith(marks.PREFIX):
                message = f"`{marks.PREFIX}` marks what was delivered: nobody else writes it"
                yield Wrong(("metadata", word, key), message, "remove it")
            elif key == _LAST_APPLIED:
                yield Wrong(("metadata", word, key), "kubectl keeps this for itself", "remove it")
            elif word == "labels" and MANAGED_BY.get(key) == value:
                hint = "remove it, or name who manages it"
                yield Wrong(("metadata", word, key), f"`{key}: {value}` marks what is made from services", hint)


def _scope(body: JsonMap, scopes: Scopes) -> Iterator[Wrong]:
    group = str(body["apiVersion"]).rpartition("/")[0]
    namespace = body["metadata"].get("namespace")
    if (group, str(body["kind"]).lower()) in scopes.clusterwide:
        if namespace is not None:
            yield Wrong(("metadata", "namespace"), f"a {body['kind']} is in no namespace", "remove it")
        elif not scopes.cluster:
            message = f"a {body['kind']} belongs to the whole cluster, not to the namespace {scopes.own}"
            hint = "leave it to who manages the cluster, or allow it: `cluster_scoped: true` in `engine`"
            yield Wrong((), message, hint)
    elif namespace is not None and namespace != scopes.own and namespace not in scopes.others:
        message = f"it would go to the namespace {namespace}, and the environment's is {scopes.own}"
        hint = f"remove the line, or allow it: `namespaces: [{namespace}]` in `engine`"
        yield Wrong(("metadata", "namespace"), message, hint)


def _defined(body: JsonMap) -> Iterator[tuple[str, str]]:
    """The kind that a definition of custom resources puts beside the namespaces."""
    if body["kind"] == "CustomResourceDefinition" and at_path(body, ("spec", "scope")) == "Cluster":
        group, kind = at_path(body, ("spec", "group")), at_path(body, ("spec", "names", "kind"))
        yield str(group), str(kind).lower()


def _misfits(value: Any, shape: Json, path: Path) -> Iterator[Wrong]:
    if value is None:
        return
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, inner in shape.items():
            yield from _misfits(value.get(key), inner, (*path, key))
    elif isinstance(shape, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, shape[0], (*path, str(index)))
    else:
        called = "a map" if isinstance(shape, dict) else "a list"
        yield Wrong(path, f"`{path[-1]}` must be {called}", f"write {called} here: `kubectl explain` shows its form")
