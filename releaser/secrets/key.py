"""The key that secrets are fingerprinted with: from a variable, or from a file of the user that is made at first need.

Both hold a text. A key that a person copies from the file into the variable of a build server stays the same key.
"""

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from releaser.model.errors import BadArgument, KeyUnavailable
from releaser.model.resource import SecretPrint
from releaser.planning.fingerprint import keyed

VARIABLE = "RELEASE_FINGERPRINT_KEY"
FILE = "fingerprint.key"
SHORTEST = 16
"""Bytes; whoever guesses a shorter key can guess the secrets from their fingerprints."""

_LONGEST = 4096


class Key:
    """A fingerprint key; its id names it without telling anything of it."""

    def __init__(self, key: bytes, source: str) -> None:
        self._key = key
        self.source = source  # the variable's name, or the file
        self.id = hmac.new(key, b"releaser-key-id-v1", hashlib.sha256).hexdigest()[:8]

    def sign(self, environment: str, name: str, value: bytes) -> SecretPrint:
        """The fingerprint of a value."""
        return keyed(self._key, self.id, environment, name, value)

    def __repr__(self) -> str:
        return f"Key({self.id}, from {self.source})"


def open_key(environ: Mapping[str, str], folder: Path | None = None) -> Key:
    """The key, made in the user's data folder (or `folder`) where there is none yet.

    Raises KeyUnavailable where the file cannot be read or made: a warning, as fingerprints are unknown then. Raises
    BadArgument for a key that must not be used: too short, or readable by others.
    """
    given = environ.get(VARIABLE)
    if given is not None:
        return Key(_long_enough(os.fsencode(given).strip(), VARIABLE), VARIABLE)
    path = (folder or _data_folder()) / FILE
    try:
        text = _read(path)
        if text is None:
            _make(path)
            text = _read(path)
    except OSError as error:
        raise _unavailable(path, error.strerror or "it is not a file") from error
    if text is None:
        raise _unavailable(path, "it was removed right after it was made")
    return Key(_long_enough(text.strip(), str(path)), str(path))


def _data_folder() -> Path:
    import platformdirs  # noqa: PLC0415 - few commands need the key

    return Path(platformdirs.user_data_dir("releaser"))


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError
        if mode & 0o077:
            raise BadArgument(
                f"the fingerprint key {path} may be read by others (mode {stat.S_IMODE(mode):04o})",
                hint=f"chmod 600 {path}",
            )
        return os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    """Write a new key beside, then give it its name: nobody reads half a key, and the first of two writers wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{FILE}.{os.urandom(8).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _long_enough(key: bytes, source: str) -> bytes:
    if len(key) >= SHORTEST:
        return key
    hint = (
        f'set it to at least {SHORTEST} random bytes, once: {VARIABLE}="$(openssl rand -hex 32)"'
        if source == VARIABLE
        else f"remove {source}: a new key is made, and each fingerprint is unknown once"
    )
    raise BadArgument(f"the fingerprint key in {source} is shorter than {SHORTEST} bytes", hint=hint)


def _unavailable(path: Path, reason: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"the fingerprint key {path} cannot be read or made: {reason}",
        hint=f"set {VARIABLE}, or let the user write to {path.parent}",
    )
