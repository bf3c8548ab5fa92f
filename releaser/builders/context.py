"""The context of a build as a tar: the same files give the same bytes, whenever and wherever they are read."""

import io
import json
import os
import posixpath
import stat
import tarfile
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from releaser.builders import packages
from releaser.builders.archives import members
from releaser.builders.ignoring import kept
from releaser.model.build import Build, Package, Recipe
from releaser.model.errors import BadArgument
from releaser.model.image import Digest
from releaser.planning.redact import printable
from releaser.ports.building import Tell

MOST = 1 << 30
"""Bytes that a context may have."""

_EPOCH = 0
_MOST_LINKS = 40  # on the way to one file, as Linux has it


def packed(root: Path, build: Build, tell: Tell) -> bytes:
    """What is sent to a builder: a folder of the project, or a package with its Dockerfile. Raises BadArgument.

    Sorted, owned by nobody in particular, and without times, in GNU's format: BuildKit takes another one for a
    Dockerfile where times have fractions. A package's files are in `package/`.
    """
    if build.package is not None:
        return _of_package(root, build, build.package, tell)
    try:
        return _of_folder(root / str(build.context), build)
    except OSError as error:
        raise BadArgument(
            f"the context {build.context} cannot be read: {printable(str(error.filename))}: {error.strerror}",
            hint="see who may read it, or leave it out: .dockerignore",
        ) from error


def _of_folder(folder: Path, build: Build) -> bytes:
    if not folder.is_dir():
        raise BadArgument(f"the context of image {build.image} is no folder: {build.context}", hint="correct `context`")
    if not (folder / build.dockerfile).is_file():
        raise BadArgument(
            f"there is no {build.dockerfile} in {build.context}, which image {build.image} is built from",
            hint="write it, or name another one: `dockerfile`",
        )
    names = kept(folder, build.dockerfile)
    _refuse_dockerfile_elsewhere(folder, build, names)
    buffer, left = io.BytesIO(), MOST
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(names):
            left -= _add(tar, folder, name, left)
            if left < 0:
                raise BadArgument(
                    f"the context {build.context} has more than {MOST >> 20} MiB",
                    hint="leave out what the image does not need: .dockerignore",
                )
    return buffer.getvalue()


def _refuse_dockerfile_elsewhere(folder: Path, build: Build, names: Collection[str]) -> None:
    """A builder looks for it in what is sent, by this very name; through links to files of the context."""
    name, links = build.dockerfile, 0
    while name in names and (folder / name).is_symlink() and links < _MOST_LINKS:
        target = str((folder / name).readlink())
        name, links = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)), links + 1
    if name not in names or not stat.S_ISREG((folder / name).lstat().st_mode):
        raise BadArgument(
            f"{build.dockerfile} is no file of the context {build.context}, which image {build.image} is built from",
            hint="name the file itself: `dockerfile`; and no folder on its way may be a link",
        )


def _of_package(root: Path, build: Build, package: Package, tell: Tell) -> bytes:
    text = generated(build.recipe) if build.recipe is not None else _own(root, build)
    with packages.opened(root, package, tell) as file:
        found = members(file, package)
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
                info.type, info.linkname, info.size = tarfile.REGTYPE, "", len(text.encode())
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


def _add(tar: tarfile.TarFile, folder: Path, name: str, left: int) -> int:
    """Add one file, folder or link; gives its bytes. Sockets, devices and what has more bytes than are left are not."""
    path = folder / name
    found = path.lstat()
    mode = found.st_mode
    rights = 0o755 if mode & stat.S_IXUSR or stat.S_ISDIR(mode) else 0o644
    if stat.S_ISLNK(mode):
        return _put(tar, name, 0o777, None, str(path.readlink()))
    if stat.S_ISDIR(mode):
        return _put(tar, name, rights, None)
    if not stat.S_ISREG(mode):
        return 0
    if found.st_size > left:
        return found.st_size  # unread: one file may be larger than memory
    with path.open("rb") as file:
        return _put(tar, name, rights, file.read(found.st_size))


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
