"""PyYAML's parsers as one source of events, and their complaints in our words."""

from collections.abc import Callable
from typing import Any

import yaml
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from releaser.declarations.problems import problem
from releaser.model.errors import Problem
from releaser.model.value import Location


class PureEvents(Reader, Scanner, Parser):
    """PyYAML's own parser, for where it was built without libyaml: slower, the same events."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


EVENTS: Callable[[str], Any]
"""Text → what `get_event` is called on until it gives None. Raises REFUSALS, from there on too."""

try:
    from yaml._yaml import CParser
except ImportError:
    EVENTS = PureEvents
else:
    EVENTS = CParser

REFUSALS = (yaml.YAMLError, ValueError, OverflowError)  # the last two: the pure parser on impossible escapes

_HINTS = (
    ("cannot start any token", "a text that begins with a special character needs quotes"),
    ("mapping values are not allowed", "a text that holds `: ` needs quotes; otherwise check the indentation"),
    ("could not find expected ':'", "a key is followed by `: `; check the line above too"),
    ("did not find expected key", "check the indentation, and quotes that end too early"),
    ("did not find expected '-' indicator", "check the indentation of the list"),
    ("did not find expected ',' or", "a bracket is not closed, or a comma is missing"),
    ("unexpected end of stream", "quotes or a bracket are not closed"),
    ("exceeded maximum nesting depth", "flatten it"),
    ("unknown escape character", "a backslash in double quotes is written `\\\\`; single quotes take it as it is"),
)
_OTHERWISE = "check the indentation and the quotes"


def syntax_problem(error: Exception, text: str, file: str) -> Problem:
    """The parser's complaint with its place, and what usually helps."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    if mark is None:
        return problem(f"not YAML: {said}", _OTHERWISE, Location(file=file, line=1, column=1))
    place = Location(file=file, line=mark.line + 1, column=mark.column + 1)
    if _tab_at(text, mark.line, mark.column):
        return problem("not YAML: a tab where spaces must stand", "indent with spaces", place)
    hint = next((hint for words, hint in _HINTS if words in said), _OTHERWISE)
    return problem(f"not YAML: {said}", hint, place, _context(error, file, place))


def _context(error: Exception, file: str, place: Location) -> Location | None:
    mark: Any = getattr(error, "context_mark", None)
    if mark is None:
        return None
    context = Location(file=file, line=mark.line + 1, column=mark.column + 1)
    return None if context == place else context


def _tab_at(text: str, line: int, column: int) -> bool:
    lines = text.split("\n", line + 1)
    return line < len(lines) and "\t" in lines[line][column : column + 1]
