"""A declared service as the body that a container is made from; pure."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from releaser.engines.moby import words as api
from releaser.engines.moby.service import lenders
from releaser.model.value import Json, JsonMap, Value

_POLICIES = {"none": "no", "on-failure": "on-failure"}


class Given(Value, frozen=True, kw_only=True):
    """What a body needs beside the words: names and values that are known when it is written."""

    root: Path  # relative paths are from there
    labels: Mapping[str, str] = {}
    values: Mapping[str, str] = {}  # secret → the text for variables
    lent: Mapping[str, str] = {}  # service → the container whose namespaces are shared
    files: Mapping[str, str] = {}  # folder → the volume with files in it
    carried: Mapping[str, str] = {}  # folder → a volume without a name that the predecessor has there


class Body(Value, frozen=True, kw_only=True):
    """What `POST /containers/create` gets, and the networks that are joined before the start."""

    name: str
    platform: str | None
    body: JsonMap
    networks: tuple[tuple[str, JsonMap], ...] = ()  # beside the first, which is in the body: name, EndpointConfig


def container(service: str, name: str, words: JsonMap, given: Given) -> Body:
    """The body of one instance."""
    host: dict[str, Json] = {}
    body: dict[str, Json] = {
        "Image": words["image"],
        "Labels": {**api.texts_by_name(words.get("labels")), **given.labels},
    }
    for word, (field, read) in _CONFIG.items():
        if words.get(word) is not None:
            body[field] = read(words[word])
    for word, (field, read) in _HOST.items():
        if words.get(word) is not None:
            host[field] = read(words[word])
    body["Env"] = _variables(words, given.values)
    health = api.health_config(words.get("healthcheck"))
    if health:
        body["Healthcheck"] = health
    host |= {**_ports(body, words), **_resources(words), **_shared(words, given)}
    host |= _mounted(words, given)
    host["RestartPolicy"] = restart_policy(words)
    joined = _networks(service, words)
    if joined:
        host["NetworkMode"] = joined[0][0]
        body["NetworkingConfig"] = {"EndpointsConfig": dict(joined[:1])}
    body["HostConfig"] = host
    return Body(name=name, platform=words.get("platform"), body=body, networks=tuple(joined[1:]))


Read = Callable[[Json], Json]


def _same(value: Json) -> Json:
    return value


def _seconds(span: str) -> int:
    return math.ceil(api.seconds(span))


_CONFIG: Mapping[str, tuple[str, Read]] = {
    "command": ("Cmd", api.argv),
    "entrypoint": ("Entrypoint", api.argv),
    "working_dir": ("WorkingDir", _same),
    "user": ("User", api.text),
    "tty": ("Tty", _same),
    "stdin_open": ("OpenStdin", _same),
    "stop_signal": ("StopSignal", _same),
    "stop_grace_period": ("StopTimeout", _seconds),
    "hostname": ("Hostname", _same),
    "domainname": ("Domainname", _same),
}


def _devices(words: Json) -> Json:
    return [
        {"PathOnHost": one.source, "PathInContainer": one.target, "CgroupPermissions": one.permissions}
        for one in api.devices({"devices": words})
    ]


def _hosts(hosts: JsonMap) -> Json:
    return [f"{name}:{address}" for name, address in sorted(hosts.items())]


def _logging(words: JsonMap) -> Json:
    return {"Type": words.get("driver", ""), "Config": api.texts_by_name(words.get("options"))}


_HOST: Mapping[str, tuple[str, Read]] = {
    "group_add": ("GroupAdd", api.texts),
    "init": ("Init", _same),
    "annotations": ("Annotations", api.texts_by_name),
    "logging": ("LogConfig", _logging),
    "extra_hosts": ("ExtraHosts", _hosts),
    "dns": ("Dns", api.texts),
    "dns_search": ("DnsSearch", api.texts),
    "dns_opt": ("DnsOptions", api.texts),
    "shm_size": ("ShmSize", api.byte_count),
    "read_only": ("ReadonlyRootfs", _same),
    "cap_add": ("CapAdd", api.capabilities),
    "cap_drop": ("CapDrop", api.capabilities),
    "security_opt": ("SecurityOpt", api.texts),
    "ulimits": ("Ulimits", lambda limits: api.ulimits({"ulimits": limits})),
    "sysctls": ("Sysctls", api.texts_by_name),
    "privileged": ("Privileged", _same),
    "devices": ("Devices", _devices),
    "userns_mode": ("UsernsMode", _same),
    "cgroup_parent": ("CgroupParent", _same),
    "runtime": ("Runtime", _same),
    "oom_score_adj": ("OomScoreAdj", _same),
    "tmpfs": ("Tmpfs", lambda folders: api.tmpfs({"tmpfs": folders})),
}


def _variables(words: JsonMap, values: Mapping[str, str]) -> list[str]:
    found = []
    for name, value in sorted((words.get("environment") or {}).items()):
        shown = values[value["secret"]] if isinstance(value, Mapping) else api.text(value)
        found.append(f"{name}={shown}")
    return found


def _ports(body: dict[str, Json], words: JsonMap) -> dict[str, Json]:
    inside = api.exposed(words)
    if inside:
        body["ExposedPorts"] = {port: {} for port in inside}
    bindings: dict[str, list[Json]] = {}
    for port in api.ports(words):
        if port.outside:
            published = "" if port.published is None else str(port.published)
            bindings.setdefault(port.inside, []).append({"HostIp": port.host_ip or "", "HostPort": published})
    return {"PortBindings": bindings} if bindings else {}


def _resources(words: JsonMap) -> dict[str, Json]:
    resources = (words.get("deploy") or {}).get("resources") or {}
    found = {}
    for (part, word), (field, read) in _RESOURCES.items():
        value = (resources.get(part) or {}).get(word)
        if value is not None:
            found[field] = read(value)
    return found


_RESOURCES: Mapping[tuple[str, str], tuple[str, Read]] = {
    ("limits", "cpus"): ("NanoCpus", api.nano_cpus),
    ("limits", "memory"): ("Memory", api.byte_count),
    ("limits", "pids"): ("PidsLimit", int),
    ("reservations", "memory"): ("MemoryReservation", api.byte_count),
}


def restart_policy(words: JsonMap) -> dict[str, Json]:
    """The API's RestartPolicy; a job is never started again by the engine."""
    wanted = api.restarting(words)
    if wanted is None or (api.is_job(words) and wanted.condition == "any"):
        return {"Name": "no", "MaximumRetryCount": 0}
    name = _POLICIES.get(wanted.condition, "always" if wanted.by_hand else "unless-stopped")
    return {"Name": name, "MaximumRetryCount": (wanted.attempts or 0) if name == "on-failure" else 0}


