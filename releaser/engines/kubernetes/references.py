"""Where an object refers to Secrets, ConfigMaps and claims: places of any pod template.

Source: the fields of PodSpec in Kubernetes' API reference that name them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from releaser.model.value import Json, JsonMap

SECRET, CONFIG_MAP, CLAIM = "secret", "configmap", "persistentvolumeclaim"

_KEYS = {
    SECRET: {"env": "secretKeyRef", "envFrom": "secretRef", "volume": ("secret", "secretName")},
    CONFIG_MAP: {"env": "configMapKeyRef", "envFrom": "configMapRef", "volume": ("configMap", "name")},
    CLAIM: {"env": "", "envFrom": "", "volume": ("persistentVolumeClaim", "claimName")},
}


def pod_spec(body: JsonMap) -> JsonMap | None:
    """The pods' spec in a workload, a Job, a CronJob or a Pod; None in anything else."""
    spec: Any = body.get("spec") or {}
    if body.get("kind") == "Pod":
        return spec if isinstance(spec, dict) else None
    if body.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template") if isinstance(spec, dict) else None
    found = template.get("spec") if isinstance(template, dict) else None
    return found if isinstance(found, dict) else None


def names(body: JsonMap, kind: str) -> frozenset[str]:
    """The names of the Secrets, ConfigMaps or claims that an object's pods need."""
    found = pod_spec(body)
    return frozenset() if found is None else frozenset(holder[key] for holder, key in _places(found, kind))


def renamed(body: JsonMap, real: Mapping[str, str] | Callable[[str], str | None]) -> JsonMap:
    """The object with other names of Secrets, where there is one; the argument is left as it is."""
    if pod_spec(body) is None:
        return body
    other = real.get if isinstance(real, Mapping) else real
    copied: Any = _copy(body)
    for holder, key in _places(pod_spec(copied) or {}, SECRET):
        name = other(holder[key])
        if name is not None:
            holder[key] = name
    return copied  # type: ignore[no-any-return]  # a tree as the one that was given


def _places(spec: Any, kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The maps that hold a name, and the key that it stands under."""
    keys: Any = _KEYS[kind]
    for container in _containers(spec):
        for variable in container.get("env") or ():
            yield from _named((variable.get("valueFrom") or {}).get(keys["env"]), "name")
        for source in container.get("envFrom") or ():
            yield from _named(source.get(keys["envFrom"]), "name")
    word, key = keys["volume"]
    for volume in spec.get("volumes") or ():
        yield from _named(volume.get(word), key)
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(source.get(word), "name")
    if kind == SECRET:
        for source in spec.get("imagePullSecrets") or ():
            yield from _named(source, "name")


def _containers(spec: Any) -> Iterator[dict[str, Any]]:
    for word in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(word) or ()


def _named(holder: Any, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(holder, dict) and isinstance(holder.get(key), str):
        yield holder, key


def _copy(tree: Json) -> Json:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree
