"""Taking over: the fields that other tools manage become ours, so that what is gone from the declaration is removed.

Source: how Flux takes over (fluxcd/pkg ssa, PatchReplaceFieldsManagers): the entries of a tool in `managedFields` are
merged into one of ours, by a JSON Patch that a newer version of the object refuses.
"""

import re
import time
from collections.abc import Sequence
from typing import Any

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.marks import FIELD_MANAGER
from releaser.engines.kubernetes.objects import identity
from releaser.model.value import Json, JsonMap

_TOOLS = re.compile(r"kubectl.*|before-first-apply|helm(-.*)?|Go-http-client|.*flux.*|kustomize-controller|argocd.*")
_TRIES = 10
_AGAIN = 0.05  # seconds, and more each time: controllers write what has just been written
_CONFLICT, _UNPROCESSABLE = 409, 422


def take_over(api: Api, raw: JsonMap, *, patched_only: bool = False) -> None:
    """Make the fields that kubectl, Helm and their like manage in an object ours. Raises what `api.patch` raises.

    Those that a JSON Patch of ours set become fields of our applies; with `patched_only` those alone.
    """
    id_ = identity(raw, api.namespace)
    for left in reversed(range(_TRIES)):
        entries = merged(raw["metadata"].get("managedFields") or (), patched_only=patched_only)
        if entries is None:
            return
        version = raw["metadata"]["resourceVersion"]
        try:
            api.patch(
                id_,
                [
                    {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                    {"op": "replace", "path": "/metadata/managedFields", "value": entries},
                ],
            )
        except ApiRefused as refused:
            if refused.status not in {_CONFLICT, _UNPROCESSABLE} or not left:
                raise
            time.sleep(_AGAIN * (_TRIES - left))
            again = api.get(id_)
            if again is None:
                return
            raw = again
        else:
            return


def merged(entries: Sequence[JsonMap], *, patched_only: bool = False) -> list[JsonMap] | None:
    """The entries with those of tools merged into one of ours; None where no tool manages anything."""
    theirs = [entry for entry in entries if _is_patched(entry) or (not patched_only and _is_a_tools(entry))]
    if not theirs:
        return None
    ours = [entry for entry in entries if _is_ours(entry)]
    fields: Json = {}
    for entry in (*ours, *theirs):
        fields = _union(fields, entry.get("fieldsV1") or {})
    version = (ours or theirs)[0]["apiVersion"]
    one = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": version,
        "time": theirs[0].get("time"),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return [one, *(entry for entry in entries if entry not in theirs and entry not in ours)]


def _is_a_tools(entry: JsonMap) -> bool:
    return _TOOLS.fullmatch(str(entry.get("manager"))) is not None and not entry.get("subresource")


def _is_patched(entry: JsonMap) -> bool:
    """Whether a JSON Patch of ours set these fields."""
    updated = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Update"
    return updated and not entry.get("subresource")


def _is_ours(entry: JsonMap) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _union(one: Any, other: Any) -> Any:
    return {**one, **{key: _union(one.get(key, {}), value) for key, value in other.items()}}
