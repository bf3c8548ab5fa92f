"""The builder `dood`, Docker out of Docker: a client in a container builds on the daemon that runs the container.

The context goes in by standard input, as no path of the inside is one of the outside. Whoever has the socket is root on
the engine's host; the container has it for as long as a build takes, and no network.
"""

import shlex
import threading
from pathlib import Path

from releaser.builders import buildx, leftovers
from releaser.builders.base_digests import with_local
from releaser.builders.command_line import DockerCommand
from releaser.builders.context import packed
from releaser.builders.pushing import push
from releaser.engines.moby.client import Client
from releaser.model.build import Build, BuilderSettings, Built
from releaser.model.image import Digest
from releaser.ports.building import Tell

_SOCKET = "/var/run/docker.sock"


class DoodBuilder:
    """Builds by a client in a container, with the engine's own socket; implements ports.Builder."""

    def __init__(self, docker: DockerCommand, client: Client, root: Path, settings: BuilderSettings) -> None:
        self._docker = docker
        self._client = client
        self._root = root
        self._settings = settings
        self._lock = threading.Lock()
        self._cleaned = False  # what builds before this run left

    def build(self, build: Build, tell: Tell) -> Built:
        """The image of a context, on the engine that runs the container. Raises BuildFailed, BadArgument."""
        context = packed(self._root, build, tell)
        with self._lock:  # images are built side by side
            if not self._cleaned:
                leftovers.clean(self._docker)
            self._cleaned = True
        owned = leftovers.Owned(build.timeout)
        run = buildx.Run(self._docker, build, context, tell)
        try:
            return with_local(self._client, run.built(run.out([*self._container(owned), "-c", inside(build)])))
        finally:
            self._docker.run(["container", "rm", "--force", "--volumes", owned.name])

    def push(self, image_id: Digest, repository: str, tag: str, tell: Tell) -> Digest:
        """The digest that the registry has it under; pushed from outside. Raises BuildFailed, EngineUnreachable."""
        return push(self._client, image_id, repository, tag, tell)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _container(self, owned: leftovers.Owned) -> list[str]:
        settings = self._settings
        mount = f"type=bind,source={settings.socket or _SOCKET},target={_SOCKET}"
        words = ["run", "--rm", "--interactive", "--name", owned.name, *owned.labels, "--network", "none"]
        words += ["--mount", mount, "--env", f"DOCKER_HOST=unix://{_SOCKET}"]
        words += ["--env", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"]
        return [*words, "--entrypoint", "/bin/sh", str(settings.image)]


def inside(build: Build) -> str:
    """The shell's words in a build container: build what comes on standard input, and print what came out."""
    metadata = f"/tmp/releaser-{build.image}.json"  # noqa: S108 - in the container; several images may be built there
    words = [*buildx.arguments(build), "--metadata-file", metadata, "-"]
    return f"docker {shlex.join(words)} && cat {shlex.quote(metadata)}"
