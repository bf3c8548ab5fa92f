"""Resources and a mark as the bytes of `compose.yaml`: one spelling, and nothing else goes into it."""

import re
from collections.abc import Iterable, Mapping

import msgspec
import yaml

from releaser.model.resource import Mark, Resource
from releaser.model.value import Json

COMPOSE = "compose.yaml"
CONFIGS = "config"
FILE = f"file/{COMPOSE}"
"""The resource that is the file itself: what stands in it beside the things it lists, such as its `name`."""

SECTIONS = {"service": "services", "network": "networks", "volume": "volumes", "config": "configs", "secret": "secrets"}
"""Kind of resource → section of the file that lists it."""

MARK = "x-releaser"

_HEAD = "# Written by `release`: change envs/ instead. The next delivery overwrites what is changed here.\n"
_MARK_LINE = re.compile(rb"^x-releaser: (\{.*\})$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_/][^\n]*\Z")
_STRING = "tag:yaml.org,2002:str"
_WIDTH = 2**30


class _Dumper(yaml.CSafeDumper):
    """Quotes whatever any YAML version could take for something else than a text."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Nothing is ever written as an alias."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    resolved = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML
    plain = _PLAIN.match(text) and resolved == _STRING
    return dumper.represent_scalar(_STRING, text, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def compose_file(resources: Iterable[Resource], mark: Mark) -> bytes:
    """The file that delivers these resources, as a function of them and the mark alone."""
    own: Json = {}
    sections: dict[str, dict[str, Json]] = {"services": {}}
    for resource in resources:
        kind, name = resource.id.split("/", 1)
        if resource.id == FILE:
            own = resource.body
        else:
            body = definition(name) if kind == "config" else resource.body
            sections.setdefault(SECTIONS[kind], {})[name] = body
    marked = f"{_mark_line(mark)}\n"
    ordered = (_dump({section: sections[section]}) for section in SECTIONS.values() if section in sections)
    return "".join((_HEAD, _dump(own) if own else "", marked, *ordered)).encode()


def remarked(data: bytes, revision: int) -> bytes:
    """The same file as it would be if that revision had written it."""
    mark = mark_of(data)
    if mark is None:
        return data
    line = _mark_line(msgspec.structs.replace(mark, revision=revision)).encode()
    return _MARK_LINE.sub(lambda _: line, data, count=1)


def definition(config: str) -> dict[str, str]:
    """What stands in the file for a config: where its content is."""
    return {"file": f"./{CONFIGS}/{config}"}


def mark_of(head: bytes) -> Mark | None:
    """The mark on the line that `compose_file` writes; None where it is not one of ours."""
    found = _MARK_LINE.search(head)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found[1], type=Mark)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def mark_in(document: Mapping[str, Json]) -> Mark | None:
    """The mark in a parsed file; None where there is none, or nonsense."""
    try:
        return msgspec.convert(document.get(MARK), Mark)
    except msgspec.ValidationError:
        return None


def _mark_line(mark: Mark) -> str:
    return f"{MARK}: {msgspec.json.encode(mark).decode()}"


def _dump(tree: Json) -> str:
    text: str = yaml.dump(tree, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=_WIDTH)
    return text
