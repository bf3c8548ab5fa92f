"""Output: stdout has the answer, stderr the talk."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

import msgspec

from releaser.cli import styles
from releaser.model.value import Document, Json

PIPED_WIDTH = 120
NARROWEST = 40

MACHINE = ("json", "yaml", "ndjson")


@dataclass(frozen=True, kw_only=True)
class Output:
    """One command's two streams, and how they are to be used. `form`: table, json, yaml, ndjson, md, name."""

    form: str = "table"
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"

    # --- the answer ---

    def document(self, document: Document, show: Callable[["Output"], None]) -> None:
        """Print the verb's document: as it is, or the way `show` has it for people."""
        if self.form in MACHINE:
            self.data(document)
        else:
            show(self)

    def data(self, document: Document) -> None:
        """Print a document as JSON, one line of JSON, or YAML."""
        encoded = _encoded(document)
        if self.form == "ndjson":
            _write_bytes(encoded + b"\n")
        elif self.form == "yaml":
            _write_bytes(_yaml(encoded))
        else:
            _write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")

    def line(self, text: str = "") -> None:
        """A line of the answer."""
        _write(sys.stdout, self._shown(sys.stdout, text) + "\n")

    def text(self, text: str) -> None:
        """An answer that is a file's text, as it is."""
        _write(sys.stdout, text)

    # --- the talk ---

    def say(self, text: str) -> None:
        """A line of talk; not with -q."""
        if not self.quiet:
            self.tell(text)

    def tell(self, text: str) -> None:
        """A line of talk, also with -q."""
        _write(sys.stderr, self._shown(sys.stderr, text) + "\n")

    def warn(self, text: str) -> None:
        """A warning; not with -q."""
        self.say(f"{self.talk_style('warning:', 'warn')} {text}")

    def next(self, *commands: str) -> None:
        """The commands that one would run next."""
        for index, command in enumerate(commands):
            self.say(f"{'next:' if index == 0 else '     '} {self.talk_style(command, 'command')}")

    # --- what the streams can show ---

    @property
    def style(self) -> styles.Style:
        """The style of the answer."""
        return styles.coloured if styles.wants_colour(sys.stdout, self.color) else styles.plain

    @property
    def talk_style(self) -> styles.Style:
        """The style of the talk."""
        return styles.coloured if styles.wants_colour(sys.stderr, self.color) else styles.plain

    @property
    def width(self) -> int:
        """The columns of the answer: those of the terminal, 120 where it is piped."""
        return width_of(sys.stdout)

    @property
    def on_terminal(self) -> bool:
        """Whether a person reads the answer."""
        return styles.is_terminal(sys.stdout)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table: aligned text, and on a terminal one that wraps to its width."""
        from releaser.cli.tables import print_table  # noqa: PLC0415 - only where one is shown

        print_table(self, head, rows)

    def _shown(self, stream: TextIO, text: str) -> str:
        return text if styles.encodes(stream) else styles.ascii_symbols(text)


def width_of(stream: TextIO) -> int:
    """A stream's columns."""
    if not styles.is_terminal(stream):
        return PIPED_WIDTH
    return max(shutil.get_terminal_size((80, 24)).columns, NARROWEST)


def _encoded(document: Document) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:  # a path or a variable with bytes that are not UTF-8
        return msgspec.json.encode(_escaped(msgspec.to_builtins(document)))


def _escaped(tree: Json) -> Json:
    """The tree with what is not UTF-8 in its texts as escapes."""
    if isinstance(tree, str):
        return tree.encode(errors="backslashreplace").decode()
    if isinstance(tree, dict):
        return {_escaped(key): _escaped(value) for key, value in tree.items()}
    return [_escaped(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _yaml(encoded: bytes) -> bytes:
    import yaml  # noqa: PLC0415 - only for -o yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the same value twice is written twice
            return True

    text: bytes = yaml.dump(
        msgspec.json.decode(encoded), Dumper=Plain, sort_keys=False, allow_unicode=True, encoding="utf-8", width=120
    )
    return text


def _write_bytes(data: bytes) -> None:
    """Bytes on stdout, whatever its encoding: JSON and YAML are UTF-8."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        _write(sys.stdout, data.decode())
        return
    try:
        sys.stdout.flush()
        buffer.write(data)
        buffer.flush()
    except OSError as error:
        _broken(sys.stdout, error)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(_encodable(stream, text))
        stream.flush()
    except OSError as error:
        _broken(stream, error)
    except ValueError:
        return  # closed: nobody listens


def _encodable(stream: TextIO, text: str) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _broken(stream: TextIO, error: OSError) -> None:
    """A reader who went away, or a full disk, must not stop a delivery; an answer that is lost is told at the end."""
    gone = os.open(os.devnull, os.O_WRONLY)
    os.dup2(gone, stream.fileno())
    os.close(gone)
    if stream is sys.stdout and stream is not sys.stderr and error.errno not in {errno.EPIPE, errno.ECONNRESET}:
        LOST.append(error)


LOST: list[OSError] = []
"""Why answers could not be written, for the end of the command."""
