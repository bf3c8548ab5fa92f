"""The API server in raw JSON: objects are dicts as they travel, and every call has its time limit."""

from collections.abc import Iterator, Mapping, Sequence

from releaser.engines.kubernetes.marks import FIELD_MANAGER
from releaser.engines.kubernetes.objects import Kind, ObjectId
from releaser.model.value import Json, JsonMap


class Api:
    """Calls to one cluster as one user; `namespace` is where an object goes whose body names none.

    Every method raises EngineUnreachable where no server answers in time or nobody is let in, and ApiRefused
    (engines.kubernetes.errors) for an answer that is an error, except where it says otherwise.
    """

    namespace: str
    place: str
    """What a person knows the target by: context/namespace."""

    def kind(self, group: str, kind: str) -> Kind:
        """The kind (of any case) in the version that this server prefers, by discovery; known ones without a call
        where the server's version is known to have them. Raises ApiRefused (404) for a kind that it does not have."""
        raise NotImplementedError

    def list(self, kind: Kind, *, metadata_only: bool = False, selector: str | None = None) -> list[JsonMap]:
        """The objects of a kind in the namespace (cluster-wide for a kind that is in none), page after page.

        Each has `apiVersion` and `kind`, which lists leave out. Empty where the namespace is not there, or where the
        server does not have the kind any more.
        """
        raise NotImplementedError

    def get(self, id_: ObjectId) -> JsonMap | None:
        """One object; None where it is not there."""
        raise NotImplementedError

    def apply(
        self, body: JsonMap, *, dry_run: bool = False, force: bool = False, manager: str = FIELD_MANAGER
    ) -> JsonMap:
        """Server-side apply; gives the server's answer. `body` is sent as it is, but in the version the server prefers
        and with `protocol: TCP` where that is a key of a list and missing."""
        raise NotImplementedError

    def create(self, body: JsonMap) -> JsonMap:
        """POST, for what must not be there yet. An unknown field is an error."""
        raise NotImplementedError

    def patch(self, id_: ObjectId, operations: Sequence[Mapping[str, Json]]) -> JsonMap:
        """A JSON Patch."""
        raise NotImplementedError

    def delete(self, id_: ObjectId, uid: str, *, propagation: str = "Background") -> bool:
        """Delete the object with this uid; False where it was gone, or is another one by now."""
        raise NotImplementedError

    def watch(self, kind: Kind, *, seconds: float, since: str | None = None, name: str | None = None) -> Iterator[JsonMap]:
        """Events ({type, object}) of a kind, or of one object, until `seconds` are over; raises ApiRefused (410) where
        `since`, a resourceVersion, is too old."""
        raise NotImplementedError

    def logs(self, pod: str, container: str, *, lines: int, previous: bool = False) -> str:
        """A container's last lines; "" where there are none."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the connections."""
