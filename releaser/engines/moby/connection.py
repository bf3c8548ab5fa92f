"""A connection to one engine over docker-py's transport: opened at the first call, every call with a time limit."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from releaser.engines.moby import errors, hosts
from releaser.engines.moby.errors import Refused
from releaser.engines.moby.ticking import ticking
from releaser.model.errors import EngineUnreachable
from releaser.model.value import Json, Value
from releaser.planning.redact import printable

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

OLDEST = "1.41"
"""The oldest API that has what is needed: that of Docker 20.10."""

NEWEST = "1.45"
"""The newest API that was tried; newer engines are spoken to in it, so that no answer means something new."""

LIMIT = 15.0
"""Seconds that a call takes at most, if it does not say otherwise."""

CONNECTIONS = 8
"""Calls at a time."""

_CONNECT = 3.0
_PIECE = 1 << 16
_MOST = 256 << 20  # bytes of an answer


class _Version(Value, frozen=True, kw_only=True):
    newest: str = msgspec.field(name="ApiVersion")
    oldest: str = msgspec.field(name="MinAPIVersion", default="0")


class Connection:
    """Sends requests to the engine that is meant, from any thread."""

    def __init__(self, declared: str | None, environ: Mapping[str, str]) -> None:
        self._declared = declared
        self._environ = environ
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    @property
    def place(self) -> str:
        """The engine as a person knows it."""
        return self._opened.host.place if self._opened else hosts.place_of(self._declared, self._environ)

    @property
    def host(self) -> hosts.Host:
        """The engine's address. Raises EngineUnreachable where it cannot be found out."""
        return self._opened.host if self._opened else hosts.find(self._declared, self._environ)

    @property
    def version(self) -> str:
        """The API's version that both sides speak. Raises EngineUnreachable."""
        return self._open().version

    def read(
        self, method: str, path: str, *, timeout: float = LIMIT, most: int = _MOST, **words: Json
    ) -> tuple[str, bytes]:
        """An answer's media type and its whole body. Raises Refused, EngineUnreachable."""
        opened = self._open()
        ask = partial(opened.read, method, f"/v{opened.version}{path}", timeout, most, words)
        try:
            return ask()
        except EngineUnreachable as error:
            # An engine that was started anew has closed the connections that we kept; what only reads is asked again.
            if method != "GET" or not errors.broken_off(error.__cause__):
                raise
        return ask()

    def lines(self, method: str, path: str, *, timeout: float = LIMIT, **words: Json) -> Iterator[bytes | None]:
        """An answer's lines as they come, and None while none comes; `timeout` is for each of them.

        Who stops reading breaks the call off. Raises Refused, EngineUnreachable.
        """
        opened = self._open()
        with opened.send(method, f"/v{opened.version}{path}", timeout, words) as response:
            yield from ticking(lambda: opened.piece(response), response.raw.shutdown)

    def close(self) -> None:
        """Let go of it; the next call connects again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.api.close()

    def _open(self) -> "_Opened":
        with self._lock:
            if self._opened is None:
                self._opened = _negotiated(hosts.find(self._declared, self._environ), self._environ)
            return self._opened


class _Opened:
    """A session with one engine."""

    def __init__(self, host: hosts.Host, api: "APIClient", proxies: Mapping[str, str]) -> None:
        self.host = host
        self.api = api
        self.version = OLDEST
        self._proxies = dict(proxies)

    def send(self, method: str, path: str, timeout: float, words: Mapping[str, Json]) -> "Response":
        """An answer whose body is still to be read. Raises Refused, EngineUnreachable."""
        headers = {"Accept-Encoding": "identity", **words.get("headers", {})}
        with self._translated():
            response = self.api.request(
                method,
                f"{self.api.base_url}{path}",
                stream=True,
                timeout=(_CONNECT, timeout),
                verify=self.api.verify,  # said each time: a variable of the environment would count for more
                proxies=self._proxies,
                **{**words, "headers": headers},
            )
        if response.status_code >= 400:
            with response:
                raise self._refused(response)
        return response  # type: ignore[no-any-return] # docker-py has no types

    def piece(self, response: "Response") -> bytes:
        """What has come of the body, at least a byte; empty at its end. Raises EngineUnreachable."""
        with self._translated():
            return response.raw.read1(_PIECE)

    def read(self, method: str, path: str, timeout: float, most: int, words: Mapping[str, Json]) -> tuple[str, bytes]:
        """Send and read the whole answer within the limit: a peer that says a little now and then holds nobody."""
        end = time.monotonic() + timeout
        body = bytearray()
        with self.send(method, path, timeout, words) as response:
            while piece := self.piece(response):
                body += piece
                if len(body) > most:
                    raise errors.no_engine(self.host, f"the answer to {path} has more than {most} bytes")
                if time.monotonic() > end:
                    raise errors.unreachable(self.host, TimeoutError(), timeout)
            return response.headers.get("Content-Type", ""), bytes(body)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from requests.exceptions import RequestException  # noqa: PLC0415 - with docker, when an engine is spoken to
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what reading an answer raises

        began = time.monotonic()
        try:
            yield
        except (RequestException, HTTPError, OSError) as error:
            raise errors.unreachable(self.host, error, time.monotonic() - began) from error

    def _refused(self, response: "Response") -> Refused | EngineUnreachable:
        data = self.piece(response)
        try:
            said = str(msgspec.json.decode(data)["message"])
        except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
            said = data.decode(errors="replace") or f"status {response.status_code}"
        if response.status_code == 400 and "HTTP request to an HTTPS server" in said:
            return errors.asks_for_tls(self.host)
        return Refused(response.status_code, printable(said.strip(), lines=True))


def _negotiated(host: hosts.Host, environ: Mapping[str, str]) -> _Opened:
    """A session in the newest API that both sides speak; asks the engine once."""
    opened = _session(host, environ)
    try:
        opened.version = _common(host, _asked(opened))
    except BaseException:
        opened.api.close()
        raise
    return opened


def _asked(opened: _Opened) -> _Version:
    try:
        _, body = opened.read("GET", "/version", LIMIT, _PIECE, {})
        return msgspec.json.decode(body, type=_Version)
    except Refused as refused:
        raise errors.no_engine(opened.host, f"GET /version: {refused.message}") from refused
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.no_engine(opened.host, f"GET /version: {error}") from error


def _common(host: hosts.Host, engine: _Version) -> str:
    try:
        newest, oldest = _number(engine.newest), _number(engine.oldest)
    except ValueError:
        raise errors.no_engine(host, f"it says that its API is {engine.newest}") from None
    if newest < _number(OLDEST):
        raise errors.too_old(host, engine.newest, OLDEST)
    if oldest > _number(NEWEST):
        raise errors.too_new(host, engine.oldest, NEWEST)
    return NEWEST if newest > _number(NEWEST) else engine.newest


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _session(host: hosts.Host, environ: Mapping[str, str]) -> _Opened:
    import docker  # noqa: PLC0415 - a tenth of a second, for those who speak to an engine only
    from requests.utils import get_environ_proxies  # noqa: PLC0415

    tls = False if host.tls is None else docker.tls.TLSConfig(**_certificates(host.tls))
    name = f"[{host.name}]" if ":" in host.name else host.name
    urls = {"unix": f"unix://{host.path}", "tcp": f"tcp://{name}:{host.port}", "ssh": "tcp://localhost:22"}
    try:
        # The version is found out afterwards, as docker-py would say little about what went wrong.
        api = docker.APIClient(urls[host.scheme], version=OLDEST, timeout=LIMIT, tls=tls, user_agent="releaser")
    except (docker.errors.DockerException, ValueError) as error:
        raise EngineUnreachable(
            f"the engine at {errors.where(host)} is not asked: {printable(str(error))}",
            hint="see whether Docker's own config.json is in order: docker info",
        ) from error
    api.trust_env = False  # neither ~/.netrc nor REQUESTS_CA_BUNDLE has a say
    if host.scheme == "ssh":
        from releaser.engines.moby.ssh import SshAdapter  # noqa: PLC0415 - with docker

        api.mount(api.base_url, SshAdapter(host, environ, CONNECTIONS))
    return _Opened(host, api, get_environ_proxies(api.base_url) if host.scheme == "tcp" else {})


def _certificates(tls: hosts.Tls) -> dict[str, Json]:
    pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
    return {"ca_cert": str(tls.ca) if tls.ca else None, "client_cert": pair, "verify": tls.verify}
