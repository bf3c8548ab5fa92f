"""Lines that come when they come, read so that who waits for them is asked now and then whether to go on."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue

TICK = 0.25
"""Seconds after which silence is told."""


def ticking(pieces: Iterable[bytes], break_off: Callable[[], None]) -> Iterator[bytes | None]:
    """The lines of what `pieces` gives, and None where nothing came for a while.

    It reads in a thread of its own; `break_off` makes that one end, for who leaves early.
    """
    found: SimpleQueue[bytes | Exception] = SimpleQueue()
    thread = threading.Thread(target=_fill, args=(pieces, found), daemon=True)
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
            break_off()
        thread.join()


def _fill(pieces: Iterable[bytes], found: SimpleQueue[bytes | Exception]) -> None:
    try:
        for piece in pieces:
            found.put(piece)
        found.put(b"")
    except Exception as error:  # noqa: BLE001 - raised again where the lines are read
        found.put(error)
