"""What is mounted into a container: volumes, paths of the host, memory, and configs and secrets as files."""

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from releaser.engines.moby.units import byte_count, file_mode, texts
from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap, Value


def mounts(words: JsonMap, root: Path) -> Iterator[tuple[str, dict[str, Json]]]:
    """Each of the service's `volumes` with its key, as the API's Mount; relative paths are from `root`.

    What a Mount has no field for is left to the engine: `bind.selinux`.
    """
    for key, mount in sorted((words.get("volumes") or {}).items()):
        yield key, _mount(mount, root)


def _mount(mount: JsonMap, root: Path) -> dict[str, Json]:
    kind = mount.get("type", "volume")
    found: dict[str, Json] = {"Type": kind, "Target": mount["target"]}
    if kind != "tmpfs":
        found["Source"] = host_path(mount["source"], root) if kind == "bind" else mount["source"]
    if mount.get("read_only"):
        found["ReadOnly"] = True
    options = _MOUNT_OPTIONS[kind](mount.get(kind) or {})
    if options:
        found[f"{kind.title()}Options"] = options
    return found


def host_path(path: str, root: Path) -> str:
    """A declared path as a path on the host: `~` is the home of whoever delivers, else it is from `root`."""
    return os.path.normpath(root / os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for an unknown user


def _bind_options(bind: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if "propagation" in bind:
        found["Propagation"] = bind["propagation"]
    if bind.get("create_host_path"):
        found["CreateMountpoint"] = True
    return found


def _volume_options(volume: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if volume.get("nocopy"):
        found["NoCopy"] = True
    if "subpath" in volume:
        found["Subpath"] = volume["subpath"]
    return found


def _tmpfs_options(tmpfs: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if "size" in tmpfs:
        found["SizeBytes"] = byte_count(tmpfs["size"])
    if "mode" in tmpfs:
        found["Mode"] = file_mode(tmpfs["mode"])
    return found


_MOUNT_OPTIONS = {"bind": _bind_options, "volume": _volume_options, "tmpfs": _tmpfs_options}


class File(Value, frozen=True, kw_only=True):
    """A config or secret as it is mounted."""

    name: str  # the declared name
    target: str  # absolute
    uid: str | None
    gid: str | None
    mode: int | None


def config_files(words: JsonMap) -> tuple[File, ...]:
    """The service's configs, in the order of their names."""
    return tuple(_file(name, mount or {}, "/") for name, mount in sorted((words.get("configs") or {}).items()))


def secret_files(words: JsonMap) -> tuple[File, ...]:
    """The service's mounted secrets, in the order of their names."""
    found = sorted((words.get("secrets") or {}).items())
    return tuple(_file(name, mount or {}, SECRETS_FOLDER) for name, mount in found)


SECRETS_FOLDER = "/run/secrets"


def _file(name: str, mount: JsonMap, folder: str) -> File:
    return File(
        name=name,
        target="/" + posixpath.normpath(posixpath.join(folder, mount.get("target", name))).lstrip("/"),
        uid=text(mount["uid"]) if "uid" in mount else None,
        gid=text(mount["gid"]) if "gid" in mount else None,
        mode=file_mode(mount["mode"]) if "mode" in mount else None,
    )


def tmpfs(words: JsonMap) -> dict[str, str]:
    """The folders of `tmpfs`, each with its options as mount takes them."""
    found = {}
    for entry in texts(words.get("tmpfs") or []):
        folder, _, options = entry.partition(":")
        found[folder] = options
    return dict(sorted(found.items()))
