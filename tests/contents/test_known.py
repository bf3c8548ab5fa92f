"""Summaries of images that were read once."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from releaser.contents.known import KnownImages
from releaser.model.image import Image
from releaser.model.image_content import Entry, ImageContent, ImageSummary, LayerContent

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
CONTENT = ImageContent(
    reference="x",
    digest=DIGEST,
    platforms=("linux/amd64",),
    config={"os": "linux", "architecture": "amd64"},
    layers=(
        LayerContent(
            digest=DIGEST,
            size=1,
            entries=(Entry(path="var/lib/dpkg/status", kind="file", mode=0o644, uid=0, gid=0, size=7),),
        ),
    ),
    texts={"var/lib/dpkg/status": b"Package: curl\nVersion: 8.0\n"},
)
SUMMARY = ImageSummary(platform="linux/amd64", packages={"dpkg/curl": "8.0"}, bytes=7)


IMAGE = Image(name="api", repository="r.io/api")
LAYOUT = Image(name="api", repository="r.io/api", source="oci:images/api")


def nothing_is_read() -> NoReturn:
    raise AssertionError("nothing is read for it")


class Layout:
    """Reads one image, and counts."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads = 0

    def size_of_registry(self, image: Image, digest: str) -> int:
        return self.size

    def of_registry(self, image: Image, digest: str, platform: str | None, *, files: bool) -> ImageContent:
        self.reads += 1
        return CONTENT


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "releaser" / "images" / "sha256" / "01" / f"{DIGEST.removeprefix('sha256:')}.json"


def test_what_is_kept_is_known(cache: Path) -> None:
    known = KnownImages(nothing_is_read)
    assert known.summary(IMAGE, DIGEST) is None
    known.keep(DIGEST, CONTENT)
    assert known.summary(IMAGE, DIGEST) == SUMMARY
    assert list(cache.parent.iterdir()) == [cache]


@pytest.mark.parametrize("damaged", [b"", b"{}", b"\xff", b"[]"])
def test_a_damaged_file_is_not_known(cache: Path, damaged: bytes) -> None:
    KnownImages(nothing_is_read).keep(DIGEST, CONTENT)
    cache.write_bytes(damaged)
    assert KnownImages(nothing_is_read).summary(IMAGE, DIGEST) is None


def test_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    KnownImages(nothing_is_read).keep(DIGEST, CONTENT)
    assert KnownImages(nothing_is_read).summary(IMAGE, DIGEST) is None


def test_a_digest_is_one_before_it_becomes_a_path(tmp_path: Path) -> None:
    for name in ("sha256:../../evil", "", "latest"):
        KnownImages(nothing_is_read).keep(name, CONTENT)
        assert KnownImages(nothing_is_read).summary(IMAGE, name) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_small_layout_is_read_once() -> None:
    layout: Any = Layout(1 << 20)
    known = KnownImages(lambda: layout)
    assert known.summary(LAYOUT, DIGEST) == known.summary(LAYOUT, DIGEST) == SUMMARY
    assert layout.reads == 1


def test_a_large_layout_is_not_read() -> None:
    layout: Any = Layout(1 << 30)
    assert KnownImages(lambda: layout).summary(LAYOUT, DIGEST) is None
    assert layout.reads == 0
