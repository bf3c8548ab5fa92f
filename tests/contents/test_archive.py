"""Images that were saved: both formats of docker save, OCI archives, and what is none."""

import io
import json

import pytest
import zstandard

from releaser.contents import archive
from releaser.contents import layer as layers
from releaser.model.errors import PlatformMissing, RegistryUnreachable
from releaser.model.image_content import ImageContent
from tests.contents.archives import config, digest, layer, saved

ONE = layer({"./etc/": None, "./etc/app.ini": b"level=1\n", ".hidden": b"x"})
TWO = layer({"etc/.wh.app.ini": b"", "lib/.wh..wh..opq": b"", "bin/app": b"#!"}, mode=0o755)


def read(data: bytes, *, files: bool = False) -> ImageContent:
    return archive.read(io.BytesIO(data), "tar:x", files=files)


def entries(content: ImageContent) -> list[list[tuple[str, str]]]:
    return [[(entry.path, entry.kind) for entry in one.entries] for one in content.layers]


@pytest.mark.parametrize("packed", [False, True])
def test_what_docker_save_writes(packed: bool) -> None:
    content = read(saved(ONE, TWO, packed=packed, User="1000"))
    assert content.config["config"] == {"User": "1000"}
    assert [one.digest for one in content.layers] == [digest(ONE), digest(TWO)]
    assert entries(content) == [
        [("etc", "folder"), ("etc/app.ini", "file"), (".hidden", "file")],
        [("etc/app.ini", "whiteout"), ("lib", "opaque"), ("bin/app", "file")],
    ]
    assert content.layers[1].entries[2].mode == 0o755
    assert content.layers[0].entries[1].content is None


def test_files_are_hashed_where_they_are_to_be_compared() -> None:
    status = layer({"var/lib/dpkg/status": b"Package: a\nVersion: 1\n"})
    content = read(saved(ONE, status), files=True)
    assert content.layers[0].entries[1].content == digest(b"level=1\n")[7:]
    assert content.texts == {"var/lib/dpkg/status": b"Package: a\nVersion: 1\n"}


def test_what_an_old_docker_save_writes() -> None:
    manifest = json.dumps([{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    documents = {"c.json": json.dumps(config([ONE, TWO])).encode(), "manifest.json": manifest}
    content = read(layer({"a/layer.tar": ONE, "a/json": b"{}", "b/layer.tar": TWO, **documents}))
    assert [one.digest for one in content.layers] == [digest(ONE), digest(TWO)]


def test_an_oci_archive_with_an_index() -> None:
    def blob(body: object) -> tuple[str, bytes]:
        data = json.dumps(body).encode()
        return digest(data), data

    configured, config_data = blob(config([ONE]))
    manifest, manifest_data = blob({"config": {"digest": configured}, "layers": [{"digest": digest(ONE)}]})
    index, index_data = blob({"manifests": [{"digest": manifest}]})
    parts = {configured: config_data, manifest: manifest_data, index: index_data, digest(ONE): ONE}
    files = {f"blobs/{name.replace(':', '/')}": data for name, data in parts.items()}
    top = {"index.json": json.dumps({"manifests": [{"digest": index}]}).encode()}
    assert [one.digest for one in read(layer(files | top)).layers] == [digest(ONE)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read"),
        (b"not a tar" * 100, "cannot be read"),
        (saved(ONE)[:700], "cannot be read|has no image"),
        (layer({"a": b"b"}), "has no image in it"),
        (layer({"manifest.json": b"[]"}), "has no image in it"),
        (
            layer({"manifest.json": b'[{"Config": "c", "Layers": ["gone/layer.tar"]}]', "c": b'{"a": 1}'}),
            "does not have",
        ),
        (layer({"blobs/sha256/x": b"\x28\xb5\x2f\xfd" + b"0" * 600}), "the layer blobs/sha256/x cannot be read"),
        (layer({"blobs/sha256/x": zstandard.compress(ONE)[:-20]}), "the layer blobs/sha256/x cannot be read"),
        (layer({"blobs/sha256/x": b"\x1f\x8b" + b"0" * 600}), "cannot be read"),
    ],
)
def test_what_is_no_image(data: bytes, words: str) -> None:
    with pytest.raises(RegistryUnreachable, match=words):
        read(data)


@pytest.mark.parametrize("size", [None, 3 << 20])
def test_layers_that_are_compressed_by_zstd(size: int | None) -> None:
    """In several frames too, as those that are built side by side are."""
    long = layer({"big": bytes(size) if size else b"small", "etc/app.ini": b"level=1\n"})
    half = len(long) // 2
    packed = zstandard.compress(long[:half]) + zstandard.compress(long[half:])
    documents = {"c": json.dumps(config([long])).encode(), "manifest.json": b'[{"Config": "c", "Layers": ["blobs/a"]}]'}
    content = read(layer({"blobs/a": packed, **documents}))
    assert entries(content) == [[("big", "file"), ("etc/app.ini", "file")]]


def test_more_entries_than_a_layer_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", 3)
    assert len(read(saved(ONE)).layers[0].entries) == 3
    with pytest.raises(RegistryUnreachable, match="has more than 3 entries"):
        read(saved(layer({str(number): b"" for number in range(4)})))


# --- several platforms ---


def several() -> bytes:
    """As docker save writes it on an engine that keeps images in containerd, with its attestations."""
    parts: dict[str, bytes] = {}

    def blob(body: object) -> dict[str, str]:
        data = json.dumps(body).encode()
        parts[f"blobs/{digest(data).replace(':', '/')}"] = data
        return {"digest": digest(data)}

    def image(architecture: str, data: bytes) -> dict[str, str]:
        parts[f"blobs/{digest(data).replace(':', '/')}"] = data
        made = {**config([data]), "architecture": architecture}
        return blob({"config": blob(made), "layers": [{"digest": digest(data)}]})

    one, other = image("amd64", ONE), image("arm64", TWO)
    attestation = blob({"config": blob({"architecture": "unknown", "os": "unknown"}), "layers": []})
    gone = {"digest": "sha256:" + "0" * 64}
    attested = {**attestation, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    index = blob({"manifests": [one, other, attested, gone]})
    return layer({**parts, "index.json": json.dumps({"manifests": [index]}).encode()})


def test_each_platform_of_an_archive() -> None:
    data = several()
    for platform, expected in ((None, ONE), ("linux/amd64", ONE), ("linux/arm64", TWO)):
        content = archive.read(io.BytesIO(data), "tar:x", platform, files=False)
        assert [one.digest for one in content.layers] == [digest(expected)]
        assert content.platforms == ("linux/amd64", "linux/arm64")
    with pytest.raises(PlatformMissing, match="no image for linux/s390x") as missing:
        archive.read(io.BytesIO(data), "tar:x", "linux/s390x", files=False)
    assert missing.value.hint == "it has linux/amd64 and linux/arm64"


def test_an_archive_of_one_platform_has_no_other() -> None:
    with pytest.raises(PlatformMissing, match="no image for linux/arm64"):
        archive.read(io.BytesIO(saved(ONE)), "tar:x", "linux/arm64", files=False)


def test_an_index_within_itself() -> None:
    index = json.dumps({"manifests": [{"digest": "sha256:a"}]}).encode()
    with pytest.raises(RegistryUnreachable, match="has no image in it"):
        read(layer({"index.json": index, "blobs/sha256/a": index}))