def _shared(words: JsonMap, given: Given) -> dict[str, Json]:
    """Namespaces: the host's, one of its own, or another container's."""
    found: dict[str, Json] = {}
    for word, field in (("network_mode", "NetworkMode"), ("pid", "PidMode"), ("ipc", "IpcMode")):
        if words.get(word):
            other = lenders(words).get(word)
            found[field] = f"container:{given.lent[other]}" if other else words[word]
    return found


def _mounted(words: JsonMap, given: Given) -> dict[str, Json]:
    """Named things as Mounts; what a Mount cannot say (making a host's folder, SELinux) as Binds."""
    mounts: list[Json] = []
    binds: list[str] = []
    declared = words.get("volumes") or {}
    for key, mount in api.mounts(words, given.root):
        bind = declared[key].get("bind") or {}
        if mount["Type"] == "bind" and (bind.get("create_host_path") or bind.get("selinux")):
            options = ["ro" if mount.get("ReadOnly") else "rw", bind.get("selinux"), bind.get("propagation")]
            binds.append(":".join((mount["Source"], mount["Target"], ",".join(filter(None, options)))))
        else:
            mounts.append(mount)
    for folder, volume in sorted({**given.carried, **given.files}.items()):
        mounts.append({"Type": "volume", "Source": volume, "Target": folder})
    found: dict[str, Json] = {"Mounts": mounts} if mounts else {}
    return found | ({"Binds": binds} if binds else {})


def _networks(service: str, words: JsonMap) -> list[tuple[str, JsonMap]]:
    """What it joins, in the order in which it does: by priority, then by name."""
    joined: Mapping[str, JsonMap] = words.get("networks") or {}
    order = sorted(joined, key=lambda key: (-joined[key].get("priority", 0), key))
    return [(joined[key]["name"], endpoint(service, joined[key])) for key in order]


def endpoint(service: str, joined: JsonMap) -> dict[str, Json]:
    """The API's EndpointSettings: under the service's name, and the declared aliases."""
    found: dict[str, Json] = {"Aliases": [service, *(one for one in joined.get("aliases") or [] if one != service)]}
    addresses = {
        name: joined[word]
        for word, name in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address"))
        if joined.get(word)
    }
    if addresses:
        found["IPAMConfig"] = addresses
    if joined.get("mac_address"):
        found["MacAddress"] = joined["mac_address"]
    if joined.get("driver_opts"):
        found["DriverOpts"] = api.texts_by_name(joined["driver_opts"])
    return found


def writable(words: JsonMap) -> Iterator[str]:
    """The mounts that two instances would both write to."""
    for key, mount in sorted((words.get("volumes") or {}).items()):
        if mount.get("type", "volume") != "tmpfs" and not mount.get("read_only"):
            yield key
