"""Declared texts as the Docker Engine's API counts: nanoseconds, bytes, billionths of a processor, lists of texts."""

import re
import shlex
from decimal import Decimal

from releaser.engines.rendering import text
from releaser.model.value import Json, JsonMap

_SPAN = re.compile(r"([0-9.]+)(h|ms|us|m|s)")
_NANOSECONDS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000}
_SIZE = re.compile(r"([0-9.]+)([kmgt]?)i?b?\Z", re.IGNORECASE)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def nanoseconds(span: str) -> int:
    """`1m30s` as the API counts time."""
    return int(sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _SPAN.findall(span)))


def seconds(span: str) -> float:
    """`1m30s` in seconds."""
    return nanoseconds(span) / _NANOSECONDS["s"]


def byte_count(size: str | int) -> int:
    """`64M`, `64MiB` or a number as bytes; a thousand is 1024, as everywhere in Docker."""
    found = _SIZE.match(str(size))
    if found is None:
        raise ValueError(f"not a size: {size}")
    return int(Decimal(found[1]) * _BYTES[found[2].lower()])


def nano_cpus(cpus: str | float) -> int:
    """A number of processors in billionths."""
    return int(Decimal(str(cpus)) * 1_000_000_000)


def file_mode(mode: str) -> int:
    """`0440` as a number."""
    return int(mode, 8)


def texts(value: Json) -> list[str]:
    """One text or a list as a list."""
    return [text(one) for one in value] if isinstance(value, list | tuple) else [text(value)]


def texts_by_name(values: JsonMap | None) -> dict[str, str]:
    """A map whose values are texts, in the order of its names."""
    return {key: text(value) for key, value in sorted((values or {}).items())}


def argv(command: Json) -> list[str]:
    """A command as the program and its arguments; a text is split as a shell would, but none runs it.

    Raises ValueError where a quote is open.
    """
    return shlex.split(command) if isinstance(command, str) else [text(word) for word in command]
