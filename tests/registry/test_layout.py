import json
import os
import shutil
from pathlib import Path

import pytest

from releaser.model.errors import ImageNotFound, InvalidDeclarations, RegistryUnreachable, ReleaseError
from releaser.model.image import Image
from releaser.registry.images import Images
from releaser.registry.layout import LayoutRegistry
from tests.contracts.oci_images import CONFIG, INDEX, MANIFEST, Content, multi
from tests.contracts.registry_contract import PLACE, StoredContract, pushed, usual
from tests.permissions import permissions_count

NAME = "org.opencontainers.image.ref.name"


class Folder:
    """A layout below a root, written as tools write it."""

    lookup = "oci:images/api"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "images" / "api"
        self.registry = LayoutRegistry(root)
        self.entries: list[dict[str, object]] = []
        (self.path / "blobs" / "sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.write_index()

    def push(self, tag: str, text: str = "", revision: str | None = None) -> dict[str, str]:
        content = usual(text, revision)
        self.store(tag, content)
        return pushed(content)

    def store(self, tag: str, content: Content) -> None:
        for digest, data in content.blobs.items():
            self.blob(digest).write_bytes(data)
        for digest, (_, data) in content.documents.items():
            self.blob(digest).write_bytes(data)
        self.entries = [entry for entry in self.entries if entry["annotations"] != {NAME: tag}]
        self.name(tag, content)

    def name(self, tag: str, content: Content) -> None:
        media_type, data = content.documents[content.top]
        self.entries.append(
            {"mediaType": media_type, "digest": content.top, "size": len(data), "annotations": {NAME: tag}}
        )
        self.write_index()

    def write_index(self) -> None:
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}
        (self.path / "index.json").write_text(json.dumps(index))

    def blob(self, digest: str) -> Path:
        return self.path / "blobs" / "sha256" / digest.removeprefix("sha256:")


@pytest.fixture
def repository(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


IMAGE = Image(name="api", repository="registry.example.com/shop/api", source=Folder.lookup, location=PLACE)


def failure(repository: Folder, kind: type[ReleaseError], image: Image = IMAGE, tag: str = "v1") -> ReleaseError:
    """The error of a question; it says where, and what to do."""
    with pytest.raises(kind) as caught:
        repository.registry.resolve(image, tag)
    assert type(caught.value) is kind
    assert image.lookup in caught.value.message
    assert caught.value.hint
    assert caught.value.locations == (PLACE,)
    return caught.value


class TestLayout(StoredContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path)


def test_full_reference_is_a_name_too(repository: Folder) -> None:
    content = multi()
    repository.store("registry.example.com/shop/api:v1", content)
    assert repository.registry.resolve(IMAGE, "v1").digest == content.top


def test_other_repositorys_reference_is_not(repository: Folder) -> None:
    repository.store("registry.example.com/shop/web:v1", multi())
    assert "has no tag v1" in failure(repository, ImageNotFound).message


def test_tag_twice_on_one_digest_is_one(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    repository.name("v1", content)
    assert repository.registry.resolve(IMAGE, "v1").digest == content.top


def test_tag_on_two_digests_is_ambiguous(repository: Folder) -> None:
    one, other = multi(text="one"), multi(text="other")
    repository.store("v1", one)
    for digest, (_, data) in other.documents.items():
        repository.blob(digest).write_bytes(data)
    repository.name("v1", other)
    message = failure(repository, InvalidDeclarations).message
    assert "2 different images" in message
    assert one.top in message
    assert other.top in message


def test_empty_layout_says_so(repository: Folder) -> None:
    assert "no tags" in str(failure(repository, ImageNotFound).hint)


@pytest.mark.parametrize("which", ["index", "manifest", "config"])
def test_changed_content_is_found_out(repository: Folder, which: str) -> None:
    content = Content()
    child = content.image("linux/amd64")
    content.index([child])
    repository.store("v1", content)
    config = next(digest for digest, data in content.blobs.items() if data.startswith(b"{"))
    path = repository.blob({"index": content.top, "manifest": str(child["digest"]), "config": config}[which])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"amd64", b"amd65") if b"amd64" in data else data[:-1] + b" ")
    assert "is not what the digest says" in failure(repository, RegistryUnreachable).message


