"""The console blocks of the README and the docs are what the commands really print.

The blocks of a page run in order in one fresh project; those marked `engines` in the walk's, on a real engine.
`--update-golden` writes the real output into the page.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"))
    if "```console" in page.read_text()
)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENGINES = re.compile(r"^```console engines\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WALK = REPOSITORY / "docs" / "walk"

# What differs from run to run: moments, ages and lengths of time, and ids that rest on them.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z?"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?Z?"), "<time>"),
    (re.compile(r"\d\d:\d\d:\d\dZ?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)?(ms|s|m|h|d)\b( \d+(s|m|h)\b)?( ago)?|\bjust now\b|\bnow\b"), "<span>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"[─-]{3,}"), "---"),
)


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output that follows it."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].rstrip("\n"), ""))
        else:
            command, output = found.pop()
            found.append((command, output + line))
    return found


def steady(output: str) -> str:
    """The output without what differs from run to run."""
    for pattern, word in VARYING:
        output = pattern.sub(word, output)
    return "\n".join(line.rstrip() for line in output.splitlines())


def run(command: str, project: Path, home: Path) -> str:
    """What a command prints, both streams as a terminal shows them."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "RELEASE_BY": "ann",
        "RELEASE_FINGERPRINT_KEY": "a key for the documentation alone",
        "COLUMNS": "100",
        **({"DOCKER_HOST": os.environ["RELEASER_TEST_DOCKER"]} if "RELEASER_TEST_DOCKER" in os.environ else {}),
        **({"KUBECONFIG": os.environ["RELEASER_TEST_KUBERNETES"]} if "RELEASER_TEST_KUBERNETES" in os.environ else {}),
    }
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_blocks_are_real(page, tmp_path, request):
    project, home = tmp_path / "shop", tmp_path / "home"
    home.mkdir()
    shutil.copytree(REPOSITORY / "envs", project / "envs")
    check_blocks(page, BLOCK, project, home, request)


@pytest.mark.engines
def test_the_walk_is_real(tmp_path, request, require):
    """It delivers the project `walk`, which is removed before and afterwards."""
    registry, busybox = require("RELEASER_TEST_REGISTRY"), require("RELEASER_TEST_BUSYBOX")
    project, home = tmp_path / "walk", tmp_path / "home"
    home.mkdir()
    shutil.copytree(WALK, project, ignore=shutil.ignore_patterns(".release"))
    places = {"DOCKER_HOST": require("RELEASER_TEST_DOCKER"), "KUBECONFIG": require("RELEASER_TEST_KUBERNETES")}
    environ = {**os.environ, **places, "BUSYBOX": busybox}
    subprocess.run(["sh", WALK / "images.sh", registry], env=environ, check=True, capture_output=True)
    try:
        check_blocks(REPOSITORY / "README.md", ENGINES, project, home, request, without_digests)
    finally:
        subprocess.run(["sh", project / "remove.sh"], env=environ, check=True, capture_output=True)


def without_digests(output):
    """The output without digests: images that were built here have others than anywhere else."""
    return re.sub(r"\b[0-9a-f]{12}\b", "<digest>", output)


def check_blocks(page, blocks, project, home, request, hide=str):
    """Run a page's blocks of one kind in order, and compare or write their output, as far as `hide` leaves it."""
    text = page.read_text()
    written = text
    for match in blocks.finditer(text):
        real = [(command, run(command, project, home)) for command, _ in commands(match[1])]
        if request.config.getoption("--update-golden"):
            block = "".join(f"$ {command}\n{output}" for command, output in real)
            written = written.replace(match[1], block, 1)
        else:
            for (command, output), (_, expected) in zip(real, commands(match[1]), strict=True):
                assert hide(steady(output)) == hide(steady(expected)), f"{page.name}: $ {command}"
    if written != text:
        page.write_text(written)


def test_there_are_pages_to_check():
    assert REPOSITORY / "README.md" in PAGES
