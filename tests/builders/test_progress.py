"""What a build says where it fails."""

import io
import tarfile

import msgspec
import pytest

from releaser.builders.buildkit_trace import Vertex
from releaser.builders.progress import Progress
from releaser.model.build import Build


def vertex(digest: str, name: str, error: str = "") -> Vertex:
    return Vertex(digest=digest, name=name, cached=False, started=True, completed=True, error=error)


def test_a_step_that_was_canceled_is_not_the_reason() -> None:
    progress = Progress(build=Build(image="api", context="app"), context=b"")
    why = 'process "/bin/sh -c false" did not complete successfully: exit code: 1'
    for one in (
        vertex("s", "[slow 2/2] RUN make", f"{why}: context canceled"),
        vertex("f", "[fast 2/2] RUN false", why),
    ):
        progress.vertices[one.digest] = one
    progress.output["s"] = ["compiling\n"]
    progress.output["f"] = ["the real reason\n"]
    failed = progress.failed(why)
    assert "at [fast 2/2] RUN false" in failed.message
    assert failed.message.endswith("its last lines: the real reason")


def built(dockerfile: str, *names: str) -> tuple[int, int]:
    """Steps, and those that were cached: all but the last one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(dockerfile)
        tar.addfile(info, io.BytesIO(dockerfile.encode()))
    progress = Progress(build=Build(image="api", context="app"), context=buffer.getvalue(), image_id="sha256:1")
    for number, name in enumerate(names):
        step = msgspec.structs.replace(vertex(str(number), name), cached=name != names[-1])
        progress.vertices[step.digest] = step
    found = progress.built(1.0)
    return found.steps, found.cached


ONE = "FROM scratch\nCOPY a /a\nRUN b\n"
TWO = "FROM scratch AS early\nCOPY a /a\nFROM early\nRUN b\n"


@pytest.mark.parametrize(
    ("dockerfile", "names", "steps"),
    [
        (ONE, ("[1/2] COPY a /a", "[2/2] RUN b"), 2),
        (ONE, ("[early 1/1] COPY a /a", "[1/2] COPY a /a", "[2/2] RUN b"), 2),
        (TWO, ("[1/2] COPY a /a", "[early 1/1] COPY a /a", "[stage-1 1/1] RUN b"), 2),
        (TWO, ("[linux/amd64 early 1/1] COPY a /a", "[linux/amd64 stage-1  1/1] RUN b"), 2),
        (ONE, ("[theirs 1/2] COPY a /a", "[theirs 2/2] RUN b"), 2),
    ],
    ids=["its own", "another build's", "another build's of one stage", "with platforms", "another frontend's"],
)
def test_steps_of_other_builds_do_not_count(dockerfile: str, names: tuple[str, ...], steps: int) -> None:
    """What two builds have in common is done once, and the second is told of it under both names (tried on 26.1)."""
    assert built(dockerfile, *names) == (steps, steps - 1)
