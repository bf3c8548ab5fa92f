"""Which engine is meant: the declared address or context, else what the `docker` command would speak to.

Docker's order: DOCKER_HOST, DOCKER_CONTEXT, the current context of `config.json`, the socket. Contexts are read here:
docker-py looks for them in the working folder where there is no `config.json`, and takes one without a client's
certificate for one without TLS.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from releaser.model.errors import EngineUnreachable
from releaser.model.value import Value
from releaser.planning.redact import printable

SOCKET = "unix:///var/run/docker.sock"
CONTEXT = "context:"
"""What a declared host begins with that names a Docker context."""

_DEFAULT_CONTEXT = "default"
_MAX_FILE = 1 << 20
_PORT, _TLS_PORT = 2375, 2376
_NAME = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]*\Z")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*\Z")
_LOOK = "write unix:///var/run/docker.sock, tcp://HOST:2376, ssh://USER@HOST or context:NAME"


class Tls(Value, frozen=True, kw_only=True):
    """What the engine, and we to it, are known by."""

    ca: Path | None = None  # None: the machine's authorities
    cert: Path | None = None
    key: Path | None = None
    verify: bool = True  # False: a context that says so


class Host(Value, frozen=True, kw_only=True):
    """An engine's address, as a person knows it and as it is spoken to."""

    place: str  # unix:///…, tcp://…, ssh://…, or context NAME
    scheme: str  # unix | tcp | ssh
    path: str = ""  # the socket: of a unix address, or of an ssh one at the other end
    name: str = ""
    port: int | None = None
    user: str | None = None
    tls: Tls | None = None
    command: str = "docker"  # the docker command that speaks to it


def place_of(declared: str | None, environ: Mapping[str, str]) -> str:
    """The engine as a person knows it, where it can be found out."""
    try:
        return find(declared, environ).place
    except EngineUnreachable:
        return _shown(declared) if declared else "the current Docker context"


def find(declared: str | None, environ: Mapping[str, str]) -> Host:
    """The engine that is meant. Raises EngineUnreachable."""
    if declared and not declared.startswith(CONTEXT):
        return _address(declared, environ)
    context = declared.removeprefix(CONTEXT) if declared else None
    if context is None and not environ.get("DOCKER_HOST"):
        context = environ.get("DOCKER_CONTEXT") or _current(environ)
    if context and context != _DEFAULT_CONTEXT:
        return _context(context, environ)
    address = environ.get("DOCKER_HOST") or SOCKET
    return msgspec.structs.replace(_address(address, environ), command="docker")


def _address(text: str, environ: Mapping[str, str]) -> Host:
    return _parsed(text, text, f"docker -H {text}", lambda: _tls_of(environ))


