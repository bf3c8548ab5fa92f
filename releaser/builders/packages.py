"""Code packages: fetched once by their sha256, and unpacked without trust.

A package is kept under the digest that is declared for it, in the user's cache folder; what a server sends is compared
with it before anything is unpacked. An archive's names stay below its folder, and it has files, folders and links only.
"""

import hashlib
import os
import posixpath
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from releaser.model.build import Package
from releaser.model.errors import BadArgument, BuildFailed
from releaser.model.value import Value
from releaser.planning.redact import printable
from releaser.ports.building import Tell
from releaser.settings import cache_folder
from releaser.source.revisions import archived

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MOST, MANY = 1 << 30, 200_000
"""Bytes and files that a package may have, packed or not."""
_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_LFS = b"version https://git-lfs.github.com/spec/"
_REDIRECTS = 5
_CONNECT, _READ, _WHOLE = 5.0, 30.0, 900.0
"""Seconds until a server takes the connection, sends more, and has sent all."""


class Member(Value, frozen=True, kw_only=True):
    """One entry of a package."""

    name: str  # below the package's folder, after `strip`
    mode: int
    data: bytes | None = None  # None: a folder or a link
    link: str | None = None


@contextmanager
def opened(root: Path, package: Package, tell: Tell) -> Iterator[IO[bytes]]:
    """The package's file, whose sha256 is the declared one. Raises BuildFailed, BadArgument."""
    with _archive(root, package, tell) as file:
        digest = _digest(file)
        if package.sha256 is not None and digest != package.sha256:
            raise _other(package.place, package.sha256, digest)
        file.seek(0)
        yield file


def _archive(root: Path, package: Package, tell: Tell) -> AbstractContextManager[IO[bytes]]:
    if package.commit is not None:
        return archived(root, package.commit, package.repository, package.path)
    path = root / package.file if package.file is not None else _fetched(str(package.url), str(package.sha256), tell)
    try:
        return path.open("rb")
    except OSError as error:
        raise BadArgument(f"the package {path} cannot be read: {error.strerror}", hint="build it first") from error


def members(file: IO[bytes], package: Package) -> list[Member]:
    """What a package has, by name. Raises BadArgument for an archive that is none, or means harm."""
    found: dict[str, Member] = {}
    size = 0
    try:
        zip_ = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        for member, declared in _zipped(file) if zip_ else _tarred(file):
            size += declared
            if size > MOST or len(found) >= MANY:
                raise _refused(package, f"has more than {MOST >> 20} MiB or {MANY} files")
            name = _inside(member.name, package)
            if name is None:
                continue
            if name in found and (member.data is not None or found[name].data is not None):
                raise _refused(package, f"has {printable(name)} twice")
            if package.git is not None and (member.data or b"").startswith(_LFS):
                raise _refused(package, f"has {printable(name)}, which Git LFS keeps elsewhere")
            found[name] = Member(name=name, mode=member.mode, data=member.data, link=_link(member, name, package))
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        # The last one is zipfile's word for a compression, or an encryption, that it does not have.
        raise _refused(package, f"is no archive that can be read: {error}") from error
    except _Harmful as error:
        raise _refused(package, str(error)) from error
    if not found:
        raise _refused(package, "has nothing in it" + (f" below {package.leading} folders" if package.leading else ""))
    below = [name for name in found if any(found[above].link is not None for above in _above(name) if above in found)]
    if below:
        raise _refused(package, f"has {printable(below[0])} below a link")
    return [found[name] for name in sorted(found)]


class _Harmful(Exception):
    """What completes the sentence "the package …"."""


# --- fetching ---


def _fetched(url: str, sha256: str, tell: Tell) -> Path:
    """The package in the cache, downloaded where it is not there."""
    path = cache_folder() / "packages" / "sha256" / sha256[:2] / sha256
    if path.is_file():
        with path.open("rb") as file:
            if _digest(file) == sha256:
                return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            part = Path(file.name)
            try:
                digest = _download(url, file, tell)
                file.flush()
                os.fsync(file.fileno())
                if digest == sha256:
                    part.replace(path)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise BuildFailed(
            f"the package {url} cannot be kept in {path.parent}: {error.strerror}", hint="make room there"
        ) from error
    if digest != sha256:
        raise _other(url, sha256, digest)
    return path


