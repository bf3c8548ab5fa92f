"""Writing one object: server-side apply, forced only over what the plan showed, and what others added taken away."""

import re
from collections.abc import Sequence

from releaser.engines.kubernetes import leftovers, marks
from releaser.engines.kubernetes.adopting import take_over
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
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
        return applied(api, body, change, force=False)  # whatever else it has is the server's choice
    if not ours and marks.mark_of(raw) is None:
        take_over(api, raw)
        raw = api.get(identity(body, api.namespace)) or raw
    try:
        return _written(api, body, change, force=not ours)
    except ApiRefused as refused:
        operations = around(refused, raw, body, change)
        if not operations:
            raise
        try:
            patched = api.patch(identity(body, api.namespace), operations)
        except ApiRefused:
            raise refused from None  # it was not for that
    take_over(api, patched)
    return _written(api, body, change, force=not ours)


def around(refused: ApiRefused, raw: JsonMap, body: JsonMap, change: Change) -> list[dict[str, Json]]:
    """The JSON Patch that does what an apply was refused for; empty where that is none of its shortcomings."""
    if refused.status != _INVALID or refused.immutable:
        return []
    return leftovers.operations(raw, body, change, refused.fields)


def _written(api: Api, body: JsonMap, change: Change, *, force: bool) -> JsonMap:
    answer = applied(api, body, change, force=force)
    extra = _added(change, body, answer)
    return api.patch(identity(body, api.namespace), leftovers.removal(answer, extra)) if extra else answer


def applied(api: Api, body: JsonMap, change: Change, *, force: bool, dry_run: bool = False) -> JsonMap:
    """The server's answer to an apply, forced where only what the plan showed is in its way. Raises ApiRefused."""
    if force:
        return api.apply(body, force=True, dry_run=dry_run)
    try:
        return api.apply(body, dry_run=dry_run)
    except ApiRefused as refused:
        if refused.status != _CONFLICT or not refused.causes:
            raise
        shown = [".".join(parse_path(field.path)) for field in change.fields]
        hidden = [cause for cause in refused.causes if not _is_shown(spelled(cause.field), shown)]
        if hidden:
            raise ApiRefused(refused.status, refused.reason, refused.message, hidden, refused.what) from refused
    return api.apply(body, force=True, dry_run=dry_run)


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
