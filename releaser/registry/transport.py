"""HTTP with limits: on time, size, redirects, and on where a registry may send us. One request, one answer."""

import queue
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as TookTooLong

from releaser.registry.addresses import AddressRule, Forbidden
from releaser.registry.connections import Pools
from releaser.registry.manifests import MAX_DOCUMENT

_Result = TypeVar("_Result")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long and how often a registry is waited for."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 30.0  # a whole question, with every retry, redirect and login
    courtesy: float = 5.0  # what is only nice to know
    attempts: int = 3
    pause: float = 0.2  # before the second attempt; it doubles, and is spread
    longest_pause: float = 10.0  # a registry that asks to wait longer is not waited for
    redirects: int = 3
    body: int = MAX_DOCUMENT


class NoAnswer(Exception):
    """No usable answer; `reason` completes the sentence "the registry …", `hint` is what to do."""

    def __init__(self, reason: str, hint: str | None = None, *, again: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.again = again  # another attempt may help


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked. Its headers and body may hold a login, so they are not part of the repr."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, from where."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes = field(repr=False)
    origin: str  # scheme, host and port that answered, after redirects


class Deadline:
    """The end of the time that a whole question may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then. Raises NoAnswer where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"did not answer within {self.seconds:g} s")
        return left

    def sooner(self, seconds: float) -> "Deadline":
        """The end of a part of that time."""
        return Deadline(max(0.0, min(seconds, self._end - time.monotonic())))


class Transport:
    """Requests to one registry and to where it sends us."""

    def __init__(self, rule: AddressRule, ca: Path | None, limits: Limits) -> None:
        self._rule = rule
        self._limits = limits
        self._pools = Pools(rule, ca)

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """The answer after redirects, which get no Authorization at another place. Raises NoAnswer."""
        url, headers = request.url, dict(request.headers)
        for _ in range(self._limits.redirects + 1):
            answer = self._exchange(
                Request(method=request.method, url=url, headers=headers, body=request.body), deadline
            )
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target or request.method not in {"GET", "HEAD"}:
                return answer
            url = self._redirected(url, target)
            if origin(url) != origin(request.url):
                headers.pop("Authorization", None)
        raise NoAnswer(f"sends us on more than {self._limits.redirects} times")

    def _redirected(self, url: str, target: str) -> str:
        try:
            there = urljoin(url, target)
            parts = urlsplit(there)
            downgrade = urlsplit(url).scheme == "https" and parts.scheme != "https"
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
                raise NoAnswer("sends us to an address that cannot be followed")
            _ = parts.port  # raises where it is no number
        except ValueError as error:
            raise NoAnswer("sends us to an address that cannot be read") from error
        if downgrade:
            raise NoAnswer(f"sends us from HTTPS to plain HTTP at {parts.hostname}, which is not followed")
        return there

    def _exchange(self, request: Request, deadline: Deadline) -> Answer:
        parts = urlsplit(request.url)
        try:
            return _within(deadline, lambda: self._ask(request, deadline))
        except Forbidden as error:
            how = "stands at" if error.host == parts.hostname == self._rule.own else "sends us to"
            hint = "do not use this registry before its operator has explained this"
            raise NoAnswer(f"{how} {error.host}, which {error.reason}", hint) from error
        except HTTPError as error:
            raise _translated(error, parts) from error
        except (OSError, ValueError) as error:  # a header or an address that the library refuses
            raise NoAnswer(f"cannot be asked: {type(error).__name__}") from error

    def _ask(self, request: Request, deadline: Deadline) -> Answer:
        left = deadline.left
        response = self._pools.at(request.url).urlopen(
            request.method,
            request.url,
            body=request.body,
            headers={"User-Agent": "releaser", "Accept-Encoding": "identity", **request.headers},
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=min(self._limits.connect, left), read=min(self._limits.read, left)),
        )
        try:
            body = b"" if request.method == "HEAD" else self._body(response, deadline)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(status=response.status, headers=response.headers, body=body, origin=origin(request.url))

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise NoAnswer("answers with compressed content that was not asked for")
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > self._limits.body:
                raise NoAnswer(f"answers with more than {self._limits.body} bytes")
            _ = deadline.left
        return bytes(body)


def origin(url: str) -> str:
    """Scheme, host and port of an address, written one way."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _within(deadline: Deadline, work: Callable[[], _Result]) -> _Result:
    """The result of `work`, waited for until the deadline only.

    A thread, because neither a resolver nor a server that sends one byte of a header a second can be stopped by a
    socket's time limit. A thread that is left behind ends with its socket, at the latest with the program.
    """
    done: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            done.put((None, error))

    threading.Thread(target=run, daemon=True, name="registry").start()
    try:
        result, error = done.get(timeout=deadline.left)
    except queue.Empty:
        raise NoAnswer(f"did not answer within {deadline.seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value] # without an error it is the result


def _translated(error: HTTPError, parts: SplitResult) -> NoAnswer:
    where = parts.netloc.rpartition("@")[2]
    if isinstance(error, ProxyError):
        return NoAnswer(f"cannot be reached through the proxy: {_cause(error)}", "check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, SSLError):
        return _untrusted(error, where)
    if isinstance(error, NameResolutionError):
        return NoAnswer(f"cannot be found: no address is known for {parts.hostname}", "check the registry's name")
    # A refused connection is a kind of timeout to the library, for reasons of its history.
    if isinstance(error, TookTooLong) and not isinstance(error, NewConnectionError):
        return NoAnswer(f"does not answer in time at {where}")
    return NoAnswer(f"does not answer at {where}: {_cause(error)}", again=True)


def _untrusted(error: HTTPError, where: str) -> NoAnswer:
    cause = _deepest(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NoAnswer(
            f"has a certificate at {where} that cannot be trusted: {cause.verify_message}",
            "name the authority's file in envs/pipeline.yaml: registries: {HOST: {ca: FILE}}",
        )
    return NoAnswer(
        f"does not speak TLS as it should at {where}",
        "if it speaks plain HTTP, say so in envs/pipeline.yaml: registries: {HOST: {insecure: true}}",
    )


def _cause(error: BaseException) -> str:
    """The operating system's words, without addresses or object names of the library's message."""
    cause = _deepest(error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return (
        "the connection ended early"
        if isinstance(cause, HTTPError | EOFError)
        else "it answers something else than HTTP"
    )


def _deepest(error: BaseException) -> BaseException:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = next((part for part in error.args if isinstance(part, BaseException)), None)
        nearer = getattr(error, "original_error", None) or error.__cause__ or inner
        if nearer is None:
            break
        error = nearer
    return error
