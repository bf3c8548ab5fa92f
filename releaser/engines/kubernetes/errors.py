"""An answer of the API server that is an error, and what a person is told of it."""

import re
from collections.abc import Sequence

import msgspec

from releaser.engines.kubernetes.objects import Kind
from releaser.model.errors import ApplyFailed, EngineUnreachable
from releaser.model.value import JsonMap, Value

# The words of Kubernetes' validation (pkg/apis/*/validation); `immutable` and `once set` were met on 1.20.
_IMMUTABLE = re.compile(
    r"immutable|may not change fields other than|updates to \w+ spec for fields other than|cannot change roleRef"
    r"|updates to (?:parameters|provisioner|reclaimPolicy|volumeBindingMode) are forbidden"
    r"|may not (?:be changed|change) once set|primary clusterIP can not be unset"
)
_TYPED = re.compile(r"(?:^|\s)(\.\w(?:\[[^\]]*\]|[^\s:,;])*): ")
"""What an apply says of a field that it does not know, or that is of another type."""
_UNKNOWN = re.compile(r'unknown field "([^"]+)"')


class Cause(Value, frozen=True, kw_only=True):
    """One field that the server has something to say of."""

    field: str  # as the server spells it: spec.template.spec.containers[0].image
    message: str
    reason: str = ""


class ApiRefused(Exception):
    """The server's answer: HTTP status, its `reason` (Conflict, Invalid, Forbidden …), its words, the fields."""

    def __init__(self, status: int, reason: str, message: str, causes: Sequence[Cause] = (), what: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = tuple(causes)
        self.what = what  # the call in words: apply deployment.apps/api

    @classmethod
    def of(cls, status: int, body: bytes, what: str) -> "ApiRefused":
        """The error that an answer is; a proxy's page is cut short."""
        told = _status(body)
        if told is None:
            text = body.decode(errors="replace").strip()[:300] or "no words"
            return cls(status, "", f"HTTP {status}: {text}", what=what)
        causes = [
            Cause(field=one.get("field", ""), message=one.get("message", ""), reason=one.get("reason", ""))
            for one in (told.get("details") or {}).get("causes") or []
        ]
        message = str(told.get("message") or f"HTTP {status}")
        return cls(status, str(told.get("reason") or ""), message, causes, what)

    @property
    def managers(self) -> tuple[str, ...]:
        """Who manages the fields of a conflict."""
        found = (re.search(r'conflict with "([^"]+)"', cause.message) for cause in self.causes)
        return tuple(dict.fromkeys(match[1] for match in found if match))

    @property
    def immutable(self) -> tuple[Cause, ...]:
        """The fields that can be set once only."""
        return tuple(cause for cause in self.causes if _IMMUTABLE.search(cause.message))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it is about, as the server spells them; also those that are in its words alone."""
        told = (cause.field for cause in self.causes if cause.field)
        return tuple(dict.fromkeys([*told, *_TYPED.findall(self.message), *_UNKNOWN.findall(self.message)]))


def _status(body: bytes) -> JsonMap | None:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) and found.get("kind") == "Status" else None


_RULE = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<plural>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)


def told(refused: ApiRefused) -> ApplyFailed:
    """What a person reads of a refused write or read; the server's words are in it, and the next command."""
    if refused.status == 401:
        return ApplyFailed(
            f"{refused.what}: the cluster does not know these credentials: {refused.message}",
            hint="log in to the cluster anew, as you do for kubectl",
        )
    if refused.status == 403 and (rule := _RULE.search(refused.message)):
        return ApplyFailed(f"{refused.what}: {_may_not(rule)}: {refused.message}", hint=_needed(rule))
    if refused.status == 409 and refused.managers:
        fields = ", ".join(cause.field for cause in refused.causes)
        return ApplyFailed(
            f"{refused.what}: {', '.join(refused.managers)} manages {fields} as well",
            hint="let one of both decide it: take it out of the declaration or name it in `ignore`, or have it let go; "
            "what a plan shows as drift is taken back",
        )
    return ApplyFailed(f"{refused.what}: {refused.message}", hint=_hint(refused))


def missing_right(refused: ApiRefused) -> str | None:
    """Which verb is not allowed and the rule that would allow it, whatever the object; None for another answer."""
    rule = _RULE.search(refused.message) if refused.status == 403 else None
    return None if rule is None else f"{_may_not(rule)}: {_needed(rule)}"


def _may_not(rule: "re.Match[str]") -> str:
    return f"{rule['user']} may not {rule['verb']} {rule['plural']}"


def _needed(rule: "re.Match[str]") -> str:
    group = rule["group"] or '""'
    where = f"a Role in the namespace {rule['namespace']}" if rule["namespace"] else "a ClusterRole"
    return f"{where} needs the rule {{apiGroups: [{group}], resources: [{rule['plural']}], verbs: [{rule['verb']}]}}"


def _hint(refused: ApiRefused) -> str:
    if refused.immutable:
        return "the field cannot be changed: keep it, or plan again, and say --replace to have the object made anew"
    if "field not declared in schema" in refused.message or "unknown field" in refused.message:
        return "the server knows no such field: see kubectl explain"
    if "webhook" in refused.message:
        return "a webhook of the cluster decides that: see kubectl get validatingwebhookconfigurations"
    if "exceeded quota" in refused.message:
        return "see what is used: kubectl describe resourcequota"
    if "being terminated" in refused.message or "is being terminated" in refused.message:
        return "wait until the namespace is gone, and deliver again"
    return "look at it: kubectl describe"


def unreachable(refused: ApiRefused, place: str) -> EngineUnreachable:
    """A server that answers, but does not serve or lets nobody in."""
    if refused.status == 401:
        return EngineUnreachable(
            f"{place} does not let us in: {refused.message}", hint="log in to the cluster anew, as you do for kubectl"
        )
    return EngineUnreachable(
        f"{place} does not serve now: {refused.message}", hint="try again when the API server is ready"
    )


def path_of(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    """The path of a kind's objects, or of one."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return "/".join(filter(None, (f"{root}{scope}/{kind.plural}", name)))
