"""Nothing outside the root is ever read."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from releaser.declarations.files import ProjectFiles, Unreadable
from tests.permissions import permissions_count

LIMIT = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a secret beside it."""
    (tmp_path / "outside.txt").write_text("canary")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("canary")
    project = tmp_path / "project"
    (project / "envs" / "deep").mkdir(parents=True)
    (project / "envs" / "file").write_bytes(b"inside")
    (project / "envs" / "deep" / "file").write_bytes(b"deep")
    return project


def refusal(root: Path, path: str) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        ProjectFiles(root).read(path, LIMIT)
    assert "canary" not in refused.value.message
    return refused.value


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("envs/file", b"inside"),
        ("./envs//file", b"inside"),
        ("envs/deep/../file", b"inside"),
        ("envs/deep/file", b"deep"),
        ("../project/envs/file", b"inside"),
    ],
)
def test_a_file_inside(root: Path, path: str, content: bytes) -> None:
    assert ProjectFiles(root).read(path, LIMIT) == content


OUTSIDE = [
    "../outside.txt", "envs/../../outside.txt", "../outside/file", "./../outside.txt", "envs/./../../outside.txt", "..",
    "../", "../..", "../../../../../../../../etc/passwd", "envs/deep/../../../outside.txt", ".",
    "envs/..", "",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_out(root: Path, path: str) -> None:
    assert refusal(root, path).hint


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "//etc/passwd"])
def test_an_absolute_path(root: Path, path: str) -> None:
    assert "absolute path" in refusal(root, path).message
    assert "absolute path" in refusal(root, str(root / "envs" / "file")).message


@pytest.mark.parametrize("path", ["envs/file\0", "\0", "envs/\0/../file"])
def test_a_nul(root: Path, path: str) -> None:
    assert refusal(root, path).message == "not a path"


LINKS: dict[str, tuple[str, str, str]] = {
    "to a file outside": ("envs/link", "../../outside.txt", "envs/link"),
    "to a folder outside": ("envs/link", "../../outside", "envs/link/file"),
    "absolute": ("envs/link", "/etc/passwd", "envs/link"),
    "to the root's parent": ("envs/link", "../..", "envs/link/outside.txt"),
    "to the root itself": ("envs/link", "..", "envs/link/../outside.txt"),
    "through proc": ("envs/link", "/proc/self/root", "envs/link/etc/passwd"),
    "to a device": ("envs/link", "/dev/zero", "envs/link"),
}


@pytest.mark.parametrize(("link", "target", "path"), LINKS.values(), ids=LINKS)
def test_a_link_that_leads_out(root: Path, link: str, target: str, path: str) -> None:
    (root / link).symlink_to(target)

    assert "leads out of the project" in refusal(root, path).message


def test_a_chain_of_links_that_leads_out(root: Path) -> None:
    (root / "envs/one").symlink_to("two")
    (root / "envs/two").symlink_to("deep/three")
    (root / "envs/deep/three").symlink_to("../../../outside.txt")

    assert "leads out of the project" in refusal(root, "envs/one").message


def test_a_link_in_a_circle(root: Path) -> None:
    (root / "envs/one").symlink_to("two")
    (root / "envs/two").symlink_to("one")

    assert "leads in a circle" in refusal(root, "envs/one").message


def test_a_link_that_stays_inside_is_followed(root: Path) -> None:
    (root / "envs/link").symlink_to("deep/file")
    (root / "envs/folder").symlink_to("deep")

    assert ProjectFiles(root).read("envs/link", LIMIT) == b"deep"
    assert ProjectFiles(root).read("envs/folder/file", LIMIT) == b"deep"


def test_a_root_that_is_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)

    assert ProjectFiles(tmp_path / "link").read("envs/file", LIMIT) == b"inside"


def test_a_folder_beside_the_root_whose_name_begins_alike(root: Path) -> None:
    (root.parent / "project-secrets").mkdir()
    (root.parent / "project-secrets" / "file").write_text("canary")

    assert "leads out of the project" in refusal(root, "../project-secrets/file").message


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(path))
    listener.close()


@pytest.mark.parametrize("make", [make_fifo, make_socket, Path.mkdir])
def test_what_is_no_regular_file(root: Path, make: Callable[[Path], None]) -> None:
    make(root / "envs" / "odd")

    assert refusal(root, "envs/odd").hint


def test_a_missing_file_names_the_nearest(root: Path) -> None:
    missing = refusal(root, "envs/fiel")

    assert (missing.missing, missing.message) == (True, "there is no file `envs/fiel`")
    assert missing.hint == "did you mean `envs/file`?"
    assert refusal(root, "nowhere/file").missing
    assert refusal(root, "envs/file/below").missing


def test_a_name_that_no_file_can_have(root: Path) -> None:
    assert "cannot be read" in refusal(root, "envs/" + "x" * 5000).message


def test_no_more_than_the_limit_is_read(root: Path) -> None:
    (root / "envs/limit").write_bytes(b"x" * LIMIT)
    (root / "envs/large").write_bytes(b"x" * (LIMIT + 1))

    assert len(ProjectFiles(root).read("envs/limit", LIMIT)) == LIMIT
    assert "larger than" in refusal(root, "envs/large").message


def test_a_file_that_may_not_be_read(root: Path) -> None:
    (root / "envs/file").chmod(0)

    with permissions_count():
        assert "Permission denied" in refusal(root, "envs/file").message


@pytest.mark.parametrize("swapped", ["real", "real/file"], ids=["folder", "file"])
def test_a_link_that_is_swapped_in_while_reading(root: Path, swapped: str) -> None:
    """It is a link outside in one moment and the real one in the next; what is read is never the canary."""
    envs, stop = root / "envs", threading.Event()
    (envs / "real").mkdir()
    (envs / "real" / "file").write_bytes(b"inside")
    real, link, aside = envs / swapped, envs / "link", envs / "aside"
    link.symlink_to(root.parent / "outside" / ("" if swapped == "real" else "file"))

    def swap() -> None:
        while not stop.is_set():
            real.rename(aside)
            link.rename(real)
            real.rename(link)
            aside.rename(real)

    swapping = threading.Thread(target=swap)
    swapping.start()
    reads: set[bytes] = set()
    try:
        for _ in range(1000):
            try:
                reads.add(ProjectFiles(root).read("envs/real/file", LIMIT))
            except Unreadable:
                continue
    finally:
        stop.set()
        swapping.join()

    assert reads <= {b"inside"}


def test_the_yaml_files_of_a_folder(root: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.yml", "d.txt"):
        (root / "envs" / name).touch()

    assert ProjectFiles(root).yaml_names("envs") == ["a", "b"]
    assert ProjectFiles(root).yaml_names("nowhere") == []
