"""A registry on 127.0.0.1 that answers as it should, until a rule says otherwise; and a network of made-up names."""

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import pytest

from tests.contracts.oci_images import Content


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in small letters
    body: bytes

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


@dataclass
class Reply:
    """An answer. `stream` replaces the body: its chunks are written until it ends or the client leaves."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: Callable[["ScriptedRegistry"], Iterator[bytes]] | None = None
    raw: bool = False  # the stream is the whole answer, with its status line


Rule = Callable[[Seen], Reply | None]


class ScriptedRegistry:
    """Stores what is put there; `rules` are asked first, in order; `seen` has every request."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.blobs: dict[str, bytes] = {}
        self.documents: dict[str, tuple[str, bytes]] = {}
        self.tags: dict[str, dict[str, str]] = {}  # repository → tag → digest
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.sent = 0
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.registry = self
        self._server.context = context
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def store(self, repository: str, tag: str, content: Content) -> None:
        self.blobs.update(content.blobs)
        self.documents.update(content.documents)
        self.tags.setdefault(repository, {})[tag] = content.top

    def lines(self) -> list[str]:
        """`HEAD manifests/v1`, the requests without the repository."""
        return [f"{one.method} {'/'.join(one.path.split('/')[-2:])}" for one in self.seen]

    def reply(self, request: Seen) -> Reply:
        for rule in self.rules:
            reply = rule(request)
            if reply is not None:
                return reply
        return self.usual(request)

    def usual(self, request: Seen) -> Reply:
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags)/([^/]+)", request.path)
        if not match or match[1] not in self.tags:
            return _error(404, "NAME_UNKNOWN")
        repository, kind, reference = match.groups()
        if kind == "tags":
            tags = list(self.tags[repository])
            return Reply(
                200, {"Content-Type": "application/json"}, json.dumps({"name": repository, "tags": tags}).encode()
            )
        return self._blob(reference) if kind == "blobs" else self._manifest(repository, reference, request)

    def _blob(self, digest: str) -> Reply:
        if digest not in self.blobs:
            return _error(404, "BLOB_UNKNOWN")
        return Reply(200, {"Content-Type": "application/octet-stream"}, self.blobs[digest])

    def _manifest(self, repository: str, reference: str, request: Seen) -> Reply:
        digest = self.tags[repository].get(reference, reference)
        media_type, data = self.documents.get(digest, ("", b""))
        if not media_type or media_type not in request.headers.get("accept", "").split(", "):
            return _error(404, "MANIFEST_UNKNOWN")
        return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, data)


def _error(status: int, code: str) -> Reply:
    body = json.dumps({"errors": [{"code": code, "message": "no"}]}).encode()
    return Reply(status, {"Content-Type": "application/json"}, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    registry: ScriptedRegistry
    context: ssl.SSLContext | None

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        registry = self.server.registry
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Seen(self.command, path, query, headers, self.rfile.read(length))
        registry.seen.append(request)
        reply = registry.reply(request)
        if not reply.raw:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers and reply.stream is None:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
        if self.command != "HEAD" or reply.raw:
            for chunk in reply.stream(registry) if reply.stream else (reply.body,):
                self.wfile.write(chunk)
                self.wfile.flush()
                registry.sent += len(chunk)
        if reply.stream:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_CONNECT = _answer  # noqa: N815 - the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@dataclass
class Network:
    """Names, their addresses, and the local ports that really answer there; `asked` has every connection tried."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)  # name → what each look-up in turn gives
    ports: dict[tuple[str, int], int] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def place(self, name: str, address: str, registry: ScriptedRegistry, port: int = 443) -> None:
        self.names[name] = [[address]]
        self.ports[address, port] = registry.port

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connect = socket.create_connection
        look_up = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *args: object, **words: object) -> list[object]:
            if host not in self.names:
                if re.fullmatch(r"[0-9.:a-fA-F]+", host):
                    return list(look_up(host, port, *args, **words))  # type: ignore[arg-type]
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            turns = self.names[host]
            addresses = turns.pop(0) if len(turns) > 1 else turns[0]
            return [entry for address in addresses for entry in look_up(address, port, type=socket.SOCK_STREAM)]

        def create_connection(place: tuple[str, int], timeout: object = None, **words: object) -> socket.socket:
            self.asked.append(place)
            if place not in self.ports and place[0] != "127.0.0.1":
                raise ConnectionRefusedError(111, "Connection refused")
            return connect(("127.0.0.1", self.ports.get(place, place[1])), timeout)  # type: ignore[arg-type]

        monkeypatch.setattr("releaser.registry.addresses.socket.getaddrinfo", getaddrinfo)
        monkeypatch.setattr("releaser.registry.connections.create_connection", create_connection)
