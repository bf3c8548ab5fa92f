"""What Docker Compose makes of a project, brought into the shape in which an import has it, so that both compare."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
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
        told = {**how, "env_files": (Path(os.devnull),)} if False else {**how}
        told.pop("env_files", None)
        return ours(root, said, **told)
    finally:
        said.unlink()


class ComposeRefused(Exception):
    """Compose does not read the project."""


def _even(layer: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The layer with equal things written alike."""
    services = {name: _service(words, root) for name, words in layer["services"].items()}
    rest = {
        kind: {name: _source(words, root) for name, words in layer[kind].items()}
        for kind in layer
        if kind != "services"
    }
    networks = {name: words for name, words in rest.pop("networks", {}).items() if name != "default" or words}
    return {"services": services, **rest, "networks": networks}


def _source(words: Mapping[str, Any], root: Path) -> dict[str, Any]:
    found = {word: value for word, value in words.items() if value not in (None, {}, [], False)}
    if "ipam" in found:
        found["ipam"] = {word: value for word, value in found["ipam"].items() if value}
    found = {word: value for word, value in found.items() if value != {}}
    for word in ("file", "path"):
        if word in found:
            found[word] = os.path.normpath(root / found[word])
    return found


def _service(words: Mapping[str, Any], root: Path) -> dict[str, Any]:
    found = {word: value for word, value in words.items() if value not in (None, {})}
    for word in ("command", "entrypoint"):
        if isinstance(found.get(word), str):
            found[word] = shlex.split(found[word])
    check = found.get("healthcheck", {})
    if isinstance(check.get("test"), str):
        found["healthcheck"] = {**check, "test": ["CMD-SHELL", check["test"]]}
    if found.get("networks") == {"default": {}}:
        del found["networks"]
    for mount in found.get("volumes", {}).values():
        _mount(mount, root)
    found["depends_on"] = {name: _dependency(one) for name, one in found.get("depends_on", {}).items()}
    for part in found.get("deploy", {}).get("resources", {}).values():
        _resources(part)
    for word in ("dns", "dns_search", "tmpfs"):
        if isinstance(found.get(word), str):
            found[word] = [found[word]]
    if "shm_size" in found:
        found["shm_size"] = byte_count(found["shm_size"])
    for unordered in ("cap_add", "cap_drop", "expose", "group_add"):
        if unordered in found:
            found[unordered] = sorted(map(str, found[unordered]))
    if "devices" in found:
        found["devices"] = [_device(one) for one in found["devices"]]
    for limit, value in found.get("ulimits", {}).items():
        found["ulimits"][limit] = value if isinstance(value, dict) else value
    return _spans(found)


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
        mount["source"] = os.path.normpath(root / os.path.expanduser(mount["source"]))
    if isinstance(mount.get("tmpfs", {}).get("size"), str | int):
        mount["tmpfs"] = {**mount["tmpfs"], "size": byte_count(mount["tmpfs"]["size"])}


def _dependency(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"condition": one.get("condition", "service_started"), "required": one.get("required", True)}


def _resources(part: dict[str, Any]) -> None:
    if "memory" in part:
        part["memory"] = byte_count(part["memory"])
    if "cpus" in part:
        part["cpus"] = float(part["cpus"])


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
