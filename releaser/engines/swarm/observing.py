"""Observing: what is live in an environment of a Swarm, as resources in the words that were declared."""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from releaser.engines.moby import marks
from releaser.engines.moby.networks import network_body
from releaser.engines.swarm.judging import UNSETTLED, paused, update_state
from releaser.engines.swarm.labels import Use
from releaser.engines.swarm.live import words
from releaser.engines.swarm.looking import Look, value_id, volumes_of
from releaser.model.resource import Live, Mark, Observation, Ready
from releaser.model.value import Json, JsonMap
from releaser.planning import fingerprint

OVERLAY = "overlay"
"""The driver of a network that names none."""


def observation(look: Look, at: datetime) -> Observation:
    """Everything of the environment, whoever delivered it, and what stands under its names."""
    found = (*_networks(look), *_volumes(look), *_configs(look), *_secrets(look), *_services(look))
    return Observation(resources={live.id: live for live in found}, at=at)


# --- services ---


def _services(look: Look) -> Iterator[Live]:
    for name, service in sorted(look.services.items()):
        labels = service["Spec"].get("Labels") or {}
        mark = marks.mark_of(labels)
        body = words(service["Spec"], look.known)
        made_from = labels.get(marks.FINGERPRINT) if mark else None
        if mark is None:
            body["unmarked"] = True  # somebody else's, or somebody took our mark away
        if paused(service):
            body["update"], made_from = "paused", None  # its tasks are of several specs, and stay so
        yield Live(
            id=f"service/{name}",
            body=body,
            fingerprint=made_from or fingerprint.of(body),
            mark=mark,
            uid=service["ID"],
            ready=ready(service),
            at=_time(service.get("UpdatedAt")),
        )


def ready(service: JsonMap) -> Ready | None:
    """How many tasks run, of how many.

    The engine counts old tasks too while an update hangs; then at least one is not what it should be.
    """
    status: JsonMap | None = service.get("ServiceStatus")
    if status is None:
        return None
    if "ReplicatedJob" in service["Spec"]["Mode"] or "GlobalJob" in service["Spec"]["Mode"]:
        job: JsonMap = service["Spec"]["Mode"].get("ReplicatedJob") or {}
        done = status.get("CompletedTasks", 0)
        return Ready(running=done, desired=job.get("TotalCompletions", done))
    running, desired = status.get("RunningTasks", 0), status.get("DesiredTasks", 0)
    if update_state(service) in UNSETTLED:
        running = min(running, max(desired - 1, 0))
    return Ready(running=running, desired=desired)


def _time(text: str | None) -> datetime | None:
    """The API's time: in UTC, with nanoseconds."""
    return datetime.fromisoformat(text[:26].rstrip("Z")).replace(tzinfo=UTC) if text else None


# --- what services use ---


def _networks(look: Look) -> Iterator[Live]:
    found: dict[str, list[tuple[JsonMap, dict[str, Use]]]] = {}
    for key, network, users in look.our_networks():
        found.setdefault(key, []).append((network, users))
    for key, several in sorted(found.items()):
        used = [one for one in several if one[1]] or several
        yield _network(look, key, used)


def _network(look: Look, key: str, several: list[tuple[JsonMap, dict[str, Use]]]) -> Live:
    network, users = several[0]
    body = network_body(network, OVERLAY)
    labels = network.get("Labels") or {}
    said = {use.fingerprint for use in users.values()} or {labels.get(marks.FINGERPRINT)}
    made_from = said.pop() if len(said) == 1 else None
    if len(several) > 1:  # a delivery was cut off while services moved from one to the other
        body, made_from = {"several": sorted(one["Name"] for one, _ in several)}, None
    return Live(
        id=f"network/{key}",
        body=body,
        fingerprint=made_from or fingerprint.of(body),
        mark=_mark_by(look, users, marks.mark_of(labels)),
        uid=",".join(sorted(one["Id"] for one, _ in several)),
    )


