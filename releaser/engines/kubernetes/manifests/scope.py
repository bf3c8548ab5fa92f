"""Custom resources that belong to the whole cluster: only the cluster knows which do."""

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.kinds import KNOWN
from releaser.engines.kubernetes.objects import parse
from releaser.model.errors import ApplyFailed
from releaser.model.resource import ResourceId
from releaser.ports import Work

_HINT = "leave it to who manages the cluster, or allow it: `cluster_scoped: true` in `engine`"


def outside(api: Api, work: Work) -> dict[ResourceId, str]:
    """What of the changes is new and in no namespace, with what is told of it.

    What is in the record was allowed once, and may be brought back.
    """
    found = {}
    for name in sorted(work.changed - work.base.items.keys()):
        id_ = parse(name)
        if (id_.group, id_.kind) in KNOWN:
            continue  # told by file and line when it was rendered
        try:
            kind = api.kind(id_.group, id_.kind)
        except ApiRefused:
            continue  # the definition comes with this delivery, and says it
        if not kind.namespaced:
            found[name] = f"{name}: a {kind.kind} belongs to the whole cluster, not to the namespace {api.namespace}"
    return found


def keep_inside(api: Api, work: Work) -> None:
    """Raise ApplyFailed where something new would be written outside of any namespace; nothing is written by then."""
    for message in outside(api, work).values():
        raise ApplyFailed(message, hint=_HINT)
