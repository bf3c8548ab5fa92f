"""A connection to one engine: made at the first call, in an API that both sides speak; every call has a time limit."""

import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from releaser import __version__
from releaser.engines.moby import errors, hosts
from releaser.engines.moby.dialling import CONNECT, Breakable, Dialler, dialler
from releaser.engines.moby.errors import Refused
from releaser.engines.moby.ticking import ticking
from releaser.model.errors import EngineUnreachable
from releaser.model.value import Value
from releaser.planning.redact import printable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

OLDEST = "1.41"
"""The oldest API that has what is needed: that of Docker 20.10."""

NEWEST = "1.45"
"""The newest API that was tried; newer engines are spoken to in it, so that no answer means something new."""

LIMIT = 15.0
"""Seconds that a call takes at most, if it does not say otherwise."""

CONNECTIONS = 8
"""Calls at a time."""

_PIECE = 1 << 16


class Request(Value, frozen=True, kw_only=True):
    """What is asked; the path is without the API's version."""

    method: str
    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout: float | None = None  # seconds; None: the usual limit
    most: int = 256 << 20  # bytes of the answer

    @property
    def target(self) -> str:
        """The path with its parameters."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path


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
    def version(self) -> str:
        """The API's version that both sides speak. Raises EngineUnreachable."""
        return self._open().version

    def read(self, request: Request) -> tuple[str, bytes]:
        """An answer's media type and its whole body. Raises Refused, EngineUnreachable."""
        ask = partial(self._open().read, request)
        try:
            return ask()
        except EngineUnreachable as error:
            # An engine that was started anew has closed the connections that we kept; what only reads is asked again.
            if request.method != "GET" or not errors.broken_off(error.__cause__):
                raise
        return ask()

    def lines(self, request: Request) -> Generator[bytes | None]:
        """An answer's lines as they come, and None while none comes; the limit is for each of them.

        Who stops reading breaks the call off. Raises Refused, EngineUnreachable.
        """
        opened, own = self._open().apart()
        try:
            yield from ticking(opened.pieces(request), own.break_off)
        finally:
            opened.close()

    @contextmanager
    def pieces(self, request: Request) -> Iterator[Iterator[bytes]]:
        """An answer of any length as it comes; the limit is for each piece. Raises Refused, EngineUnreachable."""
        opened, _ = self._open().apart()
        try:
            yield opened.pieces(request)
        finally:
            opened.close()

    def no_engine(self, why: str) -> EngineUnreachable:
        """Something answered, and not as an engine would."""
        return errors.no_engine(self._open().host, why)

    def close(self) -> None:
        """Let go of it; the next call connects again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.close()

    def _open(self) -> "_Opened":
        with self._lock:
            if self._opened is None:
                self._opened = _negotiated(hosts.find(self._declared, self._environ), self._environ)
            return self._opened


class _Opened:
    """Kept connections to one engine."""

    def __init__(self, host: hosts.Host, reach: Dialler, version: str = "") -> None:
        self.host = host
        self.version = version
        self._reach = reach
        self._pool = _pool(host, reach)

    @contextmanager
    def send(self, request: Request) -> Iterator["BaseHTTPResponse"]:
        """An answer whose body is still to be read. Raises Refused, EngineUnreachable."""
        from urllib3 import Timeout  # noqa: PLC0415 - a good part of a short command's time

        with self._translated():
            response = self._pool.urlopen(
                request.method,
                f"/v{self.version}{request.target}" if self.version else request.target,
                body=request.body,
                headers={"User-Agent": f"releaser/{__version__}", **request.headers},
                timeout=Timeout(connect=CONNECT, read=request.timeout or LIMIT),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        try:
            if response.status >= 400:
                raise self._refused(response)
            yield response
        finally:
            response.close()  # one that was read to its end has given its connection back before

    def piece(self, response: "BaseHTTPResponse") -> bytes:
        """What has come of the body, at least a byte; empty at its end. Raises EngineUnreachable."""
        with self._translated():
            return response.read1(_PIECE)

    def read(self, request: Request) -> tuple[str, bytes]:
        """Send and read the whole answer within the limit: a peer that says a little now and then holds nobody."""
        limit = request.timeout or LIMIT
        end = time.monotonic() + limit
        body = bytearray()
        with self.send(request) as response:
            while piece := self.piece(response):
                body += piece
                if len(body) > request.most:
                    raise errors.no_engine(self.host, f"more than {request.most} bytes in answer to {request.path}")
                if time.monotonic() > end:
                    raise errors.unreachable(self.host, TimeoutError(), limit)
            return response.headers.get("Content-Type", ""), bytes(body)

    def pieces(self, request: Request) -> Iterator[bytes]:
        """An answer as it comes. Raises Refused, EngineUnreachable."""
        with self.send(request) as response:
            while piece := self.piece(response):
                yield piece

    def apart(self) -> tuple["_Opened", Breakable]:
        """The same engine over connections of its own, which can be broken off while others wait for them."""
        own = Breakable(self._reach)
        return _Opened(self.host, own, self.version), own

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()
        self._reach.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above

        began = time.monotonic()
        try:
            yield
        except (HTTPError, OSError) as error:
            waited = time.monotonic() - began
            raise errors.unreachable(self.host, error, waited, self._reach.last_words()) from error

    def _refused(self, response: "BaseHTTPResponse") -> Refused | EngineUnreachable:
        data = b""
        while len(data) < _PIECE and (piece := self.piece(response)):
            data += piece
        try:
            said = str(msgspec.json.decode(data)["message"])
        except (msgspec.DecodeError, KeyError, TypeError, UnicodeDecodeError):
            said = data.decode(errors="replace") or f"status {response.status}"
        if response.status == 400 and "HTTP request to an HTTPS server" in said:
            return errors.asks_for_tls(self.host)
        return Refused(response.status, printable(said.strip(), lines=True))


def _pool(host: hosts.Host, reach: Dialler) -> "HTTPConnectionPool":
    from urllib3.connection import HTTPConnection  # noqa: PLC0415 - as above
    from urllib3.connectionpool import HTTPConnectionPool  # noqa: PLC0415

    class Dialled(HTTPConnection):
        def connect(self) -> None:
            self.sock = reach.connect()

    class Pool(HTTPConnectionPool):
        ConnectionCls = Dialled

    return Pool(host.name or "localhost", host.port, maxsize=CONNECTIONS)


def _negotiated(host: hosts.Host, environ: Mapping[str, str]) -> _Opened:
    """A connection in the newest API that both sides speak; asks the engine once."""
    try:
        opened = _Opened(host, dialler(host, environ))
    except OSError as error:  # a certificate, or its key
        raise errors.unreachable(host, error, 0) from error
    try:
        opened.version = _common(host, _asked(opened))
    except BaseException:
        opened.close()
        raise
    return opened


def _asked(opened: _Opened) -> _Version:
    try:
        _, body = opened.read(Request(method="GET", path="/version", most=_PIECE))
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
