"""Images of layouts: their layers as they are, and manifests that would lead elsewhere."""

import json
from pathlib import Path

import pytest

from releaser.contents.registry import RegistryContents
from releaser.model.errors import PlatformMissing, RegistryUnreachable
from releaser.model.image import Image
from releaser.registry.oci import DistributionRegistry
from tests.contents.archives import config, digest, layer

ONE = layer({"app": b"hello"})
IMAGE = Image(name="api", repository="r.test/api", source="oci:images/api")


def written(root: Path, *layers: dict[str, object], configured: bytes = json.dumps(config([ONE])).encode()) -> str:
    """A layout with an image of these layers; gives its digest."""
    folder = root / "images" / "api"
    (folder / "blobs" / "sha256").mkdir(parents=True)

    def blob(data: bytes) -> dict[str, object]:
        (folder / "blobs" / "sha256" / digest(data)[7:]).write_bytes(data)
        return {"digest": digest(data), "size": len(data)}

    blob(ONE)
    kind = "application/vnd.oci.image.config.v1+json"
    body = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": kind, **blob(configured)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": len(ONE), **one} for one in layers],
    }
    made = {"mediaType": str(body["mediaType"]), **blob(json.dumps(body).encode())}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [made]}))
    return str(made["digest"])


def contents(root: Path) -> RegistryContents:
    return RegistryContents(root, DistributionRegistry(root, {}))


def test_a_layout(tmp_path: Path) -> None:
    name = written(tmp_path, {"digest": digest(ONE)})
    found = contents(tmp_path).read(IMAGE, name, None, files=True)
    assert (found.digest, found.platforms) == (name, ("linux/amd64",))
    assert [(entry.path, entry.content) for entry in found.layers[0].entries] == [("app", digest(b"hello")[7:])]


@pytest.mark.parametrize("evil", ["sha256:../../../../secret", "../../secret", "sha256:" + "A" * 64, ""])
def test_a_digest_that_is_a_way_out(tmp_path: Path, evil: str) -> None:
    (tmp_path / "secret").write_bytes(ONE)
    name = written(tmp_path, {"digest": evil})
    with pytest.raises(RegistryUnreachable, match="is no sha256 digest"):
        contents(tmp_path).read(IMAGE, name, None, files=False)


def test_a_layer_that_is_gone_or_a_link(tmp_path: Path) -> None:
    gone = "sha256:" + "0" * 64
    name = written(tmp_path, {"digest": gone})
    with pytest.raises(RegistryUnreachable, match="cannot be read"):
        contents(tmp_path).read(IMAGE, name, None, files=False)
    (tmp_path / "secret").write_bytes(ONE)
    (tmp_path / "images" / "api" / "blobs" / "sha256" / ("0" * 64)).symlink_to(tmp_path / "secret")
    with pytest.raises(RegistryUnreachable, match="cannot be read"):
        contents(tmp_path).read(IMAGE, name, None, files=False)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (layer({"app": b"jello"}), "the content of sha256:[0-9a-f]+ is not what the digest says"),
        (ONE + bytes(512), f"has {len(ONE) + 512} bytes, not {len(ONE)}"),
        (b"", f"has 0 bytes, not {len(ONE)}"),
    ],
)
def test_a_layer_that_is_another_one(tmp_path: Path, data: bytes, words: str) -> None:
    name = written(tmp_path, {"digest": digest(ONE)})
    (tmp_path / "images" / "api" / "blobs" / "sha256" / digest(ONE)[7:]).write_bytes(data)
    with pytest.raises(RegistryUnreachable, match=words):
        contents(tmp_path).read(IMAGE, name, None, files=False)


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ],
)
def test_a_layer_that_its_maker_alone_hands_out(tmp_path: Path, kind: str) -> None:
    """It need not be there; where it is it is read."""
    gone = {"digest": "sha256:" + "0" * 64, "size": 1000, "mediaType": kind}
    name = written(tmp_path, gone, {"digest": digest(ONE), "mediaType": kind})
    found = contents(tmp_path).read(IMAGE, name, None, files=False).layers
    assert [(one.digest, one.size, len(one.entries)) for one in found] == [
        (gone["digest"], 1000, 0),
        (digest(ONE), len(ONE), 1),
    ], "the configuration names one of two, so both have their own digests"


@pytest.mark.parametrize(
    "configured",
    [b'{"os": "linux", "architecture": "amd64"}', b'{"os": "linux", "architecture": "amd64", "rootfs": null}'],
)
def test_a_layer_that_the_configuration_does_not_name_is_shown(tmp_path: Path, configured: bytes) -> None:
    name = written(tmp_path, {"digest": digest(ONE)}, configured=configured)
    found = contents(tmp_path).read(IMAGE, name, None, files=False).layers
    assert [(one.digest, len(one.entries)) for one in found] == [(digest(ONE), 1)]


def test_a_configuration_of_another_shape(tmp_path: Path) -> None:
    body = {"os": "linux", "architecture": "amd64", "history": ["x"]}
    name = written(tmp_path, {"digest": digest(ONE)}, configured=json.dumps(body).encode())
    with pytest.raises(RegistryUnreachable, match="has a configuration that is none"):
        contents(tmp_path).read(IMAGE, name, None, files=False)


def test_an_image_without_an_index_is_what_it_is(tmp_path: Path) -> None:
    name = written(tmp_path, {"digest": digest(ONE)})
    with pytest.raises(PlatformMissing, match="has no image for linux/s390x"):
        contents(tmp_path).read(IMAGE, name, "linux/s390x", files=False)
