"""A delivery's life as values, and values as what is stored: the same for every store."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from releaser.model.delivery import (
    ABORTED,
    FAILED,
    INTERRUPTED,
    RUNNING,
    SUCCEEDED,
    Delivery,
    Intent,
    Outcome,
    Record,
    Step,
)
from releaser.model.errors import HistoryCorrupt, InternalError, ReleaseConflict, StalePlan, UnknownName
from releaser.model.plan import Plan
from releaser.model.release import Release, same_images
from releaser.model.resource import Inventory, Resource
from releaser.planning.fingerprint import canonical, of_bytes

T = TypeVar("T")


# --- a delivery's life ---


def begun(intent: Intent, revision: int) -> Delivery:
    """The delivery that an intent begins, `running`."""
    plan = intent.plan
    return Delivery(
        environment=plan.environment,
        revision=revision,
        status=RUNNING,
        trigger=plan.trigger,
        release=plan.release.version,
        restores=plan.restores,
        actor=clean(intent.actor),
        reason=clean(intent.reason),
        started_at=intent.started_at.astimezone(UTC),
        config_digest=plan.config_digest,
        rendered_digest=plan.rendered_digest,
        source=intent.source,
        tool_version=intent.tool_version,
        plan_id=plan.id,
        base_revision=plan.base_revision,
        target=plan.target,
        leaves=intent.leaves,
    )


def resumed(delivery: Delivery) -> Delivery:
    """The interrupted delivery, running again: its outcome is open."""
    return msgspec.structs.replace(
        delivery, status=RUNNING, finished_at=None, message=None, hint=None, restored=None, current=None
    )


def finished(delivery: Delivery, outcome: Outcome) -> Delivery:
    """The delivery with its outcome."""
    if outcome.status not in {SUCCEEDED, FAILED, INTERRUPTED, ABORTED}:
        raise InternalError(f"no delivery ends as `{outcome.status}`")
    return msgspec.structs.replace(
        delivery,
        status=outcome.status,
        finished_at=outcome.finished_at.astimezone(UTC),
        message=clean(outcome.message),
        hint=clean(outcome.hint),
        restored=outcome.restored,
        current=outcome.current,
    )


def check_begin(plan: Plan, head: Delivery | None, executed: Delivery | None) -> None:
    """Raise StalePlan where the plan was executed, or does not rest on the head."""
    where = plan.environment
    again = f"make the plan again: `release {_verb(plan)} --to {where} --dry-run`"
    if executed is not None:
        raise StalePlan(
            f"{where}: this plan was executed already, as {executed.environment}/{executed.revision}", hint=again
        )
    if head is not None and head.status == RUNNING:
        raise StalePlan(
            f"{where}: revision {head.revision} is still running",
            hint=f"see who delivers: `release lock status`; a dead delivery is settled by `release resume {where}`",
        )
    revision = head.revision if head else 0
    if plan.base_revision != revision:
        raise StalePlan(
            f"{where}: the plan was made on revision {plan.base_revision}, and the newest is {revision}", hint=again
        )


def check_open(environment: str, head: Delivery | None, revision: int, *statuses: str) -> Delivery:
    """The head, which must be `revision` with one of these statuses; raises StalePlan, UnknownName."""
    if head is None or revision > head.revision or revision < 1:
        raise unknown_revision(environment, revision, head)
    if head.revision != revision or head.status not in statuses:
        state = head.status if head.revision == revision else f"not the newest: {head.revision} is"
        raise StalePlan(
            f"{environment}/{revision} is {state}, so its outcome stays as recorded",
            hint=f"see it: `release show {environment}/{revision}`",
        )
    return head


def unknown_revision(environment: str, revision: int, head: Delivery | None) -> UnknownName:
    """What to raise for a revision that is not there."""
    newest = f"the newest revision is {head.revision}" if head else "nothing was delivered there yet"
    return UnknownName(
        f"{environment} has no revision {revision}: {newest}", hint=f"see all: `release history --env {environment}`"
    )


def check_registered(registered: Release, release: Release) -> None:
    """Raise ReleaseConflict where a version is registered with other digests."""
    if same_images(registered, release):
        return
    have, want = registered.digests(), release.digests()
    other = ", ".join(name for name in sorted(have.keys() | want.keys()) if have.get(name) != want.get(name))
    raise ReleaseConflict(
        f"{release.version} is registered with other digests: {other}",
        hint=f"a release never changes; see it with `release releases show {release.version}`, or use another version",
    )


def _verb(plan: Plan) -> str:
    return f"promote {plan.release.version}" if plan.trigger == "promote" else plan.trigger


def plain_step(step: Step) -> Step:
    """A step with words that JSON can hold, its time in UTC."""
    return Step(at=step.at.astimezone(UTC), text=clean(step.text), point=step.point)


# --- values as what is stored ---


class Blob(NamedTuple):
    """Bytes and their digest."""

    digest: str
    data: bytes


def blob(value: Any) -> Blob:
    """A value's canonical JSON, content-addressed."""
    data = canonical(value)
    return Blob(of_bytes(data), data)


