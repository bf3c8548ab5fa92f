"""Lines that come when they come, read so that who waits for them is asked now and then whether to go on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

TICK = 0.25
"""Seconds after which silence is told."""


def ticking(read: Callable[[], bytes], stop: Callable[[], None]) -> Iterator[bytes | None]:
    """The lines of what `read` gives until it gives nothing, and None where nothing came for a while.

    It reads in a thread of its own; `stop` makes a read that waits end, for who leaves early.
    """
    found: SimpleQueue[bytes | Exception] = SimpleQueue()
    thread = threading.Thread(target=_fill, args=(read, found), daemon=True)
    thread.start()
    rest = b""
    try:
        while True:
            try:
                got = found.get(timeout=TICK)
            except Empty:
                yield None
                continue
            if isinstance(got, Exception):
                raise got
            *lines, rest = (rest + got).split(b"\n")
            yield from lines
            if not got:
                break
        if rest:
            yield rest
    finally:
        if thread.is_alive():
            with suppress(ValueError, OSError):  # it ended by itself meanwhile
                stop()
        thread.join()


def _fill(read: Callable[[], bytes], found: SimpleQueue[bytes | Exception]) -> None:
    try:
        while piece := read():
            found.put(piece)
        found.put(b"")
    except Exception as error:  # noqa: BLE001 - raised again where the lines are read
        found.put(error)
