"""Definitions of custom resources: what they define can be written once the server serves it."""

import time

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.objects import ObjectId
from releaser.engines.time_limit import Limit
from releaser.model.errors import ApplyFailed

DEFINITION = "CustomResourceDefinition"
_AGAIN = 0.2
_NOT_FOUND = 404


def await_served(api: Api, definition: ObjectId, limit: Limit) -> None:
    """Wait until the server serves the kind that a definition brings. Raises ApplyFailed, ApiRefused, Interrupted."""
    while not _is_served(api, definition):
        limit.check()
        if limit.over():
            hint = f"see why: kubectl describe crd {definition.name}"
            raise ApplyFailed(f"{definition.resource} is not served when the time is over", hint=hint)
        time.sleep(_AGAIN)


def _is_served(api: Api, definition: ObjectId) -> bool:
    """Whether it is established, and discovery says so, which is a moment behind."""
    raw = api.get(definition) or {}
    conditions = (raw.get("status") or {}).get("conditions") or ()
    if not any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
        return False
    api.rediscover()
    try:
        api.kind(raw["spec"]["group"], raw["spec"]["names"]["kind"])
    except ApiRefused as refused:
        if refused.status == _NOT_FOUND:
            return False
        raise
    return True
