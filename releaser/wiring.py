"""Wiring: settings become a workspace; engines, stores and registries are imported when they are asked for."""

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from releaser import __version__
from releaser.checks.command import CommandVerifier
from releaser.clock import SystemClock
from releaser.contents.known import KnownImages
from releaser.declarations.loader import ProjectDeclarations
from releaser.model.build import BuilderSettings
from releaser.model.documents import Setting
from releaser.model.errors import BadArgument, ReleaseError
from releaser.model.image import Image, Platforms, Resolved
from releaser.model.value import JsonMap
from releaser.operations.workspace import Actor, Workspace
from releaser.planning.redact import mask
from releaser.ports import Declarations, Engine, FingerprintKey, HistoryStore, Progress, Stop
from releaser.ports.building import Builder
from releaser.ports.contents import ImageContents
from releaser.secrets.sources import Remembered, Sources
from releaser.settings import DEFAULT_HISTORY, PIPELINE, Settings, absolute, folder, history_file, root_above
from releaser.source.git import GitSource

if TYPE_CHECKING:
    from releaser.engines.moby.client import Client
    from releaser.registry.images import Images


def _directory(root: Path, section: JsonMap) -> Engine:
    from releaser.engines.directory.engine import DirectoryEngine  # noqa: PLC0415 - each engine when it is asked for

    return DirectoryEngine(root, str(section["path"]))


def _docker(root: Path, section: JsonMap) -> Engine:
    from releaser.engines.docker.engine import DockerEngine  # noqa: PLC0415 - as above

    return DockerEngine(_client(section), root, section.get("keep", 1), takes_over=section.get("adopts"))


def _swarm(root: Path, section: JsonMap) -> Engine:
    from releaser.engines.swarm.engine import SwarmEngine  # noqa: PLC0415 - as above

    return SwarmEngine(_client(section), root, section.get("keep", 1))


def _kubernetes(_root: Path, section: JsonMap) -> Engine:
    from releaser.engines.kubernetes.api import Api  # noqa: PLC0415 - as above
    from releaser.engines.kubernetes.connection import Connection  # noqa: PLC0415
    from releaser.engines.kubernetes.engine import KubernetesEngine  # noqa: PLC0415

    api = Api(Connection(section.get("context")), str(section["namespace"]))
    pull_secrets = tuple(section.get("pull_secrets") or ())
    return KubernetesEngine(
        api, section.get("keep", 3), pull_secrets, cluster_scoped=section.get("cluster_scoped", False)
    )


def _client(section: JsonMap) -> "Client":
    from releaser.engines.moby.client import Client  # noqa: PLC0415 - as above
    from releaser.registry.engine_logins import EngineLogins  # noqa: PLC0415
    from releaser.registry.logins import DockerLogins  # noqa: PLC0415

    return Client(section.get("host"), EngineLogins(DockerLogins()))


def open_builder(root: Path, settings: BuilderSettings, secrets: Remembered) -> Builder:
    """The builder of a `builder:` section."""
    client = _client({"host": settings.host})
    if settings.kind == "engine":
        from releaser.builders.engine import EngineBuilder  # noqa: PLC0415 - as above

        return EngineBuilder(client, root)
    from releaser.builders.buildkit import BuildKitBuilder  # noqa: PLC0415
    from releaser.builders.command_line import DockerCommand  # noqa: PLC0415
    from releaser.builders.dind import DindBuilder  # noqa: PLC0415
    from releaser.builders.dood import DoodBuilder  # noqa: PLC0415

    docker = DockerCommand(settings.host)
    if settings.kind == "buildkit":
        return BuildKitBuilder(docker, client, root, settings, secrets.read)
    return (DoodBuilder if settings.kind == "dood" else DindBuilder)(docker, client, root, settings)


def open_contents(root: Path, declarations: ProjectDeclarations) -> ImageContents:
    """What reads images from the inside."""
    from releaser.contents.images import Contents  # noqa: PLC0415 - few verbs look into images
    from releaser.contents.registry import RegistryContents  # noqa: PLC0415
    from releaser.registry.oci import DistributionRegistry  # noqa: PLC0415

    registry = DistributionRegistry(root, declarations.pipeline().registries)
    return Contents(RegistryContents(root, registry), lambda host: _client({"host": host}))


