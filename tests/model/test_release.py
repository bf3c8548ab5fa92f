"""Releases: what one may be called, and when two are the same."""

from datetime import UTC, datetime

import msgspec
import pytest

from releaser.model.image import ReleaseImage
from releaser.model.release import VERSION, Release, same_images

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _release(version="v1", created_by="ann", **digits):
    images = {
        name: ReleaseImage(repository=f"r/{name}", tag=version, digest="sha256:" + digit * 64, platforms={})
        for name, digit in digits.items()
    }
    return Release(version=version, images=images, created_at=NOW, created_by=created_by)


@pytest.mark.parametrize("name", ["v1.4", "1", "2026.01.01-rc.1+build_7", "a" * 128])
def test_names(name):
    assert VERSION.match(name)


@pytest.mark.parametrize(
    "name", ["", "--yes", "../x", "a/b", ".x", "_x", "a b", "v1\n", "\u0661", "é", "a" * 129, "a:b", "a@b"]
)
def test_what_is_no_name(name):
    assert not VERSION.match(name)


def test_the_same_digests_are_the_same_release():
    assert same_images(_release(api="0", web="1"), _release("v2", "bob", web="1", api="0"))
    assert not same_images(_release(api="0"), _release(api="1"))
    assert not same_images(_release(api="0"), _release(api="0", web="1"))
    assert not same_images(_release(api="0", web="1"), _release(api="0"))


def test_survives_json_with_its_schema():
    release = _release(api="0")
    data = msgspec.json.encode(release)
    assert msgspec.json.decode(data)["schema"] == "releaser/release/v1"
    assert msgspec.json.decode(data, type=Release) == release
