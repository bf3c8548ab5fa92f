"""Who manages a field: `metadata.managedFields` read along a path of the object.

Source: the FieldsV1 format of Kubernetes' structured-merge-diff: `f:name` is a field, `k:{…}` the element of a list
with these keys, `v:value` the element of a set, `.` the thing itself; below an empty map all is managed as one.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from releaser.engines.kubernetes.marks import FIELD_MANAGER
from releaser.model.value import Json, JsonMap, Value, at_path

_CONTROLLERS = re.compile(r"kube-(?!ctl).*|kubelet|cloud-controller-manager|.*-controller-manager")


class Manager(Value, frozen=True, kw_only=True):
    """One entry: who wrote the fields, and when."""

    name: str
    at: datetime | None = None

    @property
    def is_controller(self) -> bool:
        """Whether it is a part of the cluster itself."""
        return _CONTROLLERS.fullmatch(self.name) is not None


def managers(raw: JsonMap) -> Iterator[tuple[Manager, Json]]:
    """Every manager of an object but ours, the latest first, with its fields."""
    entries = (raw.get("metadata") or {}).get("managedFields") or ()
    for entry in sorted(entries, key=lambda one: str(one.get("time", "")), reverse=True):
        if entry.get("manager") != FIELD_MANAGER and entry.get("fieldsV1"):
            yield Manager(name=str(entry.get("manager")), at=_time(entry.get("time"))), entry["fieldsV1"]


def owner(raw: JsonMap, path: Sequence[str]) -> Manager | None:
    """The latest manager of what stands at a path, other than ours; None where there is none."""
    return next((manager for manager, fields in managers(raw) if _owns(fields, raw, path)), None)


def ours(raw: JsonMap, path: Sequence[str], manager: str = FIELD_MANAGER) -> bool:
    """Whether we manage what stands at a path, under one of our names."""
    entries = (raw.get("metadata") or {}).get("managedFields") or ()
    return any(entry.get("manager") == manager and _owns(entry.get("fieldsV1"), raw, path) for entry in entries)


def owned(raw: JsonMap) -> Json:
    """The part of an object that somebody manages who is no controller: what somebody declared."""
    entries = (raw.get("metadata") or {}).get("managedFields") or ()
    fields = [
        entry["fieldsV1"]
        for entry in entries
        if entry.get("fieldsV1") and not Manager(name=str(entry.get("manager"))).is_controller
    ]
    kept = _kept(raw, fields) if fields else raw
    metadata = {**(kept.get("metadata") or {}), "name": raw["metadata"]["name"]}
    return {**kept, "apiVersion": raw["apiVersion"], "kind": raw["kind"], "metadata": metadata}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _owns(fields: Any, tree: Json, path: Sequence[str]) -> bool:
    for key in path:
        if fields == {}:
            return True  # a leaf: what is below is managed as one
        below = _below(fields, tree, key)
        if below is None:
            return False
        fields, tree = below, at_path(tree, (key,))
    return True


def _below(fields: Any, tree: Json, key: str) -> Any:
    if not isinstance(fields, dict):
        return None
    if not isinstance(tree, list):
        return fields.get(f"f:{key}")
    element = at_path(tree, (key,))
    return next((below for name, below in fields.items() if _is(name, element)), None)


def _is(name: str, element: Json) -> bool:
    """Whether a key of FieldsV1 names this element of a list."""
    if name.startswith("k:") and isinstance(element, dict):
        keys = msgspec.json.decode(name[2:])
        return all(element.get(key) == value for key, value in keys.items())
    return name.startswith("v:") and msgspec.json.decode(name[2:]) == element


def _kept(tree: Json, several: Sequence[Any]) -> Any:
    """What of a tree any of these fields name."""
    if any(fields == {} for fields in several) or not isinstance(tree, dict | list):
        return tree
    if isinstance(tree, list):
        found = []
        for element in tree:
            below = [one for fields in several for name, one in fields.items() if _is(name, element)]
            if below:
                kept = _kept(element, [{k: v for k, v in one.items() if k != "."} or {} for one in below])
                found.append(kept)
        return found
    result = {}
    for key, value in tree.items():
        below = [fields[f"f:{key}"] for fields in several if f"f:{key}" in fields]
        if below:
            result[key] = _kept(value, below)
    return result
