"""The sample application's images: the script gives the bytes that the repository has, and they are what they say."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from releaser.model.image import Image
from releaser.registry.layout import LayoutRegistry

HERE = Path(__file__).parents[2] / "envs" / "images"
ROOT = HERE.parents[1]
NAMES = ("api", "worker", "web", "cache")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in NAMES
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }


def make(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", str(HERE / "make.py"), str(folder)], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("images")
    return folder, make(folder)


def test_script_gives_the_committed_bytes(made: tuple[Path, str]) -> None:
    assert contents(made[0]) == contents(HERE)


def test_script_removes_what_it_does_not_write(made: tuple[Path, str]) -> None:
    (made[0] / "api" / "blobs" / "sha256" / ("0" * 64)).write_text("old")
    make(made[0])
    assert contents(made[0]) == contents(HERE)


def test_script_prints_the_digests(made: tuple[Path, str]) -> None:
    registry = LayoutRegistry(ROOT)
    printed = [line.split() for line in made[1].splitlines()]
    assert [line[:2] for line in printed] == [
        *([name, f"v1.{minor}"] for name in ("api", "worker", "web") for minor in (3, 4, 5)),
        ["cache", "7.4"],
    ]
    for name, tag, digest in printed:
        image = Image(name=name, repository=f"shop/{name}", source=f"oci:envs/images/{name}")
        assert registry.resolve(image, tag).digest == digest


@pytest.mark.parametrize("name", NAMES)
def test_images_are_whole_small_and_for_two_platforms(name: str) -> None:
    registry = LayoutRegistry(ROOT)
    image = Image(name=name, repository=f"shop/{name}", source=f"oci:envs/images/{name}")
    blobs = {path.name: path.read_bytes() for path in (HERE / name / "blobs" / "sha256").iterdir()}
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in blobs.items())
    assert sum(map(len, blobs.values())) < 50_000
    for entry in json.loads((HERE / name / "index.json").read_bytes())["manifests"]:
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        found = registry.resolve(image, tag)
        assert set(found.platforms) == {"linux/amd64", "linux/arm64"}
        assert bool(found.revision) is (name != "cache")
        for digest in found.platforms.values():
            manifest = json.loads(blobs[digest.removeprefix("sha256:")])
            config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
            (layer,) = manifest["layers"]
            assert config["rootfs"]["diff_ids"] == [layer["digest"]], "a plain tar is its own diff"
            assert config["config"]["Labels"]["org.opencontainers.image.title"] == name
            with tarfile.open(fileobj=io.BytesIO(blobs[layer["digest"].removeprefix("sha256:")])) as archive:
                assert archive.getnames() == [f"bin/{name}"]
                assert archive.getmember(f"bin/{name}").mtime == 0


def test_worker_did_not_change_between_two_releases() -> None:
    registry = LayoutRegistry(ROOT)

    def digests(name: str) -> list[str]:
        image = Image(name=name, repository=f"shop/{name}", source=f"oci:envs/images/{name}")
        return [registry.resolve(image, tag).digest for tag in ("v1.3", "v1.4", "v1.5")]

    assert digests("worker")[0] == digests("worker")[1]
    assert len(set(digests("worker"))) == 2
    assert len(set(digests("api"))) == len(set(digests("web"))) == 3