def _volumes(look: Look) -> Iterator[Live]:
    """A volume is live where a service of ours mounts it: that it is kept without one is no news."""
    mounted: dict[str, dict[str, tuple[Use, JsonMap]]] = {}
    for name, service in sorted(look.ours.items()):
        for real, mount in volumes_of(service["Spec"]).items():
            use = look.noted[name].names.volumes.get(real)
            if use is not None and use.fingerprint is not None:
                mounted.setdefault(real, {})[name] = (use, mount)
    for real, users in sorted(mounted.items()):
        uses = {name: use for name, (use, _) in users.items()}
        bodies = dict(_volume_body(real, mount) for _, mount in users.values())
        body = next(iter(bodies.values())) if len(bodies) == 1 else {"name": real, "several": sorted(bodies)}
        made_from = {use.fingerprint for use in uses.values()}
        yield Live(
            id=f"volume/{next(iter(uses.values())).name}",
            body=body,
            fingerprint=(made_from.pop() if len(made_from) == len(bodies) == 1 else None) or fingerprint.of(body),
            mark=_mark_by(look, uses, None),
            uid=real,
        )


def _volume_body(real: str, mount: JsonMap) -> tuple[str, dict[str, Json]]:
    options: JsonMap = mount.get("VolumeOptions") or {}
    driver: JsonMap = options.get("DriverConfig") or {}
    found = {
        "name": real,
        "driver": driver.get("Name"),
        "driver_opts": driver.get("Options"),
        "labels": marks.own(options.get("Labels")),
    }
    body = {word: value for word, value in found.items() if value}
    return fingerprint.of(body), body


def _configs(look: Look) -> Iterator[Live]:
    """What no service has is kept for a way back, and no part of what is live; somebody else's is in our way."""
    for name, config in sorted(look.configs.items()):
        labels = config["Spec"].get("Labels") or {}
        mark = marks.mark_of(labels)
        if config["ID"] not in look.referred and mark is not None:
            continue
        body = {**_content(config["Spec"].get("Data") or ""), **_own(labels)}
        yield Live(
            id=f"config/{name}",
            body=body,
            fingerprint=(labels.get(marks.FINGERPRINT) if mark else None) or fingerprint.of(body),
            mark=mark,
            uid=config["ID"],
        )


def _content(data: str) -> dict[str, Json]:
    """As declarations are read: text where it is text."""
    try:
        return {"content": base64.b64decode(data).decode()}
    except UnicodeDecodeError:
        return {"base64": data}


def _own(labels: JsonMap) -> dict[str, Json]:
    own = marks.own(labels)
    return {"labels": own} if own else {}


def _secrets(look: Look) -> Iterator[Live]:
    """A secret is live where a service has it, as a file or in a variable; its id says which value."""
    for name in sorted({use for noted in look.noted.values() for use in noted.names.secrets}):
        users = {
            service: noted.names.secrets[name] for service, noted in look.noted.items() if name in noted.names.secrets
        }
        values, labels = _values(look, name, users)
        if not values:
            continue
        made_from = {use.fingerprint for use in users.values()}
        body: dict[str, Json] = {"name": name, **_own(labels)}
        if len(values) > 1:
            body["several"] = sorted(values)
        yield Live(
            id=f"secret/{name}",
            body=body,
            fingerprint=(made_from.pop() if len(made_from) == len(values) == 1 else None) or fingerprint.of(body),
            mark=_mark_by(look, users, marks.mark_of(labels)),
            uid=",".join(sorted(values)),
        )


def _values(look: Look, name: str, users: Iterable[str]) -> tuple[set[str], JsonMap]:
    """Which values of a secret services have, and the labels of its objects."""
    values: set[str] = set()
    labels: JsonMap = {}
    for id_, declared in look.known.secrets.items():
        if declared == name and id_ in look.referred:
            values.add(value_id(look.secrets[id_]))
            labels = look.secrets[id_]["Spec"].get("Labels") or {}
    for user in users:
        values |= {seal.id for seal in look.noted[user].sealed.values() if seal.secret == name}
    return values, labels


def _mark_by(look: Look, users: Iterable[str], own: Mark | None) -> Mark | None:
    """The mark of what cannot be marked anew: it is whose its users are; the revision is its own where it has one."""
    found = [mark for mark in map(look.mark, users) if mark is not None]
    if not found or len({mark.history for mark in found}) > 1:
        return own
    revision = own.revision if own is not None else min(mark.revision for mark in found)
    return msgspec.structs.replace(found[0], revision=revision)
