"""What is mounted into a service's container, and the claims that its volumes become."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from releaser.engines.kubernetes.render import names
from releaser.engines.moby import words as api
from releaser.engines.rendering import content
from releaser.model.value import Json, JsonMap, Value

READABLE = 0o444
"""The mode of files whose declaration has none: files belong to root in Kubernetes, whoever the process is."""
CONTENT = "content"
"""The key of a ConfigMap under which a config stands."""
DEFAULT_SIZE = "1Gi"


class Storage(Value, frozen=True, kw_only=True):
    """The volumes of a pod, what of them its container mounts, and the claims that each replica has of its own."""

    volumes: tuple[JsonMap, ...]
    mounts: tuple[JsonMap, ...]
    templates: tuple[JsonMap, ...]  # volumeClaimTemplates
    secrets: Mapping[str, str]  # volume → declared secret
    alone: bool  # a volume that one pod at a time may write


def storage(words: JsonMap, declared: Mapping[str, JsonMap], configs: Mapping[str, str]) -> Storage:
    """The storage of a service; `declared`: the environment's volumes; `configs`: declared name → its ConfigMap."""
    volumes: list[JsonMap] = []
    mounts: list[JsonMap] = []
    templates: list[JsonMap] = []
    secrets: dict[str, str] = {}
    alone = False
    for key, mount in sorted((words.get("volumes") or {}).items()):
        source = mount.get("source", key)
        kind = mount.get("type", "volume")
        name = names.label(source if kind == "volume" else key)
        body = declared.get(source) or {} if kind == "volume" else {}
        if "per_replica" in body:
            templates.append(claim_template(name, body["per_replica"]))
        else:
            volumes.append({"name": name, **_source(source, kind, mount, body)})
            alone = alone or (kind == "volume" and not mount.get("read_only"))
        mounts.append(_mount(name, mount))
    for file in api.config_files(words):
        name = f"config-{names.label(file.name)}"
        held = {"name": configs[file.name], "items": [_item(CONTENT, file.target)], "defaultMode": _mode(file)}
        volumes.append({"name": name, "configMap": held})
        mounts.append(_file(name, file.target))
    for file in api.secret_files(words):
        name = f"secret-{names.label(file.name)}"
        held = {"secretName": file.name, "items": [_item("value", file.target)], "defaultMode": _mode(file)}
        volumes.append({"name": name, "secret": held})
        mounts.append(_file(name, file.target))
        secrets[name] = file.name
    for name, volume, mount in _memory(words):
        volumes.append({"name": name, "emptyDir": volume})
        mounts.append({"name": name, "mountPath": mount})
    unique = {volume["name"]: volume for volume in volumes}
    return Storage(
        volumes=tuple(unique.values()), mounts=tuple(mounts), templates=tuple(templates), secrets=secrets, alone=alone
    )


def claim(key: str, body: JsonMap) -> dict[str, Any]:
    """The PersistentVolumeClaim of a volume."""
    options = body.get("driver_opts") or {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name(key, body)},
        "spec": _claim_spec(options),
    }


def claim_name(key: str, body: JsonMap | None) -> str:
    """The claim's name: as declared, else the volume's."""
    return str((body or {}).get("name") or names.label(key))


def claim_template(name: str, declared: JsonMap) -> JsonMap:
    """What each replica gets of its own."""
    return {"metadata": {"name": name}, "spec": _claim_spec(declared)}


def config_map(name: str, config: JsonMap) -> dict[str, Any]:
    """The ConfigMap of a config, by its content."""
    held = content(config)
    data = {"binaryData": {CONTENT: held["base64"]}} if "base64" in held else {"data": {CONTENT: held["content"]}}
    made = names.by_content(name, held)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": made}, "immutable": True, **data}


def _claim_spec(options: JsonMap) -> dict[str, Any]:
    found: dict[str, Any] = {
        "accessModes": [options.get("access", "ReadWriteOnce")],
        "resources": {"requests": {"storage": str(options.get("size", DEFAULT_SIZE))}},
    }
    if "storage_class" in options:
        found["storageClassName"] = options["storage_class"]
    return found


def _source(source: str, kind: str, mount: JsonMap, body: JsonMap) -> dict[str, Any]:
    if kind == "bind":
        create = (mount.get("bind") or {}).get("create_host_path")
        return {"hostPath": {"path": source, **({"type": "DirectoryOrCreate"} if create else {})}}
    if kind == "tmpfs":
        size = (mount.get("tmpfs") or {}).get("size")
        return {"emptyDir": {"medium": "Memory", **({"sizeLimit": str(api.byte_count(size))} if size else {})}}
    return {"persistentVolumeClaim": {"claimName": claim_name(source, body)}}


def _mount(name: str, mount: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {"name": name, "mountPath": mount["target"]}
    if mount.get("read_only"):
        found["readOnly"] = True
    if (mount.get("volume") or {}).get("subpath"):
        found["subPath"] = mount["volume"]["subpath"]
    return found


def _item(key: str, target: str) -> dict[str, Json]:
    return {"key": key, "path": posixpath.basename(target)}


def _file(name: str, target: str) -> dict[str, Json]:
    return {"name": name, "mountPath": target, "subPath": posixpath.basename(target), "readOnly": True}


def _mode(file: api.File) -> int:
    return READABLE if file.mode is None else file.mode


def _memory(words: JsonMap) -> Iterator[tuple[str, dict[str, Json], str]]:
    """Folders in memory: `tmpfs`, and `/dev/shm` where `shm_size` is declared."""
    for number, folder in enumerate(api.tmpfs(words)):
        yield f"tmpfs-{number}", {"medium": "Memory"}, folder
    if "shm_size" in words:
        yield "shm", {"medium": "Memory", "sizeLimit": str(api.byte_count(words["shm_size"]))}, "/dev/shm"  # noqa: S108 - where POSIX shared memory is
