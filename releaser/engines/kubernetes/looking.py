"""Looking: what one list a kind tells of a namespace; observing, applying and pruning work on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.objects import ObjectId
from releaser.model.resource import ResourceId
from releaser.model.value import JsonMap


@dataclass(frozen=True, kw_only=True)
class Look:
    """Everything of the asked kinds in the namespace, whoever made it, as raw objects."""

    objects: Mapping[ResourceId, JsonMap]
    """By id with the real name. Secrets come as metadata only."""
    namespace: JsonMap | None
    """The namespace itself; None where it is not there."""

    @classmethod
    def at(cls, api: Api, ids: Iterable[ObjectId]) -> "Look":
        """Look once: one list a kind, of the kinds that services become and of those of `ids` (a resource of another
        namespace, and one of a kind that is in none, by a get each)."""
        raise NotImplementedError
