"""The context of a build: the same files are the same bytes, and what is ignored is not in it."""

import io
import os
import tarfile
from pathlib import Path

import msgspec
import pytest

from releaser.builders import context
from releaser.builders.context import file_of, packed, unpacked, with_file
from releaser.model.build import Build
from releaser.model.errors import BadArgument
from tests.permissions import permissions_count

BUILD = Build(image="api", context="app")


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "src" / "main.py").write_text("print(1)\n")
    (folder / "src" / "deep" / "data").write_bytes(b"\0\1")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    (folder / "link").symlink_to("src/main.py")
    return folder


def members(root: Path, build: Build = BUILD) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed(root, build, quiet))) as tar:
        return {info.name: info for info in tar}


def test_the_same_files_are_the_same_bytes(app: Path, tmp_path: Path) -> None:
    before = packed(tmp_path, BUILD, quiet)
    for path in app.rglob("*"):
        os.utime(path, (1.5, 1.5), follow_symlinks=False)
    (app / "src" / "main.py").chmod(0o600)
    assert packed(tmp_path, BUILD, quiet) == before
    (app / "src" / "main.py").write_text("print(2)\n")
    assert packed(tmp_path, BUILD, quiet) != before


def test_what_is_in_it(app: Path, tmp_path: Path) -> None:
    found = members(tmp_path)
    assert list(found) == sorted(found)
    assert set(found) == {"Dockerfile", "link", "run.sh", "src", "src/deep", "src/deep/data", "src/main.py"}
    assert {(info.uid, info.gid, info.mtime) for info in found.values()} == {(0, 0, 0)}
    assert (found["run.sh"].mode, found["src/main.py"].mode) == (0o755, 0o644)
    assert (found["link"].issym(), found["link"].linkname) == (True, "src/main.py")


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_what_is_ignored_is_not_in_it(app: Path, tmp_path: Path, name: str) -> None:
    (app / name).write_text("# a comment\n\nsrc/*\n!src/main.py\nDockerfile\n")
    assert set(members(tmp_path)) - {name} == {"Dockerfile", "link", "run.sh", "src", "src/main.py"}


def test_what_a_link_names_outside_is_not_read(app: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter-two")
    (app / "out").symlink_to(tmp_path / "secret")
    assert b"hunter-two" not in packed(tmp_path, BUILD, quiet)
    assert members(tmp_path)["out"].issym()


def test_a_pipe_is_left_out(app: Path, tmp_path: Path) -> None:
    os.mkfifo(app / "pipe")
    assert "pipe" not in members(tmp_path)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (Build(image="api", context="none"), "the context of image api is no folder: none"),
        (Build(image="api", context="app", dockerfile="Other"), "there is no Other in app"),
    ],
)
def test_what_is_not_there(app: Path, tmp_path: Path, build: Build, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        packed(tmp_path, build, quiet)


def test_too_much_of_it(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "MOST", 1 << 20)
    with (app / "big").open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(BadArgument, match="more than 1 MiB") as refused:
        packed(tmp_path, BUILD, quiet)
    assert ".dockerignore" in (refused.value.hint or "")


def test_one_file_that_is_larger_than_memory_is_not_read(app: Path, tmp_path: Path) -> None:
    with (app / "big").open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(BadArgument, match="the context app has more than 1024 MiB"):
        packed(tmp_path, BUILD, quiet)


@pytest.mark.parametrize("name", ["run.sh", "src", ".dockerignore", "."])
def test_what_may_not_be_read(app: Path, tmp_path: Path, name: str) -> None:
    (app / ".dockerignore").touch()
    (app / name).chmod(0)
    said = rf"the context app cannot be read: .*app/{name.replace('.', '.*')}: Permission denied"
    with permissions_count(), pytest.raises(BadArgument, match=said):
        packed(tmp_path, BUILD, quiet)


def test_a_file_that_goes_while_it_is_read(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = context.kept

    def and_one_more(folder: Path, dockerfile: str) -> set[str]:
        return sent(folder, dockerfile) | {"src/gone.o"}

    monkeypatch.setattr(context, "kept", and_one_more)
    with pytest.raises(BadArgument, match=r"the context app cannot be read: .*src/gone\.o: No such file"):
        packed(tmp_path, BUILD, quiet)


# --- the Dockerfile ---


@pytest.mark.parametrize(
    "name", ["./Dockerfile", "deploy//Dockerfile", "link/Dockerfile", "Outside", "Absolute", "Circle", "Across"]
)
def test_a_dockerfile_that_a_builder_would_not_find(app: Path, tmp_path: Path, name: str) -> None:
    (app / "deploy").mkdir()
    (app / "deploy" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (app / "link").unlink()
    (app / "link").symlink_to("deploy")
    (app / "Outside").symlink_to("../Dockerfile")
    (app / "Absolute").symlink_to(app / "Dockerfile")
    (app / "Across").symlink_to("link/Dockerfile")
    (app / "Circle").symlink_to("Circle")
    with pytest.raises(BadArgument, match=rf"{name} .*image api"):
        packed(tmp_path, msgspec.structs.replace(BUILD, dockerfile=name), quiet)


def test_a_dockerfile_that_is_a_link_to_a_file_of_the_context(app: Path, tmp_path: Path) -> None:
    (app / "deploy").mkdir()
    (app / "deploy" / "Dockerfile").symlink_to("../Other")
    (app / "Other").symlink_to("Dockerfile")
    build = msgspec.structs.replace(BUILD, dockerfile="deploy/Dockerfile")
    before = packed(tmp_path, build, quiet)
    assert file_of(before, build.named) == "FROM scratch\n"
    after = with_file(before, build.named, "FROM releaser-base:1\n" * 100)
    assert file_of(after, build.named) == "FROM releaser-base:1\n" * 100
    assert file_of(after, "Dockerfile") == "FROM scratch\n"
    with tarfile.open(fileobj=io.BytesIO(before)) as one, tarfile.open(fileobj=io.BytesIO(after)) as other:
        assert one.getnames() == other.getnames()


def test_a_dockerfile_that_is_sent_though_it_is_ignored(app: Path, tmp_path: Path) -> None:
    (app / "[a]").mkdir()
    (app / "[a]" / "Dockerfile").write_text("FROM scratch\n")
    (app / ".dockerignore").write_text("**\n")
    build = msgspec.structs.replace(BUILD, dockerfile="[a]/Dockerfile")
    assert set(members(tmp_path, build)) == {".dockerignore", "[a]/Dockerfile"}


def test_a_context_in_a_folder_is_the_one_that_was_packed(app: Path, tmp_path: Path) -> None:
    (app / "out").symlink_to("/etc/passwd")
    context = packed(tmp_path, BUILD, quiet)
    unpacked(context, tmp_path / "again" / "app")
    for path in (tmp_path / "again" / "app").rglob("*"):
        assert path.lstat().st_mtime == 0, path
    assert packed(tmp_path / "again", BUILD, quiet) == context
