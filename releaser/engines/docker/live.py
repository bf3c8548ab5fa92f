"""A container's inspection in the words that were declared; pure.

What has no word stays under the API's own path, so that nothing that somebody changes by hand goes unseen.
"""

from collections.abc import Callable, Mapping

from releaser.engines.docker.labels import Noted
from releaser.engines.docker.spelling import Body, Tree, cpus, span, without
from releaser.engines.moby import marks
from releaser.engines.moby import words as api
from releaser.engines.moby.service import lenders
from releaser.model.value import Json, JsonMap, Path, parse_path

_COMPOSE = "com.docker.compose."
_SHORT = 12  # characters of an id that Docker names a container by

Read = Callable[[Json], Json]


def words(inspected: JsonMap, noted: Noted | None, lent: Mapping[str, str] | None = None) -> dict[str, Json]:
    """One container as it is live, without what its `ignore` list leaves to others.

    `lent`: service → the container whose namespaces it lends.
    """
    declared: JsonMap = noted.body if noted else {}
    tree = Tree({"Config": inspected["Config"], "HostConfig": inspected["HostConfig"]})
    body = Body()
    for place, word, read in _PLAIN:
        value = tree.take(*place)
        if value not in (None, "", [], {}, 0, False):
            body.put(word, read(value))
    hostname = tree.take("Config", "Hostname")
    if declared.get("hostname") or (noted is None and hostname != inspected["Id"][:_SHORT]):
        body.put(("hostname",), hostname)
    body.put(("environment",), _variables(tree, declared))
    body.put(("labels",), _labels(tree))
    _health(tree, body)
    _restart(tree, body, declared)
    _memory(tree, body, declared)
    _ports(tree, body, declared)
    _mounts(tree, body, declared, noted)
    _namespaces(tree, body, declared, lent or {})
    body.put(("networks",), _networks(inspected, declared, noted))
    body.put(("configs",), declared.get("configs"))
    body.put(("secrets",), declared.get("secrets"))
    body.put(("state",), _state(inspected, declared, idle=noted is not None and noted.idle))
    found = {**body.tree, **tree.rest()}
    for path in noted.ignored if noted else ():
        found = without(found, parse_path(path))
    return found


def lasting(body: JsonMap) -> dict[str, Json]:
    """Of such words what cannot be put right without another container, whatever the number of instances."""
    found = dict(body)
    for path in _PUT_RIGHT:
        found = without(found, path)
    return found


_PUT_RIGHT: tuple[Path, ...] = (
    ("networks",),
    ("restart",),
    ("deploy", "restart_policy"),
    ("deploy", "replicas"),
    ("state",),
    ("container_name",),
    ("instances",),
)


# --- from which path to which word ---


def _same(value: Json) -> Json:
    return value


def _hosts(entries: list[str]) -> Json:
    return dict(sorted(entry.split(":", 1) for entry in entries))


def _limits(entries: list[JsonMap]) -> Json:
    return {one["Name"]: {"soft": one.get("Soft", 0), "hard": one.get("Hard", 0)} for one in entries}


def _tmpfs(folders: JsonMap) -> Json:
    return [f"{folder}:{options}" if options else folder for folder, options in sorted(folders.items())]


def _devices(entries: list[JsonMap]) -> Json:
    return [f"{one['PathOnHost']}:{one['PathInContainer']}:{one['CgroupPermissions']}" for one in entries]


_CONFIG: Mapping[str, tuple[str, Read]] = {
    "Image": ("image", _same),
    "Cmd": ("command", _same),
    "Entrypoint": ("entrypoint", _same),
    "WorkingDir": ("working_dir", _same),
    "User": ("user", _same),
    "Tty": ("tty", _same),
    "OpenStdin": ("stdin_open", _same),
    "StopSignal": ("stop_signal", _same),
    "StopTimeout": ("stop_grace_period", lambda seconds: f"{seconds}s"),
    "Domainname": ("domainname", _same),
}
_HOST: Mapping[str, tuple[str, Read]] = {
    "GroupAdd": ("group_add", _same),
    "Init": ("init", _same),
    "Annotations": ("annotations", _same),
    "ExtraHosts": ("extra_hosts", _hosts),
    "Dns": ("dns", _same),
    "DnsSearch": ("dns_search", _same),
    "DnsOptions": ("dns_opt", _same),
    "ReadonlyRootfs": ("read_only", _same),
    "CapAdd": ("cap_add", sorted),
    "CapDrop": ("cap_drop", sorted),
    "SecurityOpt": ("security_opt", _same),
    "Ulimits": ("ulimits", _limits),
    "Sysctls": ("sysctls", _same),
    "Privileged": ("privileged", _same),
    "Devices": ("devices", _devices),
    "UsernsMode": ("userns_mode", _same),
    "CgroupParent": ("cgroup_parent", _same),
    "OomScoreAdj": ("oom_score_adj", _same),
    "Tmpfs": ("tmpfs", _tmpfs),
    "NanoCpus": ("deploy.resources.limits.cpus", cpus),
    "PidsLimit": ("deploy.resources.limits.pids", _same),
    "MemoryReservation": ("deploy.resources.reservations.memory", _same),
}
_PLAIN: tuple[tuple[Path, Path, Read], ...] = (
    *((("Config", field), (word,), read) for field, (word, read) in _CONFIG.items()),
    *((("HostConfig", field), tuple(word.split(".")), read) for field, (word, read) in _HOST.items()),
)


