"""What was translated, held against the layer's schema and what Docker can do: what does not fit is left out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from releaser.declarations import checks, schema
from releaser.engines import vocabulary
from releaser.engines.docker import files
from releaser.engines.moby.render import render
from releaser.imports.report import Report
from releaser.imports.tree import Node, entries, is_list, is_map, is_text
from releaser.model.environment import ChainLink, Environment
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.image import ReleaseImage
from releaser.model.release import Release
from releaser.model.value import Json, Location, Path

_WHOLE = frozenset({"ports", "volumes", "configs", "secrets", "depends_on"})
_ROUNDS = 8
_PLATFORM = "linux/amd64"
_DIGEST = "sha256:" + "0" * 64  # any: nothing is refused for its digest


def plain(node: Node) -> Json:
    """The values, texts as Compose fills them in."""
    if is_map(node):
        return {key: plain(child) for key, child in node.value.items()}
    if is_list(node):
        return [plain(child) for child in node.value]
    return node.value.plain if is_text(node.value) else node.value


class Places:
    """Where the values of a tree were written; implements model.environment.Origins, and remembers what was asked."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        self.asked: list[Path] = []

    def locate(self, path: Sequence[str]) -> Location:
        """The place of a value, or of the nearest one above it."""
        self.asked.append(tuple(path))
        node, place = self._tree, self._tree.place
        for key in path:
            found = _child(node, key)
            if found is None:
                return place
            place = min(node.key_place(key), found.place) if is_map(node) and key in node.keys else found.place
            node = found
        return place

    def chain(self, path: Sequence[str]) -> tuple[ChainLink, ...]:
        """Nothing: a Compose file has no layers."""
        del path
        return ()


def _child(node: Node, key: str) -> Node | None:
    if is_map(node):
        found: Node | None = node.value.get(key)
        return found
    return node.value[int(key)] if is_list(node) and int(key) < len(node.value) else None


def fitting(layer: Node, report: Report) -> Node:
    """The layer without what its schema refuses; each is told with the reason."""
    found = layer
    for _ in range(_ROUNDS):
        places = Places(found)
        problems = schema.check_values(plain(found), "layer", places)
        if not problems:
            return found
        for path, wrong in zip(tuple(places.asked), problems, strict=True):
            report.leave(path, places.locate(path), " ".join(filter(None, (f"{wrong.message}:", wrong.hint))))
            found = without(found, _unit(path))
    raise InvalidDeclarations(problems)


def for_docker(layer: Node, report: Report) -> Node:
    """The layer without what plain Docker cannot do."""
    found = layer
    for name, service in entries(layer.get("services")):
        for use in vocabulary.refused(vocabulary.SERVICE, vocabulary.DOCKER, plain(service)):
            path = ("services", name, *use.path)
            place = Places(layer).locate(path)
            report.leave(path, place, f"{use.cell.refused}; {use.cell.instead}")
            found = without(found, path)
    return found


def cross_checked(layer: Node, images: Iterable[str]) -> None:
    """Raises InvalidDeclarations for names that lead nowhere, a port published twice, and the like."""
    problems = checks.check(plain(layer), images, Places(layer))
    if problems:
        raise InvalidDeclarations(problems)


def refused_by_docker(layer: Node, project: str) -> tuple[Problem, ...]:
    """What a plan for plain Docker would refuse all the same: things that do not go together."""
    config = plain(layer)
    images = {words["image"] for words in config["services"].values()}
    environment = Environment(
        name="environment",
        project=project,
        platforms=(_PLATFORM,),
        config=config,
        engine={"kind": vocabulary.DOCKER},
        wait=0,
        rollback_on_failure=True,
        verify=None,
        services=config["services"],
        configs={name: {"content": ""} for name in config.get("configs", ())},
        secrets=config.get("secrets", {}),
        volumes=config.get("volumes", {}),
        networks=config.get("networks", {}),
        origins=Places(layer),
    )
    image = ReleaseImage(repository="image", tag=None, digest=_DIGEST, platforms={})
    release = Release(
        version="v1", images=dict.fromkeys(images, image), created_at=datetime.now(tz=UTC), created_by="nobody"
    )
    try:
        render(environment, release, vocabulary.DOCKER, lambda _, body: files.refused(body))
    except InvalidDeclarations as error:
        return error.problems
    return ()


def _unit(path: Path) -> Path:
    """What goes with a value that does not fit: half a port is another port."""
    whole = len(path) > 4 and path[0] == "services" and path[2] in _WHOLE
    return path[:4] if whole else path


def without(node: Node, path: Path) -> Node:
    """The tree without the value at a path; maps that have nothing left then go too, but for those with a name."""
    key, *rest = path
    child = _child(node, key)
    if child is None:
        return node
    below = without(child, tuple(rest)) if rest else None
    if is_list(node):
        kept = [*node.value[: int(key)], *([below] if below is not None else []), *node.value[int(key) + 1 :]]
        return node.with_value(kept)
    values = dict(node.value)
    if below is None:
        del values[key]
    else:
        values[key] = below
    return node.with_value(values)
