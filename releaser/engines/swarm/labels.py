"""What stands in a service's labels beside its mark: names that a spec does not keep, and seals on secret variables.

They are labels of the service, never of its containers: changing them restarts nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from releaser.engines.moby import marks
from releaser.model.value import Value

NAMES = f"{marks.PREFIX}names"
"""Declared names of networks, mounts and volumes, and what networks, volumes and secrets were made from."""
SEALED = f"{marks.PREFIX}sealed"
"""Which variables hold secrets, and a seal on their values."""
IGNORED = f"{marks.PREFIX}ignore"
"""Paths that somebody else owns."""
IDLE = f"{marks.PREFIX}idle"
"""On a job that is there without running: how often it would."""


class Seal(Value, frozen=True, kw_only=True):
    """A variable that holds a secret: the secret's name, which value it is, and a keyed hash of what stands there.

    The value stands beside it in the same spec, so the hash tells nobody more; no record gets it.
    """

    secret: str
    id: str
    salt: str
    hash: str

    def holds(self, text: str) -> bool:
        """Whether this is what was put there."""
        return hmac.compare_digest(_hash(self.salt, text), self.hash)


def seal(secret: str, id_: str, text: str, before: Seal | None = None) -> Seal:
    """A seal on a text; the one from before where it still fits, so that nothing has to be written."""
    if before is not None and (before.secret, before.id) == (secret, id_) and before.holds(text):
        return before
    salt = secrets.token_hex(16)
    return Seal(secret=secret, id=id_, salt=salt, hash=_hash(salt, text))


def _hash(salt: str, text: str) -> str:
    return hmac.new(bytes.fromhex(salt), text.encode(), hashlib.sha256).hexdigest()


class Use(Value, frozen=True, kw_only=True):
    """A network, volume or secret that a service uses: its declared name, and the fingerprint of what it was made from.

    Networks and volumes cannot be relabelled, so what they were made from stands where they are used.
    """

    name: str
    fingerprint: str | None = None  # None: it was there already, and is not ours


class Names(Value, frozen=True, kw_only=True):
    """The declared names behind what a spec holds."""

    networks: Mapping[str, Use] = {}  # real name →
    volumes: Mapping[str, Use] = {}  # real name →
    secrets: Mapping[str, Use] = {}  # declared name →
    mounts: Mapping[str, str] = {}  # target → the name it was declared by


class Noted(Value, frozen=True, kw_only=True):
    """All of it, as it stands in a service's labels."""

    names: Names = Names()
    sealed: Mapping[str, Seal] = {}  # variable →
    ignored: tuple[str, ...] = ()

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Noted":
        """What these labels say; nothing where somebody made nonsense of them."""
        return cls(
            names=_read(labels.get(NAMES), Names) or Names(),
            sealed=_read(labels.get(SEALED), dict[str, Seal]) or {},
            ignored=_read(labels.get(IGNORED), tuple[str, ...]) or (),
        )

    def labels(self) -> dict[str, str]:
        """The labels that say it."""
        found: dict[str, object] = {NAMES: self.names}
        if self.sealed:
            found[SEALED] = self.sealed
        if self.ignored:
            found[IGNORED] = self.ignored
        return {name: _ENCODER.encode(value).decode() for name, value in found.items()}

    @property
    def network_keys(self) -> dict[str, str]:
        """Real name of a network → its declared one."""
        return {real: use.name for real, use in self.names.networks.items()}

    @property
    def mount_keys(self) -> Mapping[str, str]:
        """Target → the name that the mount was declared by."""
        return self.names.mounts


_ENCODER = msgspec.json.Encoder(order="sorted")
_T = TypeVar("_T")


def _read(text: str | None, kind: type[_T]) -> _T | None:
    try:
        return None if text is None else msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:  # a ValidationError is one, too
        return None
