"""A Compose project as it runs: its name, its files merged, the services of the chosen profiles."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from releaser.imports.files import Files
from releaser.imports.forms import text_of
from releaser.imports.loading import Loader, read_env
from releaser.imports.templates import Scope, Setting
from releaser.imports.tree import Node, entries, is_map, items, refused
from releaser.model.errors import BadArgument

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
PROJECT_NAME, FILES, SEPARATOR, PROFILES = (
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which Compose project is meant, and how it is run."""

    root: Path  # where the declarations will be
    source: Path  # a Compose file, or the folder in which `docker compose` is run
    overrides: Sequence[Path] = ()
    env_files: Sequence[Path] = ()
    profiles: Sequence[str] = ()
    name: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)  # variables that were told
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Project:
    """What Compose would run."""

    name: str
    files: Files
    sources: tuple[str, ...]  # the Compose files, from the root
    unread: tuple[str, ...]  # an override file that Compose reads where no file is named
    scope: Scope
    tree: Node
    services: Mapping[str, Node]
    unchosen: Mapping[str, tuple[str, ...]]  # service → its profiles, of which none is chosen

    def section(self, name: str) -> Mapping[str, Node]:
        """A map of the whole file, as in volumes."""
        return dict(entries(self.tree.get(name)))


def read(request: Request) -> Project:
    """The project. Raises InvalidDeclarations with what Compose would not read either, BadArgument."""
    files = Files(request.root)
    folder = request.source if _is_folder(request.source) else request.source.parent
    scope = _scope(request, files, folder)
    paths = _paths(request, files, folder, scope)
    if _is_folder(request.source):
        folder = paths[0].parent
    loader = Loader(files)
    name = _stated_name(request, scope)
    known = {**scope, PROJECT_NAME: Setting(value=name or normalised(folder.name), origin="Compose")}
    tree = loader.project(paths, folder, known)
    chosen, unchosen = _chosen(tree, set(request.profiles or _listed(scope, PROFILES, ",")))
    return Project(
        name=name or _declared_name(tree) or _of_folder(folder),
        files=files,
        sources=tuple(files.named(path) for path in paths),
        unread=tuple(files.named(path) for path in _unread(request, files, folder)),
        scope=known,
        tree=tree,
        services=chosen,
        unchosen=unchosen,
    )


def normalised(name: str) -> str:
    """A folder's name as Compose makes a project's name of it."""
    return "".join(re.findall(r"[a-z0-9_-]", name.lower())).lstrip("_-")


# --- which files ---


def _is_folder(path: Path) -> bool:
    return path.is_dir()


def _scope(request: Request, files: Files, folder: Path) -> Scope:
    """What variables are: told, else of the shell, else of `.env`."""
    told = {name: Setting(value=value, origin=f"--var {name}") for name, value in request.values.items()}
    shell = {name: Setting(value=value, origin="the shell") for name, value in request.environ.items()}
    beside = [folder / ".env"] if files.there(folder / ".env") else []
    return read_env(files, [files.absolute(str(path)) for path in request.env_files] or beside, {**shell, **told})


def _paths(request: Request, files: Files, folder: Path, scope: Scope) -> tuple[Path, ...]:
    if not _is_folder(request.source):
        return (request.source, *request.overrides)
    named = _listed(scope, FILES, scope[SEPARATOR].value if SEPARATOR in scope else os.pathsep)
    if named:
        return (*(files.absolute(name, folder) for name in named), *request.overrides)
    first = _first(files, folder, DEFAULT_FILES)
    if first is None:
        raise BadArgument(
            f"there is no Compose file in {files.named(folder)}", hint="name it: release init --from FILE"
        )
    beside = None if request.overrides else _first(files, folder, OVERRIDE_FILES)
    return (first, *((beside,) if beside else ()), *request.overrides)


def _first(files: Files, folder: Path, names: Iterable[str]) -> Path | None:
    return next((folder / name for name in names if files.there(folder / name)), None)


def _unread(request: Request, files: Files, folder: Path) -> tuple[Path, ...]:
    """The override file that `docker compose up` reads beside a file of a usual name, and that was not named."""
    if _is_folder(request.source) or request.overrides or request.source.name not in DEFAULT_FILES:
        return ()
    beside = _first(files, folder, OVERRIDE_FILES)
    return (beside,) if beside else ()


def _listed(scope: Scope, name: str, separator: str) -> tuple[str, ...]:
    value = scope[name].value if name in scope else ""
    return tuple(part.strip() for part in value.split(separator) if part.strip())


# --- its name ---


def _stated_name(request: Request, scope: Scope) -> str | None:
    stated = request.name
    if stated is None:
        stated = scope[PROJECT_NAME].value or None if PROJECT_NAME in scope else None
    if stated is not None and not _NAME.match(stated):
        raise BadArgument(
            f"{stated!r} is no name of a Compose project",
            hint="lower case letters, digits, - and _, as `docker compose ls` shows it",
        )
    return stated


def _declared_name(tree: Node) -> str | None:
    node = tree.get("name")
    return normalised(text_of(node).plain) or None if node is not None else None


def _of_folder(folder: Path) -> str:
    name = normalised(folder.name)
    if not name:
        raise BadArgument(
            f"the folder {folder.name!r} gives the Compose project no name",
            hint="-p NAME, as `docker compose ls` shows",
        )
    return name


# --- its services ---


def _chosen(tree: Node, profiles: set[str]) -> tuple[dict[str, Node], dict[str, tuple[str, ...]]]:
    chosen: dict[str, Node] = {}
    unchosen: dict[str, tuple[str, ...]] = {}
    for name, service in entries(tree.get("services")):
        if not is_map(service):
            raise refused(f"the service `{name}` is no map", "write at least its `image`", service.place)
        own = tuple(text_of(item).plain for item in items(service.get("profiles")))
        if own and not profiles & {*own, "*"}:
            unchosen[name] = own
        else:
            chosen[name] = service
    return chosen, unchosen
