"""The way to an API server: the official client's configuration and transport, bytes in and out.

Credentials come as kubectl finds them: a kubeconfig with its contexts, exec plugins and OIDC; in a pod without one, the
service account. Headers are made for each call, so that a token that ran out is renewed.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from releaser.model.errors import BadArgument, EngineUnreachable
from releaser.model.value import Value

CONNECT, READ = 3.0, 15.0
"""Seconds, at most, until the server takes the connection, and until its answer's next bytes."""
LOGIN = 120.0
"""Seconds, at most, for a login: an exec plugin may ask a person, in a browser say."""
POOL = 12
"""Connections that are kept: as many as threads that write at a time, and the watches."""

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Answer(Value, frozen=True, kw_only=True):
    """An answer: HTTP status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One cluster as one user; connects at the first call, and may be used by several threads."""

    def __init__(self, context: str | None = None) -> None:
        self._asked = context
        self._client: Any = None
        self._lock = threading.Lock()
        self._stuck: EngineUnreachable | None = None  # a login plugin that does not end
        self.lost_at: float | None = None  # when no answer came last, by time.monotonic

    @property
    def context(self) -> str:
        """The context's name; `in-cluster` for a pod's service account. Raises EngineUnreachable without any."""
        if self._asked:
            return self._asked
        if _in_cluster():
            return "in-cluster"
        _, current = _contexts(None)
        return current

    def request(  # noqa: PLR0913 - what an HTTP call consists of
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One call, answered whole. Raises EngineUnreachable where no answer comes in time."""
        response = self._send(method, path, query, body, content_type, accept, preload=True)
        return Answer(status=response.status, headers=_lower(response.headers), body=response.data)

    def stream(self, path: str, query: Mapping[str, str], seconds: float) -> Iterator[bytes]:
        """The lines of an answer that goes on, for so many seconds at most; of an error, its whole body.

        Raises as `request` does.
        """
        import urllib3  # noqa: PLC0415 - with the client, when it is used

        response = self._send("GET", path, query, None, "", "application/json", preload=False, read=seconds + READ)
        try:
            if response.status != 200:
                yield response.data
                return
            rest = b""
            for piece in response.stream(65536):
                *lines, rest = (rest + piece).split(b"\n")
                yield from (line for line in lines if line)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            response.close()

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.rest_client.pool_manager.clear()

    # --- how ---

    def _send(  # noqa: PLR0913, PLR0917 - as `request`, whose words these are
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        content_type: str,
        accept: str,
        *,
        preload: bool,
        read: float | None = None,
    ) -> Any:
        from urllib3 import Timeout  # noqa: PLC0415 - with the client, when it is used
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        client = self._opened()
        headers = {"Accept": accept, "User-Agent": "releaser"}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            self._authorize(client, headers)
            url = client.configuration.host.rstrip("/") + path
            if query:
                from urllib.parse import urlencode  # noqa: PLC0415 - few calls have a query

                url = f"{url}?{urlencode(query)}"
            return client.rest_client.pool_manager.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=Timeout(connect=CONNECT, read=READ if read is None else read),
                retries=False,
                redirect=False,
                preload_content=preload,
            )
        except (HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error) from error

    def _authorize(self, client: Any, headers: dict[str, str]) -> None:
        """The headers that this moment's credentials want; an exec plugin may run, one thread at a time."""
        with self._lock:
            renews = client.configuration.refresh_api_key_hook is not None
            within = self._in_time if renews else _at_once
            within(lambda: client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None))

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> Any:
        from kubernetes import client  # noqa: PLC0415 - it takes a quarter of a second to import

        config = _config()

        configuration = client.Configuration()
        configuration.connection_pool_maxsize = POOL
        configuration.retries = False
        if self._asked is None and _in_cluster():
            try:
                config.load_incluster_config(client_configuration=configuration)
            except config.ConfigException as error:
                raise EngineUnreachable(
                    f"the pod's service account cannot be used: {error}", hint="mount it, or set KUBECONFIG"
                ) from error
            return client.ApiClient(configuration)
        names, current = _contexts(self._asked)
        context = self._asked or current
        if context not in names:
            raise BadArgument(
                f"the kubeconfig has no context `{context}`; it has {', '.join(sorted(names)) or 'none'}",
                hint="name one of them in `engine: {context: …}`, or set KUBECONFIG",
            )
        try:
            self._in_time(
                lambda: config.load_kube_config(
                    config_file=_file(), context=context, client_configuration=configuration
                )
            )
        except EngineUnreachable:
            raise
        except Exception as error:  # the client lets through what YAML, files and plugins raise
            raise EngineUnreachable(
                f"the credentials of context {context} cannot be used: {error}",
                hint=f"try the same with: kubectl --context {context} get namespaces",
            ) from error
        return client.ApiClient(configuration)

    def _in_time(self, work: Callable[[], object]) -> None:
        """Do what may run a login plugin. Raises what it raises, and EngineUnreachable where it does not end."""
        if self._stuck is not None:
            raise self._stuck  # another thread has waited for it
        raised: list[Exception] = []

        def done() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                raised.append(error)

        going = threading.Thread(target=done, daemon=True)  # the client waits for a plugin without end
        going.start()
        going.join(LOGIN)
        if going.is_alive():
            self._stuck = EngineUnreachable(
                f"the login of context {self.context} has given nothing for {LOGIN:g}s",
                hint=f"log in by hand, and see what it asks for: kubectl --context {self.context} get namespaces",
            )
            raise self._stuck
        if raised:
            raise raised[0]

    def _unreachable(self, error: Exception) -> EngineUnreachable:
        self.lost_at = time.monotonic()
        host = self._client.configuration.host if self._client is not None else self.context
        return EngineUnreachable(
            f"no answer from the cluster at {host}: {_words(error)}",
            hint=f"see whether it is up: kubectl --context {self.context} get --raw /readyz",
        )


def _at_once(work: Callable[[], object]) -> None:
    work()


def _config() -> Any:
    from kubernetes import config  # noqa: PLC0415 - as above; it has no types

    return config


def _contexts(asked: str | None) -> tuple[set[str], str]:
    """The names of all contexts of the kubeconfig, and its current one. Raises EngineUnreachable without one."""
    config = _config()

    try:
        contexts, current = config.list_kube_config_contexts(config_file=_file())
    except Exception as error:  # as above
        raise EngineUnreachable(
            f"there is no kubeconfig that names the context {asked or '(the current one)'}: {error}",
            hint="set KUBECONFIG, or log in to the cluster as you do for kubectl",
        ) from error
    return {context["name"] for context in contexts}, current["name"] if current else ""


def _file() -> str:
    """The kubeconfig, or several; asked for each time: the client keeps what it found when it was imported."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _in_cluster() -> bool:
    """Whether this runs in a pod with a service account, and nobody named a kubeconfig."""
    here = Path.home() / ".kube" / "config"
    return (
        "KUBERNETES_SERVICE_HOST" in os.environ
        and not os.environ.get("KUBECONFIG")
        and not here.exists()
        and _SERVICE_ACCOUNT.exists()
    )


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): text for name, text in headers.items()}


def _words(error: Exception) -> str:
    """The innermost reason, without objects' addresses."""
    reason = getattr(error, "reason", None) or error
    text = str(reason)
    return text.partition(": ")[2] if text.startswith("<") else text
