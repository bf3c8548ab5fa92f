"""Logins as Docker stores them: `config.json`, its credential store and its helpers.

Docker's own package would wait for a helper for ever, so the helper is run here.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from releaser.model.value import Value
from releaser.processes.run import GRACE, NotStarted, run

HELPER_LIMIT = 10.0
"""Seconds that a helper is waited for in all, the time to end it included."""

_Found = TypeVar("_Found")

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_MAX_CONFIG = 4 << 20
_TOKEN_USER = "<token>"  # noqa: S105 - the name by which Docker marks an identity token


class LoginFailed(Exception):
    """A stored login cannot be read; `reason` is a sentence, `hint` what to do. Neither has a secret."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Login:
    """What a registry's token server, or the registry itself, is shown."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """The value of an Authorization header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class _Entry(Value, frozen=True, kw_only=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None
    registrytoken: str | None = None


class _Config(Value, frozen=True, kw_only=True, rename="camel"):
    auths: Mapping[str, _Entry | None] | None = None
    creds_store: str | None = None
    cred_helpers: Mapping[str, str] | None = None


class _Secret(Value, frozen=True, kw_only=True):
    Username: str = ""
    Secret: str = ""


class DockerLogins:
    """The logins of the user who runs this, each asked for once."""

    def __init__(self, environ: Mapping[str, str] | None = None, limit: float = HELPER_LIMIT) -> None:
        self._environ = os.environ if environ is None else environ
        self._limit = limit
        self._config: _Config | None = None
        self._known: dict[str, Login | None] = {}

    @property
    def file(self) -> str:
        """The file that logins are read from, as a person would write it."""
        folder = self._environ.get("DOCKER_CONFIG")
        return f"{folder}/config.json" if folder else "~/.docker/config.json"

    def login(self, key: str) -> Login | None:
        """The login stored for a registry, None where there is none. Raises LoginFailed."""
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]

    def _read(self, key: str) -> Login | None:
        if self._config is None:
            self._config = self._load()
        helper = _matching(self._config.cred_helpers or {}, key) or self._config.creds_store
        if helper:
            login = self._ask(helper, key)
            if login is not None:
                return login
        entry = _matching(self._config.auths or {}, key)
        return _login(entry, key, self.file) if entry is not None else None

    def _load(self) -> _Config:
        try:
            folder = self._environ.get("DOCKER_CONFIG")
            path = Path(folder) if folder else Path(self._environ.get("HOME") or Path.home()) / ".docker"
            with (path / "config.json").open("rb") as file:
                data = file.read(_MAX_CONFIG)
        except (FileNotFoundError, NotADirectoryError, RuntimeError):  # RuntimeError: a user without a home
            return _Config()
        except OSError as error:
            raise LoginFailed(f"{self.file} cannot be read: {error.strerror}", "make the file readable") from error
        try:
            return msgspec.json.decode(data or b"{}", type=_Config)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Without the library's words, and without their origin: they may quote the file.
            raise LoginFailed(f"{self.file} is not what Docker writes", "correct it, or docker login again") from None

    def _ask(self, name: str, key: str) -> Login | None:
        if not _HELPER.match(name):
            raise LoginFailed(f"{self.file} names a credential helper that cannot be one", "correct credsStore")
        program = f"docker-credential-{name}"
        hint = f"see that {program} works, or docker login again"
        try:
            ended = run([program, "get"], timeout=max(0.1, self._limit - GRACE), env=self._environ, stdin=key.encode())
        except NotStarted as error:
            raise LoginFailed(
                f"the credential helper {program}, which {self.file} names, {error.reason}", hint
            ) from error
        if ended.timed_out:
            raise LoginFailed(f"the credential helper {program} did not answer within {self._limit:g} seconds", hint)
        if ended.returncode != 0:
            if b"credentials not found" in (ended.stdout + ended.stderr).lower():
                return None
            raise LoginFailed(f"the credential helper {program} failed with exit code {ended.returncode}", hint)
        try:
            secret = msgspec.json.decode(ended.stdout, type=_Secret)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise LoginFailed(f"the credential helper {program} answered something else than a login", hint) from None
        if not secret.Username and not secret.Secret:
            return None
        if secret.Username == _TOKEN_USER:
            return Login(identity_token=secret.Secret)
        return Login(username=secret.Username, password=secret.Secret)


def _matching(entries: Mapping[str, _Found], key: str) -> _Found | None:
    if key in entries:
        return entries[key]
    return next((value for name, value in entries.items() if _host(name) == _host(key)), None)


def _host(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _login(entry: _Entry, key: str, file: str) -> Login | None:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            decoded = base64.b64decode(entry.auth, validate=True).decode().rstrip("\0")
        except (binascii.Error, ValueError):
            raise LoginFailed(
                f"the login for {key} in {file} is not what Docker writes", f"docker login {key}"
            ) from None
        username, _, password = decoded.partition(":")
    if username == _TOKEN_USER:
        return Login(identity_token=password)
    if not (username or entry.identitytoken or entry.registrytoken):
        return None
    return Login(
        username=username,
        password=password,
        identity_token=entry.identitytoken or "",
        registry_token=entry.registrytoken or "",
    )
