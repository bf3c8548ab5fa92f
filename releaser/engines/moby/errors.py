"""What goes wrong between us and an engine, as a person needs to know it: what, where, why, what next."""

import errno
import socket
import ssl
from collections.abc import Iterator

from releaser.engines.moby.hosts import Host
from releaser.model.errors import EngineUnreachable
from releaser.planning.redact import printable

_LONGEST = 500
_CERTIFICATES = "set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem, or name a context that has them"


class Refused(Exception):
    """The engine answered, and refused: its status and its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unreachable(host: Host, error: BaseException, waited: float, said: str = "") -> EngineUnreachable:
    """Why a call did not get through in the seconds that it was waited for, whatever the libraries made of it.

    `said`: the last words of the program that leads to the engine.
    """
    causes = list(_causes(error))
    for why, hint in (*_by_ssh(host, causes, said), *_by_tls(host, causes), *_by_number(host, causes)):
        return EngineUnreachable(f"the engine at {where(host)} {why}", hint=hint)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        why = f"does not answer within {waited:.0f} s"
    elif broken_off(error):
        why = "broke the connection off"
        if host.scheme == "tcp" and host.tls is None:
            return EngineUnreachable(f"the engine at {where(host)} {why}", hint=f"it may ask for TLS: {_CERTIFICATES}")
    else:
        why = f"does not answer: {printable(str(error))[:_LONGEST]}"
    return EngineUnreachable(f"the engine at {where(host)} {why}", hint=_look(host))


def broken_off(error: BaseException | None) -> bool:
    """Whether a connection that was there went away: what only reads may be asked again."""
    kinds = (ConnectionResetError, BrokenPipeError)  # RemoteDisconnected is one of them
    return error is not None and any(isinstance(cause, kinds) for cause in _causes(error))


def where(host: Host) -> str:
    """The place, and for a context the address behind it."""
    if not host.place.startswith("context "):
        return host.place
    port = f":{host.port}" if host.port else ""
    user = f"{host.user}@" if host.user else ""
    address = f"unix://{host.path}" if host.scheme == "unix" else f"{host.scheme}://{user}{host.name}{port}"
    return f"{host.place} ({address})"


def too_old(host: Host, version: str, oldest: str) -> EngineUnreachable:
    """The engine lacks what is needed."""
    return EngineUnreachable(
        f"the engine at {where(host)} is too old: it speaks API {version}, and {oldest} is the oldest that works",
        hint="bring it to Docker 20.10 or newer",
    )


def too_new(host: Host, version: str, newest: str) -> EngineUnreachable:
    """The engine no longer speaks what we do."""
    return EngineUnreachable(
        f"the engine at {where(host)} is too new: it speaks API {version} and later, and this version of releaser "
        f"up to {newest}",
        hint="bring releaser to its newest version",
    )


def asks_for_tls(host: Host) -> EngineUnreachable:
    """It was spoken to in clear, and wants TLS."""
    return EngineUnreachable(
        f"the engine at {where(host)} asks for TLS, and was spoken to without",
        hint=_CERTIFICATES,
    )


def no_engine(host: Host, why: str) -> EngineUnreachable:
    """Something answers, and it is not a Docker Engine."""
    return EngineUnreachable(
        f"what answers at {where(host)} is no Docker Engine: {printable(why)[:_LONGEST]}", hint=_look(host)
    )


def _look(host: Host) -> str:
    return f"see whether it runs: {host.command} info"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything that it was made from: libraries also put causes among the arguments."""
    todo, seen = [error], set()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        more = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        todo += [cause for cause in more if isinstance(cause, BaseException)]


_Found = Iterator[tuple[str, str]]
"""Why, and what to do: the first that is found counts."""


def _by_ssh(host: Host, causes: list[BaseException], said: str) -> _Found:
    if host.scheme != "ssh":
        return
    if not said:
        if _number(causes) in {errno.ENOENT, errno.EACCES}:
            yield "is not reached: there is no program ssh", "install OpenSSH's client, and put it on the PATH"
        return
    target = f"{host.user}@{host.name}" if host.user else host.name
    login = f"ssh {f'-p {host.port} ' if host.port else ''}{target}"
    if "Permission denied" in said:
        hint = f"ssh asks nobody here: let `{login}` work without a question, with a key or an agent"
    elif "Host key verification failed" in said:
        hint = f"connect once by hand, and compare the key: {login}"
    elif "not found" in said and "docker" in said:
        hint = f"the docker command has to be on the PATH of that user: {login} docker version"
    else:
        hint = f"see whether it works by hand: {login} docker info"
    yield f"is not reached by ssh: {said}", hint


def _by_tls(host: Host, causes: list[BaseException]) -> _Found:
    failed = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if failed is None:
        return
    folder = host.tls.ca.parent if host.tls and host.tls.ca else "DOCKER_CERT_PATH"
    said = str(getattr(failed, "verify_message", None) or failed.reason or failed)
    if "mismatch" in said:
        hint = "name the host as its certificate does"
    elif isinstance(failed, ssl.SSLCertVerificationError):
        hint = f"put the authority that signed its certificate into {folder}/ca.pem"
    elif failed.reason == "WRONG_VERSION_NUMBER":
        hint = "if it is meant to speak without TLS, unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
    else:
        hint = f"see whether it takes our certificate: {folder}/cert.pem and key.pem"
    yield f"does not agree on TLS: {printable(said.rstrip('.')).replace('_', ' ').lower()}", hint


def _by_number(host: Host, causes: list[BaseException]) -> _Found:
    """The operating system's numbers, where they say something in particular."""
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        yield f"is not found: no address is known for {host.name}", "correct the name, or see whether DNS works"
        return
    start = "start Docker there (systemctl start docker), or name another engine: engine: {host: …}"
    match host.scheme, _number(causes):
        case "unix", errno.ENOENT:
            yield "is not there: no such socket", start
        case "unix", errno.ECONNREFUSED:
            yield "does not run: nothing listens at its socket", start
        case "unix", errno.EACCES | errno.EPERM:
            hint = "join the group docker (usermod -aG docker USER), then log in anew"
            yield "is not ours to use: permission denied", hint
        case "tcp", errno.ECONNREFUSED:
            yield "does not run: connection refused", f"see whether it listens at port {host.port} there"


def _number(causes: list[BaseException]) -> int | None:
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno is not None)
    return next(numbers, None)