@pytest.mark.parametrize("change", [lambda data: data + b" ", lambda data: data[:-1], lambda data: b""])
def test_other_size_is_found_out(repository: Folder, change) -> None:
    content = multi()
    repository.store("v1", content)
    path = repository.blob(content.top)
    path.write_bytes(change(path.read_bytes()))
    assert "bytes, not" in failure(repository, RegistryUnreachable).message


def test_missing_content_is_found_out(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    repository.blob(content.top).unlink()
    assert "does not have it" in failure(repository, RegistryUnreachable).message


def test_confirmed_content_is_verified_too(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    child = content.platforms["linux/arm64"]
    path = repository.blob(child)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(RegistryUnreachable, match="is not what the digest says"):
        repository.registry.confirm(IMAGE, child)


def test_content_that_no_tag_leads_to_is_not_there(repository: Folder) -> None:
    content, other = multi(), multi(text="other")
    repository.store("v1", content)
    for digest, (_, data) in other.documents.items():
        repository.blob(digest).write_bytes(data)
    with pytest.raises(ImageNotFound, match=other.top):
        repository.registry.confirm(IMAGE, other.top)


@pytest.mark.parametrize("digest", ["sha256:../../../secret", "sha512:" + "0" * 128, "sha256:" + "A" * 64, ""])
def test_digest_that_is_none_is_never_a_path(repository: Folder, digest: str) -> None:
    repository.entries = [{"mediaType": INDEX, "digest": digest, "size": 5, "annotations": {NAME: "v1"}}]
    repository.write_index()
    assert "no sha256 digest" in failure(repository, RegistryUnreachable).message


@pytest.mark.parametrize("size", [-1, 1 << 40])
def test_absurd_size_is_never_read(repository: Folder, size: int) -> None:
    content = multi()
    repository.store("v1", content)
    repository.entries[0]["size"] = size
    repository.write_index()
    assert f"{size} bytes" in failure(repository, RegistryUnreachable).message


def test_layer_is_no_image(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    repository.entries[0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
    repository.write_index()
    assert "not an image" in failure(repository, InvalidDeclarations).message


def test_kind_that_the_document_denies_is_not_believed(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    repository.entries[0]["mediaType"] = MANIFEST
    repository.write_index()
    assert "calls itself" in failure(repository, RegistryUnreachable).message


def test_documents_may_leave_their_kind_out(repository: Folder) -> None:
    content = Content()
    config = content.blob(CONFIG, b'{"os": "linux", "architecture": "amd64"}')
    body = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()
    described = content.blob("", body)
    repository.blob(str(config["digest"])).write_bytes(content.blobs[str(config["digest"])])
    repository.blob(str(described["digest"])).write_bytes(body)
    repository.entries = [{"digest": described["digest"], "size": len(body), "annotations": {NAME: "v1"}}]
    repository.write_index()
    assert repository.registry.resolve(IMAGE, "v1").platforms == {"linux/amd64": described["digest"]}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"manifests": 3}', "[" * 100_000, '{"manifests": [{"size": 1}]}'])
def test_broken_index_is_an_error(repository: Folder, text: str) -> None:
    (repository.path / "index.json").write_text(text)
    assert "index.json cannot be read" in failure(repository, RegistryUnreachable).message


def test_missing_index_is_an_error(repository: Folder) -> None:
    (repository.path / "index.json").unlink()
    assert "no index.json" in failure(repository, RegistryUnreachable).message


@pytest.mark.parametrize("text", ["", "{}", '{"imageLayoutVersion": "2.0.0"}', "[]"])
def test_other_layout_version_is_refused(repository: Folder, text: str) -> None:
    (repository.path / "oci-layout").write_text(text)
    with pytest.raises((InvalidDeclarations, RegistryUnreachable), match=r"oci-layout|version"):
        repository.registry.resolve(IMAGE, "v1")


def test_docker_save_is_refused_with_the_reason(repository: Folder) -> None:
    (repository.path / "oci-layout").unlink()
    (repository.path / "manifest.json").write_text("[]")
    assert "docker save" in failure(repository, InvalidDeclarations).message


def test_folder_of_something_else_is_refused(repository: Folder) -> None:
    (repository.path / "oci-layout").unlink()
    assert "no OCI layout" in failure(repository, InvalidDeclarations).message


def test_archive_is_refused_with_the_reason(repository: Folder) -> None:
    shutil.rmtree(repository.path)
    repository.path.write_bytes(b"a tar")
    error = failure(repository, InvalidDeclarations)
    assert "is a file" in error.message
    assert "docker save" in str(error.hint)


def test_no_folder_is_an_error_of_the_declarations(repository: Folder) -> None:
    shutil.rmtree(repository.path)
    assert "no such folder" in failure(repository, InvalidDeclarations).message


@pytest.mark.parametrize("path", ["../outside", "images/../../outside", "link", "link/../outside", "{absolute}"])
def test_layout_outside_the_project_is_refused(repository: Folder, path: str) -> None:
    repository.store("v1", multi())
    project = repository.root / "project"
    project.mkdir()
    repository.path.rename(repository.root / "outside")
    (project / "link").symlink_to("../outside")
    source = "oci:" + path.format(absolute=repository.root / "outside")
    repository.registry = LayoutRegistry(project)
    image = Image(name="api", repository="a/b", source=source, location=PLACE)
    assert "outside the project" in failure(repository, InvalidDeclarations, image).message


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_path_that_is_none_is_refused(repository: Folder, path: str) -> None:
    image = Image(name="api", repository="a/b", source=f"oci:{path}", location=PLACE)
    assert "names no folder" in failure(repository, InvalidDeclarations, image).message


def test_links_in_a_circle_are_refused(repository: Folder) -> None:
    (repository.root / "loop").symlink_to("loop")
    image = Image(name="api", repository="a/b", source="oci:loop/x", location=PLACE)
    failure(repository, InvalidDeclarations, image)


def test_layout_behind_a_link_within_the_project_is_fine(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    (repository.root / "current").symlink_to("images/api")
    image = Image(name="api", repository="a/b", source="oci:current")
    assert repository.registry.resolve(image, "v1").digest == content.top


@pytest.mark.parametrize("what", ["index.json", "oci-layout", "blob", "blobs"])
def test_link_within_a_layout_is_refused(repository: Folder, what: str, tmp_path: Path) -> None:
    content = multi()
    repository.store("v1", content)
    path = repository.blob(content.top) if what == "blob" else repository.path / what
    target = tmp_path / "outside"
    path.rename(target)
    path.symlink_to(target)
    assert "link" in failure(repository, InvalidDeclarations).message


def test_pipe_is_never_waited_for(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    path = repository.blob(content.top)
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in failure(repository, InvalidDeclarations).message


def test_unreadable_content_is_an_error(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    repository.blob(content.top).chmod(0)
    with permissions_count():
        assert "Permission denied" in failure(repository, RegistryUnreachable).message


def test_images_of_a_layout_are_asked_for_there(repository: Folder) -> None:
    content = multi()
    repository.store("v1", content)
    images = Images(repository.root, {})
    assert images.resolve(IMAGE, "v1").digest == content.top
    assert images.confirm(IMAGE, content.top) == content.platforms
    pinned = Image(name="api", repository="a/b", source=Folder.lookup, digest=content.top)
    assert images.pinned(pinned).platforms == content.platforms
