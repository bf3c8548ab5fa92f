"""The context of a build as a tar: the same files give the same bytes, whenever and wherever they are read."""

import io
import json
import os
import stat
import tarfile
from hashlib import sha256
from pathlib import Path

from releaser.builders import packages
from releaser.model.build import Build, Package, Recipe
from releaser.model.errors import BadArgument
from releaser.model.image import Digest
from releaser.ports.building import Tell

MOST = 1 << 30
"""Bytes that a context may have."""

_EPOCH = 0


def packed(root: Path, build: Build, tell: Tell) -> bytes:
    """What is sent to a builder: a folder of the project, or a package with its Dockerfile. Raises BadArgument.

    Sorted, owned by nobody in particular, and without times, in GNU's format: BuildKit takes another one for a
    Dockerfile where times have fractions. A package's files are in `package/`.
    """
    if build.package is not None:
        return _of_package(root, build, build.package, tell)
    folder = root / str(build.context)
    if not folder.is_dir():
        raise BadArgument(f"the context of image {build.image} is no folder: {build.context}", hint="correct `context`")
    if not (folder / build.dockerfile).is_file():
        raise BadArgument(
            f"there is no {build.dockerfile} in {build.context}, which image {build.image} is built from",
            hint="write it, or name another one: `dockerfile`",
        )
    buffer, size = io.BytesIO(), 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(_files(folder, build.dockerfile)):
            size += _add(tar, folder, name)
            if size > MOST:
                raise BadArgument(
                    f"the context {build.context} has more than {MOST >> 20} MiB",
                    hint="leave out what the image does not need: .dockerignore",
                )
    return buffer.getvalue()


def _of_package(root: Path, build: Build, package: Package, tell: Tell) -> bytes:
    text = generated(build.recipe) if build.recipe is not None else _own(root, build)
    with packages.opened(root, package, tell) as file:
        found = packages.members(file, package)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _put(tar, build.named, 0o644, text.encode())
        for member in found:
            _put(tar, f"package/{member.name}", member.mode, member.data, member.link)
    return buffer.getvalue()


def generated(recipe: Recipe) -> str:
    """A Dockerfile that puts a package on a base: what changes most often comes last."""
    lines = [f"FROM {recipe.base}", f"WORKDIR {recipe.working_dir}"]
    lines += [f"CMD {json.dumps(list(recipe.command))}"] if recipe.command else []
    lines += [f"USER {recipe.user}"] if recipe.user else []
    return "\n".join([*lines, f"COPY package/ {recipe.working_dir}/", ""])


def _own(root: Path, build: Build) -> str:
    try:
        return (root / build.dockerfile).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(
            f"the Dockerfile {build.dockerfile} of image {build.image} cannot be read: {error}",
            hint="with a package it is relative to the project's root; or declare `base` instead",
        ) from error


def digest_of(context: bytes) -> Digest:
    """What a context is known by."""
    return f"sha256:{sha256(context).hexdigest()}"


def file_of(context: bytes, name: str) -> str:
    """A text file of a context."""
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        file = tar.extractfile(name)
        return file.read().decode(errors="replace") if file is not None else ""


def with_file(context: bytes, name: str, text: str) -> bytes:
    """The context with another text in one of its files."""
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(context)) as before,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as after,
    ):
        for info in before:
            data = before.extractfile(info) if info.isreg() else None
            if info.name == name:
                info.size = len(text.encode())
                data = io.BytesIO(text.encode())
            after.addfile(info, data)
    return buffer.getvalue()


def unpacked(context: bytes, folder: Path) -> None:
    """Write a context that we packed into an empty folder, with the times that it has."""
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        written = [(folder, 0.0)]
        for info in tar:
            path, file = folder / info.name, tar.extractfile(info) if info.isreg() else None
            path.parent.mkdir(parents=True, exist_ok=True)
            if info.issym():
                path.symlink_to(info.linkname)
            elif file is not None:
                path.write_bytes(file.read())
                path.chmod(info.mode)
            else:
                path.mkdir(exist_ok=True)
            written.append((path, info.mtime))
    for path, time in reversed(written):  # a folder's changes with what is put into it
        os.utime(path, (time, time), follow_symlinks=False)


def _files(folder: Path, dockerfile: str) -> set[str]:
    from docker.utils.build import exclude_paths  # noqa: PLC0415 - docker's own rules; it takes a tenth of a second

    ignore = next(
        (file for file in (folder / f"{dockerfile}.dockerignore", folder / ".dockerignore") if file.is_file()), None
    )
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore is not None else []
    patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    found: set[str] = exclude_paths(str(folder), patterns, dockerfile=dockerfile)
    return found


def _add(tar: tarfile.TarFile, folder: Path, name: str) -> int:
    """Add one file, folder or link; gives its bytes. Sockets and devices are left out."""
    path = folder / name
    mode = path.lstat().st_mode
    kept = 0o755 if mode & stat.S_IXUSR or stat.S_ISDIR(mode) else 0o644
    if stat.S_ISLNK(mode):
        return _put(tar, name, 0o777, None, str(path.readlink()))
    if stat.S_ISDIR(mode):
        return _put(tar, name, kept, None)
    return _put(tar, name, kept, path.read_bytes()) if stat.S_ISREG(mode) else 0


def _put(tar: tarfile.TarFile, name: str, mode: int, data: bytes | None, link: str | None = None) -> int:
    """Add a file with its bytes, a link, or a folder; gives the bytes."""
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = _EPOCH, mode
    if link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, link
    elif data is None:
        info.type = tarfile.DIRTYPE
    info.size = len(data or b"")
    tar.addfile(info, io.BytesIO(data or b""))
    return info.size
