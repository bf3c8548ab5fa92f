"""The `docker` command, for what the engine's API alone cannot do: sessions of BuildKit, and standard input."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from releaser.model.errors import BuildFailed
from releaser.planning.redact import printable
from releaser.processes.run import GRACE, TICK, Completed, NotStarted, minimal_environment, run

_PASSED_ON = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "BUILDX_CONFIG",
    "SSH_AUTH_SOCK",
    *(name for one in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY") for name in (one, one.lower())),
)
_LOGINS = ("AWS_", "AZURE_", "GOOGLE_", "ACTIONS_")
"""How variables begin that credential helpers, and the caches of buildx, read."""
_NO_READER = frozenset({-signal.SIGPIPE, -signal.SIGKILL})
"""How a writer ends whose reader has ended, or that we have ended; it is no reason of its own."""
_QUICK = 60.0
_MOST = 1 << 20

Heard = Callable[[bytes], None]


class DockerCommand:
    """The docker command for one engine: at `host` (an address, or context:NAME), or where it would go by itself."""

    def __init__(self, host: str | None, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        kept = {
            name: text for name, text in environ.items() if text and (name in _PASSED_ON or name.startswith(_LOGINS))
        }
        # Attestations name times, and make an index of an image that nobody asked for.
        self._environ = minimal_environment({**kept, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}, environ)
        self._argv = ["docker", *_where(host)]

    def run(
        self, words: Sequence[str], *, timeout: float = _QUICK, stdin: bytes = b"", heard: Heard | None = None
    ) -> Completed:
        """Run it to its end; `heard` gets its standard error. Raises BuildFailed where there is no such command."""
        try:
            return run([*self._argv, *words], timeout=timeout, env=self._environ, stdin=stdin, heard=heard, limit=_MOST)
        except NotStarted as error:
            raise BuildFailed(f"the docker command {error.reason}", hint=_INSTEAD) from error

    def said(self, words: Sequence[str], *, timeout: float = _QUICK, heard: Heard | None = None) -> str:
        """What it prints. Raises BuildFailed with its own words where it fails."""
        done = self.run(words, timeout=timeout, heard=heard)
        if done.returncode != 0 or done.timed_out:
            why = f"did not end within {timeout:g}s" if done.timed_out else last_line(done.stderr)
            raise BuildFailed(f"docker {' '.join(words[:2])}: {why}")
        return done.stdout.decode(errors="replace").strip()

    def pipe(self, source: Sequence[str], sink: Sequence[str], *, timeout: float, tell: Callable[[], None]) -> str:
        """Give the second what the first prints, however large that is; gives its few last words. Raises BuildFailed.

        `tell` is called many times a second; what it raises ends both.
        """
        end = time.monotonic() + timeout
        with (
            self._piped(source, subprocess.DEVNULL) as giving,
            self._piped(sink, giving.stdout) as taking,
        ):
            if giving.stdout is not None:
                giving.stdout.close()  # else the first would wait for a reader that has ended
            try:
                while taking.poll() is None:
                    tell()
                    if time.monotonic() > end:
                        raise BuildFailed(f"docker {' '.join(sink[:2])} did not end within {timeout:g}s")
                    with suppress(subprocess.TimeoutExpired):
                        taking.wait(TICK)
                with suppress(subprocess.TimeoutExpired):
                    giving.wait(GRACE)
            finally:
                for process in (giving, taking):
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
            failed = [
                f"docker {' '.join(words[:2])}: {last_line(process.stderr.read() if process.stderr else b'')}"
                for words, process in ((source, giving), (sink, taking))
                if process.wait() != 0 and not (process is giving and giving.returncode in _NO_READER)
            ]
            if failed or giving.returncode != 0:
                raise BuildFailed("; ".join(failed) or f"docker {' '.join(source[:2])} did not end")
            return taking.stdout.read().decode(errors="replace") if taking.stdout is not None else ""

    def _piped(self, words: Sequence[str], stdin: int | IO[bytes] | None) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - an argument list, never a shell
            [*self._argv, *words],
            env=self._environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def need_buildx(self) -> None:
        """Raises BuildFailed where the command, or its plugin, is not there."""
        done = self.run(["buildx", "version"])
        if done.returncode != 0:
            said = printable(done.stderr.decode(errors="replace").strip().partition("\n")[0])
            raise BuildFailed(f"the docker command has no buildx: {said}", hint=_INSTEAD)


_INSTEAD = "install docker-cli and docker-buildx, or take the builder that needs neither: `builder: {kind: engine}`"


def last_line(data: bytes) -> str:
    """The last line that is not empty, as it may be shown."""
    lines = [line for line in data.decode(errors="replace").splitlines() if line.strip()]
    return printable(lines[-1].strip()) if lines else "it failed without a word"


def _where(host: str | None) -> list[str]:
    if host is None:
        return []
    context = host.removeprefix("context:")
    return ["--host", host] if context == host else ["--context", context]
