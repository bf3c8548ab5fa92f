"""Layers of a registry: in pieces by range requests, whole where a server has none, and verified at the end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from releaser.model.errors import ImageNotFound, RegistryUnreachable
from releaser.model.image import Image
from releaser.registry.manifests import Descriptor
from releaser.registry.oci import DistributionRegistry
from releaser.registry.transport import Limits
from tests.contracts.oci_images import digest_of
from tests.contracts.scripted_registry import Reply, ScriptedRegistry, Seen

DATA = os.urandom(5 << 20)
Served = Callable[[Seen], Reply | None]


def read(registry: ScriptedRegistry, root: Path, data: bytes = DATA, *, skip: int = 0) -> bytes:
    image = Image(name="api", repository=f"{registry.host}/shop/api")
    descriptor = Descriptor(digest=digest_of(data), size=len(data))
    layer = DistributionRegistry(root, {}, limits=Limits(pause=0.01)).layer(image, descriptor)
    layer.skip(skip)
    found = b""
    while piece := layer.read(70_000):
        found += piece
    return found


def in_pieces(data: bytes, *, lies: bool = False) -> Served:
    def answer(one: Seen) -> Reply | None:
        if "/blobs/" not in one.path:
            return None
        first, last = map(int, one.headers["range"].removeprefix("bytes=").split("-"))
        body = data[first : last + 1]
        return Reply(206, {}, body[:-1] + b"\0" if lies and last == len(data) - 1 else body)

    return answer


def test_a_layer_comes_in_pieces(scripted: ScriptedRegistry, tmp_path: Path) -> None:
    scripted.rules = [in_pieces(DATA)]
    assert read(scripted, tmp_path) == DATA
    assert read(scripted, tmp_path, skip=4_500_000) == DATA[4_500_000:]


def test_a_server_without_ranges_sends_a_small_one_whole(scripted: ScriptedRegistry, tmp_path: Path) -> None:
    small = DATA[:1000]
    scripted.rules = [lambda one: Reply(200, {}, small) if "/blobs/" in one.path else None]
    assert read(scripted, tmp_path, small) == small
    with pytest.raises(RegistryUnreachable, match="answers 200 for a part"):
        read(scripted, tmp_path)


def test_other_bytes_than_the_digest_says(scripted: ScriptedRegistry, tmp_path: Path) -> None:
    scripted.rules = [in_pieces(DATA, lies=True)]
    with pytest.raises(RegistryUnreachable, match="sends other bytes"):
        read(scripted, tmp_path)
    with pytest.raises(RegistryUnreachable, match="sends other bytes"):
        read(scripted, tmp_path, skip=len(DATA))


def test_a_layer_that_is_gone(scripted: ScriptedRegistry, tmp_path: Path) -> None:
    scripted.rules = [lambda one: Reply(404, {}, b"") if "/blobs/" in one.path else None]
    with pytest.raises(ImageNotFound, match="has no layer sha256:"):
        read(scripted, tmp_path)
