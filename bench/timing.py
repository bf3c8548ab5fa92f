"""Whole processes, timed in turns, so that whatever else the machine does hits all of them."""

import os
import statistics
import subprocess
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Command:
    """A process to time."""

    arguments: Sequence[str]
    environ: Mapping[str, str] | None = None


def alternating(commands: Mapping[Name, Command], rounds: int = 5) -> dict[Name, float]:
    """The median seconds of each command; every round runs each of them once."""
    seconds: dict[Name, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(once(command)[0])
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def once(command: Command, *, differs: bool = False) -> tuple[float, int]:
    """The seconds and the greatest resident set in KiB of one run, which must succeed.

    `differs`: it exits 1 where it finds a difference, and that is what it is to find.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        list(command.arguments),
        env=dict(command.environ) if command.environ is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    errors = _drained(process)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != int(differs):
        raise SystemExit(f"{' '.join(command.arguments)} exits {process.returncode}:\n{errors.decode()}")
    return taken, usage.ru_maxrss


def _drained(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stderr is not None
    with process.stderr as stream:
        return stream.read()
