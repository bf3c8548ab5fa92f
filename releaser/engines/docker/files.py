"""Configs and secrets as files: which folder each goes to, whose they are, and the archive that carries them; pure.

A folder is a volume of the container's own. Docker fills a new volume with what the image has in that folder, so
nothing of the image is hidden. What stands directly below `/` goes into the container itself: no volume can be there.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping

from releaser.engines.moby import words as api
from releaser.engines.moby.limits import Wrong
from releaser.model.value import JsonMap, Value

CONFIG, SECRET = "config", "secret"
ROOT = "/"
CONFIG_MODE, SECRET_MODE = 0o444, 0o400


class Wanted(Value, frozen=True, kw_only=True):
    """A file that a service wants."""

    kind: str  # config | secret
    name: str  # the declared one
    target: str  # absolute
    uid: int | None
    gid: int | None
    mode: int

    @property
    def folder(self) -> str:
        """Where it lies."""
        return posixpath.dirname(self.target)


def wanted(words: JsonMap) -> tuple[Wanted, ...]:
    """The service's files, by their targets."""
    found = [
        *(_wanted(CONFIG, file, CONFIG_MODE) for file in api.config_files(words)),
        *(_wanted(SECRET, file, SECRET_MODE) for file in api.secret_files(words)),
    ]
    return tuple(sorted(found, key=lambda file: file.target))


def _wanted(kind: str, file: api.File, mode: int) -> Wanted:
    return Wanted(
        kind=kind,
        name=file.name,
        target=file.target,
        uid=None if file.uid is None else int(file.uid),
        gid=None if file.gid is None else int(file.gid),
        mode=mode if file.mode is None else file.mode,
    )


def folders(words: JsonMap) -> tuple[str, ...]:
    """The folders that become volumes."""
    return tuple(sorted({file.folder for file in wanted(words)} - {ROOT}))


class Owner(Value, frozen=True, kw_only=True):
    """Whose a file is that says nothing of it."""

    uid: int = 0
    gid: int = 0


def owner(user: str, passwd: str = "", group: str = "") -> Owner | None:
    """The numbers behind a user as Docker understands them; None where the image has no such user or group."""
    name, _, group_name = user.partition(":")
    if not name:
        return Owner()
    accounts = {fields[0]: fields for fields in _lines(passwd, 4)}
    by_number = {fields[2]: fields for fields in accounts.values()}
    account = accounts.get(name) or by_number.get(name)
    if account is None and not name.isdecimal():
        return None
    groups = {fields[0]: fields[2] for fields in _lines(group, 3)}
    gid = groups.get(group_name, group_name) if group_name else account[3] if account else "0"
    if not gid.isdecimal():
        return None
    return Owner(uid=int(account[2] if account else name), gid=int(gid))


def _lines(text: str, least: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= least:
            yield fields


def needs_lookup(files: Iterable[Wanted], user: str) -> bool:
    """Whether the image's accounts have to be read to know whose these files are."""
    name, _, group = user.partition(":")
    plain = not name or (name.isdecimal() and group.isdecimal())
    return not plain and any(file.uid is None or file.gid is None for file in files)


def archive(files: Iterable[Wanted], contents: Mapping[str, bytes], owner_: Owner, at: int) -> bytes:
    """The files of one folder as a tar; `contents`: target → bytes, `at`: their time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(posixpath.basename(file.target))
            entry.size = len(contents[file.target])
            entry.mode = file.mode
            entry.uid = owner_.uid if file.uid is None else file.uid
            entry.gid = owner_.gid if file.gid is None else file.gid
            entry.mtime = at
            tar.addfile(entry, io.BytesIO(contents[file.target]))
    return out.getvalue()


def content_of(tar: bytes) -> bytes | None:
    """What is in the one file of an archive; None where it is no file."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        for entry in opened:
            found = opened.extractfile(entry) if entry.isfile() else None
            return found.read() if found else None
    return None


# --- what cannot be done ---


def refused(words: JsonMap) -> Iterator[Wrong]:
    """Files where none can be put; paths are within the service."""
    mounts = {mount["target"].rstrip("/") or "/": key for key, mount in (words.get("volumes") or {}).items()}
    for file in wanted(words):
        section = f"{file.kind}s"
        said = "target" in (words[section][file.name] or {})
        path = (section, file.name, *(("target",) if said else ()))
        above = next((target for target in mounts if _holds(target, file.folder)), None)
        if above is not None:
            message = f"`{file.target}` would be put into what is mounted at `{above}`"
            yield Wrong(path, message, f"mount it in another folder, or put it into `{mounts[above]}` yourself")
        elif file.folder != ROOT:
            continue
        elif file.kind == SECRET:
            message = f"`{file.target}` would be a part of the container, which `docker commit` makes an image of"
            yield Wrong(path, message, f"write `target: /run/secrets/{file.name}`, or another folder")
        elif words.get("read_only"):
            message = f"`{file.target}` cannot be written: the container is `read_only`, and no volume can be at `/`"
            yield Wrong(path, message, f"write `target: /etc/{file.name}/{file.name}`, or another folder")


def _holds(target: str, folder: str) -> bool:
    return folder == target or folder.startswith(f"{target.rstrip('/')}/")
