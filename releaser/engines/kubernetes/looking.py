"""Looking: what one list a kind tells of a namespace; observing, applying and pruning work on it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.errors import ApiRefused
from releaser.engines.kubernetes.kinds import KNOWN
from releaser.engines.kubernetes.objects import ObjectId, identity
from releaser.model.resource import ResourceId
from releaser.model.value import JsonMap

RENDERED = (
    ("", "configmap"),
    ("", "secret"),
    ("", "service"),
    ("", "persistentvolumeclaim"),
    ("apps", "deployment"),
)
"""What services become in every case: group and kind."""

_SECRET = ("", "secret")


@dataclass(frozen=True, kw_only=True)
class Look:
    """Everything of the asked kinds in the namespace, whoever made it, as raw objects."""

    objects: Mapping[ResourceId, JsonMap]
    """By id with the real name. Secrets come as metadata only."""

    @classmethod
    def at(cls, api: Api, ids: Iterable[ObjectId], kinds: Iterable[tuple[str, str]] = RENDERED) -> "Look":
        """Look once: one list a kind, of these kinds and of those of `ids`.

        What is in another namespace or in none is read by itself.
        """
        alone: list[ObjectId] = []
        listed = dict.fromkeys(kinds)
        for id_ in ids:
            known = KNOWN.get((id_.group, id_.kind))
            if id_.namespace is not None or (known is not None and not known.namespaced):
                alone.append(id_)
            else:
                listed[id_.group, id_.kind] = None
        objects: dict[ResourceId, JsonMap] = {}
        for group, kind in listed:
            for item in _listed(api, group, kind):
                objects[identity(item, api.namespace).resource] = item
        for id_ in alone:
            found = api.get(id_)
            if found is not None:
                objects[id_.resource] = found
        return cls(objects=objects)

    def of(self, group: str, kind: str) -> Iterator[tuple[ResourceId, JsonMap]]:
        """The objects of one kind."""
        start = f"{kind}.{group}/" if group else f"{kind}/"
        return ((name, item) for name, item in self.objects.items() if name.startswith(start))


def _listed(api: Api, group: str, kind: str) -> list[JsonMap]:
    try:
        found = api.kind(group, kind)
    except ApiRefused as refused:
        if refused.status == 404:  # a kind that went away took its objects with it
            return []
        raise
    return api.list(found, metadata_only=(group, kind) == _SECRET)