# --- what takes more than a word ---


def _variables(tree: Tree, declared: JsonMap) -> dict[str, Json]:
    """A variable that was given a secret holds it for as long as the container is there."""
    given = declared.get("environment") or {}
    found: dict[str, Json] = {}
    odd = []
    for entry in tree.take("Config", "Env") or []:
        name, equals, value = entry.partition("=")
        if not equals or name in found:
            odd.append(entry)
        else:
            found[name] = dict(given[name]) if isinstance(given.get(name), Mapping) else value
    tree.put(odd, "Config", "Env")
    return found


def _labels(tree: Tree) -> dict[str, str]:
    own = marks.own(tree.take("Config", "Labels"))
    return {name: text for name, text in own.items() if not name.startswith(_COMPOSE)}


def _health(tree: Tree, body: Body) -> None:
    test = tree.take("Config", "Healthcheck", "Test")
    if test == api.NO_CHECK:
        body.put(("healthcheck", "disable"), True)
    elif test:
        body.put(("healthcheck", "test"), test)
    for name, word in (
        ("Interval", "interval"),
        ("Timeout", "timeout"),
        ("StartPeriod", "start_period"),
        ("StartInterval", "start_interval"),
    ):
        value = tree.take("Config", "Healthcheck", name)
        body.put(("healthcheck", word), span(value) if value else None)
    body.put(("healthcheck", "retries"), tree.take("Config", "Healthcheck", "Retries"))


def _restart(tree: Tree, body: Body, declared: JsonMap) -> None:
    """Under the word that it was declared by."""
    policy = tree.take("HostConfig", "RestartPolicy") or {}
    name, most = policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0
    at = ("deploy", "restart_policy")
    if (declared.get("deploy") or {}).get("restart_policy"):
        conditions = {"no": "none", "always": "any", "unless-stopped": "any"}
        body.put((*at, "condition"), conditions.get(name, name))
        body.put((*at, "max_attempts"), most or None)
    elif name != "no" or "restart" in declared:
        body.put(("restart",), f"{name}:{most}" if most else name)


def _memory(tree: Tree, body: Body, declared: JsonMap) -> None:
    """The limit, to which Docker itself adds as much swap again; and what has a default of the engine's."""
    limit, swap = tree.take("HostConfig", "Memory") or 0, tree.take("HostConfig", "MemorySwap") or 0
    body.put(("deploy", "resources", "limits", "memory"), limit or None)
    if swap not in {0, 2 * limit}:
        tree.put(swap, "HostConfig", "MemorySwap")
    shm, unsaid = tree.take("HostConfig", "ShmSize"), 64 << 20
    body.put(("shm_size",), shm if shm != unsaid else None)
    runtime = tree.take("HostConfig", "Runtime")
    body.put(("runtime",), runtime if "runtime" in declared else None)  # else the engine's own choice
    logging = tree.take("HostConfig", "LogConfig") or {}
    body.put(("logging", "driver"), logging.get("Type"))
    body.put(("logging", "options"), logging.get("Config"))


def _ports(tree: Tree, body: Body, declared: JsonMap) -> None:
    """Published ones by the name that they were declared by, else as `8080/tcp`."""
    keys: dict[str, list[str]] = {}
    for port in api.ports(declared):
        if port.outside:
            keys.setdefault(port.inside, []).append(port.key)
    found: dict[str, Json] = {}
    for inside, bindings in sorted((tree.take("HostConfig", "PortBindings") or {}).items()):
        known = keys.get(inside, [])
        target, _, protocol = inside.partition("/")
        for index, binding in enumerate(bindings or [{}]):
            key = known[index] if index < len(known) else inside + "+" * max(0, index - len(known))
            published = binding.get("HostPort")
            one: dict[str, Json] = {
                "target": int(target),
                "published": int(published) if (published or "").isdecimal() and published != "0" else "auto",
            }
            one |= {"protocol": protocol} if protocol != "tcp" else {}
            one |= {"host_ip": binding["HostIp"]} if binding.get("HostIp") else {}
            found[key] = one
    body.put(("ports",), found)
    inside_only = (tree.take("Config", "ExposedPorts") or {}).keys() - {
        f"{one['target']}/{one.get('protocol', 'tcp')}" for one in found.values()
    }
    body.put(("expose",), sorted(inside_only))


