"""Who an object is: group, kind, namespace and name make its identity; the version is chosen at the last call."""

from releaser.model.resource import ResourceId
from releaser.model.value import Json, JsonMap, Value


class Kind(Value, frozen=True, kw_only=True):
    """One kind as a server serves it."""

    group: str  # "" for the core group
    version: str
    kind: str  # Deployment
    plural: str  # deployments
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`; `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


class ObjectId(Value, frozen=True, kw_only=True):
    """An object's identity, whatever version it is read in."""

    group: str
    kind: str  # in lower case: deployment
    name: str
    namespace: str | None = None  # None: the environment's own, or a kind that is in none

    @property
    def resource(self) -> ResourceId:
        """`deployment.apps/api`, `service/api`; `role.rbac.authorization.k8s.io/other/api` in another namespace."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return "/".join(filter(None, (kind, self.namespace, self.name)))


def parse(resource: ResourceId) -> ObjectId:
    """The identity that a resource's id spells."""
    kind, *namespace, name = resource.split("/")
    kind, _, group = kind.partition(".")
    return ObjectId(group=group, kind=kind, name=name, namespace=namespace[0] if namespace else None)


def identity(body: JsonMap, own_namespace: str | None = None) -> ObjectId:
    """The identity of an object; a namespace that is the environment's own is left out."""
    group, _, _ = str(body["apiVersion"]).rpartition("/")
    metadata: Json = body["metadata"]
    namespace = metadata.get("namespace")
    return ObjectId(
        group=group,
        kind=str(body["kind"]).lower(),
        name=str(metadata["name"]),
        namespace=None if namespace == own_namespace else namespace,
    )
