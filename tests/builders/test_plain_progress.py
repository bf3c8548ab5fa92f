"""BuildKit's progress as its clients print it: recorded from buildx 0.13.1."""

import io
import itertools
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from releaser.builders.plain_progress import PlainProgress
from releaser.builders.progress import Progress
from releaser.model.build import Build

RECORDED = """\
#0 building with "default" instance using docker driver

#1 [internal] load remote build context
#1 DONE 0.0s

#2 copy /context /
#2 DONE 0.0s

#3 [1/3] COPY busybox /bin/sh
#3 CACHED

#4 [2/3] RUN ["/bin/sh","-c","echo a; echo b"]
#4 0.146 a
#4 0.146 b
#4 DONE 0.2s

#5 [3/3] RUN ["/bin/sh","-c","echo no database; exit 3"]
#5 0.146 no database
#5 ERROR: process "/bin/sh -c echo no database; exit 3" did not complete successfully: exit code: 3
------
 > [3/3] RUN ["/bin/sh","-c","echo no database; exit 3"]:
0.146 no database
------
Dockerfile:4
--------------------
   2 |     COPY busybox /bin/sh
   3 |     RUN ["/bin/sh","-c","echo a; echo b"]
   4 | >>> RUN ["/bin/sh","-c","echo no database; exit 3"]
   5 |
--------------------
ERROR: failed to solve: process "/bin/sh -c echo no database; exit 3" did not complete successfully: exit code: 3
"""


def read(*pieces: bytes) -> tuple[PlainProgress, Progress]:
    plain, progress = PlainProgress(), Progress(build=Build(image="api", context="app"), context=b"")
    for piece in pieces:
        progress.seen(*plain.read(piece))
    return plain, progress


def test_a_build_that_fails() -> None:
    plain, progress = read(RECORDED.encode())
    words = 'process "/bin/sh -c echo no database; exit 3" did not complete successfully: exit code: 3'
    assert (plain.error, plain.place) == (words, "Dockerfile:4")
    assert {one.name: (one.cached, one.completed) for one in progress.vertices.values() if one.name[1].isdigit()} == {
        "[1/3] COPY busybox /bin/sh": (True, True),
        '[2/3] RUN ["/bin/sh","-c","echo a; echo b"]': (False, True),
        '[3/3] RUN ["/bin/sh","-c","echo no database; exit 3"]': (False, True),
    }
    assert progress.output == {"4": ["a\n", "b\n"], "5": ["no database\n"]}
    failed = progress.failed(plain.error or "", plain.place)
    assert failed.message == (
        'image api is not built at [3/3] RUN ["/bin/sh","-c","echo no database; exit 3"]: '
        f"{words} (Dockerfile:4); its last lines: no database"
    )


@given(st.lists(st.integers(0, len(RECORDED)), max_size=9))
def test_pieces_of_any_size_say_the_same(cuts: list[int]) -> None:
    data = RECORDED.encode()
    places = [0, *sorted(cuts), len(data)]
    plain, progress = read(*(data[one:other] for one, other in itertools.pairwise(places)))
    whole, at_once = read(data)
    assert (plain.error, plain.place) == (whole.error, whole.place)
    assert (progress.vertices, progress.output) == (at_once.vertices, at_once.output)


def test_a_base_is_no_step() -> None:
    digest = f"sha256:{'1' * 64}"
    step = f"#4 [1/3] FROM r.io/base:3@{digest}\n#4 DONE 0.0s\n#5 [2/3] WORKDIR /a\n#5 CACHED\n"
    _, progress = read(step.encode())
    progress.image_id, progress.context = "sha256:0", packed_dockerfile("FROM r.io/base:3\nWORKDIR /a\n")
    built = progress.built(1.0)
    assert (built.steps, built.cached, built.missed, built.bases) == (1, 1, None, {"r.io/base:3": digest})
    _, progress = read(b"#5 [2/3] WORKDIR /a\n#5 CACHED\n#6 [3/3] RUN b\n#6 DONE 0.1s\n#7 [3/3] RUN c\n#7 DONE 0.1s\n")
    progress.image_id, progress.context = "sha256:0", packed_dockerfile("FROM scratch\n")
    assert progress.built(1.0).missed == "[3/3] RUN b"


def packed_dockerfile(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_an_empty_line_of_a_step_and_its_name_again() -> None:
    _, progress = read(
        b"#7 [1/1] RUN a\n#7 1.5 \n#8 [2/2] RUN b\n#7 [1/1] RUN a\n#7 2.0 x\n#7 sha256:1 2MB / 3MB 0.1s\n"
    )
    assert progress.output == {"7": ["\n", "x\n"]}
    assert [one.name for one in progress.vertices.values()] == ["[1/1] RUN a", "[2/2] RUN b"]
