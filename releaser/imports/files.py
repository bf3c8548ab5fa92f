"""The files that Compose reads: regular ones, wherever they are; a place in them is named from the project's root."""

import os
import stat
from pathlib import Path

from releaser.declarations.yaml_text import MAX_BYTES
from releaser.imports.tree import refused
from releaser.model.errors import BadArgument, ReleaseError
from releaser.model.value import Location

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # a FIFO without a writer does not hang


class Files:
    """Files by their path; `root` is where the declarations will be."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - as Compose names folders, links are not followed

    def named(self, path: Path) -> str:
        """The path as people know it: from the root."""
        return os.path.relpath(path, self.root)

    def absolute(self, path: str, folder: Path | None = None) -> Path:
        """A path that a file has, as seen from a folder, or from the root."""
        return Path(os.path.normpath((folder or self.root) / os.path.expanduser(path)))  # noqa: PTH111 - Path.expanduser raises for an unknown user

    def there(self, path: Path) -> bool:
        """Whether it is a regular file."""
        try:
            return path.is_file()
        except (OSError, ValueError):
            return False

    def read(self, path: Path, asked: Location | None = None) -> bytes:
        """The file's bytes. Raises with the place where it was asked for, or BadArgument."""
        reason = "is larger than 8 MiB"
        try:
            descriptor = os.open(path, _FLAGS)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise self._refused(path, "is no regular file", asked)
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    data = file.read(MAX_BYTES + 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            reason = "is not there" if missing else f"cannot be read: {error.strerror}"
            raise self._refused(path, reason, asked) from error
        except ValueError as error:
            raise self._refused(path, "is no path", asked) from error
        if len(data) > MAX_BYTES:
            raise self._refused(path, reason, asked)
        return data

    def _refused(self, path: Path, reason: str, asked: Location | None) -> ReleaseError:
        message = f"the file {self.named(path)} {reason}"
        if asked is None:
            return BadArgument(message, hint="--from FILE names a Compose file, as in --from compose.yaml")
        return refused(message, "Compose needs it too; write it, or remove the line", asked)
