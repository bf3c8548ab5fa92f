"""Where secrets come from: a variable, a file, or a command.

A one-line text from a file or a command is taken without its line end: an editor or `echo` adds one that nobody means.
Everything else, a key of several lines or binary, is taken byte for byte. An empty value is a missing one: that is what
an unset variable of a build server looks like.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from releaser.model.errors import SecretMissing
from releaser.model.value import Json, JsonMap
from releaser.planning.fingerprint import canonical
from releaser.planning.redact import printable
from releaser.secrets.files import Refused, read_regular

MAX_BYTES = 65536
_READ_AT_MOST = MAX_BYTES + 3  # so that a value that is cut is too long also without a line end
EXEC_TIMEOUT = 10.0  # seconds, where the declaration has no `timeout`


class Sources:
    """The sources that declarations may name; relative paths and commands start at the project's root."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ

    def read(self, name: str, definition: JsonMap) -> bytes:
        """The value. Raises SecretMissing, without anything of the value in it."""
        readers = {"env": self._from_env, "file": self._from_file, "exec": self._from_exec}
        kind = definition.get("from")
        if not isinstance(kind, str) or kind not in readers:
            raise _missing(name, f"there is no source `{kind}`", "a secret comes `from: env`, `file` or `exec`")
        value = readers[kind](name, definition)
        if not value:
            raise _missing(name, f"{_described(definition)} is empty", "an empty value counts as missing")
        if len(value) > MAX_BYTES:
            raise _missing(name, f"{_described(definition)} is larger than 64 KiB", "a secret has at most 64 KiB")
        return value

    def _from_env(self, name: str, definition: JsonMap) -> bytes:
        variable = _text(name, definition, "name")
        value = self._environ.get(variable)
        if value is None:
            raise _missing(name, f"the variable {variable} is not set", f"set {variable} before the command runs")
        return os.fsencode(value)

    def _from_file(self, name: str, definition: JsonMap) -> bytes:
        path = _text(name, definition, "path")
        try:
            return _without_line_end(read_regular(self._root, path, _READ_AT_MOST))
        except Refused as error:
            raise _missing(name, f"the file {path} {error.reason}", error.hint) from error

    def _from_exec(self, name: str, definition: JsonMap) -> bytes:
        from releaser.processes.run import NotStarted, minimal_environment, run  # noqa: PLC0415 - most need no process

        argv, shown = _command(name, definition), _described(definition)
        timeout = _timeout(name, definition)
        try:
            done = run(
                argv,
                timeout=timeout,
                env=minimal_environment(environ=self._environ),
                cwd=self._root,
                limit=_READ_AT_MOST,
            )
        except NotStarted as error:
            raise _missing(name, f"{shown} {error.reason}", "it runs at the project's root, without a shell") from error
        if done.timed_out:
            raise _missing(name, f"{shown} did not end within {timeout:g} s", "give it a longer `timeout`")
        if done.returncode != 0:
            raise _missing(
                name,
                f"{shown} {done.ending}",
                "run it by hand; what it wrote is not shown, as it may hold the value. "
                "It gets PATH, HOME, USER, TZ, TMPDIR and the language from your environment, nothing else",
            )
        return _without_line_end(done.stdout)


class Remembered:
    """A source whose every secret is read at most once, whether that succeeds or not: one for each command."""

    def __init__(self, source: Sources) -> None:
        self._source = source
        self._values: dict[tuple[str, bytes], bytes] = {}
        self._missing: dict[tuple[str, bytes], SecretMissing] = {}

    def read(self, name: str, definition: JsonMap) -> bytes:
        """The value. Raises SecretMissing."""
        key = (name, canonical(definition))
        if key in self._missing:
            known = self._missing[key]
            raise SecretMissing(known.message, known.hint, known.locations)
        if key not in self._values:
            try:
                self._values[key] = self._source.read(name, definition)
            except SecretMissing as error:
                self._missing[key] = error
                raise
        return self._values[key]

    def known(self) -> tuple[bytes, ...]:
        """Every value read so far: what `planning.redact.mask` takes out of texts."""
        return tuple(self._values.values())


def _missing(name: str, reason: str, hint: str) -> SecretMissing:
    return SecretMissing(f"secret {printable(name)} has no value: {printable(reason)}", printable(hint))


def _text(name: str, definition: JsonMap, word: str) -> str:
    value: Json = definition.get(word)
    if not isinstance(value, str) or not value or "\0" in value:
        raise _missing(name, f"its source needs a `{word}`", f"write {word}: with a text")
    return value


def _command(name: str, definition: JsonMap) -> list[str]:
    command: Json = definition.get("command")
    if not isinstance(command, list | tuple) or not command or not all(isinstance(word, str) for word in command):
        raise _missing(name, "its source needs a `command`", "write command: as a list of texts, [program, argument]")
    return list(command)


def _timeout(name: str, definition: JsonMap) -> float:
    value: Json = definition.get("timeout", EXEC_TIMEOUT)
    if isinstance(value, str):
        import durationpy  # noqa: PLC0415 - few secrets have one

        try:
            value = durationpy.from_str(value).total_seconds()
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise _missing(name, "its `timeout` is not a time", "write it as in timeout: 10s")
    return float(value)


def _described(definition: JsonMap) -> str:
    if definition["from"] == "env":
        return f"the variable {definition['name']}"
    if definition["from"] == "file":
        return f"the file {definition['path']}"
    return f"the command `{shlex.join(definition['command'])}`"


def _without_line_end(value: bytes) -> bytes:
    if value.count(b"\n") != 1 or not value.endswith(b"\n"):
        return value
    try:
        value.decode()
    except UnicodeDecodeError:
        return value
    return value[:-1].removesuffix(b"\r")
