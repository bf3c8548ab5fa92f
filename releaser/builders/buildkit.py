"""The builder `buildkit`: `docker buildx build`, with secrets, SSH, and caches that are kept elsewhere.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from releaser.builders import buildx
from releaser.builders.base_digests import with_local
from releaser.builders.command_line import DockerCommand
from releaser.builders.context import packed, unpacked
from releaser.builders.pushing import push
from releaser.engines.moby import platforms
from releaser.engines.moby.client import Client
from releaser.model.build import Build, BuilderSettings, Built
from releaser.model.errors import BuildFailed
from releaser.model.image import Digest
from releaser.model.value import JsonMap
from releaser.planning.wording import listed
from releaser.ports.building import Tell
from releaser.scratch import scratch

ReadSecret = Callable[[str, JsonMap], bytes]
"""(name, where it comes from) → the value. Raises SecretMissing."""


class BuildKitBuilder:
    """Builds by the docker command's buildx; implements ports.Builder."""

    def __init__(
        self, docker: DockerCommand, client: Client, root: Path, settings: BuilderSettings, secret: ReadSecret
    ) -> None:
        self._docker = docker
        self._client = client
        self._root = root
        self._settings = settings
        self._secret = secret

    def build(self, build: Build, tell: Tell) -> Built:
        """The image of a context. Raises BuildFailed, BadArgument, SecretMissing."""
        self._refuse_unable(build)
        context = packed(self._root, build, tell)
        try:
            return with_local(self._client, self._built(build, context, tell))
        except BuildFailed:
            self._docker.need_buildx()  # that may be why, and asking before takes a tenth of a second
            raise

    def _built(self, build: Build, context: bytes, tell: Tell) -> Built:
        with scratch() as folder, self._secrets(build) as secrets:
            metadata = folder / "metadata.json"
            words = [*buildx.arguments(build), "--metadata-file", str(metadata), *self._caches(), *secrets]
            run = buildx.Run(self._docker, build, context, tell)
            if len(build.platforms) > 1:
                # Several that share a context of standard input may crash the whole engine, until BuildKit 0.18.2:
                # https://github.com/moby/buildkit/issues/5570
                place = folder / "context"
                unpacked(context, place)
                run.out([*words, "--file", str(place / build.named), str(place)], b"")
            else:
                run.out([*words, "-"])
            return run.built(metadata.read_bytes() if metadata.exists() else b"")

    def push(self, image_id: Digest, repository: str, tag: str, tell: Tell) -> Digest:
        """The digest that the registry has it under. Raises BuildFailed, EngineUnreachable."""
        return push(self._client, image_id, repository, tag, tell)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _refuse_unable(self, build: Build) -> None:
        """Raises BuildFailed where the engine's image store cannot keep what is asked for."""
        several = [listed(build.platforms)] if len(build.platforms) > 1 else []
        wanted = [*several, *build.attestations]
        if wanted and not platforms.several(self._client.info()):
            raise BuildFailed(
                f"image {build.image} is not built: the image store of the engine at {self._client.place} has one "
                f"platform an image and no attestations, and {', '.join(wanted)} is asked for",
                hint='let it keep images in containerd: {"features": {"containerd-snapshotter": true}} in daemon.json',
            )

    def _caches(self) -> list[str]:
        settings = self._settings
        words = [word for name in settings.cache_from for word in ("--cache-from", name)]
        words += [word for name in settings.cache_to for word in ("--cache-to", name)]
        return [*words, *(["--builder", settings.builder] if settings.builder else [])]

    @contextmanager
    def _secrets(self, build: Build) -> Iterator[list[str]]:
        """Values go into memory that only we can read, and that goes with this process; never into arguments."""
        with ExitStack() as held:
            words = [word for one in build.ssh for word in ("--ssh", one)]
            for name, source in sorted(build.secrets.items()):
                file = held.enter_context(_in_memory(name, self._secret(name, source)))
                words += ["--secret", f"id={name},src={file}"]
            yield words


@contextmanager
def _in_memory(name: str, value: bytes) -> Iterator[Path]:
    """A file that is on no disk, where the system has such; else one of ours alone that is gone afterwards."""
    if sys.platform == "linux" and hasattr(os, "memfd_create"):  # some builds of Python have it not
        with os.fdopen(os.memfd_create(name), "wb") as file:
            file.write(value)
            file.flush()
            yield Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    else:
        with scratch() as folder:
            (folder / name).write_bytes(value)
            yield folder / name
