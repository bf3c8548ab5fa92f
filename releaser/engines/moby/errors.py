"""What goes wrong between us and an engine, as a person needs to know it: what, where, why, what next."""

import errno
import socket
import ssl
from collections.abc import Iterator

from releaser.engines.moby.hosts import Host
from releaser.model.errors import EngineUnreachable
from releaser.planning.redact import printable

_LONGEST = 500


class Refused(Exception):
    """The engine answered, and refused: its status and its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unreachable(host: Host, error: BaseException, waited: float) -> EngineUnreachable:
    """Why a call did not get through in the seconds that it was waited for, whatever the libraries made of it."""
    causes = list(_causes(error))
    for explain in (_ssh, _tls, _unix, _network):
        found = explain(host, causes)
        if found is not None:
            return EngineUnreachable(f"the engine at {where(host)} {found[0]}", hint=found[1])
    late = any(isinstance(cause, TimeoutError) for cause in causes)
    why = f" within {waited:.0f} s" if late else f": {printable(str(error))[:_LONGEST]}"
    return EngineUnreachable(f"the engine at {where(host)} does not answer{why}", hint=_look(host))


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
        hint="set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem, or name a context that has them",
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


_Found = tuple[str, str] | None


def _ssh(host: Host, causes: list[BaseException]) -> _Found:
    if host.scheme != "ssh":
        return None
    said = next((str(cause) for cause in causes if type(cause).__name__ == "SshEnded"), None)
    if said is None:
        return None
    target = f"{host.user}@{host.name}" if host.user else host.name
    login = f"ssh {f'-p {host.port} ' if host.port else ''}{target}"
    if "Permission denied" in said:
        hint = f"ssh asks nobody here: let `{login}` work without a question, with a key or an agent"
    elif "Host key verification failed" in said:
        hint = f"connect once by hand, and compare the key: {login}"
    elif "not found" in said and "docker" in said:
        hint = f"the docker command has to be on the PATH of that user: {login} docker version"
    elif "docker.sock" in said or "daemon" in said:
        hint = f"see whether it runs there, and that user may use it: {login} docker info"
    else:
        hint = f"see what is in the way: {login} docker version"
    return f"is not reached by ssh: {said}", hint


def _tls(host: Host, causes: list[BaseException]) -> _Found:
    failed = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if failed is None:
        return None
    said = getattr(failed, "verify_message", "") or failed.reason or str(failed)
    folder = host.tls.ca.parent if host.tls and host.tls.ca else None
    if isinstance(failed, ssl.SSLCertVerificationError):
        hint = f"put the authority that signed its certificate into {folder or 'DOCKER_CERT_PATH'}/ca.pem"
    elif failed.reason == "WRONG_VERSION_NUMBER":
        hint = "it speaks without TLS: unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH if that is meant to be"
    else:
        hint = f"it has to know our certificate: {folder or 'DOCKER_CERT_PATH'}/cert.pem, key.pem"
    return f"does not agree on TLS: {printable(str(said)).replace('_', ' ').lower()}", hint


def _unix(host: Host, causes: list[BaseException]) -> _Found:
    if host.scheme != "unix":
        return None
    number = _errno(causes)
    start = "start Docker there (systemctl start docker), or name another engine: engine: {host: …}"
    if number == errno.ENOENT:
        return "is not there: no such socket", start
    if number == errno.ECONNREFUSED:
        return "does not run: nothing listens at its socket", start
    if number in {errno.EACCES, errno.EPERM}:
        return (
            "is not ours to use: permission denied",
            "join the group docker (usermod -aG docker USER), then log in anew",
        )
    return None


def _network(host: Host, causes: list[BaseException]) -> _Found:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"is not found: no address is known for {host.name}", "correct the name, or see whether DNS works"
    number = _errno(causes)
    if number == errno.ECONNREFUSED:
        return "does not run: connection refused", f"see whether it listens at port {host.port} there"
    if number in {errno.ECONNRESET, errno.EPIPE}:
        return "broke the connection off", _look(host)
    return None


def _errno(causes: list[BaseException]) -> int | None:
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno is not None)
    return next(numbers, None)
