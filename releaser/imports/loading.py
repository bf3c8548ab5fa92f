"""Compose files → one tree, as Compose has it: filled in, in long forms, extended, included, merged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from releaser.imports import documents, dotenv, forms, merging, rebasing
from releaser.imports.files import Files
from releaser.imports.forms import text_of
from releaser.imports.merging import merge
from releaser.imports.templates import InvalidTemplate, Scope, Setting, fill
from releaser.imports.texts import Text
from releaser.imports.tree import Node, at, entries, is_list, is_map, items, refused
from releaser.model.errors import InvalidDeclarations, Problem
from releaser.model.value import Location

INCLUDED = ("services", "volumes", "networks", "secrets", "configs")
_REMOTE = ("http://", "https://", "git@", "oci://", "git://", "ssh://")
_MOST_FILES = 200


class Loader:
    """Loads a project; each file is read at most once for each folder that its paths are seen from."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._problems: list[Problem] = []
        self._read = 0

    def project(self, paths: Sequence[Path], folder: Path, scope: Scope) -> Node:
        """The merged tree; relative paths are seen from `folder`. Raises InvalidDeclarations with all that is wrong."""
        project = self._model(tuple(paths), folder, scope, ())
        if self._problems:
            raise InvalidDeclarations(self._problems)
        return project

    def _model(
        self, paths: Sequence[Path], folder: Path, scope: Scope, trail: tuple[Path, ...], asked: Location | None = None
    ) -> Node:
        found = Node({}, Location(file=self._files.named(paths[0]), line=1, column=1))
        for path in paths:
            for document in self.documents(path, folder, scope, asked):
                included = self._including(document, folder, scope, (*trail, path))
                extended = _Extensions(self, path, folder, scope).apply(included)
                found = merge(found, extended)
        return merging.unique(found)

    def documents(self, path: Path, folder: Path, scope: Scope, asked: Location | None = None) -> Iterator[Node]:
        """A file's documents, filled in and in long forms."""
        self._read += 1
        if self._read > _MOST_FILES:
            raise refused(f"more than {_MOST_FILES} files", "include and extend fewer", *((asked,) if asked else ()))
        for document in documents.read(self._files.read(path, asked), self._files.named(path)):
            if document.value is None:
                continue
            filled = _filled(document, scope, self._problems)
            yield rebasing.rebased(forms.canonical(filled, self._problems), folder, self._files)

    # --- include ---

    def _including(self, document: Node, folder: Path, scope: Scope, trail: tuple[Path, ...]) -> Node:
        found = document
        for entry in items(document.get("include")):
            model = self._included(entry, folder, scope, trail)
            sections = {key: _together(model.value[key], found.get(key), key) for key in INCLUDED if model.get(key)}
            found = found.with_value({**found.value, **sections}, {**model.keys, **found.keys})
        return found.with_value({key: child for key, child in found.value.items() if key != "include"})

    def _included(self, entry: Node, folder: Path, scope: Scope, trail: tuple[Path, ...]) -> Node:
        paths = [self.path(node, folder) for node in _many(entry, "path")]
        if not paths:
            raise refused("an `include` without a path", "write the file, as in `- path: other.yaml`", entry.place)
        if paths[0] in trail:
            raise refused(f"{self._files.named(paths[0])} includes itself", "remove one of the includes", entry.place)
        stated = at(entry, "project_directory")
        own = self.path(stated, folder) if stated else paths[0].parent
        named = [self.path(node, folder) for node in _many(entry, "env_file") if text_of(node).plain != "/dev/null"]
        beside = [own / ".env"] if not at(entry, "env_file") and self._files.there(own / ".env") else []
        known = read_env(self._files, named or beside, scope, entry.place)
        return self._model(paths, own, known, trail, entry.place)

    def named(self, path: Path) -> str:
        """A file as people know it."""
        return self._files.named(path)

    def path(self, node: Node, folder: Path) -> Path:
        """The file that a path in a Compose file names. Raises InvalidDeclarations for what is no file here."""
        text = text_of(node).plain
        if text.startswith(_REMOTE):
            raise refused(f"`{text}` is somewhere else", "fetch it, and name the file", node.place)
        return self._files.absolute(text, folder)


