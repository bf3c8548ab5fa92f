"""A file's bytes → text that a YAML parser may be given."""

import re

from releaser.declarations.problems import problem
from releaser.model.errors import Problem
from releaser.model.value import Location

MAX_BYTES = 8 * 1024 * 1024

_BAD_ASCII = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D}) + b"\x7f"
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_BOM = "\ufeff"


def decode(text: str | bytes, file: str) -> tuple[str, tuple[Problem, ...]]:
    """The text, without a byte order mark; problems where it is too large, not UTF-8, or holds what YAML must not."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        return "", (problem(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", "split it", _at(file)),)
    try:
        decoded = data.decode()
    except UnicodeDecodeError as error:
        return "", (problem("not UTF-8", "save the file as UTF-8", _where(file, data[: error.start].decode())),)
    decoded = decoded.removeprefix(_BOM)
    return decoded, _forbidden(data, decoded, file)


def _forbidden(data: bytes, text: str, file: str) -> tuple[Problem, ...]:
    # Two fast questions answer "no" for nearly every file; the slow search runs only to find the place.
    if not data.isascii() or len(data.translate(None, _BAD_ASCII)) != len(data):
        found = _BAD.search(text)
        if found:
            name = f"U+{ord(found[0]):04X}"
            hint = "remove it; in double quotes most can be written as an escape"
            return (problem(f"the character {name} may not stand here", hint, _where(file, text[: found.start()])),)
    if "%" in text and (found := _DIRECTIVE.search(text)):
        place = _where(file, text[: found.start()])
        return (problem("a directive (a line that begins with `%`)", "remove it; files are YAML 1.2", place),)
    return ()


def _at(file: str) -> Location:
    return Location(file=file, line=1, column=1)


def _where(file: str, before: str) -> Location:
    return Location(file=file, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
