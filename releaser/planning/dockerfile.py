"""Dockerfiles: their instructions with their lines, and the images that they begin with; pure.

Source: https://docs.docker.com/reference/dockerfile/: continued lines, comments within them, the `escape` directive,
here-documents, ARG before the first FROM, COPY --from.
"""

import re
from collections.abc import Iterator, Mapping

from releaser.model.value import Value

_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*\Z")
_HERE = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2")
_FROM = re.compile(r"(?is)((?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?\s*\Z")
_OTHER = re.compile(r"(?:--from=|--mount=\S*?from=)([^\s,]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_NONE = "scratch"


class Instruction(Value, frozen=True, kw_only=True):
    """One instruction, its lines joined."""

    word: str  # in capitals: FROM, RUN
    value: str  # without its comments; a here-document with its lines
    line: int  # the first one, from 1
    last: int


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile in their order, whether they are known or not."""
    lines, found, at = text.split("\n"), [], 0
    escape = _escape(lines)
    while at < len(lines):
        first = at
        parts: list[str] = []
        while at < len(lines):
            line = lines[at].rstrip()
            at += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                continue
            parts.append(line.removesuffix(escape))
            if not line.endswith(escape):
                break
        value = " ".join(part.strip() for part in parts).strip()
        if not value:
            continue
        first = next(number for number in range(first, at) if _begins(lines[number]))
        word, _, rest = value.partition(" ")
        for dashes, _, end in _HERE.findall(rest) if word.upper() in {"RUN", "COPY", "ADD"} else ():
            while at < len(lines):
                line = lines[at].lstrip("\t") if dashes else lines[at]
                at += 1
                if line.rstrip() == end:
                    break
                rest += f"\n{line}"
        found.append(Instruction(word=word.upper(), value=rest.strip(), line=first + 1, last=at))
    return found


def bases(text: str, args: Mapping[str, str]) -> tuple[str, ...]:
    """The images that it is built on, each once, in their order; what an unknown argument names is left out."""
    found = (name for _, _, name in references(text, args))
    return tuple(dict.fromkeys(name for name in found if "$" not in name))


def with_bases(text: str, args: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The same with other names for its images, where `names` has one."""
    lines = text.split("\n")
    for instruction, written, name in references(text, args):
        if name in names:
            for number in range(instruction.line - 1, instruction.last):
                if written in lines[number].split() or f"from={written}" in lines[number]:
                    lines[number] = lines[number].replace(written, names[name], 1)
                    break
    return "\n".join(lines)


def references(text: str, args: Mapping[str, str]) -> Iterator[tuple[Instruction, str, str]]:
    """(instruction, image as it is written, image with its arguments) of each image that is no stage."""
    known: dict[str, str] = {}
    stages: set[str] = set()
    count = 0
    for one in instructions(text):
        if one.word == "ARG" and not count:
            for part in one.value.split():
                name, _, default = part.partition("=")
                known[name] = args.get(name, default.strip("\"'"))
        elif one.word == "FROM" and (match := _FROM.match(one.value)):
            name = filled(match[2], known)
            stages.add(str(count))
            count += 1
            if name != _NONE and name.lower() not in stages:
                yield one, match[2], name
            if match[3]:
                stages.add(match[3].lower())
        elif one.word in {"COPY", "ADD", "RUN"}:
            for written in _OTHER.findall(one.value.partition("\n")[0]):
                if written.lower() not in stages:
                    yield one, written, filled(written, known)


def filled(name: str, known: Mapping[str, str]) -> str:
    """The name with its arguments; one that is not known, or is empty without a default, stays."""
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[3]) or found[2] or found[0], name)


def _begins(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _escape(lines: list[str]) -> str:
    """The character that continues a line: directives are the comments before everything else."""
    for line in lines:
        directive = _DIRECTIVE.match(line)
        if directive is None:
            return "\\"
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"