ENGINES: Mapping[str, Callable[[Path, JsonMap], Engine]] = {
    "directory": _directory,
    "docker": _docker,
    "swarm": _swarm,
    "kubernetes": _kubernetes,
}
"""Engine kind → what opens it from the root and the `engine:` section."""


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What the command line says about the workspace."""

    directory: Path
    by: str | None = None
    history: str | None = None


def open_workspace(settings: Settings, flags: Flags, stop: Stop, progress: Progress) -> Workspace:
    """The project around `flags.directory`, its edges ready to be used. Raises BadArgument outside a project."""
    root = project_root(settings, flags)
    declarations = ProjectDeclarations(root)
    secrets = Remembered(Sources(root, settings.environ))
    return Workspace(
        root=root,
        actor=Actor(
            name=settings.actor(flags.by).value,
            host=socket.gethostname(),
            process=os.getpid(),
            tool_version=__version__,
        ),
        declarations=declarations,
        history=open_history(root, history_setting(settings, declarations, flags.history)),
        registry=LateImages(root, declarations),
        open_engine=lambda section: open_engine(root, section),
        open_contents=lambda: open_contents(root, declarations),
        known_images=KnownImages(lambda: open_contents(root, declarations)),
        open_builder=lambda settings: open_builder(root, settings, secrets),
        secrets=secrets,
        open_key=lambda: _key(settings),
        verifier=CommandVerifier(root, settings.environ, lambda text: mask(text, secrets.known())),
        source=GitSource(root),
        clock=SystemClock(),
        stop=stop,
        progress=progress,
    )


def project_root(settings: Settings, flags: Flags) -> Path:
    """The root: where the declarations are; where they are deleted, where the history is. Raises BadArgument.

    A rollback needs the history alone.
    """
    here = absolute(flags.directory)
    if not here.is_dir():  # a mistyped one must not lead to the project around it
        raise BadArgument(f"there is no folder {flags.directory}", hint="name the project's folder: -C DIR")
    root = root_above(here)
    if root is not None:
        return root
    if settings.get("history", flag=flags.history, default="").value:
        return here
    raise BadArgument(
        f"no `{PIPELINE}` in {here} or above it",
        hint="go to the project, name it with `-C DIR`, or begin one with `release init`",
    )


def history_setting(settings: Settings, declarations: Declarations, flag: str | None = None) -> Setting:
    """Where the history is; broken declarations do not hide it, as a rollback needs no declarations."""
    try:
        declared: str | None = declarations.pipeline().history
    except ReleaseError:
        declared = None
    return settings.get("history", flag=flag, declared=declared, default=DEFAULT_HISTORY)


def open_history(root: Path, setting: Setting) -> HistoryStore:
    """The history at `sqlite:PATH`, relative to the root. Raises BadArgument.

    A flag or a variable names a place that is there: one that is mistyped or not mounted must not look like
    environments that nothing was delivered to.
    """
    file = history_file(root, setting.value)
    if file is None:
        raise BadArgument(
            f"{without_password(setting.value)} is no history that this version opens",
            hint="sqlite:PATH, as in sqlite:.release/history.db",
        )
    from releaser.history.sqlite import SqliteHistory  # noqa: PLC0415 - a store is imported when it is opened

    return SqliteHistory.open(file, in_place=setting.origin in {"--history", "RELEASE_HISTORY"})


def without_password(address: str) -> str:
    """An address of a history as it may be shown."""
    return re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", address)


def open_engine(root: Path, section: JsonMap) -> Engine:
    """The engine of an `engine:` section. Raises BadArgument for a kind that this version does not deliver to."""
    kind = str(section.get("kind"))
    if kind not in ENGINES:
        raise BadArgument(
            f"this version does not deliver to the engine {kind}", hint=f"it delivers to {', '.join(sorted(ENGINES))}"
        )
    return ENGINES[kind](root, section)


class LateImages:
    """The registries of the pipeline, which is read when an image is asked for; implements ports.ImageRegistry."""

    def __init__(self, root: Path, declarations: ProjectDeclarations) -> None:
        self._root = root
        self._declarations = declarations
        self._images: Images | None = None

    def resolve(self, image: Image, tag: str) -> Resolved:
        """The digest that the tag has now."""
        return self._opened().resolve(image, tag)

    def pinned(self, image: Image) -> Resolved:
        """The pinned digest with its platforms."""
        return self._opened().pinned(image)

    def confirm(self, image: Image, digest: str) -> Platforms:
        """The digest is there: its platforms."""
        return self._opened().confirm(image, digest)

    def _opened(self) -> "Images":
        if self._images is None:
            from releaser.registry.images import Images  # noqa: PLC0415 - only what writes asks a registry

            self._images = Images(self._root, self._declarations.pipeline().registries)
        return self._images


def _key(settings: Settings) -> FingerprintKey:
    from releaser.secrets.key import open_key  # noqa: PLC0415 - only environments with secrets need a key

    return open_key(settings.environ, folder(settings.environ, "XDG_DATA_HOME", ".local/share"))
