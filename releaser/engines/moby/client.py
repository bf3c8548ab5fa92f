"""One Docker Engine: raw JSON requests over docker-py's transport, each with a time limit.

https://docs.docker.com/reference/api/engine/
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from releaser.engines.moby import pulls
from releaser.model.errors import EngineUnreachable
from releaser.model.value import Json, JsonMap
from releaser.planning.redact import printable
from releaser.ports import RegistryLogins

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

OLDEST = (1, 41)
"""The oldest API that has what is needed: that of Docker 20.10."""

READ = 15.0
_CONNECT = 3.0
_PARALLEL = 8
_MAX_DOWNLOAD = 64 << 20
_FRAME = 8

_T = TypeVar("_T")


class Refused(Exception):
    """The engine answered, and refused: its status and its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Client:
    """Speaks to the engine at `host`; connects at the first call, and is safe to be shared by threads that read."""

    def __init__(
        self, host: str | None, logins: RegistryLogins | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._host = host or self._environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self._logins = logins
        self._info: JsonMap | None = None

    @property
    def place(self) -> str:
        """The engine as a person knows it."""
        return self._host

    @property
    def api_version(self) -> str:
        """The version that both sides speak. Raises EngineUnreachable."""
        return str(self._api.api_version)

    def call(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        path: str,
        *,
        params: JsonMap | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ,
    ) -> Json:
        """The parsed answer, None where there is none. Raises Refused, EngineUnreachable."""
        response = self._request(
            method, path, params=_flat(params), json=body, headers=dict(headers or {}), timeout=(_CONNECT, timeout)
        )
        if not response.content:
            return None
        return response.json() if "json" in response.headers.get("Content-Type", "") else response.text

    def upload(self, path: str, data: bytes, params: JsonMap) -> None:
        """Send a tar. Raises Refused, EngineUnreachable."""
        self._request(
            "PUT",
            path,
            params=_flat(params),
            data=data,
            headers={"Content-Type": "application/x-tar"},
            timeout=(_CONNECT, 60),
        )

    def download(self, path: str, params: JsonMap) -> bytes:
        """Fetch a tar, at most 64 MiB of it. Raises Refused, EngineUnreachable."""
        response = self._request("GET", path, params=_flat(params), timeout=(_CONNECT, 60), stream=True)
        with response:
            return bytes(response.raw.read(_MAX_DOWNLOAD))

    def logs(self, path: str, tail: int = 20) -> str:
        """The last lines of both streams; empty where there are none, or they cannot be read."""
        try:
            response = self._request(
                "GET", path, params={"stdout": "1", "stderr": "1", "tail": str(tail)}, timeout=(_CONNECT, READ)
            )
        except Refused:
            return ""
        return printable(demultiplexed(response.content).decode(errors="replace").strip())

    def pull(self, reference: str, platform: str | None, tell: Callable[[str], None]) -> JsonMap:
        """The image's inspection, after a pull where it is not there. Raises ApplyFailed, EngineUnreachable."""
        try:
            found = self.call("GET", f"/images/{reference}/json")
        except Refused:
            found = self._pulled(reference, platform, tell)
        return found

    def _pulled(self, reference: str, platform: str | None, tell: Callable[[str], None]) -> JsonMap:
        try:
            response = self._request(
                "POST",
                "/images/create",
                params=_flat({"fromImage": reference, "platform": platform}),
                headers=self.auth(reference),
                timeout=(_CONNECT, 300),
                stream=True,
            )
            with response:
                pulls.follow(response.iter_lines(), tell)
            return self.call("GET", f"/images/{reference}/json")
        except (Refused, pulls.Failed) as failed:
            raise pulls.explained(str(failed), reference, reference.partition("/")[0]) from failed

    def auth(self, reference: str) -> dict[str, str]:
        """The header with the login for the reference's registry; empty where there is none."""
        login = self._logins.header(reference.partition("/")[0]) if self._logins else None
        return {"X-Registry-Auth": login} if login else {}

    def each(self, calls: Sequence[Callable[[], _T]]) -> list[_T]:
        """What these reads give, in their order, made side by side."""
        if len(calls) < 2:
            return [call() for call in calls]
        with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(calls))) as pool:
            return list(pool.map(lambda call: call(), calls))

    def info(self) -> JsonMap:
        """Who the engine is; asked once. Raises EngineUnreachable."""
        if self._info is None:
            self._info = self.call("GET", "/info")
        return self._info

    def close(self) -> None:
        """Let go of the connections."""
        if "_api" in self.__dict__:
            self._api.close()

    @cached_property
    def _api(self) -> "APIClient":
        import docker  # noqa: PLC0415 - a tenth of a second, for those who speak to an engine only
        from docker.errors import DockerException  # noqa: PLC0415
        from requests.exceptions import RequestException  # noqa: PLC0415

        try:
            api = docker.APIClient(base_url=self._host, version="auto", timeout=READ, user_agent="releaser")
        except (DockerException, RequestException) as error:
            raise self._unreachable(str(error)) from error
        if tuple(int(part) for part in str(api.api_version).split(".")) < OLDEST:
            api.close()
            raise EngineUnreachable(
                f"the engine at {self.place} speaks API {api.api_version}, and 1.41 is the oldest that works",
                hint="use Docker 20.10 or newer",
            )
        return api

    def _request(self, method: str, path: str, **words: Json) -> "Response":
        from requests.exceptions import RequestException  # noqa: PLC0415 - as above

        api = self._api
        try:
            response = api.request(method, f"{api.base_url}/v{api.api_version}{path}", **words)
        except RequestException as error:
            raise self._unreachable(str(error)) from error
        if response.status_code >= 400:
            raise Refused(response.status_code, _words(response))
        return response  # type: ignore[no-any-return]  # docker-py has no types

    def _unreachable(self, why: str) -> EngineUnreachable:
        return EngineUnreachable(
            f"the engine at {self.place} does not answer: {why}",
            hint=f"see whether it runs: docker -H {self.place} info",
        )


def demultiplexed(data: bytes) -> bytes:
    """The text of a log stream: frames of a kind, three zeros, a length and that many bytes; else as it is (a tty)."""
    found = b""
    while len(data) >= _FRAME and data[0] in {0, 1, 2} and data[1:4] == b"\0\0\0":
        end = _FRAME + int.from_bytes(data[4:_FRAME], "big")
        found, data = found + data[_FRAME:end], data[end:]
    return found + data


def _flat(params: JsonMap | None) -> dict[str, str]:
    """Query parameters as the API takes them: maps as JSON, booleans as words."""
    found = {}
    for name, value in (params or {}).items():
        if value is None:
            continue
        found[name] = json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
    return found


def _words(response: "Response") -> str:
    try:
        return str(response.json()["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return response.text.strip() or f"status {response.status_code}"
