"""The engine of another machine through the system's `ssh`, with the user's own keys, agent and settings."""

import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from typing import IO

from releaser.engines.moby.hosts import Host
from releaser.planning.redact import printable

_CONNECT = 10  # seconds; shorter than a call's limit, so that ssh says why it does not get there
_END = 2.0  # seconds that a program which is about to end is waited for
_KEPT = 2000  # bytes of what it said


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


class Programs:
    """The running programs, one a connection; each ends with its connection, at the latest with all of them."""

    def __init__(self, host: Host, environ: Mapping[str, str]) -> None:
        self._command = argv(host)
        self._environ = environ
        self._lock = threading.Lock()
        self._running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def connect(self) -> socket.socket:
        """One program more, its two ends as one socket, so that limits hold as on any other. Raises OSError."""
        ours, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        try:
            process = subprocess.Popen(  # noqa: S603 - an argument list, never a shell
                self._command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=said,
                env=dict(self._environ),
                start_new_session=True,  # Ctrl-C is ours to answer, and there is no terminal to ask at
            )
        except BaseException:
            ours.close()
            said.close()
            raise
        finally:
            theirs.close()
        with self._lock:
            self._running = [one for one in self._running if not _over(*one)]
            self._running.append((process, said))
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


def _over(process: subprocess.Popen[bytes], said: IO[bytes]) -> bool:
    if process.poll() is None:
        return False
    said.close()
    return True
