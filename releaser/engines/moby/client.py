"""One Docker Engine: raw JSON requests, each with a limit on its time; the engine's own words where it refuses.

https://docs.docker.com/reference/api/engine/
"""

import base64
import json
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from releaser.engines.moby import logs, pulls
from releaser.engines.moby.connection import CONNECTIONS, Connection, Request
from releaser.engines.moby.errors import Refused
from releaser.model.errors import ApplyFailed, RegistryUnreachable
from releaser.model.value import Json, JsonMap
from releaser.ports import RegistryLogins

ARCHIVE = 60.0
"""Seconds that an archive takes at most."""

_MAX_DOWNLOAD = 64 << 20

_T = TypeVar("_T")


class Client:
    """Speaks to the engine at `host`; connects at the first call, and is safe to be shared by threads that read.

    `host`: an address, `context:NAME`, or None for the engine that the `docker` command would speak to.
    """

    def __init__(
        self, host: str | None, logins: RegistryLogins | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._connection = Connection(host, os.environ if environ is None else environ)
        self._logins = logins
        self._lock = threading.Lock()
        self._info: JsonMap | None = None

    @property
    def place(self) -> str:
        """The engine as a person knows it: `unix:///var/run/docker.sock`, `ssh://…`, `context NAME`."""
        return self._connection.place

    @property
    def api_version(self) -> str:
        """The version that both sides speak. Raises EngineUnreachable."""
        return self._connection.version

    def call(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        path: str,
        *,
        params: JsonMap | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Json:
        """The parsed answer, None where there is none. Raises Refused, EngineUnreachable.

        It takes 15 seconds at most, if `timeout` does not say otherwise.
        """
        sent = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
        data = None if body is None else msgspec.json.encode(body)
        kind, data = self._connection.read(
            Request(method=method, path=path, params=_flat(params), headers=sent, body=data, timeout=timeout)
        )
        if not data:
            return None
        if "json" not in kind:
            return data.decode(errors="replace")
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._connection.no_engine(f"{method} {path}: {error}") from error

    def upload(self, path: str, data: bytes, params: JsonMap) -> None:
        """Send a tar. Raises Refused, EngineUnreachable."""
        headers = {"Content-Type": "application/x-tar"}
        self._connection.read(
            Request(method="PUT", path=path, params=_flat(params), headers=headers, body=data, timeout=ARCHIVE)
        )

    def download(self, path: str, params: JsonMap) -> bytes:
        """Fetch a tar of at most 64 MiB. Raises Refused, EngineUnreachable."""
        request = Request(method="GET", path=path, params=_flat(params), timeout=ARCHIVE, most=_MAX_DOWNLOAD)
        return self._connection.read(request)[1]

    def logs(self, path: str, tail: int = 20) -> str:
        """The last lines of both streams, as they may be shown; empty where there are none, or they cannot be read."""
        params = {"stdout": "1", "stderr": "1", "tail": str(tail)}
        try:
            return logs.shown(self._connection.read(Request(method="GET", path=path, params=params))[1])
        except Refused:
            return ""

    def pull(self, reference: str, platform: str | None, tell: Callable[[str], None]) -> JsonMap:
        """The inspection of `repository@digest`, pulled where it is not there. Raises ApplyFailed, EngineUnreachable.

        `tell` hears how far it is, and at least four times a second; what it raises breaks the pull off.
        """
        return pulls.pull(self, reference, platform, tell)

    def lines(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        path: str,
        *,
        params: JsonMap,
        headers: Mapping[str, str],
        timeout: float,
        body: bytes | None = None,
    ) -> Generator[bytes | None]:
        """The lines of a long answer as they come, None while none comes. Raises Refused, EngineUnreachable."""
        return self._connection.lines(
            Request(method=method, path=path, params=_flat(params), headers=dict(headers), body=body, timeout=timeout)
        )

    @contextmanager
    def saved(self, reference: str) -> Iterator[Iterator[bytes]]:
        """What `docker save` writes of an image, as it comes. Raises Refused, EngineUnreachable."""
        with self._connection.pieces(Request(method="GET", path=f"/images/{reference}/get", timeout=ARCHIVE)) as pieces:
            yield pieces

    def auth(self, reference: str) -> dict[str, str]:
        """The header with the login for a reference's registry; empty where none is known. Raises ApplyFailed."""
        if self._logins is None:
            return {}
        try:
            login = self._logins.header(pulls.registry_of(reference))
        except RegistryUnreachable as error:
            raise ApplyFailed(f"no login for {reference}: {error.message}", hint=error.hint) from error
        return {"X-Registry-Auth": login} if login else {}

    def all_logins(self, references: Sequence[str]) -> dict[str, str]:
        """The header with the logins for the registries of these images, as a build takes them. Raises ApplyFailed."""
        found = {}
        for registry in {pulls.registry_of(reference) for reference in references}:
            login = self._logins.header(registry) if self._logins is not None else None
            if login:
                found[registry] = msgspec.json.decode(base64.urlsafe_b64decode(login))
        data = base64.urlsafe_b64encode(msgspec.json.encode(found)).decode()
        return {"X-Registry-Config": data} if found else {}

    def each(self, calls: Sequence[Callable[[], _T]]) -> list[_T]:
        """What these reads give, in their order, made side by side."""
        if len(calls) < 2:
            return [call() for call in calls]
        with ThreadPoolExecutor(max_workers=min(CONNECTIONS, len(calls))) as pool:
            return list(pool.map(lambda call: call(), calls))

    def info(self) -> JsonMap:
        """Who the engine is; asked once. Raises EngineUnreachable."""
        with self._lock:
            if self._info is None:
                self._info = self.call("GET", "/info")
            return self._info

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()


def _flat(params: JsonMap | None) -> dict[str, str]:
    """Query parameters as the API takes them: maps as JSON, booleans as words."""
    found = {}
    for name, value in (params or {}).items():
        if value is None:
            continue
        found[name] = json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
    return found


__all__ = ["ARCHIVE", "Client", "Refused"]
