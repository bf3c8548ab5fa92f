"""`docker buildx build`, wherever it runs: its arguments, and how far it is."""

import json
import time
from collections.abc import Sequence

from releaser.builders.command_line import DockerCommand, last_line
from releaser.builders.plain_progress import PlainProgress
from releaser.builders.progress import Progress
from releaser.model.build import Build, Built
from releaser.model.image import Digest
from releaser.ports.building import Tell


def arguments(build: Build) -> list[str]:
    """The words of a build whose context comes as a tar on standard input, but for that it does."""
    words = ["buildx", "build", "--progress", "plain", "--load", "--file", build.named]
    for name, text in sorted(build.args.items()):
        words += ["--build-arg", f"{name}={text}"]
    for name, text in sorted(build.labels.items()):
        words += ["--label", f"{name}={text}"]
    words += ["--target", build.target] if build.target else []
    words += [] if build.cache else ["--no-cache"]
    words += ["--network", build.network] if build.network else []
    words += ["--platform", ",".join(build.platforms)] if build.platforms else []
    for name in build.attestations:
        words += [f"--{name}", str(getattr(build, name))]
    return words


class Run:
    """One build by a client: its context goes in, its progress comes on standard error."""

    def __init__(self, docker: DockerCommand, build: Build, context: bytes, tell: Tell) -> None:
        self._docker = docker
        self._build = build
        self._context = context
        self._tell = tell
        self._plain = PlainProgress()
        self._began = time.monotonic()
        self.progress = Progress(build=build, context=context)

    def out(self, words: Sequence[str], context: bytes | None = None) -> bytes:
        """What the command prints; `context` is sent instead of the build's own. Raises BuildFailed."""
        left = self._build.timeout - (time.monotonic() - self._began)
        stdin = self._context if context is None else context
        done = self._docker.run(words, timeout=max(left, 1.0), stdin=stdin, heard=self._heard)
        if done.timed_out:
            raise self.progress.late()
        if done.returncode != 0:
            raise self.progress.failed(self._plain.error or last_line(done.stderr), self._plain.place)
        return done.stdout

    def built(self, metadata: bytes, inside: Sequence[str] = ()) -> Built:
        """The result, of what `--metadata-file` says. Raises BuildFailed.

        `inside`: the words before those of the docker command that knows the image, where that is not ours.
        """
        names = _digests(metadata)
        if len(names) > 1:
            find = [*inside, "image", "inspect", "--format", "{{.Id}}", *names]
            names = self._docker.run(find).stdout.decode().split()
        self.progress.image_id = names[0] if names else None
        return self.progress.built(time.monotonic() - self._began)

    def _heard(self, data: bytes) -> None:
        vertices, outputs = self._plain.read(data)
        for vertex in vertices:
            self.progress.seen([vertex], [])
            self._tell(self.progress.text)
        self.progress.seen([], outputs)
        self._tell(self.progress.text)


def _digests(metadata: bytes) -> list[Digest]:
    """What may be the image's id: its configuration's digest, or its manifest's where images are kept in containerd."""
    try:
        found = json.loads(metadata)
    except ValueError:
        return []
    digests = (found.get(f"containerimage.{word}digest") for word in ("config.", ""))
    return list(dict.fromkeys(digest for digest in digests if isinstance(digest, str)))
