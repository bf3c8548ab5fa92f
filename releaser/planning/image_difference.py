"""What two images differ in: configuration, packages, files, and how much larger each folder has become; pure."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from releaser.model.image_content import (
    FOLDER,
    HARD_LINK,
    ConfigChange,
    Entry,
    FileChange,
    FolderChange,
    ImageContent,
    ImageDifference,
    ImageSummary,
    PackageChange,
)
from releaser.model.plan import ImageChange
from releaser.planning.layers import files
from releaser.planning.packages import Packages, packages
from releaser.planning.secret_texts import hidden_value

_SPELLED = {
    "User": "user",
    "WorkingDir": "working_dir",
    "Entrypoint": "entrypoint",
    "Cmd": "command",
    "Shell": "shell",
    "ExposedPorts": "ports",
    "Volumes": "volumes",
    "Healthcheck": "healthcheck",
    "OnBuild": "on_build",
    "StopSignal": "stop_signal",
    "StopTimeout": "stop_timeout",
}
_NAMES = {"ExposedPorts", "Volumes"}
"""Words that have names alone, without an order: `80/tcp: {}`."""
_MOST = 12
"""Folders that are named."""
_DEEP = 2
"""Parts of a path that are a folder of its own in the sizes: usr/lib."""


def difference(left: ImageContent, right: ImageContent) -> ImageDifference:
    """What the right one has other than the left one."""
    one, other = files(left), files(right)
    digests = [layer.digest for layer in left.layers]
    shared = next(
        (at for at, layer in enumerate(right.layers) if at >= len(digests) or layer.digest != digests[at]),
        len(right.layers),
    )
    sizes = _sizes(one, other)
    return ImageDifference(
        left=left.reference,
        right=right.reference,
        shared_layers=shared,
        layers=(len(left.layers), len(right.layers)),
        config=tuple(_config(left.config, right.config)),
        packages=tuple(_packages(packages(one, left.texts), packages(other, right.texts))),
        files=tuple(_files(one, other)),
        folders=sizes,
        bytes=sum(entry.size for entry in other.values()) - sum(entry.size for entry in one.values()),
    )


def summary(content: ImageContent) -> ImageSummary:
    """What is kept of an image."""
    there = files(content)
    return ImageSummary(
        platform=_spelled(content.config)["platform"],
        packages={"/".join(key): version for key, version in packages(there, content.texts).items()},
        bytes=sum(entry.size for entry in there.values()),
    )


def compared(image: str, old: ImageSummary, new: ImageSummary) -> ImageChange:
    """What the new one has other than the old one, in two figures."""
    names = old.packages.keys() | new.packages.keys()
    changed = sum(old.packages.get(name) != new.packages.get(name) for name in names)
    return ImageChange(image=image, packages=changed, bytes=new.bytes - old.bytes)


def _config(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[ConfigChange]:
    old, new = _spelled(left), _spelled(right)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            one, other = (hidden_value(name, side[name]) if name in side else None for side in (old, new))
            yield ConfigChange(field=name, old=one, new=other)


def _spelled(whole: Mapping[str, Any]) -> dict[str, str]:
    config = whole.get("config") or {}
    found = {}
    for word, name in _SPELLED.items():
        value = config.get(word)
        if value or value == 0:
            found[name] = _text(sorted(value) if word in _NAMES else value)
    for variable in config.get("Env") or ():
        name, _, text = variable.partition("=")
        found[f"environment.{name}"] = text
    for name, text in (config.get("Labels") or {}).items():
        found[f"labels.{name}"] = text
    found["platform"] = "/".join(str(whole[word]) for word in ("os", "architecture", "variant") if whole.get(word))
    return found


def _text(value: Any) -> str:
    """A value as people write it, and two values never as one: words as in a shell, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return shlex.join(value)
    return msgspec.json.encode(value, order="deterministic").decode()


def _packages(old: Packages, new: Packages) -> Iterator[PackageChange]:
    for system, name in sorted(old.keys() | new.keys()):
        one, other = old.get((system, name)), new.get((system, name))
        if one != other:
            yield PackageChange(system=system, name=name, old=one, new=other)


def _files(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[FileChange]:
    for path in sorted(old.keys() | new.keys()):
        one, other = old.get(path), new.get(path)
        if one is None or other is None:
            there = one or other
            if there is not None and there.kind != FOLDER:
                what = "added" if one is None else "removed"
                yield FileChange(path=path, old=one.size if one else None, new=other.size if other else None, what=what)
            continue
        one, other = _led_to(old, one), _led_to(new, other)
        changed = _changed(one, other)
        if changed is not None:
            yield FileChange(path=path, old=one.size, new=other.size, what=changed)


def _led_to(there: Mapping[str, Entry], entry: Entry) -> Entry:
    """The file that a hard link is another name of; everything else is what it is."""
    return there.get(entry.content or "", entry) if entry.kind == HARD_LINK else entry


def _changed(one: Entry, other: Entry) -> str | None:
    if one.kind != other.kind:
        return "kind"
    if (one.content, one.size) != (other.content, other.size):
        return "content"
    if one.mode != other.mode:
        return "mode"
    return "owner" if (one.uid, one.gid) != (other.uid, other.gid) else None


def _sizes(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> tuple[FolderChange, ...]:
    found: dict[str, int] = {}
    for sign, there in ((-1, old), (1, new)):
        for path, entry in there.items():
            folder = "/".join(path.split("/")[:-1][:_DEEP])
            found[folder] = found.get(folder, 0) + sign * entry.size
    changed = sorted(((size, path) for path, size in found.items() if size), key=lambda one: (-abs(one[0]), one[1]))
    return tuple(FolderChange(path=path or "/", bytes=size) for size, path in changed[:_MOST])
