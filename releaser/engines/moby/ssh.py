"""The engine of another machine through the system's `ssh`, with the user's own keys, agent and settings.

docker-py's own way asks for paramiko even where it runs `ssh`, and waits without a limit. Here the program's ends are a
socket, so that the limits of every other connection hold, and its last words are kept.
"""

import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NotConnected
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from releaser.engines.moby.hosts import Host
from releaser.planning.redact import printable

_CONNECT = 10  # seconds; shorter than a call's limit, so that ssh says why it does not get there
_END = 2.0  # seconds that a program which was told to end is waited for
_KEPT = 2000


def argv(host: Host) -> list[str]:
    """The command whose standard input and output are a connection to the engine there; it never asks anything."""
    remote = ["docker", *(["--host", f"unix://{host.path}"] if host.path else []), "system", "dial-stdio"]
    return [
        "ssh",
        *("-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT}", "-T"),
        *(("-l", host.user) if host.user else ()),
        *(("-p", str(host.port)) if host.port else ()),
        *("--", host.name, shlex.join(remote)),
    ]


class SshEnded(NotConnected):
    """The program ended, and these are its last words."""


class SshAdapter(HTTPAdapter):
    """Carries requests to one engine, through as many programs as there are requests at a time."""

    def __init__(self, host: Host, environ: Mapping[str, str], connections: int) -> None:
        super().__init__()
        self._programs = _Programs(argv(host), environ)
        programs = self._programs

        class Connection(HTTPConnection):
            def connect(self) -> None:
                self.sock = programs.connect(self.timeout)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool("localhost", maxsize=connections)

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:
        """The one pool: there is one engine."""
        return self._pool

    def request_url(self, request: PreparedRequest, *_: object) -> str:
        """The path alone: nothing lies between us and the engine that reads addresses."""
        return request.path_url

    def send(self, request: PreparedRequest, **words: object) -> Response:  # type: ignore[override] # as requests calls it
        """Send, and where that fails say what `ssh` said."""
        try:
            return super().send(request, **words)  # type: ignore[arg-type] # as requests calls it
        except NotConnected as error:
            said = self._programs.last_words()
            raise (SshEnded(said) if said else error) from error

    def close(self) -> None:
        """End the programs."""
        self._pool.close()
        self._programs.close()
        super().close()


class _Programs:
    """The running programs; each ends with its connection, at the latest with all of them."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._environ = environ
        self._lock = threading.Lock()
        self._running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def connect(self, timeout: object) -> socket.socket:
        """One program more, as a socket."""
        ours, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        try:
            process = subprocess.Popen(  # noqa: S603 - an argument list, never a shell
                self._command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=said,
                env=dict(self._environ),
                start_new_session=True,  # Ctrl-C is for us to answer
            )
        except OSError as error:
            ours.close()
            said.close()
            raise SshEnded(f"ssh cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        with self._lock:
            self._running = [one for one in self._running if not _reaped(*one)]
            self._running.append((process, said))
        ours.settimeout(timeout if isinstance(timeout, int | float) else None)
        return ours

    def last_words(self) -> str:
        """What the newest program said, if it ended or is about to; empty where it runs on."""
        with self._lock:
            if not self._running:
                return ""
            process, said = self._running[-1]
            try:
                code = process.wait(_END)
            except subprocess.TimeoutExpired:
                return ""
            said.seek(0)
            words = said.read()[-_KEPT:].decode(errors="replace").replace("\r", "").strip()
        return printable(words, lines=True) or f"ssh ended with exit code {code}"

    def close(self) -> None:
        """End every program and wait for it."""
        with self._lock:
            running, self._running = self._running, []
        for process, _ in running:
            process.terminate()
        for process, said in running:
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.close()


def _reaped(process: subprocess.Popen[bytes], said: IO[bytes]) -> bool:
    if process.poll() is None:
        return False
    said.close()
    return True