def read_env(files: Files, paths: Sequence[Path], scope: Scope, asked: Location | None = None) -> Scope:
    """The variables with those of `.env` files; what is set already goes before, and later files before earlier."""
    found: dict[str, Setting] = {}
    for path in paths:
        entries_of_file = dotenv.read(files.read(path, asked), files.named(path), {**found, **scope})
        found |= dotenv.scope_of(entries_of_file, {})
    return {**found, **scope}


def _together(included: Node, own: Node | None, section: str) -> Node:
    """A section of what is included with that of the file that includes it; what has one name is merged."""
    if own is None:
        return included
    values = dict(included.value)
    for name, child in entries(own):
        values[name] = merge(values[name], child, (section, name)) if name in values else child
    return own.with_value(values, {**included.keys, **own.keys})


def _many(node: Node, key: str) -> list[Node]:
    found = at(node, key)
    return [] if found is None else items(found) if is_list(found) else [found]


def _filled(node: Node, scope: Scope, problems: list[Problem]) -> Node:
    """The tree with every text filled in; what Compose refuses is told and left as it is."""
    if is_map(node):
        values = {key: _filled(child, scope, problems) for key, child in node.value.items()}
        return Node(values, node.place, node.keys, node.tag)
    if is_list(node):
        return Node([_filled(child, scope, problems) for child in node.value], node.place, tag=node.tag)
    if not isinstance(node.value, str):
        return node
    try:
        text = fill(node.value, scope)
    except InvalidTemplate as error:
        hint = "write `$$` for a dollar that begins no variable"
        problems.extend(refused(str(error), hint, node.place).problems)
        text = Text.of("")
    return Node(text, node.place, tag=node.tag)


class _Extensions:
    """`extends` of the services of one document."""

    def __init__(self, loader: Loader, path: Path, folder: Path, scope: Scope) -> None:
        self._loader = loader
        self._path = path
        self._folder = folder
        self._scope = scope
        self._others: dict[Path, dict[str, Node]] = {}

    def apply(self, document: Node) -> Node:
        services = document.get("services")
        if services is None:
            return document
        known = dict(entries(services))
        made = {name: self._extended(name, known, self._path, ()) for name in known}
        return document.with_value(
            {**document.value, "services": Node(made, services.place, services.keys, services.tag)}
        )

    def _extended(self, name: str, services: dict[str, Node], path: Path, trail: tuple[tuple[Path, str], ...]) -> Node:
        service = services[name]
        extends = service.get("extends")
        if extends is None or service.tag is not None:
            return service
        if (path, name) in trail:
            raise refused(f"`{name}` extends itself", "remove one of the `extends`", extends.place)
        other, wanted = at(extends, "file"), at(extends, "service")
        if wanted is None:
            raise refused(f"`extends` of `{name}` names no service", "write `service: NAME`", extends.place)
        folder = self._folder if path == self._path else path.parent
        base_path = self._loader.path(other, folder) if other is not None else path
        known = self._services_of(base_path, extends.place) if other else services
        base = text_of(wanted).plain
        if base not in known:
            message = f"`{name}` extends `{base}`, which is not in {self._loader.named(base_path)}"
            raise refused(message, "name a service of that file", wanted.place)
        below = self._extended(base, known, base_path, (*trail, (path, name)))
        merged = merge(below, service, ("services", name))
        return Node({key: child for key, child in merged.value.items() if key != "extends"}, service.place, merged.keys)

    def _services_of(self, path: Path, asked: Location) -> dict[str, Node]:
        if path not in self._others:
            found: dict[str, Node] = {}
            for document in self._loader.documents(path, path.parent, self._scope, asked):
                found |= dict(entries(document.get("services")))
            self._others[path] = found
        return self._others[path]
