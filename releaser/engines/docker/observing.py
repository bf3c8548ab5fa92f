"""Observing: what is live in an environment of an engine, as resources in the words that were declared."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from releaser.engines.docker.labels import REPLICAS, Use
from releaser.engines.docker.live import may_end, words
from releaser.engines.docker.looking import Instance, Look
from releaser.engines.moby import marks
from releaser.engines.moby.networks import BRIDGE, network_body
from releaser.model.resource import Live, Mark, Observation, Ready
from releaser.model.value import Json, JsonMap, dotted
from releaser.planning import fingerprint
from releaser.planning.diff import diff

ABSENT = "absent"
OTHER = "made from another revision"


def observation(look: Look, at: datetime) -> Observation:
    """Everything of the environment, whoever delivered it, and what stands under its names."""
    found = (*_networks(look), *_volumes(look), *_listed(look, "config"), *_listed(look, "secret"), *_services(look))
    return Observation(resources={live.id: live for live in found}, at=at)


# --- services ---


def _services(look: Look) -> Iterator[Live]:
    lent = lenders_of(look)
    for name, instances in sorted(look.live.items()):
        base, others = standing(instances)
        bodies = {one.id: _shown(look, one, lent) for one in base}
        body = _merged(base, bodies)
        marks_ = [one.mark for one in instances if one.mark is not None]
        for one in others:
            body.setdefault("instances", {})[_short(look, one)] = {"state": one.state, "template": OTHER}
        for one in look.kept.get(name, ()):
            if one.runs and one.noted is not None:
                body.setdefault("instances", {})[one.name] = {"state": one.state}
        yield Live(
            id=f"service/{name}",
            body=body,
            fingerprint=made_from(base) or fingerprint.of(body),
            mark=_mark(base) if len(marks_) == len(instances) else None,
            uid=base[0].id,
            ready=Ready(running=sum(map(is_ready, base)), desired=len(instances)),  # others are to go, or to come
        )
    for name, kept in sorted(look.kept.items()):
        if name not in look.live and any(one.runs and one.noted is not None for one in kept):
            yield _stray(name, [one for one in kept if one.runs and one.noted is not None])


def standing(instances: list[Instance]) -> tuple[list[Instance], list[Instance]]:
    """What a service stands for: while instances are replaced, the old ones as long as all of them are there.

    And the others.
    """
    templates: dict[str | None, list[Instance]] = {}
    for one in instances:
        templates.setdefault(_template(one), []).append(one)
    if len(templates) == 1:
        return instances, []
    oldest = min(templates.values(), key=lambda group: min(map(_since, group)))
    wanted = oldest[0].noted.wanted if oldest[0].noted else len(oldest)
    if sum(one.runs for one in oldest) >= wanted:
        return oldest, [one for one in instances if one not in oldest]
    return instances, []


def _since(one: Instance) -> str:
    """Since when it runs; what was kept and is started again was created before what it replaces."""
    return str(one.inspected["State"].get("StartedAt", "")) if one.runs else "9"


def _template(one: Instance) -> str | None:
    """What an instance was made from and with, whatever the number of instances."""
    if one.noted is None:
        return None
    return fingerprint.of([one.noted.made_from(0), one.noted.uses, one.noted.mark.history])


def made_from(instances: Iterable[Instance]) -> str | None:
    """The fingerprint of the one resource that all of them were made from; None where one was not, or never ran."""
    of_each = list(instances)
    found = {one.noted.made_from(len(of_each)) if one.noted and not _never_ran(one) else None for one in of_each}
    return found.pop() if len(found) == 1 else None


def _never_ran(one: Instance) -> bool:
    """Whether a delivery was cut off before it started what it had made."""
    return one.state == "created" and not (one.noted is not None and one.noted.idle)


def _shown(look: Look, one: Instance, lent: Mapping[str, str]) -> dict[str, Json]:
    body = words(one.inspected, one.noted, lent)
    if one.noted is not None and one.name != _usual(look, one):
        body["container_name"] = one.name
    return body


def _usual(look: Look, one: Instance) -> str:
    """The name that it has, unless somebody gave it another."""
    assert one.noted is not None  # noqa: S101 - asked of our own ones alone
    declared: str | None = one.noted.body.get("container_name")
    if declared:
        return "" if one.name == declared else declared  # what was declared is shown as it is
    plain = f"{look.whose.prefix}-{one.service}-r{one.revision}-{one.number}"
    rest = one.name.removeprefix(plain)
    return one.name if one.name.startswith(plain) and (not rest or rest[1:].isdecimal()) else plain


def _short(look: Look, one: Instance) -> str:
    return one.name.removeprefix(f"{look.whose.prefix}-{one.service}-")


def _merged(base: list[Instance], bodies: Mapping[str, JsonMap]) -> dict[str, Json]:
    """One body for all of them; where one differs from most, by its number."""
    counted: dict[str, int] = {}
    for body in bodies.values():
        counted[fingerprint.of(body)] = counted.get(fingerprint.of(body), 0) + 1
    most = max(base, key=lambda one: (counted[fingerprint.of(bodies[one.id])], -one.number))
    merged: dict[str, Json] = dict(bodies[most.id])
    if most.noted is None or REPLICAS not in most.noted.ignored:
        merged["deploy"] = {**merged.get("deploy", {}), "replicas": len(base)}
    different = {}
    for one in base:
        fields = {dotted(path): _value(new) for path, _, new in diff(bodies[most.id], bodies[one.id])}
        if fields:
            different[str(one.number)] = fields
    if different:
        merged["instances"] = different
    return merged


def _value(value: Json) -> Json:
    return ABSENT if value is None else value


def _mark(instances: list[Instance]) -> Mark | None:
    """Whose it is, and the newest revision that wrote one of them."""
    newest = max(instances, key=lambda one: one.revision)
    return msgspec.structs.replace(newest.mark, revision=newest.revision) if newest.mark else None


def is_ready(one: Instance) -> bool:
    """Whether an instance does what it is there for, as far as can be seen at one moment."""
    state: JsonMap = one.inspected["State"]
    declared = one.noted.body if one.noted else {}
    if state["Status"] == "exited" or (one.noted is not None and one.noted.idle):
        return (one.noted is not None and one.noted.idle) or (state.get("ExitCode") == 0 and may_end(declared))
    health = (state.get("Health") or {}).get("Status", "none")
    return state["Status"] == "running" and health in {"none", "healthy", ""}


def _stray(name: str, running: list[Instance]) -> Live:
    """Somebody started what had made room, and nothing else of the service is there."""
    body = {"instances": {one.name: {"state": one.state} for one in running}}
    return Live(
        id=f"service/{name}", body=body, fingerprint=fingerprint.of(body), mark=running[0].mark, uid=running[0].id
    )


def lenders_of(look: Look) -> dict[str, str]:
    """Service → the container whose namespaces it lends: its first."""
    return {name: standing(instances)[0][0].id for name, instances in look.live.items()}


# --- what services use ---


def users(look: Look, resource: str) -> dict[str, tuple[Use, Instance]]:
    """Id of an instance → how it uses a resource, of all that are live."""
    found = {}
    for instances in look.live.values():
        for one in standing(instances)[0]:
            use = one.noted.uses.get(resource) if one.noted else None
            if use is not None:
                found[one.id] = (use, one)
    return found


def used(look: Look, kind: str) -> list[str]:
    """The resources of a kind that live instances use."""
    return sorted(
        {
            name
            for instances in look.live.values()
            for one in standing(instances)[0]
            if one.noted
            for name in one.noted.uses
            if name.startswith(f"{kind}/")
        }
    )


def _mark_by(found: Mapping[str, tuple[Use, Instance]], own: Mark | None) -> Mark | None:
    """The mark of what cannot be marked anew: it is whose its users are; the revision is its own where it has one."""
    marks_ = [one.noted.mark for _, one in found.values() if one.noted]
    if not marks_ or len({mark.history for mark in marks_}) > 1:
        return own
    revision = own.revision if own is not None else min(one.revision for _, one in found.values())
    return msgspec.structs.replace(marks_[0], revision=revision)


def _networks(look: Look) -> Iterator[Live]:
    several: dict[str, list[JsonMap]] = {}
    for _, network in sorted(look.networks.items()):
        key = look.network_key(network)
        if key is not None:
            several.setdefault(key, []).append(network)
    for key, networks in sorted(several.items()):
        found = users(look, f"network/{key}")
        joined = {real for _, one in found.values() for real in one.inspected["NetworkSettings"].get("Networks") or {}}
        in_use = [network for network in networks if network["Name"] in joined] or networks[-1:]
        body = (
            network_body(in_use[0], BRIDGE) if len(in_use) == 1 else {"several": sorted(one["Name"] for one in in_use)}
        )
        labels = in_use[0].get("Labels") or {}
        said: set[str | None] = {use.fingerprint for use, _ in found.values()} or {labels.get(marks.FINGERPRINT)}
        own = said.pop() if len(said) == len(in_use) == 1 else None
        yield Live(
            id=f"network/{key}",
            body=body,
            fingerprint=own or fingerprint.of(body),
            mark=_mark_by(found, marks.mark_of(labels)),
            uid=",".join(sorted(one["Id"] for one in in_use)),
        )


def _volumes(look: Look) -> Iterator[Live]:
    """A volume is live where a live service mounts it: that it is kept without one is no news."""
    for resource in used(look, "volume"):
        found = users(look, resource)
        real = {use.id for use, _ in found.values() if use.id}
        body = _volume_body(look, sorted(real))
        said = {use.fingerprint for use, _ in found.values()}
        volume = look.volumes.get(min(real, default=""), {})
        yield Live(
            id=resource,
            body=body,
            fingerprint=(said.pop() if len(said) == len(real) == 1 else None) or fingerprint.of(body),
            mark=_mark_by(found, marks.mark_of(volume.get("Labels"))),
            uid=",".join(sorted(real)),
        )


def _volume_body(look: Look, real: list[str]) -> dict[str, Json]:
    if len(real) != 1:
        return {"several": real}
    volume = look.volumes.get(real[0], {})
    found = {
        "name": real[0],
        "driver": volume.get("Driver") if volume.get("Driver") != "local" else None,
        "driver_opts": volume.get("Options"),
        "labels": marks.own(volume.get("Labels")),
    }
    return {word: value for word, value in found.items() if value}


def _listed(look: Look, kind: str) -> Iterator[Live]:
    """Configs and secrets are files and variables of containers: they are live where a container has them."""
    for resource in used(look, kind):
        found = users(look, resource)
        uses = [use for use, _ in found.values()]
        said = {use.fingerprint for use in uses}
        values = sorted({use.id for use in uses if use.id})
        body: dict[str, Json] = {"name": resource.partition("/")[2]}
        if kind == "config":
            body = {"sha256": uses[0].sha256}
        if len(values) > 1:
            body["several"] = values
        yield Live(
            id=resource,
            body=body,
            fingerprint=(said.pop() if len(said) == 1 and len(values) < 2 else None) or fingerprint.of(body),
            mark=_mark_by(found, None),
            uid=",".join(values) or None,
        )
