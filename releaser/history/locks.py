"""A holder's life as a file lock: the kernel frees it when the process ends, however it ends."""

import fcntl
import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path


class LifeLocks:
    """Locks on files in one folder, one for each environment and token; every method may raise OSError.

    The descriptors are closed on exec, so no child keeps a dead holder's lock. No process id is ever compared: ids are
    used again, and mean nothing across containers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[tuple[str, int], int] = {}
        self._guard = threading.Lock()

    def take(self, environment: str, token: int) -> bool:
        """Lock; False where somebody has this very lock."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._file(environment, token), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return False
            raise
        with self._guard:
            self._held[environment, token] = descriptor
        return True

    def alive(self, environment: str, token: int) -> bool:
        """Whether the process that took this lock still lives, or has not let go."""
        try:
            descriptor = os.open(self._file(environment, token), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # shared: two who look at once must not take each other for the holder
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def drop(self, environment: str, token: int) -> None:
        """Let go, and remove the file; does nothing for a lock that is not held here."""
        with self._guard:
            descriptor = self._held.pop((environment, token), None)
        if descriptor is not None:
            with suppress(FileNotFoundError):
                self._file(environment, token).unlink()
            os.close(descriptor)

    def sweep(self, environment: str, token: int) -> None:
        """Remove the files of dead holders with lower tokens."""
        prefix = self._name(environment) + "."
        for file in self._folder.glob(prefix + "*"):
            number = file.name.removeprefix(prefix)
            if number.isdigit() and int(number) < token:
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of all, as death does: the files stay."""
        with self._guard:
            descriptors, self._held = list(self._held.values()), {}
        for descriptor in descriptors:
            os.close(descriptor)

    def _file(self, environment: str, token: int) -> Path:
        return self._folder / f"{self._name(environment)}.{token}"

    def _name(self, environment: str) -> str:
        return hashlib.sha256(environment.encode("utf-8", "surrogateescape")).hexdigest()[:24]
