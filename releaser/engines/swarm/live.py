"""A live ServiceSpec in the words that were declared; pure.

What has no word stays under the API's own path, so that nothing that somebody changes by hand goes unseen.
"""

from collections.abc import Callable, Mapping

from releaser.engines.moby import marks
from releaser.engines.swarm import mounted
from releaser.engines.swarm.labels import IDLE, Noted
from releaser.engines.swarm.spec import JOB_MODES, NOWHERE
from releaser.engines.swarm.templates import unescaped
from releaser.engines.swarm.trees import Body, Tree, drop
from releaser.model.value import Json, JsonMap, Path, Value, parse_path
from releaser.planning.drift import REPLACED

_SECOND = 1_000_000_000
_UNITS = (("h", 3600 * _SECOND), ("m", 60 * _SECOND), ("s", _SECOND), ("ms", 1_000_000), ("us", 1_000))
_CPU = 1_000_000_000


class Known(Value, frozen=True, kw_only=True):
    """What ids in a spec stand for."""

    networks: Mapping[str, str] = {}  # id → real name
    configs: Mapping[str, str] = {}  # id → declared name
    secrets: Mapping[str, str] = {}  # id → declared name


def words(spec: JsonMap, known: Known) -> dict[str, Json]:
    """The service's body as it is live, without what its `ignore` list leaves to others."""
    tree = Tree(spec, _NOTHING)
    labels: Mapping[str, str] = tree.take("Labels") or {}
    noted = Noted.of(labels)
    name = labels.get(marks.NAME, "")
    body = Body()
    for path, word, read in _PLAIN:
        value = tree.take(*path)
        if value not in (None, "", [], {}):
            body.put(word, read(value))
    body.put(("deploy", "labels"), marks.own(labels))
    body.put(("environment",), _variables(tree, noted))
    hostname = tree.take(*_CONTAINER, "Hostname") or ""
    body.put(("hostname",), unescaped(hostname))
    tree.put(hostname if unescaped(hostname) is None else None, *_CONTAINER, "Hostname")
    _health(tree, body)
    _mode(tree, body, labels)
    _placement(tree, body, idle=IDLE in labels)
    _networks(tree, body, known, noted, name)
    body.put(("ports",), _ports(tree))
    body.put(("volumes",), mounted.mounts(tree.take(*_CONTAINER, "Mounts") or [], noted))
    body.put(("configs",), mounted.files(tree.take(*_CONTAINER, "Configs") or [], "Config", known.configs))
    body.put(("secrets",), mounted.files(tree.take(*_CONTAINER, "Secrets") or [], "Secret", known.secrets))
    _small(tree, body)
    for text in noted.ignored:
        drop(body.tree, parse_path(text))
    return {**body.tree, **tree.rest()}


# --- from which path to which word ---

_TASK = ("TaskTemplate",)
_CONTAINER = (*_TASK, "ContainerSpec")

Read = Callable[[Json], Json]


def span(nanoseconds: int) -> str:
    """A time span as it is declared: `1m30s`."""
    found, rest = "", nanoseconds
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        found += f"{count}{unit}" if count else ""
    return found or "0s"


def _same(value: Json) -> Json:
    return value


def _cpus(nano: int) -> str:
    return f"{nano / _CPU:.9f}".rstrip("0").rstrip(".")


def _rollout(name: str, word: str) -> list[tuple[Path, Path, Read]]:
    return [
        ((name, key), ("deploy", word, to), read)
        for key, to, read in (
            ("Parallelism", "parallelism", _same),
            ("Delay", "delay", span),
            ("FailureAction", "failure_action", _same),
            ("Monitor", "monitor", span),
            ("MaxFailureRatio", "max_failure_ratio", str),
            ("Order", "order", _same),
        )
    ]


