"""Code packages: fetched once by their sha256.

A package is kept under the digest that is declared for it, in the user's cache folder; what a server sends is compared
with it before anything is unpacked.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from releaser.builders.downloads import download
from releaser.model.build import Package, without_query
from releaser.model.errors import BadArgument, BuildFailed
from releaser.ports.building import Tell
from releaser.scratch import scratch
from releaser.settings import cache_folder
from releaser.source.revisions import archived

_CHUNK = 1 << 20


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
        with scratch() as folder, (folder / sha256).open("wb") as file:
            digest = download(url, file, tell)
            file.flush()
            os.fsync(file.fileno())
            if digest == sha256:
                (folder / sha256).replace(path)
    except OSError as error:
        raise BuildFailed(
            f"the package {without_query(url)} cannot be kept in {path.parent}: {error.strerror}",
            hint="make room there",
        ) from error
    if digest != sha256:
        raise _other(without_query(url), sha256, digest)
    return path


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
