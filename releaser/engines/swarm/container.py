"""The part of a service's body that its containers are made from, as the API's ContainerSpec; pure."""

from collections.abc import Iterator
from pathlib import Path

from releaser.engines.moby import words as api
from releaser.engines.swarm.references import Object, References
from releaser.engines.swarm.templates import escaped
from releaser.model.value import Json, JsonMap

OWNER, MODE = "0", 0o444
"""Of a config or secret that says nothing else."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in a container


def container_spec(body: JsonMap, refs: References, root: Path) -> dict[str, Json]:
    """The ContainerSpec, without any of the engine's defaults."""
    found: dict[str, Json] = {
        "Image": body["image"],
        "Env": sorted(_variables(body, refs)),
        "Hostname": escaped(body.get("hostname", "")),
        "Labels": api.texts_by_name(body.get("labels")),
        "Healthcheck": api.health_config(body.get("healthcheck")),
        "Mounts": sorted(_mounts(body, refs, root), key=lambda mount: str(mount["Target"])),
        "Configs": [
            _file(file, "Config", refs.configs[body["configs"][file.name]["name"]]) for file in api.config_files(body)
        ],
        "Secrets": [_file(file, "Secret", refs.secrets[file.name]) for file in api.secret_files(body)],
        "Hosts": [f"{address} {name}" for name, address in api.texts_by_name(body.get("extra_hosts")).items()],
        "DNSConfig": _dns(body),
        "CapabilityAdd": api.capabilities(body.get("cap_add")),
        "CapabilityDrop": api.capabilities(body.get("cap_drop")),
        "Ulimits": api.ulimits(body),
        "Sysctls": api.texts_by_name(body.get("sysctls")),
        "Privileges": _privileges(body),
        **_plain(body),
    }
    return {key: value for key, value in found.items() if value not in (None, "", {}, [])}


def _plain(body: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for word, name in (("command", "Args"), ("entrypoint", "Command")):
        if body.get(word):
            found[name] = api.argv(body[word])
    for word, name in _SAME.items():
        if word in body:
            found[name] = body[word]
    for word, name in _TEXTS.items():
        if word in body:
            found[name] = api.text(body[word])
    if "group_add" in body:
        found["Groups"] = api.texts(body["group_add"])
    if "stop_grace_period" in body:
        found["StopGracePeriod"] = api.nanoseconds(body["stop_grace_period"])
    return {name: value for name, value in found.items() if value is not False or name == "Init"}


_SAME = {"init": "Init", "tty": "TTY", "stdin_open": "OpenStdin", "read_only": "ReadOnly"}
_TEXTS = {"working_dir": "Dir", "user": "User", "stop_signal": "StopSignal"}


def _variables(body: JsonMap, refs: References) -> Iterator[str]:
    for name, value in (body.get("environment") or {}).items():
        text = refs.values[value["secret"]] if isinstance(value, dict) else api.text(value)
        yield f"{name}={escaped(text)}"


def _mounts(body: JsonMap, refs: References, root: Path) -> Iterator[dict[str, Json]]:
    for _, mount in api.mounts(body, root):
        found = {key: escaped(value) if key in {"Source", "Target"} else value for key, value in mount.items()}
        made = refs.volumes.get(mount.get("Source", "")) if mount["Type"] == "volume" else None
        if made:
            found["VolumeOptions"] = {**mount.get("VolumeOptions", {}), **made}
        yield found
    for folder, options in api.tmpfs(body).items():
        yield _memory(folder, dict(_pairs(options)))
    if "shm_size" in body:
        yield _memory(SHARED_MEMORY, {"size": body["shm_size"]})


def _pairs(options: str) -> Iterator[tuple[str, str]]:
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        yield name, value


def _memory(folder: str, options: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {"Type": "tmpfs", "Target": escaped(folder)}
    sized: dict[str, Json] = {}
    if options.get("size"):
        sized["SizeBytes"] = api.byte_count(options["size"])
    if options.get("mode"):
        sized["Mode"] = api.file_mode(options["mode"])
    return {**found, "TmpfsOptions": sized} if sized else found


def _file(file: api.File, kind: str, made: Object) -> dict[str, Json]:
    return {
        "File": {
            "Name": file.target,
            "UID": file.uid or OWNER,
            "GID": file.gid or OWNER,
            "Mode": MODE if file.mode is None else file.mode,
        },
        f"{kind}ID": made.id,
        f"{kind}Name": made.name,
    }


def _dns(body: JsonMap) -> dict[str, Json]:
    found = {
        name: api.texts(body[word])
        for word, name in (("dns", "Nameservers"), ("dns_search", "Search"), ("dns_opt", "Options"))
        if body.get(word)
    }
    return dict(found)


def _privileges(body: JsonMap) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for option in body.get("security_opt") or []:
        word, value = _option(option)
        if word == "no-new-privileges":
            found["NoNewPrivileges"] = value != "false"
        elif word == "seccomp":
            found["Seccomp"] = {"Mode": "unconfined"}
        elif word == "apparmor":
            found["AppArmor"] = {"Mode": "disabled"}
        elif word == "label":
            found.setdefault("SELinuxContext", {}).update(_label(value))
    return {name: value for name, value in found.items() if value}


def _option(option: str) -> tuple[str, str]:
    """A security option's name and value, which stand apart by `=`, or by `:` as they used to."""
    word, separator, value = option.partition("=")
    if not separator or ":" in word:
        word, _, value = option.partition(":")
    return word, value


def _label(value: str) -> dict[str, Json]:
    word, _, name = value.partition(":")
    return {"Disable": True} if word == "disable" else {word.title(): name}
