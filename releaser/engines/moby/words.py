"""Declared words in the units and shapes of the Docker Engine's API, where both engines want the same."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap, Value

NO_CHECK = ["NONE"]
"""The API's word for a health check that is turned off."""

_SPAN = re.compile(r"([0-9.]+)(h|ms|us|m|s)")
_NANOSECONDS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000}
_SIZE = re.compile(r"([0-9.]+)([kmgt]?)i?b?\Z", re.IGNORECASE)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_CONDITIONS = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}


# --- units ---


def nanoseconds(span: str) -> int:
    """`1m30s` as the API counts time."""
    return int(sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _SPAN.findall(span)))


def seconds(span: str) -> float:
    """`1m30s` in seconds."""
    return nanoseconds(span) / _NANOSECONDS["s"]


def byte_count(size: str | int) -> int:
    """`64M`, `64MiB` or a number as bytes; a thousand is 1024, as everywhere in Docker."""
    found = _SIZE.match(str(size))
    if found is None:
        raise ValueError(f"not a size: {size}")
    return int(Decimal(found[1]) * _BYTES[found[2].lower()])


def nano_cpus(cpus: str | float) -> int:
    """A number of processors in billionths."""
    return int(Decimal(str(cpus)) * 1_000_000_000)


def file_mode(mode: str) -> int:
    """`0440` as a number."""
    return int(mode, 8)


def texts(value: Json) -> list[str]:
    """One text or a list as a list."""
    return [text(one) for one in value] if isinstance(value, list | tuple) else [text(value)]


def texts_by_name(values: JsonMap | None) -> dict[str, str]:
    """A map whose values are texts, in the order of its names."""
    return {key: text(value) for key, value in sorted((values or {}).items())}


def argv(command: Json) -> list[str]:
    """A command as the program and its arguments; a text is split as a shell would, but none runs it.

    Raises ValueError where a quote is open.
    """
    return shlex.split(command) if isinstance(command, str) else [text(word) for word in command]


# --- shapes that both engines take ---


def health_config(check: JsonMap | None) -> dict[str, Json] | None:
    """The API's HealthConfig; None leaves the image's own check."""
    if check is None:
        return None
    if check.get("disable"):
        return {"Test": NO_CHECK}
    found: dict[str, Json] = {}
    if "test" in check:
        test = check["test"]
        found["Test"] = ["CMD-SHELL", test] if isinstance(test, str) else list(test)
    for word, name in _CHECK_SPANS.items():
        if word in check:
            found[name] = nanoseconds(check[word])
    if "retries" in check:
        found["Retries"] = check["retries"]
    return found or None


_CHECK_SPANS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}


def checked(words: JsonMap) -> bool:
    """Whether a health check is declared; the image may have one all the same."""
    config = health_config(words.get("healthcheck"))
    return bool(config) and config is not None and config.get("Test", []) not in (NO_CHECK, [])


class Port(Value, frozen=True, kw_only=True):
    """One port of a service."""

    key: str  # the name it is declared by
    target: int
    protocol: str
    published: int | None  # None: not published, or a random one
    outside: bool  # whether it is published at all
    host_ip: str | None
    mode: str  # ingress | host; Swarm only

    @property
    def inside(self) -> str:
        """As the API and `docker port` name it: `8080/tcp`."""
        return f"{self.target}/{self.protocol}"


def ports(words: JsonMap) -> tuple[Port, ...]:
    """The service's ports, in the order of their names."""
    return tuple(_port(key, port) for key, port in sorted((words.get("ports") or {}).items()))


def _port(key: str, port: JsonMap) -> Port:
    published = port.get("published")
    return Port(
        key=key,
        target=port["target"],
        protocol=port.get("protocol", "tcp"),
        published=None if published in {None, "auto"} else int(published),
        outside=published is not None,
        host_ip=port.get("host_ip"),
        mode=port.get("mode", "ingress"),
    )


def exposed(words: JsonMap) -> tuple[str, ...]:
    """`8080/tcp` of every port that the service says it has, published or not."""
    own = {entry if "/" in entry else f"{entry}/tcp" for entry in texts(words.get("expose") or [])}
    return tuple(sorted(own | {port.inside for port in ports(words)}))


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
        target=os.path.normpath(os.path.join(folder, mount.get("target", name))),  # noqa: PTH118 - a path in a container
        uid=text(mount["uid"]) if "uid" in mount else None,
        gid=text(mount["gid"]) if "gid" in mount else None,
        mode=file_mode(mount["mode"]) if "mode" in mount else None,
    )


def ulimits(words: JsonMap) -> list[dict[str, Json]]:
    """The API's Ulimits, in the order of their names; what is one number is both limits."""
    found = []
    for name, limit in sorted((words.get("ulimits") or {}).items()):
        both = limit if isinstance(limit, Mapping) else {"soft": limit, "hard": limit}
        soft = both.get("soft", both.get("hard"))
        found.append({"Name": name, "Soft": soft, "Hard": both.get("hard", soft)})
    return found


def capabilities(names: Json) -> list[str]:
    """Linux capabilities as the engine answers them: in capitals, with `CAP_`, each once and in order."""
    found = {name.upper() for name in texts(names or [])}
    return sorted(name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}" for name in found)


class Restart(Value, frozen=True, kw_only=True):
    """When a container that ended is started again."""

    condition: str  # none | on-failure | any
    by_hand: bool = True  # False: not after somebody stopped it and the engine was restarted (unless-stopped)
    attempts: int | None = None
    delay: int | None = None  # nanoseconds
    window: int | None = None  # nanoseconds


def restart(word: str) -> Restart:
    """What `restart` says."""
    name, _, attempts = word.partition(":")
    return Restart(
        condition=_CONDITIONS[name],
        by_hand=name != "unless-stopped",
        attempts=int(attempts) if attempts else None,
    )


def restart_policy(policy: JsonMap) -> Restart:
    """What `deploy.restart_policy` says."""
    return Restart(
        condition=policy.get("condition", "any"),
        attempts=policy.get("max_attempts"),
        delay=nanoseconds(policy["delay"]) if "delay" in policy else None,
        window=nanoseconds(policy["window"]) if "window" in policy else None,
    )


def tmpfs(words: JsonMap) -> dict[str, str]:
    """The folders of `tmpfs`, each with its options as mount takes them."""
    found = {}
    for entry in texts(words.get("tmpfs") or []):
        folder, _, options = entry.partition(":")
        found[folder] = options
    return dict(sorted(found.items()))


class Device(Value, frozen=True, kw_only=True):
    """A device of the host in a container."""

    source: str
    target: str
    permissions: str  # rwm


def devices(words: JsonMap) -> tuple[Device, ...]:
    """`devices`, as declared; `/dev/a` alone is itself, with every permission."""
    return tuple(_device(entry) for entry in texts(words.get("devices") or []))


def _device(entry: str) -> Device:
    source, *more = entry.split(":")
    target = more[0] if more and more[0].startswith("/") else source
    permissions = more[-1] if more and not more[-1].startswith("/") else "rwm"
    return Device(source=source, target=target, permissions=permissions)


def replicas(words: JsonMap) -> int:
    """How many instances are to run; of `global` one on each node, which one host is."""
    deploy = words.get("deploy") or {}
    if deploy.get("mode", "replicated").startswith("global"):
        return 1
    wanted: int = deploy.get("replicas", 1)
    return wanted


def is_job(words: JsonMap) -> bool:
    """Whether the service runs to its end once, rather than on and on."""
    return str((words.get("deploy") or {}).get("mode", "")).endswith("-job")
