"""Saved plans: written whole or not at all."""

import os
import tempfile
from pathlib import Path

import msgspec

from releaser.model.errors import BadArgument
from releaser.model.plan import Plan


def save(plan: Plan, file: Path) -> None:
    """Write a plan where `apply` finds it. Raises BadArgument."""
    if str(file) == "-":
        raise BadArgument("--out - names no file", hint="-o json prints the plan, and release apply - reads it")
    data = msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"
    try:
        there = Path(os.path.realpath(file))  # a link stays one
        if there.exists() and not there.is_file() and not there.is_dir():
            with there.open("wb") as stream:  # a pipe or a device is written to, never replaced
                stream.write(data)
        else:
            _replace(there, data)
    except OSError as error:
        raise BadArgument(
            f"the plan cannot be written to {file}: {error.strerror}",
            hint="name a file in a folder that you may write: --out FILE",
        ) from error


def _replace(file: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
