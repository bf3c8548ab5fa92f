"""How an engine is reached: a socket to it, over a socket of this machine, TCP with or without TLS, or `ssh`."""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from releaser.engines.moby import ssh
from releaser.engines.moby.hosts import Host, Tls

CONNECT = 3.0
"""Seconds that a connection may take."""


class Dialler(Protocol):
    """Makes connections to one engine."""

    def connect(self) -> socket.socket:
        """One more. Raises OSError."""

    def last_words(self) -> str:
        """What the program in between said last, if there is one and it ended; else nothing."""

    def close(self) -> None:
        """End what carries connections."""


def dialler(host: Host, environ: Mapping[str, str]) -> Dialler:
    """What reaches this host. Raises OSError where a certificate cannot be read."""
    if host.scheme == "ssh":
        return ssh.Programs(host, environ)
    return _Direct(host)


class Breakable:
    """Connections that another thread may break off, whatever they wait for."""

    def __init__(self, reach: Dialler) -> None:
        self._reach = reach
        self._made: list[socket.socket] = []
        self._broken = False

    def connect(self) -> socket.socket:
        """One more. Raises OSError."""
        made = self._reach.connect()
        self._made.append(made)
        if self._broken:  # while this one was made
            made.close()
            raise ConnectionAbortedError
        return made

    def last_words(self) -> str:
        """What the program in between said last."""
        return self._reach.last_words()

    def break_off(self) -> None:
        """Whoever reads or writes gets an error now, and no more are made."""
        self._broken = True
        for made in self._made:
            with suppress(OSError):  # it is over already
                made.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """What carries the connections has others too."""


class _Direct:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._context = _context(host.tls) if host.tls else None

    def connect(self) -> socket.socket:
        if self._host.scheme == "unix":
            return _unix(self._host.path)
        made = socket.create_connection((self._host.name, self._host.port), CONNECT)
        if self._context is None:
            return made
        try:
            return self._context.wrap_socket(made, server_hostname=self._host.name)
        except BaseException:
            made.close()
            raise

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        """Connections close by themselves."""


def _unix(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.settimeout(CONNECT)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert and tls.key:
        # The answer to a question for the key's password: nobody is there to be asked.
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context
