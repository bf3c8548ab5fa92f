"""Which process one is, in a word that no other has, now or later; and whether such a process is gone."""

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


def identity(pid: int | None = None) -> str:
    """This process, or another that is seen from here: MACHINE/NUMBER/BIRTH, without a birth where it is not there.

    MACHINE is a boot of a machine and a namespace of processes in it: a number means something there alone.
    """
    number = os.getpid() if pid is None else pid
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        born = stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        born = ""
    return f"{_machine()}/{number}/{born}"


def is_gone(name: str) -> bool | None:
    """Whether the process of that identity is gone; None where that cannot be told from here."""
    machine, _, rest = name.partition("/")
    number = rest.partition("/")[0]
    if not machine or machine != _machine() or not number.isdecimal():
        return None
    return identity(int(number)) != name


def _machine() -> str:
    """Empty where the system does not say."""
    try:
        return f"{_BOOT.read_text(encoding='utf-8').strip()}.{_NAMESPACE.readlink()}"
    except OSError:
        return ""
