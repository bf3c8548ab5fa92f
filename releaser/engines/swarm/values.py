"""Which value of a secret services get: the one they have, as long as it is not known to be another.

A Swarm tells nobody what is in a secret, so a value is known by an id that is made when it is delivered: the end of the
object's name, and a word in the seal on a variable. Two machines that cannot compare their fingerprints so restart
nothing by turns.
"""

import base64
import secrets
from collections.abc import Iterator
from functools import cached_property

from releaser.engines.moby import names
from releaser.engines.moby.secret_text import as_text
from releaser.engines.swarm.api import Swarm
from releaser.engines.swarm.labels import Noted
from releaser.engines.swarm.looking import Look, value_id
from releaser.engines.swarm.references import Object
from releaser.engines.swarm.templates import unescaped
from releaser.model.value import JsonMap
from releaser.ports import Desired, SecretValues, Work


def has_new_value(work: Work, name: str) -> bool:
    """Whether the plan says that a secret has another value now."""
    return any(
        field.path == "value"
        for change in work.changes
        if change.resource == f"secret/{name}"
        for field in change.fields
    )


class Values:
    """The secrets of one delivery: ids, texts for variables, objects for files; nothing is read twice."""

    def __init__(self, look: Look, work: Work, source: SecretValues) -> None:
        self._look = look
        self._work = work
        self._source = source
        self._ids: dict[str, str] = {}
        self._read: dict[str, bytes] = {}

    def id(self, name: str) -> str:
        """Which value of the secret is delivered."""
        if name not in self._ids:
            self._ids[name] = self._former(name) or self._live(name) or secrets.token_hex(4)
        return self._ids[name]

    def bytes(self, name: str) -> bytes:
        """The value itself: the one that a variable has, else today's. Raises SecretMissing."""
        known = self._known.get((name, self.id(name)))
        if known is not None:
            return known.encode()
        if name not in self._read:
            self._read[name] = self._source.value(name)
        return self._read[name]

    def text(self, name: str) -> str:
        """The value for a variable. Raises ApplyFailed where it is no text."""
        return as_text(name, self.bytes(name))

    def object(self, name: str) -> Object | None:
        """The secret that holds the value, where there is one."""
        return self._look.secret(name, self.id(name))

    def make(self, swarm: Swarm, name: str, labels: dict[str, str]) -> Object:
        """A new secret with the value."""
        real = f"{names.of(self._look.whose.prefix, name)}.{self.id(name)}"
        body = {"Name": real, "Labels": labels, "Data": base64.b64encode(self.bytes(name)).decode()}
        return Object(id=swarm.create_object("secret", body), name=real)

    def _former(self, name: str) -> str | None:
        """On a way back, the value that ran before, as far as it is still there."""
        desired: Desired | None = next((one for one in self._work.desired if one.resource.id == f"secret/{name}"), None)
        former = desired.before.uid if desired is not None and desired.before is not None else None
        if former and (self._look.secret(name, former) or (name, former) in self._known):
            return former
        return None

    def _live(self, name: str) -> str | None:
        """The value that services have, the newest where there are several; None where another one is wanted."""
        if has_new_value(self._work, name):
            return None
        objects = [self._look.secrets[id_] for id_, declared in self._look.known.secrets.items() if declared == name]
        used = [one for one in objects if one["ID"] in self._look.referred]
        if used:
            return value_id(max(used, key=lambda one: str(one.get("CreatedAt", ""))))
        sealed = (seal for noted in self._look.noted.values() for seal in noted.sealed.values())
        return next((seal.id for seal in sealed if seal.secret == name), None)

    @cached_property
    def _known(self) -> dict[tuple[str, str], str]:
        """(secret, id of its value) → the value, as variables have it, and had it before the newest write."""
        return {
            key: text for service in self._look.ours.values() for spec in _specs(service) for key, text in _sealed(spec)
        }


def _specs(service: JsonMap) -> Iterator[JsonMap]:
    yield service["Spec"]
    if service.get("PreviousSpec"):
        yield service["PreviousSpec"]


def _sealed(spec: JsonMap) -> Iterator[tuple[tuple[str, str], str]]:
    seals = Noted.of(spec.get("Labels") or {}).sealed
    for entry in (spec["TaskTemplate"].get("ContainerSpec") or {}).get("Env") or []:
        name, _, value = entry.partition("=")
        if name in seals and seals[name].holds(value):
            yield (seals[name].secret, seals[name].id), unescaped(value) or ""
