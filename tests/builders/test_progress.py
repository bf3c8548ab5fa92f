"""What a build says where it fails."""

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
