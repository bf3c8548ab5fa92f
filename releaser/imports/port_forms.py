"""The short form of ports: `127.0.0.1:8000-8002:80-82/udp`."""

import re

from releaser.imports.texts import Text
from releaser.imports.tree import Node, made_of

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_SHORT = re.compile(
    r"(?:(?:(?:\[(?P<bracketed>[^\]]+)\]|(?P<host>[^:]*)):)?(?P<published>[0-9-]*):)?(?P<target>[0-9-]+)"
    r"(?:/(?P<protocol>[A-Za-z]+))?\Z"
)
_LARGEST = 65535
_MOST = 1024  # ports of one line


def long(node: Node, text: Text) -> list[Node]:
    """The short form as long ones, one for each port of a range. Raises ValueError where it is none."""
    found = _SHORT.match(text.plain)
    if found is None:
        raise ValueError(f"`{text.plain}` is not a port")
    targets = _range(found["target"], text.plain)
    outside = _range(found["published"], text.plain) if found["published"] else []
    if len(targets) > _MOST:
        raise ValueError(f"`{text.plain}` is more than {_MOST} ports")
    if outside and len(targets) != 1 and len(outside) != len(targets):
        raise ValueError(f"`{text.plain}` maps a range onto one of another length")
    fixed = {
        "host_ip": text.cut(*found.span("bracketed" if found["bracketed"] else "host")) if _host(found) else None,
        "protocol": Text.of(found["protocol"].lower()) if found["protocol"] else None,
    }
    words = {word: node.with_value(value, {}) for word, value in fixed.items() if value is not None}
    return [
        node.with_value(
            {
                "target": made_of(inside, text.cut(*found.span("target")), node.place),
                **_published(found, index, node, text),
                **words,
            },
            {},
        )
        for index, inside in enumerate(targets)
    ]


def _host(found: re.Match[str]) -> str:
    return found["bracketed"] or found["host"] or ""


def _range(numbers: str, written: str) -> list[int]:
    found = _RANGE.match(numbers)
    if found is None:
        raise ValueError(f"`{written}` is not a port")
    first, last = int(found[1]), int(found[2] or found[1])
    if not 0 < first <= last <= _LARGEST:
        raise ValueError(f"`{written}`: a port is a number from 1 to {_LARGEST}")
    return list(range(first, last + 1))


def _published(found: re.Match[str], index: int, node: Node, text: Text) -> dict[str, Node]:
    """The published port of one target; a range for one target stays a range: any free port of it."""
    published = found["published"]
    if not published:
        return {}
    first, _, last = published.partition("-")
    if last and last != first and "-" not in found["target"]:
        return {"published": node.with_value(Text.of(published), {})}
    return {"published": made_of(int(first) + index, text.cut(*found.span("published")), node.place)}
