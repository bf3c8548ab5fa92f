"""Showing a registry who asks: Basic, or a Bearer token from the token server that it names.

A login goes to the registry's own host, and to a token server elsewhere only if that one is known or declared, over
HTTPS. Otherwise a registry could have any login sent anywhere. The scope of a token is ours, not the registry's wish.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from releaser.model.value import Value
from releaser.registry.logins import DockerLogins, Login
from releaser.registry.places import printable
from releaser.registry.references import HUB, Repository, hostname, is_loopback
from releaser.registry.transport import Answer, NoAnswer, Request

KNOWN_REALMS: Mapping[str, str] = {HUB: "auth.docker.io", "registry.gitlab.com": "gitlab.com"}
"""Registry → the other host whose token server is given its login."""

_PART = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9_-]*+)(?=\s++[A-Za-z]|\s*+(?:,|\Z))"
    r'|(?P<key>[A-Za-z_]++)\s*+=\s*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^\s,"]++))'
)
_LONGEST_HEADER = 8192
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}\Z")
_LIFETIME = 60.0  # seconds, of a token that does not say
_MARGIN = 10.0  # a token is not used so shortly before its end


@dataclass(frozen=True)
class Challenge:
    """One way in that a 401 offers."""

    scheme: str  # in small letters
    parameters: Mapping[str, str]


class _Token(Value, frozen=True, kw_only=True):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


Send = Callable[[Request], Answer]
"""Sends with retries. Raises NoAnswer."""


class Authorizer:
    """The Authorization header for a registry's repositories, each kept until its token ends."""

    def __init__(self, logins: DockerLogins, declared_realm: str | None, *, secure: bool) -> None:
        self._logins = logins
        self._declared = declared_realm.lower() if declared_realm else None
        self._secure = secure
        self._headers: dict[Repository, tuple[str, float]] = {}
        self._withheld: dict[Repository, str] = {}  # where a login was not sent

    def known(self, repository: Repository) -> str | None:
        """The header that was asked for before."""
        header, end = self._headers.get(repository, (None, 0.0))
        return header if time.monotonic() < end else None

    def answer(self, repository: Repository, offered: str, send: Send) -> str:
        """The header that a 401 asks for. Raises NoAnswer, LoginFailed."""
        challenges = {challenge.scheme: challenge.parameters for challenge in parse_challenges(offered)}
        login = self._logins.login(repository.login_key)
        if "bearer" in challenges:
            header, lifetime = self._token(repository, challenges["bearer"], login, send)
        elif "basic" in challenges:
            if login is None or not login.username:
                raise self.refused(repository)
            header, lifetime = login.basic(), float("inf")
        else:
            raise NoAnswer("asks for a login without saying which kind", "use a registry with Basic or Bearer logins")
        self._headers[repository] = (header, time.monotonic() + lifetime)
        return header

    def refused(self, repository: Repository) -> NoAnswer:
        """Why a 401 or 403 was the last word."""
        command = "docker login" if repository.host == HUB else f"docker login {repository.host}"
        if host := self._withheld.get(repository):
            return NoAnswer(
                f"wants our login sent to {host}, which is not declared as its token server",
                f"if that is right, declare it: registries: {{{repository.host}: {{auth: {host}}}}}",
            )
        if self._logins.login(repository.login_key) is None:
            return NoAnswer(
                "asks for a login and none is stored, or has no such repository",
                f"{command} (logins are read from {self._logins.file}), or correct the name",
            )
        return NoAnswer(
            f"refuses the login from {self._logins.file}, or has no such repository for it",
            f"{command} again, ask for access, or correct the name",
        )

    def _token(
        self, repository: Repository, offered: Mapping[str, str], login: Login | None, send: Send
    ) -> tuple[str, float]:
        if login is not None and login.registry_token:
            return f"Bearer {login.registry_token}", float("inf")
        realm = self._realm(offered.get("realm", ""))
        host = (urlsplit(realm).hostname or "").lower()
        if login is not None and not self._is_trusted(repository, realm, host):
            self._withheld[repository] = host
            login = None
        query = {"scope": f"repository:{repository.path}:pull"}
        if service := offered.get("service"):
            query["service"] = service
        answer = send(_token_request(realm, query, login))
        if answer.status in {400, 401, 403}:
            raise self.refused(repository)
        if answer.status != 200:
            raise NoAnswer(f"has a token server, {host}, that answers {answer.status}")
        return _read_token(answer, host)

    def _realm(self, text: str) -> str:
        try:
            parts = urlsplit(text)
            port = parts.port or 1
        except ValueError:
            port = 0
        if not port or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise NoAnswer("names a token server that cannot be asked")
        if parts.scheme == "http" and self._secure:
            raise NoAnswer(f"names a token server without HTTPS, {printable(parts.hostname)}; it is not asked")
        return text

    def _is_trusted(self, repository: Repository, realm: str, host: str) -> bool:
        own = hostname(repository.api).lower()
        if host == own or (is_loopback(host) and is_loopback(own)):
            return True
        return urlsplit(realm).scheme == "https" and host in {self._declared, KNOWN_REALMS.get(repository.host)}


def parse_challenges(header: str) -> list[Challenge]:
    """What `WWW-Authenticate` offers; several challenges may stand in one header."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in _PART.finditer(header[:_LONGEST_HEADER]):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            quoted = part["quoted"]
            value = part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(part["key"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _token_request(realm: str, query: dict[str, str], login: Login | None) -> Request:
    if login is not None and login.identity_token:
        form = {
            **query,
            "grant_type": "refresh_token",
            "client_id": "releaser",
            "refresh_token": login.identity_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return Request(method="POST", url=realm, headers=headers, body=urlencode(form).encode())
    parts = urlsplit(realm)
    full = urlencode([*parse_qsl(parts.query), *query.items()])
    headers = {"Accept": "application/json"}
    if login is not None:
        headers["Authorization"] = login.basic()
    return Request(method="GET", url=urlunsplit(parts._replace(query=full, fragment="")), headers=headers)


def _read_token(answer: Answer, host: str) -> tuple[str, float]:
    # Nothing of the answer goes into a message, not even by the chain of errors: it may hold a token.
    try:
        told = msgspec.json.decode(answer.body, type=_Token, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoAnswer(f"has a token server, {host}, that answers no token") from None
    token = told.token or told.access_token or ""
    if not _TOKEN.match(token):
        raise NoAnswer(f"has a token server, {host}, that answers no token")
    lifetime = _LIFETIME if told.expires_in is None else told.expires_in
    return f"Bearer {token}", max(lifetime - _MARGIN, 1.0)
