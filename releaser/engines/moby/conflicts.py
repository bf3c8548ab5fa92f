"""Words of one service that do not go together, on the engines that would find out too late."""

from collections.abc import Callable, Iterator

from releaser.engines.moby import words as api
from releaser.engines.moby.limits import Wrong
from releaser.model.value import JsonMap, Path, at_path
from releaser.planning.wording import listed

LEAST_MEMORY = 6 * 1024 * 1024
"""Bytes below which Docker refuses a limit."""

_TESTS = {"CMD", "CMD-SHELL", "NONE"}
_SHARED = {"service", "container"}
_MILLISECOND = 1_000_000
_TWICE = "two things are mounted at `{target}`"


def conflicts(words: JsonMap, *, docker: bool) -> Iterator[Wrong]:
    """What does not go together in a declared service; paths are within it."""
    for check in (*_ALWAYS, *(_DOCKER if docker else ())):
        yield from check(words)


# --- on both engines ---


def _targets(words: JsonMap) -> Iterator[Wrong]:
    taken: dict[str, Path] = {}
    for path, target in _mounted(words):
        if taken.setdefault(target.rstrip("/") or "/", path) != path:
            yield Wrong(path, _TWICE.format(target=target), "give one of them another target, or remove it")


def _mounted(words: JsonMap) -> Iterator[tuple[Path, str]]:
    for key, mount in sorted((words.get("volumes") or {}).items()):
        yield ("volumes", key, "target"), mount["target"]
    for folder in api.tmpfs(words):
        yield ("tmpfs",), folder
    if "shm_size" in words:
        yield ("shm_size",), "/dev/shm"  # noqa: S108 - a path in a container
    for file in api.config_files(words):
        yield ("configs", file.name), file.target
    for file in api.secret_files(words):
        yield ("secrets", file.name), file.target


def _network_mode(words: JsonMap) -> Iterator[Wrong]:
    mode = words.get("network_mode")
    if mode is None:
        return
    if words.get("networks"):
        hint = "keep one of them: with `network_mode` a service joins no networks"
        yield Wrong(("networks",), "`networks` does not go with `network_mode`", hint)
    for port in api.ports(words):
        if port.outside and mode != "bridge":
            message = f"a port cannot be published with `network_mode: {mode}`"
            yield Wrong(("ports", port.key, "published"), message, "remove `published`, or `network_mode`")


def _health(words: JsonMap) -> Iterator[Wrong]:
    check = words.get("healthcheck") or {}
    test = check.get("test")
    if isinstance(test, list) and (not test or test[0] not in _TESTS):
        message = f"a health check begins with CMD, CMD-SHELL or NONE, not with {test[0] if test else 'nothing'}"
        yield Wrong(("healthcheck", "test"), message, "write [CMD, program, …], or one text for the shell")
    for word in ("interval", "timeout", "start_period", "start_interval"):
        if word in check and 0 < api.nanoseconds(check[word]) < _MILLISECOND:
            yield Wrong(("healthcheck", word), f"`{word}` is below a millisecond", "write 1ms or more")


def _ulimits(words: JsonMap) -> Iterator[Wrong]:
    for limit in api.ulimits(words):
        soft, hard = (float("inf") if limit[side] == -1 else limit[side] for side in ("Soft", "Hard"))
        if soft > hard:
            message = f"the soft limit of `{limit['Name']}` is above the hard one"
            yield Wrong(("ulimits", limit["Name"]), message, "raise `hard`, or lower `soft`")


def _memory(words: JsonMap) -> Iterator[Wrong]:
    path = ("deploy", "resources", "limits", "memory")
    limit = at_path(words, path)
    if limit is not None and 0 < api.byte_count(limit) < LEAST_MEMORY:
        yield Wrong(path, f"the memory limit `{limit}` is below 6M, the least that Docker takes", "write 6M or more")


# --- in plain Docker ---


def _alone(words: JsonMap) -> Iterator[Wrong]:
    """What only one container can have at a time, where there are to be several."""
    if api.replicas(words) < 2:
        return
    hint = "write `deploy: {replicas: 1}`, or remove it"
    if "container_name" in words:
        yield Wrong(("container_name",), "several instances cannot have one container name", hint)
    for port in api.ports(words):
        if port.published is not None:
            message = f"several instances cannot publish the port {port.published} of one host"
            yield Wrong(("ports", port.key, "published"), message, "publish `auto`, or run one instance")
    for key, joined in sorted((words.get("networks") or {}).items()):
        for word in ("ipv4_address", "ipv6_address", "mac_address"):
            if word in (joined or {}):
                yield Wrong(("networks", key, word), "several instances cannot have one address", hint)


def _hidden(words: JsonMap) -> Iterator[Wrong]:
    """Files below a folder in memory: what is there when the container starts is not what was put there.

    What is mounted from `volumes` is the translator's to refuse, memory or not.
    """
    folders = {folder.rstrip("/") for folder in api.tmpfs(words)}
    for section, files in (("configs", api.config_files(words)), ("secrets", api.secret_files(words))):
        for file in files:
            above = sorted(folder for folder in folders if file.target.startswith(f"{folder}/"))
            if above:
                path = (section, file.name, *(("target",) if _says_target(words, section, file.name) else ()))
                message = f"`{file.target}` would be hidden by the folder in memory at `{above[0]}`"
                yield Wrong(path, message, "mount it somewhere else, or remove the folder in memory")


def _says_target(words: JsonMap, section: str, name: str) -> bool:
    return "target" in (words[section][name] or {})


def _attempts(words: JsonMap) -> Iterator[Wrong]:
    policy = at_path(words, ("deploy", "restart_policy")) or {}
    if policy.get("max_attempts") and policy.get("condition", "any") != "on-failure":
        message = "plain Docker counts attempts with `condition: on-failure` alone"
        yield Wrong(
            ("deploy", "restart_policy", "max_attempts"), message, "remove it, or write `condition: on-failure`"
        )


def _reservation(words: JsonMap) -> Iterator[Wrong]:
    path = ("deploy", "resources", "reservations", "memory")
    kept, limit = at_path(words, path), at_path(words, ("deploy", "resources", "limits", "memory"))
    if kept is not None and limit is not None and api.byte_count(kept) > api.byte_count(limit) > 0:
        yield Wrong(path, "more memory is reserved than the limit allows", "raise the limit, or reserve less")


def _shared_network(words: JsonMap) -> Iterator[Wrong]:
    kind, _, other = words.get("network_mode", "").partition(":")
    if kind not in _SHARED:
        return
    theirs = [word for word in ("hostname", "dns", "dns_search", "dns_opt", "extra_hosts") if words.get(word)]
    if theirs:
        message = f"{listed([f'`{word}`' for word in theirs])} cannot be set in the network of {other}"
        yield Wrong((theirs[0],), message, f"set it for {other}, or remove it")


_ALWAYS: tuple[Callable[[JsonMap], Iterator[Wrong]], ...] = (_targets, _network_mode, _health, _ulimits, _memory)
_DOCKER: tuple[Callable[[JsonMap], Iterator[Wrong]], ...] = (
    _alone,
    _hidden,
    _attempts,
    _reservation,
    _shared_network,
)
