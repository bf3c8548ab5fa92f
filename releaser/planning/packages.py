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

Packages = Mapping[tuple[str, str], str]
"""(system, name) → versions, several of one name with commas."""


def is_told_by(path: str) -> bool:
    """Whether a file's content says what packages there are."""
    return any(pattern.match(path) for pattern in (_DPKG, _APK, _NPM))


def packages(paths: Iterable[str], texts: Mapping[str, bytes]) -> Packages:
    """What is installed, by the files of an image and the content of those that tell."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        for system, name, version in _of(path, texts.get(path, b"")):
            found.setdefault((system, name), set()).add(version)
    return {key: ", ".join(sorted(versions)) for key, versions in sorted(found.items())}


def _of(path: str, text: bytes) -> Iterator[tuple[str, str, str]]:
    if _DPKG.match(path):
        yield from (("dpkg", *one) for one in _records(text, "Package: ", "Version: "))
    elif _APK.match(path):
        yield from (("apk", *one) for one in _records(text, "P:", "V:"))
    elif match := _PYTHON.match(path):
        yield "python", re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]
    elif match := _NPM.match(path):
        try:
            version = msgspec.json.decode(text).get("version")
        except (msgspec.DecodeError, AttributeError):
            version = None
        if isinstance(version, str):
            yield "npm", match[1], version


def _records(text: bytes, name: str, version: str) -> Iterator[tuple[str, str]]:
    """Records with an empty line between them; one without a version is not installed."""
    for record in text.decode(errors="replace").split("\n\n"):
        lines = record.splitlines()
        found = [
            next((line.removeprefix(word) for line in lines if line.startswith(word)), "") for word in (name, version)
        ]
        if all(found):
            yield found[0].strip(), found[1].strip()