_PLAIN: tuple[tuple[Path, Path, Read], ...] = (
    *(
        ((*_CONTAINER, *path.split(".")), (word,), read)
        for path, word, read in (
            ("Image", "image", _same),
            ("Args", "command", _same),
            ("Command", "entrypoint", _same),
            ("Dir", "working_dir", _same),
            ("User", "user", _same),
            ("Groups", "group_add", _same),
            ("Init", "init", _same),
            ("TTY", "tty", _same),
            ("OpenStdin", "stdin_open", _same),
            ("ReadOnly", "read_only", _same),
            ("StopSignal", "stop_signal", _same),
            ("StopGracePeriod", "stop_grace_period", span),
            ("Labels", "labels", _same),
            ("CapabilityAdd", "cap_add", sorted),
            ("CapabilityDrop", "cap_drop", sorted),
            ("Sysctls", "sysctls", _same),
            ("DNSConfig.Nameservers", "dns", _same),
            ("DNSConfig.Search", "dns_search", _same),
            ("DNSConfig.Options", "dns_opt", _same),
        )
    ),
    *(
        ((*_TASK, *path.split(".")), tuple(word.split(".")), read)
        for path, word, read in (
            ("LogDriver.Name", "logging.driver", _same),
            ("LogDriver.Options", "logging.options", _same),
            ("Resources.Limits.NanoCPUs", "deploy.resources.limits.cpus", _cpus),
            ("Resources.Limits.MemoryBytes", "deploy.resources.limits.memory", _same),
            ("Resources.Limits.Pids", "deploy.resources.limits.pids", _same),
            ("Resources.Reservations.NanoCPUs", "deploy.resources.reservations.cpus", _cpus),
            ("Resources.Reservations.MemoryBytes", "deploy.resources.reservations.memory", _same),
            ("RestartPolicy.Condition", "deploy.restart_policy.condition", _same),
            ("RestartPolicy.Delay", "deploy.restart_policy.delay", span),
            ("RestartPolicy.MaxAttempts", "deploy.restart_policy.max_attempts", _same),
            ("RestartPolicy.Window", "deploy.restart_policy.window", span),
            ("Placement.MaxReplicas", "deploy.placement.max_replicas_per_node", _same),
        )
    ),
    *_rollout("UpdateConfig", "update_config"),
    *_rollout("RollbackConfig", "rollback_config"),
    (("EndpointSpec", "Mode"), ("deploy", "endpoint_mode"), _same),
)

_NOTHING = {
    ("Name",): None,
    (*_CONTAINER, "Isolation"): "default",
    (*_TASK, "Runtime"): "container",
    (*_TASK, "ForceUpdate"): None,  # a restart by hand changes nothing that was declared
    (*_TASK, "RestartPolicy", "MaxAttempts"): 0,
    ("UpdateConfig", "MaxFailureRatio"): 0,
    ("RollbackConfig", "MaxFailureRatio"): 0,
}
"""What the engine adds by itself; None is any value."""


# --- what takes more than a word ---


def _variables(tree: Tree, noted: Noted) -> dict[str, Json]:
    found: dict[str, Json] = {}
    odd = []
    for entry in tree.take(*_CONTAINER, "Env") or []:
        name, equals, value = entry.partition("=")
        text = unescaped(value)
        if name in noted.sealed and name not in found:
            found[name] = {"secret": noted.sealed[name].secret} if noted.sealed[name].holds(value) else REPLACED
        elif not equals or name in found or text is None:
            odd.append(f"{name}={REPLACED}" if name in noted.sealed else entry)
        else:
            found[name] = text
    tree.put(odd, *_CONTAINER, "Env")
    return found


def _health(tree: Tree, body: Body) -> None:
    test = tree.take(*_CONTAINER, "Healthcheck", "Test")
    if test == ["NONE"]:
        body.put(("healthcheck", "disable"), True)
    elif test:
        body.put(("healthcheck", "test"), test)
    for name, word in (
        ("Interval", "interval"),
        ("Timeout", "timeout"),
        ("StartPeriod", "start_period"),
        ("StartInterval", "start_interval"),
    ):
        value = tree.take(*_CONTAINER, "Healthcheck", name)
        body.put(("healthcheck", word), span(value) if value else None)
    body.put(("healthcheck", "retries"), tree.take(*_CONTAINER, "Healthcheck", "Retries"))


