"""Names in a cluster: what is declared freely becomes a DNS label there."""

import re

from releaser.model.value import Json
from releaser.planning import fingerprint

LONGEST = 52
"""Characters of a service's name: a Job's and a pod's name are longer by what a controller appends to it."""

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def label(name: str) -> str:
    """The name as a DNS label: `db_main` → `db-main`; fits only where `is_label` says so."""
    return re.sub(r"[._]", "-", name.lower()).strip("-")


def is_label(name: str) -> bool:
    """Whether it is one that a Service may have (RFC 1035), and not too long."""
    return _LABEL.fullmatch(name) is not None and len(name) <= LONGEST


def by_content(name: str, content: Json) -> str:
    """The name with ten digits of what is behind it."""
    return f"{label(name)}-{fingerprint.of(content).removeprefix('sha256:')[:10]}"


def instance(project: str, environment: str) -> str:
    """The value of `app.kubernetes.io/instance`."""
    return f"{project}-{environment}"
