"""Builds: each builder beside `docker build` on the same context, and several images of one release."""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import timing
from bench.project import RELEASE, Project
from bench.report import Report
from bench.timing import Command

DOCKER = os.environ.get("RELEASER_TEST_DOCKER", "")
CONTAINER = os.environ.get("RELEASER_TEST_BUILD_CONTAINER", "")
BUSYBOX = os.environ.get("RELEASER_TEST_BUSYBOX", "")
REGISTRY = os.environ.get("RELEASER_TEST_REGISTRY", "")
ENVIRON = {**os.environ, "DOCKER_HOST": DOCKER}
KINDS = ("engine", "buildkit", "dood", "dind")


def run(report: Report, *, quick: bool) -> None:
    """Every comparison, where the test bed's engine and build container are there."""
    if not (DOCKER and CONTAINER and shutil.which("docker")):
        print('\nno engine to build on: eval "$(tests/testbed/testbed env)" names the one of the test bed')
        return
    _unchanged(report, rounds=2 if quick else 5)
    _several(report, 3 if quick else 10)


def _unchanged(report: Report, rounds: int) -> None:
    report.section(f"builds of which everything is cached: whole process, median of {rounds} in turns")
    with tempfile.TemporaryDirectory() as folder:
        commands = {"docker build": _peer(Path(folder))}
        for kind in KINDS:
            commands[kind] = _ours(Path(folder) / kind, kind)
        for command in commands.values():
            timing.once(command)
        found = timing.alternating(commands, rounds)
    report.add("docker build --quiet", found["docker build"], "s")
    for kind in KINDS:
        report.add(f"release build, {kind}", found[kind], "s")
        more = found[kind] - found["docker build"]
        report.add(f"{kind}: more than docker build", more, "s", most=0.3 if kind == "engine" else None)


def _several(report: Report, images: int) -> None:
    """Each image sleeps a second in a step that no cache has."""
    report.section(f"{images} images in one release build, each with a step of a second")
    with _images(images) as (together, alone):
        taken = timing.once(together)[0]
        one = sum(timing.once(command)[0] for command in alone)
    report.add("release build, all at once", taken, "s")
    report.add("docker build, one after the other", one, "s")
    report.add("one after the other / at once", one / taken, "times", least=1.0)


def _dockerfile(seconds: int = 0) -> str:
    return (
        f"FROM scratch\nCOPY busybox /bin/sh\nCOPY app.txt /app.txt\nENV RUN={uuid.uuid4()}\n"
        f'RUN ["/bin/sh", "-c", "cat /app.txt > /copy; sleep {seconds}"]\n'
    )


def _context(folder: Path, dockerfile: str) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(BUSYBOX, folder / "busybox")
    (folder / "app.txt").write_text("hello\n")
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def _peer(folder: Path, seconds: int = 0) -> Command:
    context = _context(folder / uuid.uuid4().hex[:8], _dockerfile(seconds))
    return Command(["docker", "build", "--quiet", "--network", "none", str(context)], ENVIRON)


def _project(root: Path, builds: list[str], kind: str) -> Command:
    (root / "envs").mkdir(parents=True)
    pipeline = {
        "project": "bench",
        "images": {name: f"{REGISTRY}/bench/{name}" for name in builds},
        "builds": {name: {"context": name, "network": "none"} for name in builds},
        "builder": {"kind": kind, **({"image": CONTAINER} if kind in {"dood", "dind"} else {})},
        "environments": {"test1": {"layers": []}},
    }
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    (root / "envs" / "test1.yaml").write_text(json.dumps({"engine": {"kind": "docker"}}))
    project = Project(root, {**ENVIRON, "HOME": str(root / "home")})
    return Command([*RELEASE, "-C", str(root), "build", "v1", "-q"], project.environ)


def _ours(root: Path, kind: str) -> Command:
    _context(root / "api", _dockerfile())
    return _project(root, ["api"], kind)


@contextmanager
def _images(count: int) -> Iterator[tuple[Command, list[Command]]]:
    names = [f"api{number}" for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            _context(Path(folder) / name, _dockerfile(1))
        yield _project(Path(folder), names, "engine"), [_peer(Path(folder), 1) for _ in names]
