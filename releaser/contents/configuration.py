"""An image's configuration, checked where it is read, so that nobody behind it meets another shape.

Source: the OCI image specification's config.md, with what Docker adds to it (Healthcheck, Shell, OnBuild, StopTimeout).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from releaser.model.errors import RegistryUnreachable
from releaser.model.value import JsonMap, Value

_Texts = tuple[str, ...]
_COMMANDS = ("Entrypoint", "Cmd", "Shell")


class _Config(Value, frozen=True, kw_only=True):
    User: str | None = None
    WorkingDir: str | None = None
    Entrypoint: _Texts | str | None = None
    Cmd: _Texts | str | None = None
    Shell: _Texts | str | None = None
    Env: _Texts | None = None
    Labels: Mapping[str, str] | None = None
    ExposedPorts: Mapping[str, Any] | None = None
    Volumes: Mapping[str, Any] | None = None
    Healthcheck: Mapping[str, Any] | None = None
    OnBuild: _Texts | None = None
    StopSignal: str | None = None
    StopTimeout: int | None = None


class _Step(Value, frozen=True, kw_only=True):
    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _RootFs(Value, frozen=True, kw_only=True):
    diff_ids: _Texts | None = None


class _Image(Value, frozen=True, kw_only=True):
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    created: str | None = None
    config: _Config | None = None
    rootfs: _RootFs | None = None
    history: tuple[_Step, ...] | None = None


def read(data: bytes, reference: str) -> JsonMap:
    """The configuration as it is; a command that is one text, as old images have it, is one word.

    Raises RegistryUnreachable where it is of another shape.
    """
    try:
        found: Any = msgspec.json.decode(data)
        msgspec.convert(found, _Image)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistryUnreachable(
            f"{reference} has a configuration that is none: {error}", hint="build the image again with a current tool"
        ) from error
    config = found.get("config") or {}
    texts = {word: [config[word]] for word in _COMMANDS if isinstance(config.get(word), str) and config[word]}
    return {**found, "config": {**config, **texts}} if texts else found
