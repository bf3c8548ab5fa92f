"""`.env` files and env_files as Compose reads them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from releaser.declarations.problems import problem
from releaser.imports.templates import InvalidTemplate, Scope, Setting, fill
from releaser.imports.texts import Text
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.value import Location

_SPACE = " \t\v\f\r\x85\xa0"
_KEY_CHARACTER = re.compile(r"[\w.\-\[\] \t\v\f\r\x85\xa0]")
_ESCAPE = re.compile(r'\\(?:([abcfnrtv"\\])|(\$)|0([0-7]{0,3}))')
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_EXPORT = re.compile(r"export\s+")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of such a file; no value where the line only names a variable."""

    key: str
    text: Text | None
    place: Location


def read(data: bytes, file: str, scope: Scope, *, raw: bool = False) -> tuple[Entry, ...]:
    """The variables of a file, in order; `scope` is what its own templates may use beside them.

    Raises InvalidDeclarations with the line that cannot be read.
    """
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidDeclarations((_problem("not UTF-8", file, line),)) from error
    return tuple(_raw(text, file) if raw else _Reader(text, file, scope).run())


def _raw(text: str, file: str) -> Iterator[Entry]:
    """`format: raw`: lines as they are, without quotes or templates."""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.removesuffix("\r").lstrip()
        key, equals, value = stripped.partition("=")
        if stripped and not stripped.startswith("#"):
            place = Location(file=file, line=number, column=1)
            yield Entry(key=key.strip(), text=Text.of(value) if equals else None, place=place)


def scope_of(entries: tuple[Entry, ...], below: Scope) -> dict[str, Setting]:
    """The variables that a `.env` file sets; what is set below it goes before."""
    found = dict(below)
    for entry in entries:
        if entry.text is not None and entry.key not in below:
            found[entry.key] = Setting(value=entry.text.plain, origin=f"{entry.place.file}:{entry.place.line}")
    return found


class _Reader:
    def __init__(self, text: str, file: str, scope: Scope) -> None:
        self._text = text
        self._file = file
        self._scope = scope
        self._known: dict[str, Setting] = {}
        self._at = 0

    def run(self) -> Iterator[Entry]:
        while self._begin():
            place = Location(file=self._file, line=self._line, column=1)
            key, valued = self._key()
            text = self._value() if valued else None
            if text is not None:
                self._known[key] = Setting(value=text.plain, origin=f"{self._file}:{place.line}")
            if key[:1] not in "0123456789":
                yield Entry(key=key, text=text, place=place)

    @property
    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _begin(self) -> bool:
        """Go to the next line that says something; whether there is one."""
        while self._at < len(self._text):
            if self._text[self._at].isspace():
                self._at += 1
            elif self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _key(self) -> tuple[str, bool]:
        export = _EXPORT.match(self._text, self._at)
        start = export.end() if export else self._at
        end = start
        while end < len(self._text) and self._text[end] not in "=:\n":
            if not _KEY_CHARACTER.match(self._text[end]):
                raise self._refused(f"the name of a variable holds `{self._text[end]}`")
            end += 1
        valued = end < len(self._text) and self._text[end] != "\n"
        key = self._text[start:end].strip(_SPACE)
        if not key or " " in key:
            raise self._refused("a line without the name of a variable" if not key else f"a space in the name `{key}`")
        self._at = min(end + 1, len(self._text)) if valued else end
        return key, valued

    def _value(self) -> Text:
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        quote = self._text[self._at : self._at + 1]
        if quote and quote in "'\"":
            return self._quoted(quote)
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        line = self._text[self._at : end].partition(" #")[0].rstrip()
        found = self._filled(line)
        self._at = end
        return found

    def _quoted(self, quote: str) -> Text:
        kept: list[str] = []
        at = self._at + 1
        while at < len(self._text) and self._text[at] != quote:
            if self._text[at] == "\\" and at + 1 < len(self._text):
                kept.append(quote if self._text[at + 1] == quote else self._text[at : at + 2])
                at += 2
            else:
                kept.append(self._text[at])
                at += 1
        if at >= len(self._text):
            raise self._refused("quotes are not closed")
        value = "".join(kept)
        found = self._filled(_ESCAPE.sub(_unescaped, value)) if quote == '"' else Text.of(value)
        self._at = at + 1
        return found

    def _filled(self, template: str) -> Text:
        known: Mapping[str, Setting] = {**self._known, **self._scope}
        try:
            return fill(template, known)
        except InvalidTemplate as error:
            raise self._refused(str(error)) from error

    def _refused(self, message: str) -> InvalidDeclarations:
        return InvalidDeclarations((_problem(message, self._file, self._line),))


def _unescaped(found: re.Match[str]) -> str:
    if found[2]:
        return "$$"
    if found[1]:
        return _ESCAPED.get(found[1], found[0])
    return chr(int(found[3], 8) & 0xFF) if found[3] else found[0]


def _problem(message: str, file: str, line: int) -> Problem:
    # Without a location: whoever tells a problem shows the line, and here lines hold secrets.
    return problem(f"{file}:{line}: {message}", "Compose does not read it either; write `NAME=value`")