def _download(url: str, file: IO[bytes], tell: Tell) -> str:
    """Write what the URL has; gives its sha256. Raises BuildFailed."""
    import urllib3  # noqa: PLC0415 - few builds have a package of elsewhere

    pool, end = urllib3.PoolManager(retries=False), time.monotonic() + _WHOLE
    timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
    try:
        for _ in range(_REDIRECTS + 1):
            if urlsplit(url).scheme != "https":
                raise BuildFailed(f"the package {url} is not fetched: it is no https", hint="name an https URL")
            response = pool.request("GET", url, redirect=False, preload_content=False, timeout=timeout)
            target = response.headers.get("location")
            if response.status not in {301, 302, 303, 307, 308} or not target:
                return _written(url, response, file, tell, end)
            response.release_conn()
            url = urljoin(url, target)
        raise BuildFailed(f"the package's server sends us on more than {_REDIRECTS} times", hint="name the last URL")
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        raise BuildFailed(f"the package {url} cannot be fetched: {reason}", hint=f"see: curl -fI {url}") from error
    finally:
        pool.clear()


def _written(url: str, response: "BaseHTTPResponse", file: IO[bytes], tell: Tell, end: float) -> str:
    if response.status != 200:
        raise BuildFailed(f"the server of the package {url} answers {response.status}", hint=f"see: curl -fI {url}")
    digest, size = hashlib.sha256(), 0
    whole = response.headers.get("content-length", "")
    while chunk := response.read(_CHUNK):
        digest.update(chunk)
        file.write(chunk)
        size += len(chunk)
        tell(f"fetching {printable(url)}, {size >> 20} MiB")
        if size > MOST or time.monotonic() > end:
            raise BuildFailed(f"the package {url} has more than {MOST >> 20} MiB, or takes more than {_WHOLE:g}s")
    if whole.isdecimal() and size != int(whole):
        raise BuildFailed(f"the package {url} was cut short: {size} of {whole} bytes", hint="build again")
    return digest.hexdigest()


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _other(place: str, declared: str, digest: str) -> BuildFailed:
    return BuildFailed(
        f"the package {place} is another one: its sha256 is {digest}, declared is {declared}",
        hint="see who changed it; if it is the one you mean, declare its sha256",
    )


# --- unpacking ---


def _tarred(file: IO[bytes]) -> Iterator[tuple[Member, int]]:
    with tarfile.open(fileobj=file, mode="r:*") as tar:
        for info in tar:
            mode = 0o755 if info.mode & stat.S_IXUSR or info.isdir() else 0o644
            if info.issym():
                yield Member(name=info.name, mode=0o777, link=info.linkname), 0
            elif info.isdir():
                yield Member(name=info.name, mode=mode), 0
            elif info.isreg() or info.islnk():
                source = tar.extractfile(info) if info.size <= MOST else None
                if source is None:
                    raise _Harmful(f"has {printable(info.name)}, which is larger than a package may be")
                data = source.read()
                yield Member(name=info.name, mode=mode, data=data), len(data)
            else:
                raise _Harmful(f"has {printable(info.name)}, which is no file, folder or link")


def _zipped(file: IO[bytes]) -> Iterator[tuple[Member, int]]:
    with zipfile.ZipFile(file) as archive:
        if sum(info.file_size for info in archive.infolist()) > MOST:
            raise _Harmful(f"has more than {MOST >> 20} MiB")
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise _Harmful(f"has {printable(info.filename)}, which is encrypted")
            if info.is_dir():
                yield Member(name=info.filename, mode=0o755), 0
                continue
            data = archive.read(info)
            if stat.S_ISLNK(mode):
                yield Member(name=info.filename, mode=0o777, link=data.decode(errors="surrogateescape")), 0
            else:
                kept = 0o755 if mode & stat.S_IXUSR else 0o644
                yield Member(name=info.filename, mode=kept, data=data), len(data)


def _inside(name: str, package: Package) -> str | None:
    """The name below the package's folder; None where `strip` leaves nothing of it."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\\" in name or printable(name) != name:
        raise _Harmful(f"has {printable(name)}, which leads out of its folder, or cannot be shown")
    return "/".join(parts[package.leading :]) or None


def _link(member: Member, name: str, package: Package) -> str | None:
    if member.link is None:
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link))
    if member.link.startswith("/") or target.startswith("..") or printable(member.link) != member.link:
        raise _refused(package, f"has the link {printable(name)}, which leads out of its folder")
    return member.link


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _refused(package: Package, why: str) -> BadArgument:
    own = "make it anew: a tar or zip of files, folders and links"
    hint = own if package.git is None else "name a folder without it as `path`, or build of a `context` instead"
    return BadArgument(f"the package {package.place} {why}", hint=hint)
