"""What stands in a container's labels beside its mark: the declared body, what it was made with, and its number.

A container's labels never change. What changes without a new container (how many there are, which delivery wrote
them last) is told from the containers themselves and from their names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import msgspec

from releaser.engines.moby import marks, names
from releaser.engines.moby import words as api
from releaser.model.resource import Mark
from releaser.model.value import Json, JsonMap, Value
from releaser.planning import fingerprint

BODY = f"{marks.PREFIX}body"
"""The declared body, with references to secrets."""
USES = f"{marks.PREFIX}uses"
"""The networks, volumes, configs and secrets that it was made with."""
NUMBER = f"{marks.PREFIX}number"
"""Which of its service's instances it is, from 1 on."""
FILES = f"{marks.PREFIX}files"
"""Folder → the volume with files in it."""
IDLE = f"{marks.PREFIX}idle"
"""On a job that is there without having run."""
OWNER = f"{marks.PREFIX}of"
"""On a volume with files: the service."""

REPLICAS = "deploy.replicas"


class Use(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A resource that a container was made with."""

    fingerprint: str
    id: str | None = None  # a secret: which value
    sha256: str | None = None  # a config: of its content


@dataclass(frozen=True, kw_only=True)
class Noted:
    """All of it."""

    mark: Mark
    service: str
    fingerprint: str
    body: JsonMap
    uses: Mapping[str, Use]  # id of the resource →
    number: int = 1
    files: Mapping[str, str] = field(default_factory=dict)
    idle: bool = False

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Noted | None":
        """What these labels say; None where they are not all there, or somebody made nonsense of them."""
        mark, body = marks.mark_of(labels), _read(labels.get(BODY), dict[str, Json])
        service, made_from = labels.get(marks.NAME), labels.get(marks.FINGERPRINT)
        if mark is None or body is None or service is None or made_from is None:
            return None
        number = labels.get(NUMBER, "")
        return cls(
            mark=mark,
            service=service,
            fingerprint=made_from,
            body=body,
            uses=_read(labels.get(USES), dict[str, Use]) or {},
            number=int(number) if number.isdecimal() else 1,
            files=_read(labels.get(FILES), dict[str, str]) or {},
            idle=IDLE in labels,
        )

    def labels(self) -> dict[str, str]:
        """The labels that say it."""
        found = marks.labels_of(self.mark, self.service, self.fingerprint)
        found |= {BODY: _text(self.body), USES: _text(self.uses), NUMBER: str(self.number)}
        if self.files:
            found[FILES] = _text(self.files)
        return found | ({IDLE: "true"} if self.idle else {})

    @property
    def ignored(self) -> tuple[str, ...]:
        """The paths that somebody else owns."""
        return tuple(self.body.get("ignore") or ())

    @cached_property
    def wanted(self) -> int:
        """How many instances there were to be when it was made."""
        return api.replicas(self.body)

    def made_from(self, count: int) -> str:
        """The fingerprint of the resource that this is one of `count` instances of."""
        if count == self.wanted or REPLICAS in self.ignored:
            return self.fingerprint
        deploy = {**(self.body.get("deploy") or {}), "replicas": count}
        return fingerprint.of({**self.body, "deploy": deploy})


_ENCODER = msgspec.json.Encoder(order="sorted")
_T = TypeVar("_T")


def _text(value: Json) -> str:
    return _ENCODER.encode(value).decode()


def _read(text: str | None, kind: type[_T]) -> _T | None:
    try:
        return None if text is None else msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:  # a ValidationError is one, too
        return None


# --- names ---


def instance_name(start: str, noted: Noted, revision: int, taken: Mapping[str, object]) -> str:
    """A free name: it carries the revision that last wrote the service, and the instance's number."""
    if noted.body.get("container_name"):
        return str(noted.body["container_name"])
    plain = name = names.container_name(start, noted.service, revision, noted.number)
    again = 1
    while name in taken:
        again += 1
        name = f"{plain}-{again}"
    return name


def revision_in(name: str, start: str, noted: Noted) -> int:
    """The revision that last wrote an instance: in its name, unless it has a declared one."""
    found = re.fullmatch(rf"{re.escape(f'{start}-{noted.service}')}-r(\d+)-\d+(-\d+)?", name)
    return int(found[1]) if found else noted.mark.revision


class Kept(Value, frozen=True, kw_only=True):
    """What the name of a container says that made room: what it was called, and how it was started again."""

    name: str
    policy: JsonMap
    revision: int | None = None  # the delivery that it made room for; None: that is settled

    @property
    def text(self) -> str:
        """The name."""
        policy = self.policy.get("Name") or "no"
        if self.policy.get("MaximumRetryCount"):
            policy += f"-{self.policy['MaximumRetryCount']}"
        pending = f".r{self.revision}" if self.revision is not None else ""
        return f"{self.name}.{policy}{pending}.kept"

    @classmethod
    def of(cls, name: str) -> "Kept | None":
        """What a name says; None where it is of a container that did not make room."""
        found = _KEPT.fullmatch(name)
        if found is None:
            return None
        policy, _, most = found["policy"].partition("-failure-")
        policy = f"{policy}-failure" if most else policy
        return cls(
            name=found["name"],
            policy={"Name": policy, "MaximumRetryCount": int(most or 0)},
            revision=int(found["revision"]) if found["revision"] else None,
        )


_KEPT = re.compile(r"(?P<name>.+)\.(?P<policy>no|always|unless-stopped|on-failure(-\d+)?)(\.r(?P<revision>\d+))?\.kept")
