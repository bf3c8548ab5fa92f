"""Who a target is: the uid of its namespace."""

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused, told
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import ApplyFailed, EngineUnreachable
from releaser.model.resource import ABSENT, Target
from releaser.model.value import JsonMap


def target(api: Api) -> Target:
    """The context, the namespace and its uid, `absent` where it is not there. Raises EngineUnreachable."""
    try:
        found = api.get(parse(f"namespace/{api.namespace}"))
    except ApiRefused as refused:
        failure = told(refused)
        raise EngineUnreachable(failure.message, hint=failure.hint) from refused
    identity = ABSENT if found is None else found["metadata"]["uid"]
    return Target(engine="kubernetes", identity=identity, context=api.context, namespace=api.namespace)


def make(api: Api) -> bool:
    """Make the namespace if it is not there; whether it was made. Raises ApplyFailed while it is being deleted."""
    try:
        found = api.get(parse(f"namespace/{api.namespace}"))
        if found is None:
            api.apply(_namespace(api.namespace))
            return True
    except ApiRefused as refused:
        raise told(refused) from refused
    if found["metadata"].get("deletionTimestamp"):
        raise ApplyFailed(
            f"the namespace {api.namespace} is being deleted, with all that is in it",
            hint=f"wait until it is gone: kubectl --context {api.context} wait --for=delete ns/{api.namespace}",
        )
    return False


def _namespace(name: str) -> JsonMap:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
