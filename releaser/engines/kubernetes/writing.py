"""Writing one object: server-side apply, forced only over what the plan showed, and what others added taken away."""

import re
from collections.abc import Sequence
from typing import Any

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.objects import identity
from releaser.model.plan import Change
from releaser.model.value import Json, JsonMap, Path, at_path, named, parse_path

_KEYED = re.compile(r'\[([A-Za-z]+)=("[^"]*"|[^\],]*)[^\]]*\]')
_CONFLICT = 409


def write(api: Api, body: JsonMap, change: Change, *, force: bool = False) -> JsonMap:
    """Apply an object and give the server's answer; `force` where it is taken over. Raises ApplyFailed."""
    try:
        answer = _applied(api, body, change, force=force)
        extra = _added(change, body, answer)
        return api.patch(identity(body, api.namespace), _removal(answer, extra)) if extra else answer
    except ApiRefused as refused:
        raise told(refused) from refused


def _applied(api: Api, body: JsonMap, change: Change, *, force: bool) -> JsonMap:
    if force:
        return api.apply(body, force=True)
    try:
        return api.apply(body)
    except ApiRefused as refused:
        if refused.status != _CONFLICT or not refused.causes:
            raise
        shown = [".".join(parse_path(field.path)) for field in change.fields]
        hidden = [cause for cause in refused.causes if not _is_shown(spelled(cause.field), shown)]
        if hidden:
            raise ApiRefused(refused.status, refused.reason, refused.message, hidden, refused.what) from refused
    return api.apply(body, force=True)


def spelled(field: str) -> str:
    """A field as the server names it, with dots: `.spec.containers[name="api"].image` is spec.containers.api.image."""
    return _KEYED.sub(lambda found: "." + found[2].strip('"'), field).strip(".")


def _is_shown(field: str, shown: Sequence[str]) -> bool:
    """Whether the plan showed a change there, above or below."""
    return any(f"{field}.".startswith(f"{one}.") or f"{one}.".startswith(f"{field}.") for one in shown)


def _added(change: Change, body: JsonMap, answer: JsonMap) -> list[Path]:
    """What the plan showed as to be removed, and an apply leaves, as others put it there."""
    found: list[Path] = []
    for field in change.fields:
        path = parse_path(field.path)
        if field.new is not None or field.old is None or at_path(body, path) is not None:
            continue
        path = _element(body, path)
        if path not in found and at_path(answer, path) is not None:
            found.append(path)
    return found


def _element(body: JsonMap, path: Path) -> Path:
    """The element of a list by name that a path leads into, where the body has none of that name."""
    for length in range(1, len(path)):
        items = at_path(body, path[:length])
        if isinstance(items, list) and path[length] not in (named(items) or {}):
            return path[: length + 1]
    return path


def _removal(answer: JsonMap, paths: Sequence[Path]) -> list[dict[str, Json]]:
    """Each is removed only as it was seen; a version of the whole object would move with each status."""
    pointers = {_pointer(answer, path): at_path(answer, path) for path in paths}
    found: list[dict[str, Json]] = []
    for pointer in sorted(pointers, key=_order, reverse=True):
        found.append({"op": "test", "path": pointer, "value": pointers[pointer]})
        found.append({"op": "remove", "path": pointer})
    return found


def _order(pointer: str) -> list[tuple[int, str]]:
    """Later elements of a list first, so that an index stays right while others go."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in pointer.split("/")]


def _pointer(tree: Any, path: Path) -> str:
    """A JSON Pointer (RFC 6901)."""
    parts = []
    for key in path:
        if isinstance(tree, list):
            names = list(named(tree) or {})
            index = names.index(key) if key in names else int(key)
            parts.append(str(index))
            tree = tree[index]
        else:
            parts.append(key.replace("~", "~0").replace("/", "~1"))
            tree = tree[key]
    return "/" + "/".join(parts)
