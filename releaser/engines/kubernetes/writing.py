"""Writing one object: server-side apply, forced only over what the plan showed, and what others added taken away."""

import re
from collections.abc import Sequence

from releaser.engines.kubernetes import leftovers, live, marks
from releaser.engines.kubernetes.adopting import take_over
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.fields import path_of
from releaser.engines.kubernetes.handing_over import hand_over
from releaser.engines.kubernetes.objects import identity
from releaser.model.plan import CREATE, Change
from releaser.model.value import Json, JsonMap, Path, at_path, named, parse_path

_KEYED = re.compile(r'\[([A-Za-z]+)=("[^"]*"|[^\],]*)[^\]]*\]')
_CONFLICT, _INVALID = 409, 422


def put(api: Api, body: JsonMap, change: Change, raw: JsonMap | None, *, ours: bool) -> JsonMap:
    """Make an object what is wanted, and give the server's answer; `raw` is what is live. Raises ApiRefused.

    What others delivered (`ours` is false) is taken over, where the plan says that it is there.
    """
    if raw is None or (not ours and change.action == CREATE):
        return applied(api, body, change, raw, force=False)  # whatever else it has is the server's choice
    if not ours and marks.mark_of(raw) is None:
        take_over(api, raw)
        raw = api.get(identity(body, api.namespace)) or raw
    hand_over(api, body, raw)
    try:
        return _written(api, body, change, raw, force=not ours)
    except ApiRefused as refused:
        operations = around(refused, raw, body, change)
        if not operations:
            raise
        try:
            patched = api.patch(identity(body, api.namespace), operations)
        except ApiRefused:
            raise refused from None  # it was not for that
    take_over(api, patched, patched_only=True)
    return _written(api, body, change, patched, force=not ours)


def around(refused: ApiRefused, raw: JsonMap, body: JsonMap, change: Change) -> list[dict[str, Json]]:
    """The JSON Patch that does what an apply was refused for; empty where that is none of its shortcomings."""
    if refused.status != _INVALID or refused.immutable:
        return []
    return leftovers.operations(raw, body, change, refused.fields)


def _written(api: Api, body: JsonMap, change: Change, raw: JsonMap, *, force: bool) -> JsonMap:
    answer = applied(api, body, change, raw, force=force)
    extra = _added(change, body, answer)
    return api.patch(identity(body, api.namespace), leftovers.removal(answer, extra)) if extra else answer


def applied(  # noqa: PLR0913 - what is sent, and what it is sent over
    api: Api, body: JsonMap, change: Change, raw: JsonMap | None, *, force: bool, dry_run: bool = False
) -> JsonMap:
    """The server's answer to an apply, forced where only what the plan showed is in its way. Raises ApiRefused."""
    if force:
        return api.apply(body, force=True, dry_run=dry_run)
    try:
        return api.apply(body, dry_run=dry_run)
    except ApiRefused as refused:
        if refused.status != _CONFLICT or not refused.causes:
            raise
        shown = [".".join(parse_path(field.path)) for field in change.fields]
        hidden = [cause for cause in refused.causes if not _is_shown(spelled(cause.field, raw), shown)]
        if hidden:
            raise ApiRefused(refused.status, refused.reason, refused.message, hidden, refused.what) from refused
    return api.apply(body, force=True, dry_run=dry_run)


def spelled(field: str, raw: Json = None) -> str:
    """A field of the server's as a plan spells it: `.spec.containers[name="api"].image` is spec.containers.api.image.

    An element that is live is named as there, whatever the keys of its list are.
    """

    def key(found: re.Match[str]) -> str:
        above, path = path_of(raw, field[: found.start()]), path_of(raw, field[: found.end()])
        return "." + (path[-1] if len(path) > len(above) else found[2].strip('"'))

    return _KEYED.sub(key, field).strip(".")


def _is_shown(field: str, shown: Sequence[str]) -> bool:
    """Whether the plan showed a change there, above or below."""
    return any(f"{field}.".startswith(f"{one}.") or f"{one}.".startswith(f"{field}.") for one in shown)


def _added(change: Change, body: JsonMap, answer: JsonMap) -> list[Path]:
    """What the plan showed as to be removed, and an apply leaves, as others put it there."""
    found: list[Path] = []
    left = [parse_path(text) for text in live.ignored(body)]
    for field in change.fields:
        path = parse_path(field.path)
        if field.new is not None or field.old is None or at_path(body, path) is not None:
            continue
        if any(path[: len(one)] == one for one in left):
            continue  # it is somebody else's from now on
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
