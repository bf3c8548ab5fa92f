"""Dockerfiles: their instructions with their lines, and the images that they begin with; pure.

Source: https://docs.docker.com/reference/dockerfile/: continued lines, comments within them, the `escape` directive,
here-documents, ARG before the first FROM, COPY --from.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile

import msgspec

from releaser.model.value import Value

_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*\Z")
_HERE = re.compile(r"(?<!\S)\d*<<(-?)([\"']?)([^\s<\"']+)\2(?!\S)")
_TAKES_HERE = re.compile(r"(?i)(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s")
_FROM = re.compile(r"(?is)((?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?\s*\Z")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_OTHER = {"COPY": re.compile(r"--from=(\S+)\Z"), "RUN": re.compile(r"--mount=(?:\S*,)?from=([^\s,]+)")}
"""The instructions that may name another image, and the flags that do."""
_LONGEST = 4096
"""Characters of an argument's value: those that double each other would fill the memory."""
_NONE = "scratch"


class Instruction(Value, frozen=True, kw_only=True):
    """One instruction, its lines joined."""

    word: str  # in capitals: FROM, RUN
    value: str  # without its comments; a here-document with its lines
    line: int  # the first one, from 1
    last: int


class Stage(Value, frozen=True, kw_only=True):
    """What stands between two FROM, with the first of them."""

    base: str  # with its arguments: an image, or the name of an earlier stage
    name: str | None  # in small letters
    steps: tuple[Instruction, ...]


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile in their order, whether they are known or not."""
    lines = text.removeprefix("\ufeff").split("\n")
    plain = [line.rstrip("\r") for line in lines]
    untabbed = [line.lstrip("\t") for line in plain]
    continued = re.compile(rf"(?<!{_escape(lines)}){_escape(lines)}\Z")
    found, at = [], 0
    while at < len(lines):
        first = at
        value, at = _joined(lines, at, continued)
        if not value:
            continue
        first = next(number for number in range(first, at) if _begins(lines[number]))
        for dashes, _, end in _HERE.findall(value) if _TAKES_HERE.match(value) else ():
            texts = untabbed if dashes else plain
            if end in texts[at:]:  # else it is no here-document: a shell's arithmetic has `1 <<n`
                last = texts.index(end, at)
                value, at = "\n".join((value, *texts[at:last])), last + 1
        word, *rest = value.split(None, 1)
        found.append(Instruction(word=word.upper(), value="".join(rest).strip(), line=first + 1, last=at))
    return found


def stages(found: Sequence[Instruction], args: Mapping[str, str]) -> list[Stage]:
    """The stages in their order; what stands before the first FROM is in none."""
    known, made = _arguments(found, args), list[Stage]()
    for one in found:
        if one.word == "FROM":
            match = _FROM.match(one.value)
            base, name = (match[2], match[3]) if match else (one.value, None)
            made.append(Stage(base=filled(base, known), name=name.lower() if name else None, steps=(one,)))
        elif made:
            made[-1] = msgspec.structs.replace(made[-1], steps=(*made[-1].steps, one))
    return made


def final(several: Sequence[Stage]) -> list[Stage]:
    """The last stage, below it those that it is built on, the lowest first."""
    chain: list[Stage] = []
    for stage in reversed(several):
        if not chain or stage.name == chain[0].base.lower():
            chain.insert(0, stage)
    return chain


def flags(one: Instruction) -> list[str]:
    """The words with two dashes before all others."""
    return list(takewhile(lambda word: word.startswith("--"), one.value.split()))


def copied(one: Instruction) -> tuple[list[str], str]:
    """What is copied of the context, and where to; both empty where it copies nothing of it."""
    if one.word not in {"COPY", "ADD"} or any(flag.startswith("--from=") for flag in flags(one)):
        return [], ""
    words = one.value.partition("\n")[0].split()[len(flags(one)) :]
    if words and words[0].startswith("["):
        with suppress(ValueError, RecursionError):  # else it is a pattern
            words = [str(word) for word in json.loads(" ".join(words))]
    return [word for word in words[:-1] if not word.startswith("<<")], words[-1] if words else ""


def bases(text: str, args: Mapping[str, str]) -> tuple[str, ...]:
    """The images that it is built on, each once, in their order; what an unknown argument names is left out."""
    found = (name for _, _, name in references(text, args))
    return tuple(dict.fromkeys(name for name in found if "$" not in name))


def with_bases(text: str, args: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The same with other names for its images, where `names` has one."""
    lines = text.split("\n")
    for instruction, written, name in references(text, args):
        if name in names:
            place = re.compile(rf"(?<=from=){re.escape(written)}(?![^\s,])|(?<!\S){re.escape(written)}(?!\S)")
            for number in range(instruction.line - 1, instruction.last):
                if place.search(lines[number]):
                    lines[number] = place.sub(lambda _, new=names[name]: new, lines[number], count=1)  # type: ignore[misc]
                    break
    return "\n".join(lines)


def references(text: str, args: Mapping[str, str]) -> Iterator[tuple[Instruction, str, str]]:
    """(instruction, image as it is written, image with its arguments) of each image that is no stage."""
    found = instructions(text)
    known = _arguments(found, args)
    names: set[str] = set()
    count = 0
    for one in found:
        if one.word == "FROM" and (match := _FROM.match(one.value)):
            name = filled(match[2], known)
            names.add(str(count))
            count += 1
            if name != _NONE and name.lower() not in names:
                yield one, match[2], name
            if match[3]:
                names.add(match[3].lower())
        elif one.word in _OTHER:
            for written in (found[1] for found in map(_OTHER[one.word].match, flags(one)) if found):
                if written.lower() not in names:
                    yield one, written, filled(written, known)


def filled(name: str, known: Mapping[str, str]) -> str:
    """The name with its arguments; one that is not known, or is empty without a default, stays."""
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[3]) or found[2] or found[0], name)


def _arguments(found: Sequence[Instruction], args: Mapping[str, str]) -> dict[str, str]:
    """The arguments that FROM may use: those before the first one, each with those before it."""
    known: dict[str, str] = {}
    for one in takewhile(lambda one: one.word != "FROM", found):
        for part in one.value.split() if one.word == "ARG" else ():
            name, _, default = part.partition("=")
            known[name] = args.get(name, filled(default.strip("\"'"), known)[:_LONGEST])
    return known


def _joined(lines: Sequence[str], at: int, continued: re.Pattern[str]) -> tuple[str, int]:
    """An instruction's lines as one, without comments, and the number of the line after them."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            continue
        parts.append(continued.sub("", line))
        if not continued.search(line):
            break
    return " ".join(part.strip() for part in parts).strip(), at


def _begins(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _escape(lines: list[str]) -> str:
    """The character that continues a line, as a pattern: directives are the comments before everything else."""
    for line in lines:
        directive = _DIRECTIVE.match(line)
        if directive is None:
            return r"\\"
        if directive[1].lower() == "escape":
            return re.escape(directive[2])
    return r"\\"
