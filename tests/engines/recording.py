"""A socket in front of an engine's that keeps what is asked of it: how many calls a command makes, and which."""

import json
import re
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_PIECE = 1 << 16


@dataclass(frozen=True)
class Request:
    """One request; `path` without the API's version, `body` parsed where it is JSON."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # by their names in lower case
    body: Any = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method not in {"GET", "HEAD"}


@dataclass
class Recording:
    """Where to connect to instead of the engine, and what was asked there so far."""

    host: str
    requests: list[Request] = field(default_factory=list)

    def writes(self) -> list[Request]:
        """The requests that may change something."""
        return [request for request in self.requests if request.writes]

    def lines(self) -> list[str]:
        """Each request as `GET /services`."""
        return [f"{request.method} {request.path}" for request in self.requests]


@contextmanager
def recorded(host: str) -> Iterator[Recording]:
    """A recording in front of the engine at the unix socket `host`."""
    with tempfile.TemporaryDirectory() as folder:
        address = str(Path(folder) / "docker.sock")
        recording = Recording(f"unix://{address}")
        server = _Server(address, host.removeprefix("unix://"), recording.requests)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield recording
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: str, engine: str, requests: list[Request]) -> None:
        super().__init__(address, _Handler)
        self.engine = engine
        self.requests = requests


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.server.engine)
            back = threading.Thread(target=_pump, args=(engine, self.request), daemon=True)
            back.start()
            reader = _Reader(self.server.requests)
            with suppress(OSError):
                while data := self.request.recv(_PIECE):
                    reader.feed(data)
                    engine.sendall(data)
                engine.shutdown(socket.SHUT_WR)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_PIECE):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class _Reader:
    """Finds the requests in what a client sends on one connection."""

    def __init__(self, requests: list[Request]) -> None:
        self._requests = requests
        self._data = b""
        self._raw = False  # after an upgrade no more requests come

    def feed(self, data: bytes) -> None:
        if self._raw:
            return
        self._data += data
        while (found := self._taken()) is not None:
            self._requests.append(found)

    def _taken(self) -> Request | None:
        head, separator, rest = self._data.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "upgrade" in headers:
            self._raw, body = True, b""
        elif headers.get("transfer-encoding") == "chunked":
            unchunked = _unchunked(rest)
            if unchunked is None:
                return None
            body, rest = unchunked
        else:
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return None
            body, rest = rest[:length], rest[length:]
        self._data = rest
        url = urlsplit(target)
        return Request(method, _VERSION.sub("", url.path), parse_qs(url.query), headers, _parsed(body))


def _unchunked(data: bytes) -> tuple[bytes, bytes] | None:
    """The body and what follows it; None where its end has not come yet."""
    body = b""
    while True:
        size, separator, rest = data.partition(b"\r\n")
        if not separator:
            return None
        length = int(size.split(b";")[0], 16)
        if len(rest) < length + 2:
            return None
        if length == 0:
            return body, rest[2:]
        body, data = body + rest[:length], rest[length + 2 :]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
