"""One child process from start to end: no shell, a minimal environment, and limits on time and output.

A command is over when its own process is: what it left behind in its process group is killed, and a process that has
left the group but still holds the pipes is not waited for.
"""

import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from releaser.ports import Stop

GRACE = 2.0
"""Seconds between the request to end (SIGTERM) and the kill."""

TICK = 0.05  # how often somebody's wish to stop, and the end of a child that keeps its pipes open, are looked for
_CHUNK = 65536
_LEFTOVER_CHUNKS = 16  # a pipe holds at most 1 MiB; more comes from a process that is still writing

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR")


class NotStarted(Exception):
    """The command could not be started; `reason` completes the sentence "the command …"."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command}: {reason}")
        self.command = command
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a command ended. What it wrote may be secret, so it is not part of the repr."""

    returncode: int  # negative: the signal that ended it; -9 too where it could not be killed
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)
    output: bytes = field(repr=False)  # both, in the order in which they arrived
    timed_out: bool
    stopped: bool  # somebody asked to stop
    truncated: bool  # stdout, stderr or both together were longer than the limit: their end is kept

    @property
    def ending(self) -> str:
        """How it ended, to complete the sentence "the command …"."""
        if self.returncode >= 0:
            return f"ended with exit code {self.returncode}"
        try:
            return f"was ended by {signal.Signals(-self.returncode).name}"
        except ValueError:  # a real-time signal
            return f"was ended by signal {-self.returncode}"


def minimal_environment(
    extra: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a child needs to find programs, its home and its language, and `extra`; nothing else of `environ`."""
    source = os.environ if environ is None else environ
    kept = {name: value for name, value in source.items() if name in _PASSED_ON or name.startswith("LC_")}
    kept.setdefault("PATH", os.defpath)
    return {**kept, **(extra or {})}


def run(  # noqa: PLR0913 - the limits of one child, all by name
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes = b"",
    limit: int = 65536,
    stop: Stop | None = None,
    heard: Callable[[bytes], None] | None = None,
) -> Completed:
    """Run a command to its end, at most `timeout` seconds; raises NotStarted.

    `heard` gets what came on its standard error, many times a second, also nothing; what it raises ends the command.
    It leads a session of its own: it cannot ask at the terminal, and Ctrl-C reaches it through `stop` only.
    """
    deadline = time.monotonic() + timeout
    with _HeldSignals() as held, _Pipes(_start(argv, env, cwd, with_stdin=bool(stdin)), stdin, limit, heard) as pipes:
        process = pipes.process
        timed_out = stopped = False
        try:
            held.let_go()
            while process.poll() is None and not timed_out and not stopped:
                pipes.exchange(min(TICK, max(0.0, deadline - time.monotonic())))
                pipes.tell()
                timed_out = time.monotonic() >= deadline and process.poll() is None
                stopped = not timed_out and stop is not None and stop.requested() and process.poll() is None
            if timed_out or stopped:
                _ask_to_end(process, pipes)
        finally:
            returncode = _kill(process)
        pipes.drain()
        pipes.tell()
        return Completed(
            returncode=returncode,
            stdout=bytes(pipes.stdout.kept),
            stderr=bytes(pipes.stderr.kept),
            output=bytes(pipes.output.kept),
            timed_out=timed_out,
            stopped=stopped,
            truncated=pipes.stdout.truncated or pipes.stderr.truncated or pipes.output.truncated,
        )


class _HeldSignals:
    """Signals that come while a child is started are handled when somebody is there to end it.

    A handler that raises in the middle of a start would leave a child that nobody knows of.
    """

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others get no signals
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not None:
                    self._before[number] = signal.signal(number, lambda got, _: self._came.append(got))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Handle what came, and from now on what comes."""
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)
        came, self._came = self._came, []
        for number in came:
            signal.raise_signal(number)


