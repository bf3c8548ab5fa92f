"""`deploy` of a service, with the older words that mean the same: mem_limit, cpus, scale and their like."""

from collections.abc import Mapping

from releaser.imports.forms import text_of
from releaser.imports.left_words import RESERVED_DEVICES
from releaser.imports.report import Report
from releaser.imports.tree import Node, at, is_map
from releaser.model.value import Path

OLDER: Mapping[str, tuple[str, ...]] = {
    "scale": ("replicas",),
    "mem_limit": ("resources", "limits", "memory"),
    "cpus": ("resources", "limits", "cpus"),
    "pids_limit": ("resources", "limits", "pids"),
    "mem_reservation": ("resources", "reservations", "memory"),
}
"""Words of a service that stand below `deploy` in the declarations."""

_UNLIMITED = frozenset({"0", "-1"})


def deploy(service: Node, path: Path, report: Report) -> Node | None:
    """`deploy`, completed; None where there is nothing to say."""
    found = _without_devices(at(service, "deploy"), path, report)
    for word, below in OLDER.items():
        value = at(service, word)
        if value is None:
            continue
        if text_of(value).plain in _UNLIMITED and word != "scale":
            report.leave((*path, word), service.key_place(word), "it is no limit, as without the word", harmless=True)
            continue
        base = found or service.with_value({}, {})
        found = base if at(base, *below) else _put(base, below, value)
    return found if found is not None and found.value else None


def _without_devices(deploy: Node | None, path: Path, report: Report) -> Node | None:
    reservations = at(deploy, "resources", "reservations") if deploy is not None else None
    if deploy is None or reservations is None or not is_map(reservations):
        return deploy
    kept = dict(reservations.value)
    for word in ("devices", "generic_resources"):
        if kept.pop(word, None) is not None:
            below = (*path, "deploy", "resources", "reservations", word)
            report.leave(below, reservations.key_place(word), RESERVED_DEVICES.why)
    return _replaced(deploy, ("resources", "reservations"), reservations.with_value(kept))


def _replaced(node: Node, path: Path, value: Node) -> Node:
    """The map with another value at a path that it has."""
    key, *rest = path
    below = _replaced(node.value[key], tuple(rest), value) if rest else value
    values = {**node.value, key: below}
    if not below.value:
        del values[key]
    return node.with_value(values)


def _put(node: Node, path: Path, value: Node) -> Node:
    """The map with a value at a path that it does not have."""
    key, *rest = path
    known = at(node, key)
    below = _put(known or value.with_value({}, {}), tuple(rest), value) if rest else value
    return node.with_value({**node.value, key: below}, {**node.keys, key: value.place})
