"""A Compose project on a real engine, taken over by what `release init --from` makes of it, and both by inspection."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releaser.engines.moby.client import Client

NOT_COMPARED = """\
- names, ids, times; a host name that is the container's own id
- labels of Compose and of ours
- how an image is named: by a tag, by its digest; that it is the same image is compared
- whether a client is attached to the output
- the container's own name and id among its aliases; links, which are aliases of the other one here
- addresses, MAC addresses and random ports
- whether a mount came as a bind or as a mount; what is mounted is compared
- the volume behind a mount that has no name in Compose
- how configs and secrets get into the container: what is in the files is compared
- the order of variables, capabilities, limits, hosts, ports and mounts; nothing, as null, as empty, or not there
"""
"""What two containers may differ in and still be the same."""

_ID = re.compile(r"[0-9a-f]{12}\Z")
_GENERATED = re.compile(r"[0-9a-f]{64}\Z")
_ELSEWHERE = ("Binds", "Mounts", "NetworkMode", "Links", "ContainerIDFile")
_ATTACHED = ("AttachStdin", "AttachStdout", "AttachStderr", "Image", "Labels", "Hostname")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with a Compose project, and the commands that run it."""

    root: Path
    name: str  # of the Compose project, and of ours
    environ: Mapping[str, str]

    def compose(self, *words: str) -> str:
        """Run `docker compose`."""
        return self._run("docker", "compose", "-p", self.name, *words)

    def release(self, *words: str, code: int = 0) -> str:
        """Run `release`."""
        return self._run(sys.executable, "-m", "releaser", *words, code=code)

    def _run(self, *words: str, code: int = 0) -> str:
        environ = {**os.environ, **self.environ, "HOME": str(self.root.parent)}
        done = subprocess.run(
            words, cwd=self.root, env=environ, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    def inside(self, container: str, *command: str) -> str:
        """Run a command in a container."""
        return self._run("docker", "exec", container, *command)


def composed(client: Client, project: str) -> dict[tuple[str, int], Any]:
    """(service, number) → what inspection says of a Compose project's containers."""
    found = _inspected(client, f"com.docker.compose.project={project}")
    labels = "com.docker.compose.service", "com.docker.compose.container-number"
    return {(one["Config"]["Labels"][labels[0]], int(one["Config"]["Labels"][labels[1]])): one for one in found}


def delivered(client: Client, project: str) -> dict[tuple[str, int], Any]:
    """(service, number) → what inspection says of what was delivered."""
    found = _inspected(client, f"releaser.project={project}")
    labels = "releaser.name", "releaser.number"
    return {
        (one["Config"]["Labels"][labels[0]], int(one["Config"]["Labels"].get(labels[1], "1"))): one for one in found
    }


def _inspected(client: Client, label: str) -> list[Any]:
    listed = client.call("GET", "/containers/json", params={"all": True, "filters": {"label": [label]}})
    return [client.call("GET", f"/containers/{one['Id']}/json") for one in listed]


def comparable(one: Any, files: Mapping[str, str], linked: frozenset[str]) -> dict[str, Any]:
    """A container without what is not compared: `files` are configs and secrets, by path, `linked` names of links."""
    config = {word: value for word, value in one["Config"].items() if word not in _ATTACHED}
    host = {word: value for word, value in one["HostConfig"].items() if word not in _ELSEWHERE}
    names = {one["Id"][:12], one["Name"].removeprefix("/")}
    return _without_nothing({
        **config,
        "Image": one["Image"],
        "Hostname": None if _ID.match(one["Config"]["Hostname"]) else one["Config"]["Hostname"],
        "NetworkMode": _network_mode(one["HostConfig"]["NetworkMode"]),
        "Env": sorted(one["Config"]["Env"] or []),
        "ExposedPorts": sorted(port if "/" in port else f"{port}/tcp" for port in config.get("ExposedPorts") or []),
        "Labels": {name: text for name, text in one["Config"]["Labels"].items() if not _tools(name)},
        "HostConfig": {
            **host,
            "ExtraHosts": sorted(host["ExtraHosts"] or []),
            "Ulimits": sorted(host["Ulimits"] or [], key=lambda limit: limit["Name"]),
            **{word: sorted(name.removeprefix("CAP_") for name in host[word] or []) for word in ("CapAdd", "CapDrop")},
        },
        "Mounts": dict(_mount(mount) for mount in one["Mounts"] if not _holds_files(mount, files)),
        "Networks": {
            name: {"aliases": sorted(set(joined["Aliases"] or []) - names - linked), "ipam": joined["IPAMConfig"]}
            for name, joined in one["NetworkSettings"]["Networks"].items()
        },
        "Running": one["State"]["Running"],
        "ExitCode": None if one["State"]["Running"] else one["State"]["ExitCode"],
    })  # fmt: skip


def _network_mode(mode: str) -> str | None:
    """The mode that is no network."""
    return mode.partition(":")[0] if mode in {"none", "host"} or mode.startswith("container:") else None


def _tools(label: str) -> bool:
    return label.startswith(("com.docker.compose.", "releaser."))


def _mount(mount: Any) -> tuple[str, Any]:
    source = mount["Source"] if mount["Type"] == "bind" else mount.get("Name", "")
    nameless = bool(_GENERATED.match(source)) or source.endswith("-anon")
    return mount["Destination"], {
        "type": mount["Type"],
        "source": "(without a name)" if nameless else source,
        "writable": mount["RW"],
        "propagation": mount["Propagation"],
    }


def _holds_files(mount: Any, files: Mapping[str, str]) -> bool:
    folders = {str(Path(file).parent) for file in files}
    return mount["Destination"] in files or mount["Destination"] in folders


def _without_nothing(tree: Any) -> Any:
    if isinstance(tree, dict):
        kept = {key: _without_nothing(value) for key, value in tree.items()}
        return {key: value for key, value in kept.items() if value not in (None, "", [], {})}
    return [_without_nothing(value) for value in tree] if isinstance(tree, list) else tree
