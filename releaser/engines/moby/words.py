"""Declared words in the units and shapes of the Docker Engine's API, where both engines want the same."""

from collections.abc import Iterator, Mapping

from releaser.engines.moby.mounted import (
    SECRETS_FOLDER,
    File,
    config_files,
    host_path,
    mounts,
    secret_files,
    tmpfs,
)
from releaser.engines.moby.units import (
    argv,
    byte_count,
    file_mode,
    nano_cpus,
    nanoseconds,
    seconds,
    texts,
    texts_by_name,
)
from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap, Value

NO_CHECK = ["NONE"]
"""The API's word for a health check that is turned off."""

_CONDITIONS = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}


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
    own = {port for entry in texts(words.get("expose") or []) for port in _every(entry)}
    return tuple(sorted(own | {port.inside for port in ports(words)}))


def _every(entry: str) -> Iterator[str]:
    """Each port of `80`, `53/udp` or `7000-7005`."""
    span, _, protocol = entry.partition("/")
    first, _, last = span.partition("-")
    return (f"{port}/{protocol or 'tcp'}" for port in range(int(first), int(last or first) + 1))


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


def restarting(words: JsonMap) -> Restart | None:
    """What the service says; `deploy.restart_policy` goes before `restart`, as in Compose. None: it says nothing."""
    policy = (words.get("deploy") or {}).get("restart_policy")
    if policy:
        return restart_policy(policy)
    return restart(words["restart"]) if "restart" in words else None


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


__all__ = [
    "NO_CHECK",
    "SECRETS_FOLDER",
    "Device",
    "File",
    "Port",
    "Restart",
    "argv",
    "byte_count",
    "capabilities",
    "checked",
    "config_files",
    "devices",
    "exposed",
    "file_mode",
    "health_config",
    "host_path",
    "is_job",
    "mounts",
    "nano_cpus",
    "nanoseconds",
    "ports",
    "replicas",
    "restart",
    "restart_policy",
    "restarting",
    "seconds",
    "secret_files",
    "text",
    "texts",
    "texts_by_name",
    "tmpfs",
    "ulimits",
]
