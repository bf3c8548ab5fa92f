"""The builder `dind`, Docker in Docker: a daemon of its own in a container, which ends with the builds.

It never shares the host's network: a daemon there takes the host's bridge for its own, and deletes it (tried on 26.1).
Its images are another store than the engine's: bases are handed in, and what was built is handed out, by save and load.
"""

import json
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from releaser.builders import buildx, leftovers
from releaser.builders.base_digests import with_local
from releaser.builders.command_line import DockerCommand, last_line
from releaser.builders.context import file_of, packed, with_file
from releaser.builders.dood import inside
from releaser.builders.pushing import push
from releaser.engines.moby.client import Client
from releaser.engines.moby.platforms import serves
from releaser.model.build import Build, BuilderSettings, Built
from releaser.model.errors import BuildFailed
from releaser.model.image import Digest
from releaser.planning.dockerfile import bases, with_bases
from releaser.planning.redact import printable
from releaser.ports.building import Tell

_STORAGE = "/var/lib/docker"
_LONGEST = 4 * 3600.0
"""Seconds after which a daemon whose builder's host is not known is taken for a leftover."""
_HANDED = 600.0
"""Seconds that an image takes to be handed in or out."""
_PAUSE = 0.1


class DindBuilder:
    """Builds on a daemon in a container, which is started with the first build; implements ports.Builder."""

    def __init__(self, docker: DockerCommand, client: Client, root: Path, settings: BuilderSettings) -> None:
        self._docker = docker
        self._client = client
        self._root = root
        self._settings = settings
        self._owned = leftovers.Owned(_LONGEST)
        self._lock = threading.Lock()
        self._begun = False  # there may be something to remove
        self._daemon: str | None = None  # once it answers
        self._failed: BuildFailed | None = None  # why it does not
        self._handed: dict[str, str] = {}  # image, as a Dockerfile names it → its name inside

    def build(self, build: Build, tell: Tell) -> Built:
        """The image of a context, handed out to the engine. Raises BuildFailed, BadArgument."""
        context = packed(self._root, build, tell)
        text = file_of(context, build.named)
        run = buildx.Run(self._docker, build, context, tell)
        with self._lock:
            daemon = self._started(tell)
            names = {base: self._hand_in(daemon, base, build.platforms, tell) for base in bases(text, build.args)}
        sent = with_file(context, build.named, with_bases(text, build.args, names)) if names else context
        said = run.out(["exec", "--interactive", daemon, "/bin/sh", "-c", inside(build)], sent)
        made = run.built(said, inside=["exec", daemon, "docker"])
        outside = msgspec.structs.replace(made, image_id=self._hand_out(daemon, made.image_id, tell))
        return with_local(self._client, outside)

    def push(self, image_id: Digest, repository: str, tag: str, tell: Tell) -> Digest:
        """The digest that the registry has it under; pushed from outside. Raises BuildFailed, EngineUnreachable."""
        return push(self._client, image_id, repository, tag, tell)

    def close(self) -> None:
        """End the daemon, with its storage unless that is a cache."""
        if self._begun:
            self._docker.run(["container", "rm", "--force", "--volumes", self._owned.name])
            if self._settings.cache_volume is None:
                self._docker.run(["volume", "rm", self._owned.name])
        self._client.close()

    # --- the daemon ---

    def _started(self, tell: Tell) -> str:
        if self._failed is not None:
            raise self._failed  # for every image the same
        if self._daemon is None:
            try:
                self._start(tell)
            except BuildFailed as failed:
                self._failed = failed
                raise
            self._daemon = self._owned.name
        return self._daemon

    def _start(self, tell: Tell) -> None:
        tell("starting a daemon in a container")
        leftovers.clean(self._docker)
        volume = self._settings.cache_volume or self._owned.name
        self._refuse_shared()
        self._begun = True
        if self._settings.cache_volume is None:
            self._docker.said(["volume", "create", *self._owned.labels, volume])
        words = [*self._words(volume), str(self._settings.image), *self._settings.args]
        self._docker.said(words, timeout=_HANDED, heard=lambda _: tell("starting a daemon in a container"))
        self._refuse_shared()  # another may have come in between
        self._ready(tell)

    def _words(self, volume: str) -> list[str]:
        settings = self._settings
        words = ["run", "--detach", "--init", "--name", self._owned.name, *self._owned.labels]
        words += ["--mount", f"type=volume,source={volume},target={_STORAGE}", "--env", "DOCKER_TLS_CERTDIR="]
        words += ["--env", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"]
        words += ["--memory", settings.memory, "--memory-swap", settings.memory] if settings.memory else []
        words += ["--cpus", f"{settings.cpus:g}"] if settings.cpus else []
        if not settings.capabilities:
            return [*words, "--privileged"]
        words += [word for one in settings.capabilities for word in ("--cap-add", one)]
        words += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        return [*words, "--mount", "type=bind,source=/sys/fs/cgroup,target=/sys/fs/cgroup"]

    def _refuse_shared(self) -> None:
        """Two daemons on one volume destroy it: who sees another one goes."""
        volume = self._settings.cache_volume
        if volume is None:
            return
        listed = self._docker.said(
            ["container", "ls", "--filter", f"volume={volume}", "--format", "{{.Names}}", "--no-trunc"]
        ).split()
        others = [name for name in listed if name != self._owned.name]
        if others:
            raise BuildFailed(
                f"the volume {volume} is used by {', '.join(others)} just now",
                hint="wait for that build to end, or name another `cache_volume`",
            )

    def _ready(self, tell: Tell) -> None:
        end = time.monotonic() + self._settings.ready_timeout
        while True:
            done = self._docker.run(["exec", self._owned.name, "docker", "version", "--format", "{{.Server.Version}}"])
            if done.returncode == 0:
                return
            tell("waiting for the daemon in the container")
            state = json.loads(self._docker.said(["inspect", "--format", "{{json .State}}", self._owned.name]))
            if not state.get("Running") or time.monotonic() > end:
                log = self._docker.run(["logs", "--tail", "5", self._owned.name])
                why = "ended" if not state.get("Running") else f"is not ready after {self._settings.ready_timeout:g}s"
                raise BuildFailed(
                    f"the daemon in the container {why}: {last_line(log.output)}",
                    hint=f"run it by hand: docker run --privileged {self._settings.image}",
                )
            time.sleep(_PAUSE)

    # --- images in and out ---

    def _hand_in(self, daemon: str, base: str, platforms: Sequence[str], tell: Tell) -> str:
        """The name inside: a digest does not survive save and load, so the image gets a tag there."""
        if base not in self._handed:

            def told(_: bytes = b"") -> None:
                tell(f"handing in {base}")

            told()
            of = self._docker.run(["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", base])
            if of.returncode != 0 or (platforms and not serves(of.stdout.decode().strip(), platforms[0])):
                chosen = ["--platform", platforms[0]] if platforms else []
                self._docker.said(["pull", "--quiet", *chosen, base], timeout=_HANDED, heard=told)
            image_id = self._docker.said(["image", "inspect", "--format", "{{.Id}}", base])
            name = f"releaser-base:{image_id.rpartition(':')[2][:32]}"
            if self._docker.run(["exec", daemon, "docker", "image", "inspect", name]).returncode != 0:
                load = ["exec", "--interactive", daemon, "docker", "load"]
                loaded = _loaded(self._docker.pipe(["save", image_id], load, timeout=_HANDED, tell=told))
                self._docker.said(["exec", daemon, "docker", "tag", loaded, name])
            self._handed[base] = name
        return self._handed[base]

    def _hand_out(self, daemon: str, image_id: Digest, tell: Tell) -> Digest:
        """The image's id outside: another one where only one of both keeps images in containerd."""
        if self._docker.run(["image", "inspect", image_id]).returncode == 0:
            return image_id
        save = ["exec", daemon, "docker", "save", image_id]
        said = self._docker.pipe(save, ["load"], timeout=_HANDED, tell=lambda: tell("handing the image out"))
        return _loaded(said)


def _loaded(said: str) -> Digest:
    """The id in what `docker load` says. Raises BuildFailed."""
    found = re.search(r"^Loaded image ID: (sha256:[0-9a-f]{64})$", said, re.MULTILINE)
    if found is None:
        raise BuildFailed(f"docker load gives no id: {printable(said.strip()) or 'it says nothing'}")
    return found[1]
