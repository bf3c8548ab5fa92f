"""Files below the project's root: nothing outside it is ever read, whatever a path or a link says."""

import errno
import os
import stat
from difflib import get_close_matches
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO without a writer must not block

_RELATIVE = "paths are relative to the project's root"


class Unreadable(Exception):
    """A file cannot or must not be read: why, and what to do."""

    def __init__(self, message: str, hint: str | None = None, *, missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.missing = missing


class ProjectFiles:
    """The regular files below one folder; a link is followed where it stays inside."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of the file at `path`, relative to the root. Raises Unreadable."""
        try:
            descriptor = self._open(self._inside(path))
            try:
                kind = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(kind):
                    what = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
                    raise Unreadable(f"`{path}` is {what}", "name a regular file")
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    data = file.read(limit + 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._refusal(path, error) from error
        if len(data) > limit:
            raise Unreadable(
                f"`{path}` is larger than {limit // 1024} KiB", "keep it smaller, or put it into the image"
            )
        return data

    def listed(self, folder: str) -> list[str]:
        """The names in the folder at `folder`, relative to the root, in order. Raises Unreadable."""
        try:
            descriptor = self._open(self._inside(folder), _FOLDER)
            try:
                return sorted(os.listdir(descriptor))  # noqa: PTH208 - no Path holds a descriptor
            finally:
                os.close(descriptor)
        except NotADirectoryError as error:
            raise Unreadable(f"`{folder}` is no folder", "name a folder; a file is named by `file`") from error
        except OSError as error:
            raise self._refusal(folder, error, "folder") from error

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder at `path`. Raises Unreadable for what leads out of the root, or is not there."""
        parts = self._inside(path)
        try:
            os.close(self._open(parts, _FOLDER))
        except NotADirectoryError:
            return False
        except OSError as error:
            raise self._refusal(path, error) from error
        return True

    def yaml_names(self, folder: str) -> list[str]:
        """The names, without `.yaml`, of the YAML files in a folder."""
        try:
            entries = [entry.name for entry in (self.root / folder).iterdir()]
        except OSError:
            return []
        return sorted(name.removesuffix(".yaml") for name in entries if name.endswith(".yaml"))

    def _inside(self, path: str) -> list[str]:
        """The parts of the real path below the root."""
        if not path or "\0" in path:
            raise Unreadable("not a path", "name a file, relative to the project's root")
        if Path(path).is_absolute():
            raise Unreadable(f"`{path}` is an absolute path", "name a file below the project's root, relative to it")
        real = Path(os.path.realpath(self.root / path))
        if self.root not in real.parents:
            raise Unreadable(f"`{path}` leads out of the project", "name a file below the project's root")
        return list(Path(real).relative_to(self.root).parts)

    def _open(self, parts: list[str], how: int = _FILE) -> int:
        # Folder by folder and without following links: what was checked is what is opened, also when it is swapped.
        folder = os.open(self.root, _FOLDER)
        try:
            for part in parts[:-1]:
                below = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            return os.open(parts[-1], how, dir_fd=folder)
        finally:
            os.close(folder)

    def _refusal(self, path: str, error: OSError, what: str = "file") -> Unreadable:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return Unreadable(f"there is no {what} `{path}`", self._near(path), missing=True)
        if error.errno == errno.ELOOP:
            return Unreadable(f"`{path}` is a link that leads in a circle", "name a regular file")
        return Unreadable(f"`{path}` cannot be read: {os.strerror(error.errno or 0)}", "check its permissions")

    def _near(self, path: str) -> str:
        folder = Path(path).parent
        try:
            names = [entry.name for entry in (self.root / folder).iterdir()]
        except OSError:
            return _RELATIVE
        near = get_close_matches(Path(path).name, names, n=1)
        return f"did you mean `{folder / near[0]}`?" if near else _RELATIVE