def log_blobs(logs: Sequence[str]) -> tuple[Blob, ...]:
    """What builds printed, content-addressed as it is."""
    return tuple(Blob(of_bytes(data), data) for data in (log.encode() for log in logs))


def pack(data: bytes) -> bytes:
    """Compressed, quickly."""
    return zlib.compress(data, 1)


def unpack(digest: str, packed: bytes | None) -> bytes:
    """The bytes that `pack` was given; raises HistoryCorrupt where they are not those of the digest."""
    if packed is None:
        raise HistoryCorrupt(f"the stored content {digest} is missing", hint=RESTORE)
    try:
        data = zlib.decompress(packed)
    except (zlib.error, TypeError) as error:
        raise HistoryCorrupt(f"the stored content {digest} cannot be read: {error}", hint=RESTORE) from error
    if of_bytes(data) != digest:
        raise HistoryCorrupt(f"the stored content {digest} was changed", hint=RESTORE)
    return data


RESTORE = "bring the history back from a backup; `release doctor` checks it"


def decode(kind: type[T], data: bytes | str, what: str) -> T:
    """A stored value; raises HistoryCorrupt."""
    key: Any = kind  # a type is hashable, which mypy does not believe of type[T]
    try:
        value: T = _decoder(key).decode(data)
    except (msgspec.DecodeError, UnicodeError, TypeError) as error:
        raise HistoryCorrupt(f"{what} cannot be read: {error}", hint=RESTORE) from error
    return value


@cache
def _decoder(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


def text(value: Any) -> str:
    """A value's canonical JSON, as text."""
    return canonical(value).decode()


def stamp(at: datetime) -> str:
    """A time as text that sorts: RFC 3339 in UTC with six decimals."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def position(delivery: Delivery, before: str | None) -> str:
    """Where a delivery stands in the history: at its start, but never before the previous revision's position."""
    return max(stamp(delivery.started_at), before or "")


def columns(delivery: Delivery) -> dict[str, str | int | None]:
    """The fields of a delivery that are searched for, and its body."""
    return {
        "environment": delivery.environment,
        "revision": delivery.revision,
        "status": delivery.status,
        "cause": delivery.trigger,
        "version": delivery.release,
        "plan_id": delivery.plan_id,
        "rendered_digest": delivery.rendered_digest,
        "leaves": delivery.leaves,
        "current_version": delivery.current.release if delivery.current else None,
        "body": text(delivery),
    }


def intent_blobs(intent: Intent) -> dict[str, Blob]:
    """What is stored of an intent, content-addressed; `outcome_blob` comes beside it."""
    return {
        "plan": blob(intent.plan),
        "resources": blob(intent.resources),
        "base": blob(intent.base),
        "definitions": blob(intent.definitions),
    }


BLOBS = ("plan", "resources", "base", "definitions", "inventory")


def record(delivery: Delivery, contents: Mapping[str, bytes | None], steps: tuple[Step, ...]) -> Record:
    """A record from what `BLOBS` stand for; only the inventory may be missing."""
    at = f"{delivery.environment}/{delivery.revision}"
    inventory = contents["inventory"]
    return Record(
        delivery=delivery,
        plan=decode(Plan, contents["plan"] or b"", f"the plan of {at}"),
        resources=_resources(contents["resources"] or b"", f"the resources of {at}"),
        base=decode(Inventory, contents["base"] or b"", f"the base of {at}"),
        definitions=decode(dict, contents["definitions"] or b"", f"the definitions of {at}"),
        inventory=None if inventory is None else decode(Inventory, inventory, f"the inventory of {at}"),
        steps=steps,
    )


def _resources(data: bytes, what: str) -> tuple[Resource, ...]:
    return decode(tuple[Resource, ...], data, what)


def clean(words: str | None) -> Any:
    """Words that JSON can hold: what is no Unicode (an odd file name, an argument) becomes `?`; None stays None."""
    return words if words is None else words.encode("utf-8", "replace").decode()
