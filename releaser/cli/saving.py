"""Saved plans: written whole or not at all."""

import os
import tempfile
from pathlib import Path

import msgspec

from releaser.model.errors import BadArgument
from releaser.model.plan import Plan


def save(plan: Plan, file: Path) -> None:
    """Write a plan where `apply` finds it. Raises BadArgument."""
    data = msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadArgument(f"the plan cannot be written to {file}: {error.strerror}") from error