def _context(name: str, environ: Mapping[str, str]) -> Host:
    """The engine of a context: two files, named by the hash of its name."""
    folder = _folder(environ) / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    shown = printable(name)
    place, list_them = f"context {shown}", "docker context ls"
    data = _read(folder / "meta" / key / "meta.json", f"the Docker context {shown}", list_them)
    if data is None:
        raise EngineUnreachable(
            f"there is no Docker context {shown} in {folder}", hint=f"see which there are: {list_them}"
        )
    try:
        endpoint = msgspec.json.decode(data, type=_Meta).endpoints["docker"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        raise EngineUnreachable(
            f"the Docker context {shown} is not what Docker writes: {folder}/meta/{key}/meta.json",
            hint=f"make it again: docker context rm {shown}, docker context create {shown} --docker host=…",
        ) from None
    material = folder / "tls" / key / "docker"
    tls = _tls_in(material, verify=not endpoint.skip) if material.is_dir() else None
    return _parsed(endpoint.host or SOCKET, place, f"docker --context {shown}", lambda: tls)


class _Endpoint(Value, frozen=True, kw_only=True):
    host: str = msgspec.field(name="Host", default="")
    skip: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _Meta(Value, frozen=True, kw_only=True):
    endpoints: Mapping[str, _Endpoint] = msgspec.field(name="Endpoints")


class _Config(Value, frozen=True, kw_only=True):
    current: str | None = msgspec.field(name="currentContext", default=None)


def _current(environ: Mapping[str, str]) -> str:
    file = _folder(environ) / "config.json"
    hint = "correct it, or name the engine: engine: {host: …}"
    data = _read(file, f"{file}, which names the current Docker context,", hint)
    try:
        return msgspec.json.decode(data or b"{}", type=_Config).current or _DEFAULT_CONTEXT
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise EngineUnreachable(
            f"{file}, which names the current Docker context, is not what Docker writes", hint=hint
        ) from None


def _folder(environ: Mapping[str, str]) -> Path:
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path(environ.get("HOME") or "/") / ".docker"


def _read(file: Path, what: str, hint: str) -> bytes | None:
    """The file's bytes, None where there is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EngineUnreachable(f"{what} cannot be read: {error.strerror}", hint=hint) from error


# --- TLS ---


def _tls_of(environ: Mapping[str, str]) -> Tls | None:
    """TLS as Docker's variables ask for it; unlike Docker's own programs, never without knowing the other end."""
    folder = environ.get("DOCKER_CERT_PATH")
    if not folder and not environ.get("DOCKER_TLS_VERIFY"):
        return None
    return _tls_in(Path(folder) if folder else _folder(environ))


def _tls_in(folder: Path, *, verify: bool = True) -> Tls:
    ca, cert, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    if cert.exists() != key.exists():
        there, missing = (cert, key) if cert.exists() else (key, cert)
        raise EngineUnreachable(
            f"{there} is of no use without {missing.name}", hint="put the certificate and its key there, or neither"
        )
    if not ca.exists() and not cert.exists():
        raise EngineUnreachable(
            f"there are no certificates in {folder}", hint="put ca.pem, cert.pem and key.pem there: DOCKER_CERT_PATH"
        )
    pair = cert.exists()
    return Tls(ca=ca if ca.exists() else None, cert=cert if pair else None, key=key if pair else None, verify=verify)


# --- addresses ---


def _parsed(text: str, place: str, command: str, tls: Callable[[], Tls | None]) -> Host:
    shown = _shown(text)
    if place == text:
        place = shown
    try:
        url = urlsplit(text)
        port, password = url.port, url.password
    except ValueError:
        raise _not_an_address(shown, _LOOK) from None
    if url.query or url.fragment:
        raise _not_an_address(shown, _LOOK)
    if password is not None:
        raise _not_an_address(shown, "leave the password out: SSH takes keys, TCP certificates")
    if url.scheme == "unix":
        path = f"/{url.netloc}{url.path}" if url.netloc else url.path
        return Host(place=place, scheme="unix", path=path or SOCKET.removeprefix("unix://"), command=command)
    if not url.hostname or not _NAME.match(url.hostname) or (url.username and not _USER.match(url.username)):
        raise _not_an_address(shown, _LOOK)
    if url.scheme == "ssh":
        return _over_ssh(url, place, command)
    if url.scheme in {"tcp", "http", "https"} and url.path in {"", "/"} and not url.username:
        used = Tls() if url.scheme == "https" and tls() is None else tls()
        port = port or (_TLS_PORT if used else _PORT)
        return Host(place=place, scheme="tcp", name=url.hostname, port=port, tls=used, command=command)
    raise _not_an_address(shown, _LOOK)


def _shown(text: str) -> str:
    """An address without the password that somebody wrote into it."""
    return printable(re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", text))


def _over_ssh(url: SplitResult, place: str, command: str) -> Host:
    return Host(
        place=place,
        scheme="ssh",
        path=url.path.rstrip("/"),
        name=url.hostname or "",
        port=url.port,
        user=url.username,
        command=command,
    )


def _not_an_address(shown: str, hint: str) -> EngineUnreachable:
    return EngineUnreachable(f"{shown} is no address of an engine that is known here", hint=hint)
