"""Looking into an image: `image inspect` beside dive on the same image of the same engine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import timing
from bench.builds import BUSYBOX, DOCKER, ENVIRON
from bench.project import RELEASE, Project
from bench.report import Report
from bench.timing import Command

LAYERS = 20
FILES = 100
"""Files of a layer."""
_ANY = ("--lowestEfficiency=0", "--highestUserWastedPercent=1", "--highestWastedBytes=disabled")
"""Rules of dive's that every image keeps."""


def run(report: Report, *, quick: bool) -> None:
    """The comparison, where the test bed's engine is there."""
    if not (DOCKER and BUSYBOX and shutil.which("docker")):
        print('\nno engine to look at: eval "$(tests/testbed/testbed env)" names the one of the test bed')
        return
    size = 20 if quick else 500
    with tempfile.TemporaryDirectory() as folder:
        name, saved = _image(Path(folder) / "context", size * 1_000_000), Path(folder) / "saved.tar"
        subprocess.run(["docker", "save", "--output", str(saved), name], env=ENVIRON, check=True)
        try:
            ours = {reference: _ours(Path(folder), reference) for reference in (f"tar:{saved}", f"docker:{name}")}
            peers = {f"tar:{saved}": f"docker-archive://{saved}", f"docker:{name}": name}
            for reference, command in ours.items():
                _beside(report, command, _dive(folder, peers[reference]), size, reference.partition(":")[0])
        finally:
            subprocess.run(["docker", "image", "rm", "--force", name], env=ENVIRON, check=False, capture_output=True)


def _beside(report: Report, ours: Command, dive: Command | None, size: int, source: str) -> None:
    where = {"tar": "a file", "docker": "the engine, which writes it out for each of them"}[source]
    report.section(f"an image of {LAYERS} layers and {size} MB from {where}: whole process, median of three in turns")
    found = timing.alternating({"release": ours, **({} if dive is None else {"dive": dive})}, 3)
    report.add("release image inspect", found["release"], "s")
    report.add("memory", timing.once(ours)[1] / 1024, "MiB", most=150)
    if dive is not None:
        report.add("dive --ci", found["dive"], "s")
        ratio = found["dive"] / found["release"]
        report.add("dive / release image inspect", ratio, "times", least=1.0)


def _dive(home: str, name: str) -> Command | None:
    dive = Path(sys.executable).parent / "dive"
    return Command([str(dive), "--ci", *_ANY, name], {**ENVIRON, "HOME": home}) if dive.exists() else None


def _image(context: Path, size: int) -> str:
    lines = ["FROM scratch", "COPY busybox /bin/sh"]
    context.mkdir()
    shutil.copy(BUSYBOX, context / "busybox")
    for layer in range(LAYERS - 1):
        folder = context / f"layer{layer}"
        folder.mkdir()
        for number in range(FILES):
            (folder / f"file{number}").write_bytes(os.urandom(size // (LAYERS - 1) // FILES))
        lines.append(f"COPY layer{layer} /data/{layer // 2}")  # every second one overwrites the one before
    (context / "Dockerfile").write_text("\n".join(lines))
    name = "releaser-bench/looked:1"
    command = ["docker", "build", "--quiet", "--tag", name, str(context)]
    subprocess.run(command, env=ENVIRON, check=True, capture_output=True)
    return name


def _ours(folder: Path, reference: str) -> Command:
    root = folder / "project"
    (root / "envs").mkdir(parents=True, exist_ok=True)
    (root / "envs" / "pipeline.yaml").write_text("project: bench\nenvironments: {test1: {layers: []}}\n")
    (root / "envs" / "test1.yaml").write_text("engine: {kind: docker}\n")
    project = Project(root, {**ENVIRON, "HOME": str(root / "home")})
    return Command([*RELEASE, "-C", str(root), "image", "inspect", reference], project.environ)
