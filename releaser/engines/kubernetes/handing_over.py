"""Handing over: what the declaration leaves to others from now on stays as it is.

An apply that leaves out a field which nobody else manages resets it: five replicas would become one, the default, once
an autoscaler is declared. So another manager of ours has such fields first, as Kubernetes' documentation of server-side
apply says under "Transferring ownership", until those whom they are left to write them.
"""

from typing import Any

from releaser.engines.kubernetes import live, managed_fields
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.marks import FIELD_MANAGER
from releaser.model.value import Json, JsonMap, Path, at_path, named, parse_path

MANAGER = f"{FIELD_MANAGER}-handover"
_KEYS = ("name", "port", "containerPort", "protocol", "mountPath")
"""The keys of lists in a pod template and in a Service: an element is sent with them."""
_CONFLICT = 409


def hand_over(api: Api, body: JsonMap, raw: JsonMap) -> None:
    """Keep what is live and ours, and what `body` ignores, from being reset by the next apply. Raises ApiRefused."""
    left = {path for path in map(parse_path, live.ignored(body)) if _can_be_sent(raw, path)}
    if not any(managed_fields.ours(raw, path) for path in left):
        return
    before = {path for path in map(parse_path, live.ignored(raw)) if _can_be_sent(raw, path)}
    kept: Any = {}
    for path in sorted(left | before):
        if managed_fields.ours(raw, path) or managed_fields.ours(raw, path, MANAGER):
            kept = _merged(kept, _only(raw, path))
    known = {key: body["metadata"][key] for key in ("name", "namespace") if key in body["metadata"]}
    whole = {"apiVersion": raw["apiVersion"], "kind": raw["kind"], "metadata": known}
    try:
        api.apply(_merged(whole, kept), manager=MANAGER)
    except ApiRefused as refused:
        if refused.status != _CONFLICT:  # else somebody has it already, with a value of their own
            raise


def _can_be_sent(raw: JsonMap, path: Path) -> bool:
    """Whether something is there, and every list on the way has names: an index is no key to a server."""
    above = (at_path(raw, path[:length]) for length in range(1, len(path)))
    return at_path(raw, path) is not None and not any(isinstance(one, list) and not named(one) for one in above)


def _only(tree: Json, path: Path) -> Any:
    """What is at one path, in the maps and lists that it is in; an element of a list with its keys."""
    if not path:
        return tree
    element = at_path(tree, path[:1])
    below = _only(element, path[1:])
    if not isinstance(tree, list):
        return {path[0]: below}
    keys = {key: element[key] for key in _KEYS if key in element} if isinstance(element, dict) else {}
    return [{**keys, **below}]


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        found = {element["name"]: element for element in one}
        for element in other:
            found[element["name"]] = _merged(found.get(element["name"]), element)
        return list(found.values())
    return other
