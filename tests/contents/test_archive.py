"""Images that were saved: both formats of docker save, OCI archives, and what is none."""

import gzip
import io
import json
from collections.abc import Callable

import pytest
import zstandard

from releaser.contents import archive
from releaser.contents import layer as layers
from releaser.model.errors import PlatformMissing, RegistryUnreachable
from releaser.model.image_content import ImageContent
from tests.contents.archives import Files, config, digest, layer, saved, with_config

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
        (with_config(config([ONE]), b"\x28\xb5\x2f\xfd" + b"0" * 600), "the layer blobs/sha256/.* cannot be read"),
        (with_config(config([ONE]), zstandard.compress(ONE)[:-20]), "the layer blobs/sha256/.* cannot be read"),
        (with_config(config([ONE]), b"\x1f\x8b" + b"0" * 600), "the layer blobs/sha256/.* cannot be read"),
        (with_config(config([ONE]), b"hello"), "the layer blobs/sha256/.* cannot be read"),
        (gzip.compress(saved(ONE))[:200], "tar:x cannot be read"),
        (zstandard.compress(saved(ONE))[:200], "tar:x cannot be read"),
        (layer({"index.json": b'{"manifests": [{"digest": 5}]}'}), "has no image in it"),
        (layer({"index.json": b'{"manifests": ["x"]}'}), "has no image in it"),
        (layer({"manifest.json": b'[{"Config": 5, "Layers": [1]}]'}), "has no image in it"),
    ],
)
def test_what_is_no_image(data: bytes, words: str) -> None:
    with pytest.raises(RegistryUnreachable, match=words):
        read(data)


@pytest.mark.parametrize(
    "other", [b"hello", b"[" * 100_000, b'{"sbom": "' + bytes(9 << 20) + b'"}', b"\x1f\x8b" + b"0" * 600, b""]
)
def test_what_no_image_lists_may_be_anything(other: bytes) -> None:
    parts = {"blobs/sha256/other": other, "blobs/sha256/a": ONE, "c": json.dumps(config([ONE])).encode()}
    manifest = b'[{"Config": "c", "Layers": ["blobs/sha256/a"]}]'
    assert entries(read(layer({**parts, "manifest.json": manifest}))) == entries(read(saved(ONE)))


@pytest.mark.parametrize("name", ["0a.tar", "0a.tar.gz", "0a.tgz", "blobs/sha256/0a", "0a/layer.tar"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_what_other_tools_write(name: str, pack: Callable[[bytes], bytes]) -> None:
    """Podman and skopeo, crane; packed as a whole too: docker save | gzip."""
    documents = {"sha256:1": json.dumps(config([ONE])).encode()}
    manifest = json.dumps([{"Config": "sha256:1", "Layers": [name]}]).encode()
    content = read(pack(layer({name: pack(ONE), **documents, "manifest.json": manifest})))
    assert [one.digest for one in content.layers] == [digest(ONE)]
    assert entries(content) == entries(read(saved(ONE)))


def test_a_layer_that_is_there_under_another_name() -> None:
    """A hard link's target is named from the archive's top, unlike a symbolic link's."""
    manifest = b'[{"Config": "c", "Layers": ["b/layer.tar"]}]'
    parts: Files = {"a/layer.tar": ONE, "b/layer.tar": "a/layer.tar", "c": json.dumps(config([ONE])).encode()}
    assert entries(read(layer({**parts, "manifest.json": manifest}))) == entries(read(saved(ONE)))


def test_a_layer_that_begins_as_a_document_does() -> None:
    page = layer({"[id].js": b"x"})
    assert entries(read(saved(page))) == [[("[id].js", "file")]]


def test_a_layer_of_no_bytes() -> None:
    assert entries(read(saved(b"", ONE)))[0] == []


@pytest.mark.parametrize("rootfs", [None, {}, {"diff_ids": []}, {"diff_ids": ["sha256:1"]}])
def test_a_layer_that_the_configuration_does_not_name_is_shown(rootfs: object) -> None:
    content = read(with_config({**config([ONE, TWO]), "rootfs": rootfs}, ONE, TWO))
    assert [one.digest for one in content.layers] == [digest(ONE), digest(TWO)]
    assert entries(content) == entries(read(saved(ONE, TWO)))


def test_a_layer_without_a_digest_is_named_as_it_is_stored() -> None:
    parts = {"a/layer.tar": ONE, "c": json.dumps({**config([ONE]), "rootfs": None}).encode()}
    manifest = b'[{"Config": "c", "Layers": ["a/layer.tar"]}]'
    assert [one.digest for one in read(layer({**parts, "manifest.json": manifest})).layers] == ["a/layer.tar"]


def test_a_layer_that_its_maker_alone_hands_out() -> None:
    """As a base of Windows: it is listed with its size, and not in the archive."""
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    parts: dict[str, bytes] = {"index.json": b'{"manifests": [{"digest": "a:m"}]}', "blobs/a/one": ONE}
    parts["blobs/a/c"] = json.dumps(config([ONE, ONE])).encode()
    listed = [{"digest": "a:base", "size": 1000, "mediaType": kind}, {"digest": "a:one"}]
    parts["blobs/a/m"] = json.dumps({"config": {"digest": "a:c"}, "layers": listed}).encode()
    assert [(one.size, len(one.entries)) for one in read(layer(parts)).layers] == [(1000, 0), (len(ONE), 3)]


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


# --- what tells of packages ---


def package(number: int, size: int) -> dict[str, bytes]:
    return {f"node_modules/p{number}/package.json": b" " * size}


def test_more_bytes_about_packages_than_an_image_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MOST_TOLD", 250)
    assert len(read(saved(layer(package(1, 100)), layer(package(2, 100)))).texts) == 2
    with pytest.raises(RegistryUnreachable, match="has more than 250 bytes that tell of packages"):
        read(saved(layer(package(1, 200)), layer(package(2, 200))))


def test_one_package_that_says_too_much_says_nothing() -> None:
    content = read(saved(layer(package(1, 10)), layer(package(1, (1 << 20) + 1))), files=True)
    assert content.texts == {"node_modules/p1/package.json": b""}
    assert content.layers[1].entries[0].content == digest(b" " * ((1 << 20) + 1))[7:]


# --- several platforms ---


def several(first: str = "amd64", second: str = "arm64") -> bytes:
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

    one, other = image(first, ONE), image(second, TWO)
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


def test_the_platform_that_is_read_without_one() -> None:
    """As of registries and layouts, and as --help says."""
    assert [one.digest for one in read(several("arm64", "amd64")).layers] == [digest(TWO)]
    assert [one.digest for one in read(several("arm64", "s390x")).layers] == [digest(ONE)]


def test_an_archive_of_one_platform_has_no_other() -> None:
    with pytest.raises(PlatformMissing, match="no image for linux/arm64"):
        archive.read(io.BytesIO(saved(ONE)), "tar:x", "linux/arm64", files=False)


def test_an_index_within_itself() -> None:
    index = json.dumps({"manifests": [{"digest": "sha256:a"}]}).encode()
    with pytest.raises(RegistryUnreachable, match="has no image in it"):
        read(layer({"index.json": index, "blobs/sha256/a": index}))
