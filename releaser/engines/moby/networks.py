"""Networks: a declared one as the API makes it, and a live one in declared words; pure."""

from releaser.engines.moby import marks
from releaser.engines.moby import words as api
from releaser.model.value import Json, JsonMap

BRIDGE, OVERLAY = "bridge", "overlay"
"""The drivers of networks that name none: plain Docker's, and a Swarm's."""

_FLAGS = {"internal": "Internal", "attachable": "Attachable", "enable_ipv6": "EnableIPv6"}
_ADDRESSES = {"subnet": "Subnet", "ip_range": "IPRange", "gateway": "Gateway", "aux_addresses": "AuxiliaryAddresses"}
_ADDRESS_DRIVER = "default"
_GIVEN = frozenset({"com.docker.network.driver.overlay.vxlanid_list"})
"""Options that an engine adds by itself."""


def network_spec(body: JsonMap, labels: JsonMap, driver: str) -> dict[str, Json]:
    """What `POST /networks/create` gets; `driver` is for what names none."""
    ipam: JsonMap = body.get("ipam") or {}
    found: dict[str, Json] = {
        "Name": body["name"],
        "CheckDuplicate": True,  # before API 1.44 names need not be unique
        "Driver": body.get("driver") or driver,
        "Labels": {**api.texts_by_name(body.get("labels")), **labels},
        **{name: True for word, name in _FLAGS.items() if body.get(word)},
    }
    if body.get("driver_opts"):
        found["Options"] = api.texts_by_name(body["driver_opts"])
    if ipam:
        found["IPAM"] = {
            "Driver": ipam.get("driver") or _ADDRESS_DRIVER,
            "Options": api.texts_by_name(ipam.get("options")),
            "Config": [
                {name: one[word] for word, name in _ADDRESSES.items() if one.get(word)}
                for one in ipam.get("config") or []
            ],
        }
    return found


def network_body(network: JsonMap, driver: str) -> dict[str, Json]:
    """A live network in the words that were declared; not the addresses that it was given."""
    ipam: JsonMap = network.get("IPAM") or {}
    addresses = {
        "driver": ipam.get("Driver") if ipam.get("Driver") != _ADDRESS_DRIVER else None,
        "options": ipam.get("Options"),
    }
    found = {
        "name": network["Name"],
        "driver": network.get("Driver") if network.get("Driver") != driver else None,
        "driver_opts": {name: text for name, text in (network.get("Options") or {}).items() if name not in _GIVEN},
        **{word: network.get(name) for word, name in _FLAGS.items()},
        "ipam": {word: value for word, value in addresses.items() if value},
        "labels": marks.own(network.get("Labels")),
    }
    return {word: value for word, value in found.items() if value}


def comparable(body: JsonMap, driver: str) -> dict[str, Json]:
    """A declared network as `network_body` reads it: without addresses, and without what asks for nothing."""
    ipam: JsonMap = body.get("ipam") or {}
    own = ipam.get("driver") if ipam.get("driver") != _ADDRESS_DRIVER else None
    addresses = {"driver": own, "options": api.texts_by_name(ipam.get("options"))}
    found = {
        **body,
        "ipam": {word: value for word, value in addresses.items() if value},
        "driver": None if body.get("driver") == driver else body.get("driver"),
        "driver_opts": api.texts_by_name(body.get("driver_opts")),
        "labels": api.texts_by_name(body.get("labels")),
    }
    return {word: value for word, value in found.items() if value}