def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path | None, *, with_stdin: bool
) -> subprocess.Popen[bytes]:
    if not argv or not argv[0]:
        raise NotStarted("", "is empty")
    try:
        return subprocess.Popen(  # noqa: S603 - an argument list, never a shell
            list(argv),
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotStarted(argv[0], _reason(error, cwd)) from error


def _reason(error: OSError | ValueError, cwd: Path | None) -> str:
    if isinstance(error, ValueError):  # a NUL character, or half a surrogate pair
        return "cannot be passed on: an argument or a variable holds a character that no program can be given"
    if cwd is not None and str(error.filename) == str(cwd):
        return f"cannot run in its folder: {os.strerror(error.errno or 0)}"
    known = {
        errno.ENOENT: "was not found, or the interpreter that its first line names",
        errno.ENOTDIR: "was not found",
        errno.EACCES: "is not executable",
        errno.ENOEXEC: "is not a program: a script needs a first line such as #!/bin/sh",
        errno.E2BIG: "has too many or too long arguments",
    }
    return known.get(error.errno or 0, f"could not be started: {error.strerror}")


def _ask_to_end(process: subprocess.Popen[bytes], pipes: "_Pipes") -> None:
    _signal_group(process, signal.SIGTERM)
    end = time.monotonic() + GRACE
    while process.poll() is None and (left := end - time.monotonic()) > 0:
        pipes.exchange(min(TICK, left))


def _kill(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of the group and say how its leader ended."""
    # The leader's id cannot mean another group: it stays taken while the group has members, and is not reused at once.
    _signal_group(process, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # a program of another user (sudo) is not ours to kill
        process.wait(GRACE)
    return -signal.SIGKILL if process.returncode is None else process.returncode


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Tail:
    """The last `limit` bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self.kept = bytearray()
        self.truncated = False
        self._limit = limit

    def add(self, chunk: bytes) -> None:
        self.kept += chunk
        if len(self.kept) > self._limit:
            del self.kept[: len(self.kept) - self._limit]
            self.truncated = True


class _Pipes:
    """The child's streams, read and written without ever blocking on one of them."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: bytes, limit: int, heard: Callable[[bytes], None] | None
    ) -> None:
        self.stdout = _Tail(limit)
        self.stderr = _Tail(limit)
        self.output = _Tail(limit)
        self.process = process
        self._to_write = memoryview(stdin)
        self._heard = heard
        self._untold = bytearray()
        self._selector = selectors.DefaultSelector()
        self._register(process.stdout, self.stdout)
        self._register(process.stderr, self.stderr)
        self._register(process.stdin, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for key in list(self._selector.get_map().values()):
            self._close(key)
        self._selector.close()

    def exchange(self, seconds: float) -> None:
        """Read and write what can be, waiting for it, or for the child's end, at most so long."""
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            return
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._write(key)
            else:
                self._read(key)

    def tell(self) -> None:
        """Pass on what came on standard error since the last time."""
        if self._heard is not None:
            untold, self._untold = bytes(self._untold), bytearray()
            self._heard(untold)

    def drain(self) -> None:
        """Read what a child that is over has left in its pipes."""
        for _ in range(_LEFTOVER_CHUNKS):
            ready = [key for key, _ in self._selector.select(0) if key.data is not None]
            if not ready:
                return
            for key in ready:
                self._read(key)

    def _register(self, stream: IO[bytes] | None, tail: _Tail | None) -> None:
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
            event = selectors.EVENT_WRITE if tail is None else selectors.EVENT_READ
            self._selector.register(stream, event, tail)

    def _read(self, key: selectors.SelectorKey) -> None:
        with suppress(BlockingIOError):
            chunk = os.read(key.fd, _CHUNK)
            if chunk:
                key.data.add(chunk)
                self.output.add(chunk)
                if self._heard is not None and key.data is self.stderr:
                    self._untold += chunk
            else:
                self._close(key)

    def _write(self, key: selectors.SelectorKey) -> None:
        try:
            self._to_write = self._to_write[os.write(key.fd, self._to_write[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to read: its own business
            self._to_write = memoryview(b"")
        if not self._to_write:
            self._close(key)

    def _close(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        stream = key.fileobj
        if not isinstance(stream, int):
            with suppress(OSError):
                stream.close()  # type: ignore[attr-defined] # registered above, as a pipe's file object
