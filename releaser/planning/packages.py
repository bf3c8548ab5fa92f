"""Packages of an image, as its own package systems have written them down; pure.

Source: dpkg's and apk's databases; the names of Python's dist-info folders; package.json in npm's node_modules.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

_DPKG = re.compile(r"var/lib/dpkg/status(\.d/[^/]+)?\Z")
_APK = re.compile(r"(usr/)?lib/apk/db/installed\Z")
_PYTHON = re.compile(r"(?:.*/)?([A-Za-z0-9._-]+?)-([^-/]+)\.dist-info/METADATA\Z")
_NPM = re.compile(r"(?:.*/)?node_modules/((?:@[^/]+/)?[^/]+)/package\.json\Z")
_GONE = {"config-files", "not-installed"}
"""What dpkg calls the state of a package of which no file is there but its configuration."""
_LONGEST_OF_ALL, _LONGEST_OF_ONE = 32 << 20, 1 << 20
"""Bytes of a file that says it of all packages, and of one."""

Packages = Mapping[tuple[str, str], str]
"""(system, name) → versions, several of one name with commas."""


def told_within(path: str) -> int:
    """Bytes that a file may have whose content says what packages there are; 0 where it says nothing of them."""
    if path.endswith("/package.json") and _NPM.match(path):  # most paths are no such file, and this is asked of all
        return _LONGEST_OF_ONE
    return _LONGEST_OF_ALL if _DPKG.match(path) or _APK.match(path) else 0


def packages(paths: Iterable[str], texts: Mapping[str, bytes]) -> Packages:
    """What is installed, by the files of an image and the content of those that tell."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        for system, name, version in _of(path, texts.get(path, b"")):
            found.setdefault((system, name), set()).add(version)
    return {key: ", ".join(sorted(versions)) for key, versions in sorted(found.items())}


def _of(path: str, text: bytes) -> Iterator[tuple[str, str, str]]:
    if _DPKG.match(path):
        yield from (
            ("dpkg", name, version)
            for name, version, status in _records(text, "Package: ", "Version: ", "Status: ")
            if status.rpartition(" ")[2] not in _GONE
        )
    elif _APK.match(path):
        yield from (("apk", name, version) for name, version in _records(text, "P:", "V:"))
    elif match := _PYTHON.match(path):
        yield "python", re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]
    elif match := _NPM.match(path):
        try:
            version = msgspec.json.decode(text).get("version")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError):
            version = None
        if isinstance(version, str):
            yield "npm", match[1], version


def _records(text: bytes, *words: str) -> Iterator[tuple[str, ...]]:
    """What records with an empty line between them say after each word; one without the first two is not installed."""
    for record in text.decode(errors="replace").split("\n\n"):
        lines = record.splitlines()
        found = tuple(
            next((line.removeprefix(word).strip() for line in lines if line.startswith(word)), "") for word in words
        )
        if all(found[:2]):
            yield found
