"""Rights count for root too: what it may do beyond the permissions of a file is put aside for a while (Linux).

Unlike another user's id it leaves the interpreter's own files readable, wherever they are installed.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3 = 0x20080522
_OVERRIDE = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def permissions_count() -> Iterator[None]:
    """Within the block this thread may do only what the permissions of files allow their owner."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = _Header(_VERSION_3, 0), (_Set * 2)()
    _checked(libc.capget(ctypes.byref(header), before))
    less = (_Set * 2)(*before)
    less[0].effective &= ~_OVERRIDE
    _checked(libc.capset(ctypes.byref(header), less))
    try:
        yield
    finally:
        _checked(libc.capset(ctypes.byref(header), before))


def _checked(answer: int) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