def _mode(tree: Tree, body: Body, labels: Mapping[str, str]) -> None:
    """Replicas are always shown: nobody declares them, and somebody scales them."""
    mode: JsonMap = tree.take("Mode") or {}
    kind = next(iter(mode), "Replicated")
    how = dict(mode.get(kind) or {})
    body.put(("deploy", "mode"), {name: word for word, name in JOB_MODES.items()}.get(kind, kind.lower()))
    if kind == "Replicated":
        body.put(("deploy", "replicas"), how.pop("Replicas", 1))
    elif kind == "ReplicatedJob":
        total = how.pop("TotalCompletions", 1)
        total = int(labels[IDLE]) if total == 0 and labels.get(IDLE, "").isdecimal() else total
        body.put(("deploy", "replicas"), total)
        if how.get("MaxConcurrent") == max(total, 1):
            del how["MaxConcurrent"]
    tree.put(how, "Mode", kind)


def _placement(tree: Tree, body: Body, *, idle: bool) -> None:
    constraints = tree.take(*_TASK, "Placement", "Constraints") or []
    body.put(("deploy", "placement", "constraints"), [one for one in constraints if not (idle and one == NOWHERE)])
    preferences = tree.take(*_TASK, "Placement", "Preferences") or []
    spread = [{"spread": one["Spread"]["SpreadDescriptor"]} for one in preferences if one.get("Spread")]
    body.put(("deploy", "placement", "preferences"), spread)
    platforms = tree.take(*_TASK, "Placement", "Platforms") or []
    texts = [f"{one.get('OS', '')}/{one.get('Architecture') or 'arm'}" for one in platforms]
    body.put(("platform",), texts[0] if len(texts) == 1 else texts)


def _networks(tree: Tree, body: Body, known: Known, noted: Noted, name: str) -> None:
    found: dict[str, Json] = {}
    for joined in tree.take(*_TASK, "Networks") or []:
        real = known.networks.get(joined["Target"], joined["Target"])
        if real in {"host", "bridge"}:
            body.put(("network_mode",), real)
            continue
        aliases = sorted(joined.get("Aliases") or [])
        one: dict[str, Json] = {"name": real}
        if name in aliases:
            aliases.remove(name)
        else:
            one["alias"] = "removed"  # the name that others reach it by
        one |= {
            word: value for word, value in (("aliases", aliases), ("driver_opts", joined.get("DriverOpts"))) if value
        }
        found[noted.network_keys.get(real, real)] = one
    body.put(("networks",), found)


def _ports(tree: Tree) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for port in tree.take("EndpointSpec", "Ports") or []:
        protocol, target = port.get("Protocol", "tcp"), port["TargetPort"]
        one: dict[str, Json] = {"target": target, "published": port.get("PublishedPort") or "auto"}
        one |= {"protocol": protocol} if protocol != "tcp" else {}
        one |= {"mode": port["PublishMode"]} if port.get("PublishMode", "ingress") != "ingress" else {}
        key = port.get("Name") or f"{target}/{protocol}"
        while key in found:
            key += "+"
        found[key] = one
    return found


def _small(tree: Tree, body: Body) -> None:
    hosts: dict[str, str] = {}
    for entry in tree.take(*_CONTAINER, "Hosts") or []:
        address, *names = entry.split()
        hosts |= dict.fromkeys(names, address)
    body.put(("extra_hosts",), hosts)
    limits = tree.take(*_CONTAINER, "Ulimits") or []
    body.put(("ulimits",), {one["Name"]: {"soft": one.get("Soft", 0), "hard": one.get("Hard", 0)} for one in limits})
    privileges: dict[str, Json] = tree.take(*_CONTAINER, "Privileges") or {}
    options = ["no-new-privileges:true"] if privileges.pop("NoNewPrivileges", False) else []
    for name, word, mode in (("Seccomp", "seccomp", "unconfined"), ("AppArmor", "apparmor", "disabled")):
        if (privileges.get(name) or {}).get("Mode") == mode:
            del privileges[name]
            options.append(f"{word}=unconfined")
    labels: JsonMap = privileges.pop("SELinuxContext", None) or {}
    options += ["label=disable"] if labels.get("Disable") else []
    options += [f"label={name.lower()}:{text}" for name, text in labels.items() if name != "Disable" and text]
    body.put(("security_opt",), options)
    tree.put(privileges, *_CONTAINER, "Privileges")
