r"""Which files of a folder are a build's context: those that .dockerignore does not name, by Docker's rules.

docker-py says what a list of patterns means together; its own patterns are left out, as they know neither `\` nor
`[^x]`, and take `.ENV` for `.env`, and so is its walk, which does not look for `!**/*.go` in a folder that is left out.
https://github.com/moby/patternmatcher
"""

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from releaser.model.errors import BadArgument
from releaser.planning.redact import printable

if TYPE_CHECKING:
    from docker.utils.build import PatternMatcher

_WORD = re.compile(
    r"(?P<all>\*\*/?)|(?P<some>\*)|(?P<one>\?)|\[(?P<no>\^?+)(?P<of>(?:\\.|[^\]\\])+)\]|\\(.)|([^\[\\])", re.DOTALL
)
_CHARACTER = re.compile(r"\\(.)|(.)", re.DOTALL)
_SPECIAL = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True)
class _Pattern:
    """One line of .dockerignore, as docker-py asks it."""

    exclusion: bool  # `!`: what is sent all the same
    cleaned_pattern: str
    expression: re.Pattern[str]

    @property
    def dirs(self) -> list[str]:
        """Its names."""
        return self.cleaned_pattern.split("/")

    def match(self, name: str) -> bool:
        """Whether it names a file, or a folder that this is below."""
        return self.expression.fullmatch(name) is not None

    def may_match_below(self, folder: str) -> bool:
        """Whether it may name something in a folder, also far below."""
        fixed, *special = _SPECIAL.split(self.cleaned_pattern, maxsplit=1)
        if special:
            fixed = fixed.rpartition("/")[0]
        inside = special and (not fixed or f"{folder}/".startswith(f"{fixed}/"))
        return bool(inside) or f"{fixed}/".startswith(f"{folder}/")


def kept(folder: Path, dockerfile: str) -> set[str]:
    """The files, folders and links of the context, the Dockerfile always. Raises BadArgument, OSError."""
    from docker.utils.build import PatternMatcher  # noqa: PLC0415 - it takes a tenth of a second

    matcher = PatternMatcher([])
    always = (
        _Pattern(exclusion=True, cleaned_pattern=name, expression=re.compile(re.escape(name)))
        for name in (dockerfile, ".dockerignore")
    )
    matcher.patterns[:] = [*_patterns(folder, dockerfile), *always]
    return set(_walked(folder, "", matcher))


def _walked(folder: Path, at: str, matcher: "PatternMatcher") -> Iterator[str]:
    """What is kept below a folder; in one that is left out something may be kept all the same. Raises OSError."""
    with os.scandir(folder / at) as entries:
        found = [(f"{at}/{one.name}" if at else one.name, one.is_dir(follow_symlinks=False)) for one in entries]
    for name, is_folder in found:
        left_out = matcher.matches(name)
        if not left_out:
            yield name
        if is_folder and (not left_out or any(one.exclusion and one.may_match_below(name) for one in matcher.patterns)):
            yield from _walked(folder, name, matcher)


def _patterns(folder: Path, dockerfile: str) -> Iterator[_Pattern]:
    files = (folder / f"{dockerfile}.dockerignore", folder / ".dockerignore")
    file = next((file for file in files if file.is_file()), None)
    # Names of files are bytes, and Windows puts a mark before the first one.
    text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape") if file is not None else ""
    for number, line in enumerate(text.split("\n"), 1):
        word = line.strip()
        if not word or line.startswith("#"):
            continue
        exclusion = word.startswith("!")
        word = word[exclusion:].strip()
        cleaned = posixpath.normpath(word).lstrip("/")
        expression = _expression(cleaned) if word else None
        if expression is None:
            raise BadArgument(
                f"{printable(str(file))}:{number}: {printable(line.strip())} is no pattern",
                hint="close `[`, and write what stands for itself after a backslash",
            )
        yield _Pattern(exclusion=exclusion, cleaned_pattern=cleaned, expression=expression)


def _expression(pattern: str) -> re.Pattern[str] | None:
    """What it matches, and all that is below; None where it is no pattern."""
    words, at = "", 0
    if pattern.startswith("**") and not _SPECIAL.search(pattern, 2):  # any end of a path, also within a name
        words, at = (r"(?:.*/)?", 3) if pattern.startswith("**/") else (".*", 2)
    while at < len(pattern):
        found = _WORD.match(pattern, at)
        if found is None:
            return None
        at = found.end()
        words += _translated(found, last=at == len(pattern))
    try:
        return re.compile(f"{words}(?:/.*)?", re.DOTALL)
    except re.error:  # a range from b to a
        return None


def _translated(word: re.Match[str], *, last: bool) -> str:
    if word["all"]:
        return ".*" if last else "(?:.*/)?"
    if word["some"]:
        return "[^/]*"
    if word["one"]:
        return "[^/]"
    if word["of"]:
        inner = _CHARACTER.sub(lambda one: one[0] if one[0] == "-" else re.escape(one[1] or one[2]), word["of"])
        return f"[{word['no']}{inner}]"
    return re.escape(word[6] or word[7])
