"""What a plan says beside its changes: what is allowed, works, and may surprise. One line a kind, not one a service."""

from collections.abc import Iterable, Iterator, Mapping

from releaser.engines.moby import words as api
from releaser.engines.rendering import secrets_in_variables, unused_words
from releaser.engines.vocabulary import SWARM
from releaser.model.value import JsonMap

_TITLES = {"docker": "plain Docker", "swarm": "Swarm"}


def title(kind: str) -> str:
    """The engine as a sentence names it."""
    return _TITLES.get(kind, kind)


def about_services(services: Mapping[str, JsonMap], kind: str, jobs: Iterable[str]) -> Iterator[str]:
    """What is to be said of the services that are delivered."""
    yield from unused_words(services, kind, title(kind))
    yield from _start_first(services)
    unchecked = [name for name in sorted(services.keys() - set(jobs)) if not api.checked(services[name])]
    if unchecked:
        names = ", ".join(unchecked)
        yield f"no health check is declared for {names}: unless the image has one, running for `stable` is ready"
    shown = [name for name in sorted(services) if any(True for _ in secrets_in_variables(services[name]))]
    if shown:
        command = "docker service inspect" if kind == SWARM else "docker inspect"
        yield f"`{command}` shows the secrets in environment variables of {', '.join(shown)}: files hide them"


def about_volumes(declared: Iterable[str], used: Iterable[str]) -> Iterator[str]:
    """Volumes that nobody mounts."""
    idle = sorted(set(declared) - set(used))
    if idle:
        yield f"no service mounts the declared volume {', '.join(idle)}: it is not made"


def _start_first(services: Mapping[str, JsonMap]) -> Iterator[str]:
    """Two instances at a time, where each wants what only one can have or both would write."""
    found = []
    for name, words in sorted(services.items()):
        update = (words.get("deploy") or {}).get("update_config") or {}
        if update.get("order") != "start-first":
            continue
        if any(port.published is not None for port in api.ports(words)):
            found.append(f"{name} publishes a port")
        elif any(_written(mount) for mount in (words.get("volumes") or {}).values()):
            found.append(f"{name} writes to a volume")
    if found:
        yield f"start-first runs the old and the new instance at once: {', '.join(found)}"


def _written(mount: JsonMap) -> bool:
    return mount.get("type", "volume") != "tmpfs" and not mount.get("read_only")