def _mounts(tree: Tree, body: Body, declared: JsonMap, noted: Noted | None) -> None:
    """By the names that they were declared by; not the volumes of the container's own."""
    keys = {mount["target"]: key for key, mount in (declared.get("volumes") or {}).items()}
    own = set(noted.files.values()) if noted else set()
    found: dict[str, Json] = {}
    for mount in tree.take("HostConfig", "Mounts") or []:
        anonymous = mount["Type"] == "volume" and mount["Target"] not in keys and len(mount.get("Source", "")) == 64
        if mount.get("Source") not in own and not anonymous:
            found[keys.get(mount["Target"], mount["Target"])] = _mount(mount)
    for bind in tree.take("HostConfig", "Binds") or []:
        source, target, *options = bind.split(":")
        kind = "bind" if source.startswith("/") else "volume"
        one: dict[str, Json] = {"type": kind, "source": source, "target": target}
        said = options[0].split(",") if options else []
        one |= {"read_only": True} if "ro" in said else {}
        more = sorted(set(said) - {"ro", "rw"})
        found[keys.get(target, target)] = one | ({"options": more} if more else {})
    body.put(("volumes",), found)
    tree.take("Config", "Volumes")  # of the image


def _mount(mount: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {"type": mount["Type"], "target": mount["Target"]}
    if mount.get("Source"):
        found["source"] = mount["Source"]
    if mount.get("ReadOnly"):
        found["read_only"] = True
    more = {name: value for name, value in mount.items() if name.endswith("Options") and value}
    return found | more


_USUAL = {"private", "shareable"}
"""The engine's own choice of `ipc`."""


def _namespaces(tree: Tree, body: Body, declared: JsonMap, lent: Mapping[str, str]) -> None:
    """Another container's ones by the service that lends them, as long as it is that service's."""
    lending = lenders(declared)
    for word, field in (("network_mode", "NetworkMode"), ("pid", "PidMode"), ("ipc", "IpcMode")):
        mode: str = tree.take("HostConfig", field) or ""
        kind, _, id_ = mode.partition(":")
        if kind == "container":
            other = lending.get(word)
            body.put((word,), f"service:{other}" if other and lent.get(other) == id_ else "container:gone")
        elif declared.get(word) or (mode in {"host", "none"} if word == "network_mode" else mode not in _USUAL):
            body.put((word,), mode)


def _networks(inspected: JsonMap, declared: JsonMap, noted: Noted | None) -> dict[str, Json]:
    keys = {joined["name"]: key for key, joined in (declared.get("networks") or {}).items()}
    found: dict[str, Json] = {}
    for real, joined in sorted((inspected["NetworkSettings"].get("Networks") or {}).items()):
        if real in {"host", "none", "bridge"} and real not in keys and declared.get("networks") is None:
            continue
        aliases = sorted(set(joined.get("Aliases") or []) - {inspected["Id"][:_SHORT]})
        one: dict[str, Json] = {"name": real}
        if noted is not None and noted.service in aliases:
            aliases.remove(noted.service)
        elif noted is not None:
            one["alias"] = "removed"  # the name that others reach it by
        addresses = joined.get("IPAMConfig") or {}
        one |= {
            word: value
            for word, value in (
                ("aliases", aliases),
                ("ipv4_address", addresses.get("IPv4Address")),
                ("ipv6_address", addresses.get("IPv6Address")),
                ("driver_opts", joined.get("DriverOpts")),
            )
            if value
        }
        found[keys.get(real, real)] = one
    return found


def _state(inspected: JsonMap, declared: JsonMap, *, idle: bool) -> str | None:
    """Nothing where it runs, or has ended as it was to."""
    state: str = inspected["State"]["Status"]
    if state in {"running", "restarting"} or (idle and state == "created"):
        return None
    if state == "exited" and inspected["State"].get("ExitCode") == 0 and may_end(declared):
        return None
    return state


def may_end(declared: JsonMap) -> bool:
    """Whether ending well is what the service is there for: it is a job, or says that it is not started again."""
    wanted = api.restarting(declared)
    return api.is_job(declared) or (wanted is not None and wanted.condition != "any")
