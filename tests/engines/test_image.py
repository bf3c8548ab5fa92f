"""Images from the inside on a real engine and a real registry: the same image is the same wherever it is read."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from releaser.engines.moby.client import Client
from releaser.model.build import BuilderSettings
from releaser.secrets.sources import Remembered, Sources
from releaser.wiring import open_builder
from tests.engines.images import Images
from tests.engines.test_builder import BUILD, REPOSITORY, app, quiet

pytestmark = [pytest.mark.engines, pytest.mark.containerd]
__all__ = ["app"]

Look = Callable[..., Any]


@pytest.fixture
def built(app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, images: Images) -> Iterator[str]:
    """`REPOSITORY:v1` of an image whose last layer overwrites and removes."""
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    (app / "big").write_bytes(os.urandom(9 << 20))
    (app / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY big /data/big\nCOPY hello.txt /data/hello.txt\n"
        'RUN ["/bin/sh", "-c", "rm /data/big; echo more >> /data/hello.txt"]\nUSER 1000\n'
    )
    builder = open_builder(app.parent, BuilderSettings(kind="buildkit"), Remembered(Sources(app.parent, os.environ)))
    name = f"{images.registry}/releaser-test/looked-{uuid.uuid4().hex[:8]}"
    builder.push(builder.build(BUILD, quiet).image_id, name, "v1", quiet)
    builder.close()
    (app.parent / "envs").mkdir()
    pipeline = {"project": "looked", "images": {"api": name}, "environments": {"test1": {"layers": []}}}
    (app.parent / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    (app.parent / "envs" / "test1.yaml").write_text(json.dumps({"engine": {"kind": "docker"}}))
    yield f"{name}:v1"
    Client(None).call("DELETE", f"/images/{name}:v1")


@pytest.fixture
def look(app: Path) -> Look:
    def looked(*words: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "releaser", "-C", str(app.parent), "image", *words, "--json"]
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(app.parent)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=app.parent)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return looked


def test_one_image_read_from_everywhere(built: str, look: Look, app: Path) -> None:
    subprocess.run(["docker", "save", built, "--output", str(app.parent / "saved.tar")], check=True)
    found = [look("inspect", name) for name in (built, "api:v1", f"docker:{built}", "tar:saved.tar")]
    for one in found:
        for layer in one["layers"]:
            layer.pop("size")  # a registry has it compressed
        assert one.pop("reference")
        one.pop("digest")
    assert found[1:] == found[:1] * 3
    report = found[0]
    assert (report["user"], report["platform"]) == ("1000", "linux/amd64")
    last = report["layers"][-1]
    assert (last["changed"], last["removed"]) == (1, 1)
    assert report["waste"][0] == {"path": "data/big", "size": 9 << 20}
    assert look("diff", built, f"docker:{built}", "--exit-code")["files"] == []


def test_an_image_that_is_not_there(built: str, look: Look) -> None:
    error = look("inspect", f"{built.rpartition(':')[0]}@sha256:{'0' * 64}", code=64)
    assert "has no image sha256:0000" in error["errors"][0]["message"]
    error = look("inspect", "docker:releaser-test/none", code=64)
    assert "the engine has no releaser-test/none" in error["errors"][0]["message"]


def test_a_container_over_its_image(built: str, look: Look) -> None:
    script = "echo x > /data/new; rm /data/hello.txt; sleep 600"
    command = ["docker", "run", "--detach", "--user", "0", built, "/bin/sh", "-c", script]
    container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        end = time.monotonic() + 20
        while len(look("inspect", "--container", container)["container"]["files"]) < 3:
            assert time.monotonic() < end
        found = look("inspect", "--container", container)
        own = found["container"]
        assert own["id"] == container
        assert own["running"]
        assert own["size"] >= len("x\n"), "containerd counts blocks and folders too"
        assert {"path": "data/new", "what": "added"} in own["files"]
        assert {"path": "data/hello.txt", "what": "removed"} in own["files"]
        assert found["layers"] == look("inspect", f"docker:{built}")["layers"]
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)
    error = look("inspect", "--container", container, code=64)
    assert "the engine has no container" in error["errors"][0]["message"]
