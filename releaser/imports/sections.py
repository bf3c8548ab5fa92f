"""What services share: volumes, networks, configs and secrets.

Where Compose runs the project now, its volumes and networks are used in place, by their real names; in every other
environment a delivery makes its own.
"""

from collections.abc import Callable, Iterator

from releaser.imports import mounted_sources
from releaser.imports.forms import text_of
from releaser.imports.images import free
from releaser.imports.networking import DEFAULT
from releaser.imports.project import Project
from releaser.imports.report import Report
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, entries, is_map, items, refused
from releaser.model.value import Path

_UNUSED = "no service uses it"


class Sections:
    """The sections, filled as services ask for what is in them."""

    def __init__(self, project: Project, report: Report) -> None:
        self._project = project
        self._report = report
        self._anonymous: dict[str, Node] = {}
        self._files = {
            "configs": mounted_sources.configs(project, report),
            "secrets": mounted_sources.secrets(project, report),
        }
        self._mounted: dict[str, set[str]] = {"configs": set(), "secrets": set()}
        self._volumes = self._used("volumes", _volumes_of)
        self._networks = self._used("networks", _networks_of)

    def _used(self, kind: str, names_of: Callable[[Node], Iterator[tuple[str, Node]]]) -> dict[str, Node]:
        """The declared ones that services use. Raises InvalidDeclarations for one that is not declared."""
        declared = self._project.section(kind)
        used: dict[str, Node] = {}
        for service in self._project.services.values():
            for name, place in names_of(service):
                if name not in declared and not (kind == "networks" and name == DEFAULT):
                    raise refused(
                        f"`{name}` is not in `{kind}`", f"declare it: `{kind}: {{{name}: {{}}}}`", place.place
                    )
                used[name] = declared.get(name) or Node({}, place.place)
        for name, node in declared.items():
            if name not in used:
                self._report.leave((kind, name), node, _UNUSED, harmless=True)
        return {name: used[name] for name in (*declared, DEFAULT) if name in used}

    # --- what services ask for ---

    def anonymous(self, service: str) -> Callable[[str, Node], str]:
        """Declares a volume for a mount of a service that has none, and gives its name."""

        def declare(target: str, item: Node) -> str:
            wished = f"{service}-{target.strip('/').replace('/', '-') or 'data'}"
            name = free(wished, (*self._project.section("volumes"), *self._anonymous))
            self._anonymous[name] = Node({}, item.place)
            return name

        return declare

    def mounted(self, kind: str, path: Path) -> Callable[[str, Node], str | None]:
        """Gives the name by which one service mounts a config or secret; a second one where it is mounted twice."""
        sources = self._files[kind]
        mounted: set[str] = set()

        def name_of(source: str, item: Node) -> str | None:
            if source not in self._project.section(kind):
                raise refused(f"`{source}` is not in `{kind}`", f"declare it in `{kind}`", item.place)
            if source not in sources:
                self._report.leave((*path, source), item, f"`{kind}.{source}` is left out")
                return None
            name = free(source, sources) if source in mounted else source
            sources[name] = sources[source]
            mounted.add(name)
            self._mounted[kind].add(name)
            return name

        return name_of

    # --- what is declared ---

    def shared(self) -> dict[str, dict[str, Node]]:
        """For every environment; to be asked when all services are translated."""
        found = {
            "volumes": {**{name: _shared(node) for name, node in self._volumes.items()}, **self._anonymous},
            "networks": {
                name: words
                for name, node in self._networks.items()
                if (words := _shared(node)).value or name != DEFAULT
            },
        }
        for kind, sources in self._files.items():
            for name, node in sources.items():
                if name not in self._mounted[kind]:
                    self._report.leave((kind, name), node, _UNUSED, harmless=True)
            found[kind] = {name: node for name, node in sources.items() if name in self._mounted[kind]}
        return found

    def in_place(self, layer: Node) -> dict[str, dict[str, Node]]:
        """For the environment that Compose runs now: what is there already, by its real name.

        It was made with its options, so those of the layer that every environment shares are taken away.
        """
        sections = {"volumes": self._volumes, "networks": self._networks}
        return {
            kind: {
                name: self._in_place(name, node, at(layer, kind, name))
                for name, node in nodes.items()
                if not _external(node)
            }
            for kind, nodes in sections.items()
        }

    def _in_place(self, name: str, node: Node, shared: Node | None) -> Node:
        stated = at(node, "name")
        real = text_of(stated) if stated is not None else Text.of(f"{self._project.name}_{name}")
        words = {"external": node.with_value(True, {}), "name": node.with_value(real, {})}
        gone = {word: node.with_value(None, {}) for word, _ in entries(shared)}
        return node.with_value({**words, **gone}, {})


def _external(node: Node) -> bool:
    external = at(node, "external")
    return external is not None and text_of(external).plain.lower() in {"true", "yes", "y", "on"}


def _shared(node: Node) -> Node:
    """As every environment has it: only what is external to Compose too has its real name."""
    if not is_map(node):
        return node.with_value({}, {})
    if _external(node):
        return node.with_value({word: child for word, child in node.value.items() if word in {"external", "name"}})
    return node.with_value({word: child for word, child in node.value.items() if word not in {"external", "name"}})


def _volumes_of(service: Node) -> Iterator[tuple[str, Node]]:
    for item in items(at(service, "volumes")):
        kind, source = at(item, "type"), at(item, "source")
        if source is not None and (kind is None or text_of(kind).plain == "volume"):
            yield text_of(source).plain, item


def _networks_of(service: Node) -> Iterator[tuple[str, Node]]:
    if at(service, "network_mode") is not None:
        return
    joined = list(entries(at(service, "networks")))
    yield from joined or [(DEFAULT, service)]
