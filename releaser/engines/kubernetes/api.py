"""The API server in raw JSON: objects are dicts as they travel, and every call has its time limit."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from releaser.engines.kubernetes.connection import Answer, Connection
from releaser.engines.kubernetes.errors import ApiRefused, path_of, unreachable
from releaser.engines.kubernetes.kinds import Discovery
from releaser.engines.kubernetes.marks import FIELD_MANAGER
from releaser.engines.kubernetes.objects import Kind, ObjectId, identity
from releaser.model.errors import EngineUnreachable
from releaser.model.value import Json, JsonMap

APPLY, JSON_PATCH = "application/apply-patch+yaml", "application/json-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
_PAGE = 500
_TRIES = 3
_AGAIN = 0.3  # seconds, and more each time
_STARTING = 20.0
"""Seconds after which a server that came back has read its roles."""
_SHOWN = 200  # bytes of an answer that is no JSON
_BUSY = frozenset({429, 500, 502, 503, 504})


Objects = list[JsonMap]


class _Call(NamedTuple):
    """A write, without its body."""

    method: str
    path: str
    query: Mapping[str, str]
    what: str  # in words: apply deployment.apps/api
    content_type: str = "application/json"


class Api:
    """Calls to one cluster as one user; `namespace` is where an object goes whose body names none.

    Every method raises EngineUnreachable where no server answers in time or nobody is let in, and ApiRefused for an
    answer that is an error, except where it says otherwise. Only reads are tried again.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._discovery = Discovery(self._discovered)
        self.namespace = namespace

    @property
    def context(self) -> str:
        """The context's name."""
        return self._connection.context

    @property
    def place(self) -> str:
        """What a person knows the target by: context/namespace."""
        return f"{self.context}/{self.namespace}"

    def kind(self, group: str, kind: str, version: str | None = None) -> Kind:
        """The kind (of any case) in this version if the server has it, else in the one that it prefers.

        Raises ApiRefused (404) for a kind that it does not have.
        """
        found = self._discovery.find(group, kind, version)
        if found is None:
            name = f"{kind}.{group}" if group else kind
            raise ApiRefused(404, "NotFound", f"the cluster has no kind {name}", what=f"find {name}")
        return found

    def rediscover(self) -> None:
        """Ask for the kinds of the cluster anew from now on: a definition brought one."""
        self._discovery = Discovery(self._discovered)

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        metadata_only: bool = False,
        selector: str | None = None,
        fields: str | None = None,
    ) -> list[JsonMap]:
        """The objects of a kind in a namespace (cluster-wide for a kind that is in none), page after page.

        Each has `apiVersion` and `kind`, which lists leave out. Empty where the namespace is not there, or where the
        server does not have the kind any more.
        """
        query = {"labelSelector": selector, "fieldSelector": fields}
        asked = {key: text for key, text in query.items() if text}
        accept = _METADATA.format("List") if metadata_only else "application/json"
        return self._pages(path_of(kind, namespace or self.namespace), kind, asked, accept)[0]

    def list_since(self, kind: Kind) -> tuple[Objects, str | None]:
        """The same with the version from which a watch goes on."""
        return self._pages(path_of(kind, self.namespace), kind, {}, "application/json")

    def _pages(self, path: str, kind: Kind, asked: Mapping[str, str], accept: str) -> tuple[Objects, str | None]:
        found: Objects = []
        query = {"limit": str(_PAGE), **asked}
        while True:
            try:
                page: Any = self._read(path, query, f"list {kind.plural}", accept)
            except ApiRefused as refused:
                if refused.status == 404:
                    return found, None
                if refused.status == 410 and "continue" in query:  # the pages' snapshot is gone: begin anew
                    found, query = [], {"limit": str(_PAGE), **asked}
                    continue
                raise
            for item in page.get("items") or ():
                item["apiVersion"], item["kind"] = kind.api_version, kind.kind
                found.append(item)
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return found, metadata.get("resourceVersion")
            query = {**query, "continue": metadata["continue"]}

    def get(self, id_: ObjectId) -> JsonMap | None:
        """One object; None where it is not there."""
        try:
            found: JsonMap = self._read(self._path(id_), {}, f"read {id_.resource}")
        except ApiRefused as refused:
            if refused.status == 404:
                return None
            raise
        return found

    def apply(
        self, body: JsonMap, *, dry_run: bool = False, force: bool = False, manager: str = FIELD_MANAGER
    ) -> JsonMap:
        """Server-side apply; gives the server's answer.

        `body` is sent as it is, but in a version that the server has, and with `protocol: TCP` where that is a key of
        a list and missing.
        """
        id_ = identity(body, self.namespace)
        kind = self._kind_of(body)
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        query |= {"force": "true"} if force else {}
        query |= {"dryRun": "All"} if dry_run else {}
        sent = {**body, "apiVersion": kind.api_version}
        path = path_of(kind, id_.namespace or self.namespace, id_.name)
        return self._write(_Call("PATCH", path, query, f"apply {id_.resource}", APPLY), _protocols(sent))

    def create(self, body: JsonMap, *, dry_run: bool = False) -> JsonMap:
        """POST, for what must not be there yet. An unknown field is an error where the server looks for them."""
        id_ = identity(body, self.namespace)
        kind = self._kind_of(body)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        path = path_of(kind, id_.namespace or self.namespace)
        return self._write(
            _Call("POST", path, query, f"create {id_.resource}"), {**body, "apiVersion": kind.api_version}
        )

    def patch(
        self,
        id_: ObjectId,
        operations: Sequence[Mapping[str, Json]],
        *,
        manager: str = FIELD_MANAGER,
        dry_run: bool = False,
    ) -> JsonMap:
        """A JSON Patch (RFC 6902)."""
        query = {"fieldManager": manager, **({"dryRun": "All"} if dry_run else {})}
        return self._write(_Call("PATCH", self._path(id_), query, f"patch {id_.resource}", JSON_PATCH), operations)

    def delete(self, id_: ObjectId, uid: str, *, propagation: str = "Background") -> bool:
        """Delete the object with this uid; False where it was gone, or is another one by now."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": propagation}
        try:
            self._write(_Call("DELETE", self._path(id_), {}, f"delete {id_.resource}"), body)
        except ApiRefused as refused:
            if refused.status in {404, 409}:
                return False
            raise
        return True

    def watch(
        self, kind: Kind, *, seconds: float, since: str | None = None, name: str | None = None
    ) -> Iterator[JsonMap]:
        """Events ({type, object}) of a kind, or of one object, until `seconds` are over.

        Raises ApiRefused (410) where `since`, a resourceVersion, is too old.
        """
        query = {"watch": "true", "timeoutSeconds": str(max(1, round(seconds))), "allowWatchBookmarks": "true"}
        query |= {"resourceVersion": since} if since else {}
        query |= {"fieldSelector": f"metadata.name={name}"} if name else {}
        for line in self._connection.stream(path_of(kind, self.namespace), query, seconds):
            event: Any = _json(line, f"watch {kind.plural}")
            if event.get("kind") == "Status" or event.get("type") == "ERROR":
                status = event.get("object") or event
                raise ApiRefused.of(int(status.get("code") or 500), msgspec.json.encode(status), f"watch {kind.plural}")
            yield event

    def logs(
        self, pod: str, container: str, *, lines: int, previous: bool = False, namespace: str | None = None
    ) -> str:
        """A container's last lines; "" where there are none."""
        path = f"/api/v1/namespaces/{namespace or self.namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": str(lines), **({"previous": "true"} if previous else {})}
        try:
            answer = self._connection.request("GET", path, query=query, accept="*/*")
        except EngineUnreachable:
            return ""
        return answer.body.decode(errors="replace") if answer.status == 200 else ""

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()

    # --- how ---

    def _kind_of(self, body: JsonMap) -> Kind:
        group, _, version = str(body["apiVersion"]).rpartition("/")
        return self.kind(group, str(body["kind"]), version)

    def _path(self, id_: ObjectId) -> str:
        return path_of(self.kind(id_.group, id_.kind), id_.namespace or self.namespace, id_.name)

    def _discovered(self, path: str) -> JsonMap | None:
        try:
            found: JsonMap = self._read(path, {}, "find the kinds of the cluster")
        except ApiRefused as refused:
            if refused.status in {404, 503}:  # an aggregated API whose server is away takes nothing else with it
                return None
            raise
        return found

    def _read(self, path: str, query: Mapping[str, str], what: str, accept: str = "application/json") -> Json:
        """A read, tried again where the server or the way to it is in trouble for a moment."""
        for left in reversed(range(_TRIES)):
            try:
                answer = self._connection.request("GET", path, query=query, accept=accept)
            except EngineUnreachable:
                if not left:
                    raise
                time.sleep(_AGAIN * (_TRIES - left))
                continue
            if not left or not (answer.status in _BUSY or self._is_starting(answer)):
                return self._decoded(answer, what)
            time.sleep(_pause(answer, _AGAIN * (_TRIES - left)))
        raise AssertionError  # the last try has answered

    def _write(self, call: "_Call", body: Json) -> JsonMap:
        """A write; what the server would not even look at, as it is busy, is sent again."""
        data = msgspec.json.encode(body)
        for left in reversed(range(_TRIES)):
            answer = self._connection.request(
                call.method, call.path, query=call.query, body=data, content_type=call.content_type
            )
            if answer.status != 429 or not left:
                found: JsonMap = self._decoded(answer, call.what)
                return found
            time.sleep(_pause(answer, _AGAIN))
        raise AssertionError  # as above

    def _is_starting(self, answer: Answer) -> bool:
        """Whether a server that was away just now has not read its roles yet: until then it forbids everything."""
        lost_at = self._connection.lost_at
        return answer.status == 403 and lost_at is not None and time.monotonic() - lost_at < _STARTING

    def _decoded(self, answer: Answer, what: str) -> Json:
        if answer.status < 300:
            return _json(answer.body, what)
        refused = ApiRefused.of(answer.status, answer.body, what)
        if answer.status in {401, 502, 503} or self._is_starting(answer):
            raise unreachable(refused, self.place) from refused
        raise refused


def _json(data: bytes, what: str) -> Json:
    """What was answered. Raises ApiRefused where it is none of an API server, but of a proxy before it, say."""
    try:
        found: Json = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        text = data[:_SHOWN].decode(errors="replace").strip()
        raise ApiRefused(502, "", f"the answer is not JSON: {text or 'empty'}", what=what) from error
    return found


def _pause(answer: Answer, otherwise: float) -> float:
    """Seconds until the next try; what the server asks for, but no more than a person waits."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), 5.0) if asked.isdecimal() else otherwise


def _protocols(body: JsonMap) -> JsonMap:
    """The body with `protocol: TCP` in a Service's ports: 1.20 refuses an apply without it."""
    if body.get("kind") != "Service" or not (body.get("spec") or {}).get("ports"):
        return body
    ports = [{"protocol": "TCP", **port} for port in body["spec"]["ports"]]
    return {**body, "spec": {**body["spec"], "ports": ports}}
