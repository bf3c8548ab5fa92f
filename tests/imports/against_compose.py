"""What Docker Compose makes of a project, brought into the shape in which an import has it, so that both compare."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from releaser.engines.moby.units import byte_count
from releaser.imports.checking import plain
from releaser.imports.declaring import translated
from releaser.imports.project import Request, read
from releaser.imports.report import Report

SAID = "compose-config.yaml"


def ours(root: Path, source: Path, *overrides: Path, environ: Mapping[str, str] = {}, **how: Any) -> dict[str, Any]:
    """The layer that an import makes, every variable filled in."""
    request = Request(root=root, source=source, overrides=overrides, environ=environ, **how)
    project = read(request)
    layer = plain(translated(project, Report()))
    return {"name": project.name, **_even(layer, root)}


def theirs(root: Path, source: Path, *overrides: Path, environ: Mapping[str, str] = {}, **how: Any) -> dict[str, Any]:
    """The layer that an import makes of what `docker compose config` prints."""
    profiles = [word for name in how.get("profiles", ()) for word in ("--profile", name)]
    files = [word for file in (source, *overrides) for word in ("-f", str(file))]
    env_files = [word for file in how.get("env_files", ()) for word in ("--env-file", str(file))]
    name = ["-p", how["name"]] if how.get("name") else []
    done = subprocess.run(
        ["docker", "compose", *files, *profiles, *env_files, *name, "config", "-o", str(source.parent / SAID)],
        cwd=root, env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/root"), **environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ComposeRefused(done.stderr)
    said = source.parent / SAID
    try:
        return ours(root, said, **{word: value for word, value in how.items() if word != "env_files"})
    finally:
        said.unlink()


class ComposeRefused(Exception):
    """Compose does not read the project."""


def _even(layer: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The layer with equal things written alike."""
    services = {name: _service(words, root) for name, words in layer["services"].items()}
    rest = {
        kind: {name: _source(name, words, root) for name, words in layer[kind].items()}
        for kind in layer
        if kind != "services"
    }
    networks = {name: words for name, words in rest.pop("networks", {}).items() if name != "default" or words}
    return {"services": services, **rest, "networks": networks}


def _source(name: str, words: Mapping[str, Any], root: Path) -> dict[str, Any]:
    found = {word: value for word, value in words.items() if value not in (None, {}, [], False)}
    if "ipam" in found:
        found["ipam"] = {word: value for word, value in found["ipam"].items() if value}
    found = {word: value for word, value in found.items() if value != {}}
    if found.get("external"):
        found.setdefault("name", name)
    for word in ("file", "path"):
        if word in found:
            found[word] = os.path.normpath(root / found[word])
    return found


def _service(words: Mapping[str, Any], root: Path) -> dict[str, Any]:
    found = {word: value for word, value in words.items() if value not in (None, {})}
    for word, even in _EVEN.items():
        if word in found:
            found[word] = even(found[word])
    if found.get("networks") == {"default": {}}:
        del found["networks"]
    if not found.get("healthcheck", {}).get("disable", True):
        del found["healthcheck"]
    for mount in found.get("volumes", {}).values():
        _mount(mount, root)
    for name, secret in found.get("secrets", {}).items():
        secret["target"] = os.path.normpath(Path("/run/secrets") / secret.get("target", name))
    return _spans({"depends_on": {}, **found})


def _argv(command: Any) -> Any:
    return shlex.split(command) if isinstance(command, str) else command


def _check(check: dict[str, Any]) -> dict[str, Any]:
    test = check.get("test")
    return {**check, "test": ["CMD-SHELL", test]} if isinstance(test, str) else check


def _deploy(deploy: dict[str, Any]) -> dict[str, Any]:
    for part in deploy.get("resources", {}).values():
        if "memory" in part:
            part["memory"] = byte_count(part["memory"])
        if "cpus" in part:
            part["cpus"] = float(part["cpus"])
    return deploy


def _unordered(values: Any) -> list[str]:
    return sorted(map(str, values))


def _dependencies(others: Mapping[str, Any]) -> dict[str, Any]:
    usual = {"condition": "service_started", "required": True}
    return {name: {**usual, **{word: one[word] for word in usual if word in one}} for name, one in others.items()}


_EVEN: Mapping[str, Callable[[Any], Any]] = {
    "command": _argv,
    "entrypoint": _argv,
    "healthcheck": _check,
    "deploy": _deploy,
    "depends_on": _dependencies,
    "shm_size": byte_count,
    "cap_add": _unordered,
    "cap_drop": _unordered,
    "expose": _unordered,
    "group_add": _unordered,
    "devices": lambda devices: [_device(one) for one in devices],
}


def _spans(tree: Any) -> Any:
    """Time spans in seconds."""
    if isinstance(tree, dict):
        return {key: _spans(value) for key, value in tree.items()}
    if isinstance(tree, str) and re.fullmatch(r"(\d+(\.\d+)?(h|m|s|ms|us))+", tree):
        sizes = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001}
        return sum(float(number) * sizes[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(h|ms|us|m|s)", tree))
    return tree


def _mount(mount: dict[str, Any], root: Path) -> None:
    mount["target"] = os.path.normpath(mount["target"])
    if mount.get("type") == "bind":
        mount["source"] = os.path.normpath(root / Path(mount["source"]).expanduser())
    if isinstance(mount.get("tmpfs", {}).get("size"), str | int):
        mount["tmpfs"] = {**mount["tmpfs"], "size": byte_count(mount["tmpfs"]["size"])}


def _device(device: str) -> str:
    source, *more = device.split(":")
    target = more[0] if more else source
    return ":".join((source, target, more[1] if len(more) > 1 else "rwm"))


def differences(left: Any, right: Any, path: Sequence[str] = ()) -> list[str]:
    """Where two trees are not the same, in words."""
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            told
            for key in sorted({*left, *right})
            for told in differences(left.get(key, "(absent)"), right.get(key, "(absent)"), (*path, key))
        ]
    return [] if left == right else [f"{'.'.join(path)}: ours {left!r}, compose {right!r}"]
