"""What an engine takes as a name and as a size: lengths and characters, each with the place that it comes from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from releaser.engines.moby import names
from releaser.model.value import Path

SWARM_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[a-zA-Z0-9]+)*\Z")
"""A Swarm service or network: what can be a part of a DNS name."""

_DNS_NAME = "letters, digits, `-` and `_`, with a letter or digit at both ends"
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")


class Wrong(NamedTuple):
    """What an engine does not take: the path in the declarations, why, and what to do."""

    path: Path
    message: str
    hint: str


def swarm_prefix(prefix: str) -> Iterator[Wrong]:
    """What is wrong with project and environment together, so with every name."""
    if not SWARM_NAME.match(prefix):
        message = f"Swarm cannot take `{prefix}` as the beginning of a name"
        yield Wrong((), message, f"use {_DNS_NAME} in the names of the project and the environment")


def swarm_names(section: str, real: Mapping[str, str]) -> Iterator[Wrong]:
    """Services and networks: declared name → real name."""
    for key, name in sorted(real.items()):
        if not SWARM_NAME.match(name):
            yield Wrong((section, key), f"Swarm cannot take `{name}` as a name", f"use {_DNS_NAME}")
        elif len(name) > names.LONGEST_SERVICE:
            yield _too_long((section, key), name, names.LONGEST_SERVICE)


def swarm_objects(section: str, real: Mapping[str, str]) -> Iterator[Wrong]:
    """Configs and secrets: declared name → real name."""
    for key, name in sorted(real.items()):
        if len(name) > names.LONGEST_OBJECT:
            yield _too_long((section, key), name, names.LONGEST_OBJECT)


def _too_long(path: Path, name: str, longest: int) -> Wrong:
    message = f"`{name}` has {len(name)} characters, and Swarm takes {longest}"
    return Wrong(path, message, f"shorten `{path[-1]}`, or the name of the project or the environment")


def swarm_configs(sizes: Iterable[tuple[str, int]]) -> Iterator[Wrong]:
    """Configs by their size in bytes."""
    for key, size in sizes:
        if size == 0:
            hint = "put a line into it, or mount nothing"
            yield Wrong(("configs", key), f"the config `{key}` is empty, and Swarm takes none without content", hint)
        elif size >= names.LARGEST_CONFIG:
            message = f"the config `{key}` has {size} bytes, and Swarm takes less than {names.LARGEST_CONFIG}"
            hint = "split it, or put it into the image or a volume"
            yield Wrong(("configs", key), message, hint)


def volume_names(declared: Mapping[str, str]) -> Iterator[Wrong]:
    """Volumes with a declared name: key → name."""
    for key, name in sorted(declared.items()):
        if not _VOLUME.match(name):
            hint = "use at least two of letters, digits, `.`, `_` and `-`, with a letter or digit first"
            yield Wrong(("volumes", key, "name"), f"Docker cannot take `{name}` as a volume's name", hint)
