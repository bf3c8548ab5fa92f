"""What answers like an engine, or not at all like one, at a socket: for what a real engine never does on request."""

import json
import re
import socket
import socketserver
import ssl
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_PIECE = 1 << 16

Answer = Any
"""JSON; a status with JSON; or what writes the answer by itself."""


class Stub:
    """The address to connect to, what is answered there, and the request lines so far, with the API's version."""

    def __init__(self, host: str, answers: dict[str, Answer]) -> None:
        self.host = host
        self.answers = answers
        self.asked: list[str] = []
        self.connections = 0


@contextmanager
def engine(
    folder: Path, answers: Mapping[str, Answer] | None = None, *, version: str = "1.45", oldest: str = "1.24"
) -> Iterator[Stub]:
    """Answers at a unix socket in `folder`: `GET /version`, and `answers` by `METHOD /path` without the version."""
    known = {"GET /version": {"ApiVersion": version, "MinAPIVersion": oldest}, **(answers or {})}
    address = folder / "stub.sock"
    address.unlink(missing_ok=True)
    stub = Stub(f"unix://{address}", known)

    class Handler(_Handler):
        def answer(self) -> None:
            stub.asked.append(f"{self.command} {self.path}")
            path = _VERSION.sub("", self.path.partition("?")[0])
            self.reply(known.get(f"{self.command} {path}", (404, {"message": f"page not found: {path}"})))

        def setup(self) -> None:
            stub.connections += 1
            super().setup()

    with _serving(socketserver.ThreadingUnixStreamServer, str(address), Handler):
        yield stub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @abstractmethod
    def answer(self) -> None:
        """What each stub says."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def reply(self, answer: Answer) -> None:
        if callable(answer):
            answer(self)
            return
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Tests say what went wrong."""


@contextmanager
def raw(folder: Path, behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A unix socket whose every connection is given to `behave`."""
    address = folder / "raw.sock"

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                behave(self.request)

    with _serving(socketserver.ThreadingUnixStreamServer, str(address), Handler):
        yield f"unix://{address}"


@contextmanager
def forwarded(host: str, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A TCP port on loopback that leads to the engine at the unix socket `host`, with TLS where there is a context."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as engine:
                engine.connect(host.removeprefix("unix://"))
                client = context.wrap_socket(self.request, server_side=True) if context else self.request
                with client:
                    back = threading.Thread(target=_pump, args=(engine, client), daemon=True)
                    back.start()
                    _pump(client, engine)
                    back.join()

    with _serving(socketserver.ThreadingTCPServer, ("127.0.0.1", 0), Handler) as server:
        yield server.server_address[1]


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_PIECE):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def _serving(kind: type[socketserver.BaseServer], address: object, handler: type) -> Iterator[socketserver.BaseServer]:
    class Server(kind):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A client that goes away is what some tests are about."""

    server = Server(address, handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
