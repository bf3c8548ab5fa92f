"""How a service is reached and whom it waits for: networks, aliases, hosts, links, dependencies."""

from collections.abc import Iterator, Mapping

from releaser.declarations.problems import suggestion
from releaser.imports.forms import text_of
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, entries, is_map, items, refused
from releaser.model.value import Location, Path

DEFAULT = "default"
_SHARED = "service:"
_NAMESPACES = ("network_mode", "ipc", "pid")


def networks(name: str, project: Project) -> Node | None:
    """The networks that a service joins, with the names that others link to it by; None for `default` alone."""
    service = project.services[name]
    declared = at(service, "networks")
    joined = dict(entries(declared))
    aliases = links(project).get(name, {})
    address = at(service, "mac_address")
    if at(service, "network_mode") is not None or not (joined or aliases or address):
        return None
    place = (declared or service).place
    found = {key: _joined(child, aliases) for key, child in joined.items()} or {
        DEFAULT: _joined(Node({}, place), aliases)
    }
    if address is not None and len(found) == 1:
        key, child = next(iter(found.items()))
        found[key] = child.with_value({**child.value, "mac_address": address})
    return Node(found, place, declared.keys if declared is not None else {})


def _joined(network: Node, aliases: Mapping[str, Location]) -> Node:
    words = dict(entries(network))
    known = {text_of(item).plain for item in items(words.get("aliases"))}
    more = [Node(Text.of(alias), place) for alias, place in aliases.items() if alias not in known]
    if more:
        words["aliases"] = network.with_value([*items(words.get("aliases")), *more], {})
    return network.with_value(words)


def links(project: Project) -> Mapping[str, Mapping[str, Location]]:
    """Service → the other names that services link to it by."""
    found: dict[str, dict[str, Location]] = {}
    for _, other, alias, place in _links(project):
        if alias and alias != other:
            found.setdefault(other, {}).setdefault(alias, place)
    return found


def _links(project: Project) -> Iterator[tuple[str, str, str, Location]]:
    """(service, the one it links to, by which name, where)."""
    for name, service in project.services.items():
        for item in items(at(service, "links")):
            other, _, alias = text_of(item).plain.partition(":")
            yield name, other, alias, item.place


def depends_on(name: str, project: Project, path: Path, report: Report) -> Node | None:
    """What a service waits for: as declared, and what a link or a shared namespace implies."""
    service = project.services[name]
    declared = at(service, "depends_on")
    found: dict[str, Node] = {}
    for other, child in entries(declared):
        place = declared.key_place(other) if declared is not None else child.place
        if other in project.services:
            found[other] = child if is_map(child) else child.with_value({}, {})
        elif _required(child):
            raise refused(f"`{name}` waits for `{other}`, and {_gone(other, project)}", _choose(other, project), place)
        else:
            report.leave((*path, other), place, _gone(other, project), harmless=True)
    for other, place in _implied(name, project):
        if other in project.services and other != name:
            found.setdefault(other, Node({}, place))
    return Node(found, (declared or service).place, declared.keys if declared else {}) if found else None


def _required(dependency: Node) -> bool:
    required = at(dependency, "required")
    return required is None or text_of(required).plain.lower() != "false"


def _gone(other: str, project: Project) -> str:
    if other in project.unchosen:
        return f"none of the profiles of `{other}` is chosen"
    return f"there is no service `{other}`"


def _choose(other: str, project: Project) -> str:
    profiles = project.unchosen.get(other)
    return f"--profile {profiles[0]}" if profiles else suggestion(other, project.services) or "remove the dependency"


def _implied(name: str, project: Project) -> Iterator[tuple[str, Location]]:
    for service, other, _, place in _links(project):
        if service == name:
            yield other, place
    for item in items(at(project.services[name], "volumes_from")):
        other, _, _ = text_of(item).plain.partition(":")
        if other != "container":
            yield other, item.place
    for word in _NAMESPACES:
        shared = at(project.services[name], word)
        if shared is not None and text_of(shared).plain.startswith(_SHARED):
            yield text_of(shared).plain.removeprefix(_SHARED), shared.place


def hosts(extra: Node, path: Path, report: Report) -> Node:
    """Host names with their addresses: the declarations have one for each."""
    found: dict[str, Node] = {}
    for host, addresses in entries(extra):
        first, *more = items(addresses) or [addresses]
        found[host] = first
        if more:
            told = ", ".join(text_of(one).plain for one in more)
            report.leave((*path, host), extra.key_place(host), f"a host has one address; left out: {told}")
    return extra.with_value(found)


def devices(listed: Node) -> Node:
    """Devices in their short form."""
    return listed.with_value([_device(item) if is_map(item) else item for item in items(listed)], {})


def _device(device: Node) -> Node:
    parts = [text_of(found) for word in ("source", "target", "permissions") if (found := at(device, word)) is not None]
    joined = parts[0] if parts else Text.of("")
    for part in parts[1:]:
        joined = joined + Text.of(":") + part
    return device.with_value(joined, {})
