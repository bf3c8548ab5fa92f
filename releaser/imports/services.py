"""A service of a Compose file in the declarations' words; its values are still texts that know their variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from releaser.imports import left_words, mounts, networking, ports, resources
from releaser.imports.environment import environment, labels
from releaser.imports.fitting import fit
from releaser.imports.forms import text_of
from releaser.imports.images import ImportedImage
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.sections import Sections
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, entries


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the words of services need beside themselves."""

    project: Project
    images: Mapping[str, ImportedImage]
    sections: Sections
    report: Report


def service(name: str, context: Context) -> Node:
    """The service, with what has no place in it left out and told."""
    node = context.project.services[name]
    words: dict[str, Node] = {}
    for word, child in entries(node):
        reason = left_words.SERVICE.get(word)
        if child.value is None or word in _MADE or word in _READ_ELSEWHERE:
            continue
        if reason is None and word in _NOTHING_WHERE_EMPTY and _empty(text_of(child)):
            why = "it is empty, which is as without the word"
            context.report.leave(("services", name, word), node.key_place(word), why, harmless=True)
        elif reason is None:
            words[word] = child
        else:
            context.report.leave(("services", name, word), node.key_place(word), reason.why, harmless=reason.harmless)
    for word, make in _MADE.items():
        made = make(name, node, context)
        if made is not None:
            words[word] = made
    order = dict.fromkeys(("image", *node.value, *words))
    return fit(
        Node({word: words[word] for word in order if word in words}, node.place, node.keys),
        ("services", name),
        context.report,
    )


def _empty(text: Text) -> bool:
    return not text and not any(variable.missing for variable in text.variables)


def _image(name: str, node: Node, context: Context) -> Node:
    image = context.images[name]
    if at(node, "build") is not None and at(node, "image") is not None:
        why = "images are built before they are delivered; the release looks up what was pushed"
        context.report.leave(("services", name, "build"), node.key_place("build"), why, harmless=True)
    return Node(Text.of(image.name), image.place)


def _ports(name: str, node: Node, context: Context) -> Node | None:
    declared = at(node, "ports")
    return None if declared is None else ports.named(declared, ("services", name, "ports"), context.report)


def _volumes(name: str, node: Node, context: Context) -> Node | None:
    declared = at(node, "volumes")
    if declared is None:
        return None
    return mounts.named(declared, ("services", name, "volumes"), context.report, context.sections.anonymous(name))


def _files(kind: str) -> "Make":
    def made(name: str, node: Node, context: Context) -> Node | None:
        declared = at(node, kind)
        if declared is None:
            return None
        path = ("services", name, kind)
        return mounts.files(declared, path, context.report, context.sections.mounted(kind, path))

    return made


def _hosts(name: str, node: Node, context: Context) -> Node | None:
    declared = at(node, "extra_hosts")
    return None if declared is None else networking.hosts(declared, ("services", name, "extra_hosts"), context.report)


def _devices(_name: str, node: Node, _context: Context) -> Node | None:
    declared = at(node, "devices")
    return None if declared is None else networking.devices(declared)


_NOTHING_WHERE_EMPTY = frozenset({
    "cgroup_parent", "container_name", "domainname", "hostname", "ipc", "network_mode", "pid", "platform", "restart",
    "runtime", "stop_signal", "user", "userns_mode", "working_dir",
})  # fmt: skip

Make = Callable[[str, Node, Context], Node | None]

_MADE: Mapping[str, Make] = {
    "image": _image,
    "environment": lambda name, _node, context: environment(name, context.project, context.report),
    "labels": lambda name, _node, context: labels(name, context.project),
    "ports": _ports,
    "volumes": _volumes,
    "configs": _files("configs"),
    "secrets": _files("secrets"),
    "networks": lambda name, _node, context: networking.networks(name, context.project),
    "depends_on": lambda name, _node, context: networking.depends_on(
        name, context.project, ("services", name, "depends_on"), context.report
    ),
    "extra_hosts": _hosts,
    "devices": _devices,
    "deploy": lambda name, node, context: resources.deploy(node, ("services", name), context.report),
}
_READ_ELSEWHERE = frozenset(
    {"build", "profiles", "extends", "env_file", "label_file", "links", "mac_address", *resources.OLDER}
)
