"""Fields as a server spells them, as paths into an object.

Source: field.Path of Kubernetes' API machinery, `spec.containers[0].env[1].value` and `metadata.labels[key]`; and
fieldpath of structured-merge-diff, `.spec.containers[name="api"].image`.
"""

import re
from collections.abc import Iterator

from releaser.model.value import Json, Path, at_path, named

_PART = re.compile(r'\.?(?P<key>[^.\[\]]+)|\[(?P<in>(?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]')
_KEYS = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


def path_of(body: Json, field: str) -> Path:
    """The path to a field, as far as it leads into the body."""
    found: list[str] = []
    for part in _parts(field):
        key = _key(body, part)
        below = None if key is None else at_path(body, (key,))
        if key is None or below is None:
            break
        found.append(key)
        body = below
    return tuple(found)


def _parts(field: str) -> Iterator[str]:
    return (match["in"] if match["key"] is None else match["key"] for match in _PART.finditer(field))


def _key(tree: Json, part: str) -> str | None:
    """The key of a part: an element of a list by its name, where the list's elements have one."""
    if isinstance(tree, dict):
        return part.strip('"')
    if not isinstance(tree, list):
        return None
    names = list(named(tree) or {})
    if part.isdecimal():
        index = int(part)
        return names[index] if index < len(names) else str(index)
    wanted = {key: value.strip('"') for key, value in _KEYS.findall(part)}
    for index, one in enumerate(tree):
        if isinstance(one, dict) and wanted and all(str(one.get(key)) == value for key, value in wanted.items()):
            return names[index] if names else str(index)
    return None
