"""What things are called in a Docker Engine: every name there carries its project and environment."""

from releaser.model.value import JsonMap
from releaser.planning import fingerprint

LONGEST_SERVICE = 63
"""Characters of a Swarm service's name: it is a host name."""
LONGEST_OBJECT = 64
"""Characters of the name of a Swarm config or secret."""
LONGEST_ALIAS = 63
"""Characters of a name that is looked up in a network."""
LARGEST_CONFIG = 1000 * 1024
"""Bytes of a Swarm config."""
LARGEST_SECRET = 500 * 1024
"""Bytes of a Swarm secret."""

DEFAULT_NETWORK = "default"
"""The network that services join without a word."""


def prefix(project: str, environment: str) -> str:
    """What every name of an environment begins with."""
    return f"{project}-{environment}"


def of(start: str, name: str) -> str:
    """The real name of an environment's thing; `start` is its prefix."""
    return f"{start}_{name}"


def network_name(start: str, key: str, body: JsonMap | None) -> str:
    """The declared name, else one that says by content which options the network was made with."""
    options = {word: value for word, value in (body or {}).items() if value not in (None, False, {}, [])}
    if "name" in options:
        return str(options["name"])
    named = of(start, key)
    return f"{named}-{fingerprint.of(options).removeprefix('sha256:')[:8]}" if options else named


def volume_name(start: str, key: str, body: JsonMap | None) -> str:
    """The declared name, else the environment's."""
    return str((body or {}).get("name") or of(start, key))


def external_name(key: str, body: JsonMap) -> str:
    """The name of what is there already: as declared, else the key."""
    return str(body.get("name") or key)


def container_name(start: str, service: str, revision: int, number: int) -> str:
    """A replica's container in plain Docker; instances are counted from 1 on."""
    return f"{start}-{service}-r{revision}-{number}"
