"""Whether a service's new instance runs before the old one ends; pure."""

from collections.abc import Iterator

from releaser.engines.docker.container import writable
from releaser.engines.moby import words as api
from releaser.model.value import JsonMap

START_FIRST, STOP_FIRST = "start-first", "stop-first"


def declared(words: JsonMap) -> str | None:
    """What `deploy.update_config.order` says."""
    update = (words.get("deploy") or {}).get("update_config") or {}
    order: str | None = update.get("order")
    return order


def order_of(words: JsonMap) -> str:
    """The declared order; else start-first for what two instances can have at once."""
    return declared(words) or (STOP_FIRST if any(unshareable(words)) else START_FIRST)


def unshareable(words: JsonMap) -> Iterator[str]:
    """What only one instance can have at a time, or what two would write to."""
    if any(port.outside for port in api.ports(words)):
        yield "a published port"
    if any(writable(words)):
        yield "a writable volume"
    joined = (words.get("networks") or {}).values()
    if any(one.get(word) for one in joined for word in ("ipv4_address", "ipv6_address", "mac_address")):
        yield "an address of its own"
    if words.get("container_name"):
        yield "a container name"
    if str(words.get("network_mode", "bridge")) not in {"bridge", "none"}:
        yield "the network of its host, or of another container"
    if words.get("devices"):
        yield "a device"
