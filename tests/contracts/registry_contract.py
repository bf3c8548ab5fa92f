"""What every source of digests must do: a suite over a repository that each one's tests give."""

from functools import partial
from typing import Protocol

import pytest

from releaser.model.errors import ImageNotFound, InvalidDeclarations, RegistryUnreachable
from releaser.model.image import Image
from releaser.model.value import Location
from releaser.ports import ImageRegistry
from tests.contracts.oci_images import (
    CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    REVISION,
    Content,
    multi,
    on,
)

NOWHERE = "sha256:" + "0" * 64
PLACE = Location(file="envs/pipeline.yaml", line=7, column=3)


class Repository(Protocol):
    """One empty repository, and the hands that push to it."""

    lookup: str
    """How an image's declaration names it."""

    registry: ImageRegistry

    def push(self, tag: str, text: str = "", revision: str | None = None) -> dict[str, str]:
        """Push an image for linux/amd64 and linux/arm/v7; gives `{"": its digest, platform: digest…}`."""


class RegistryContract:
    """Inherited by the tests of each implementation, which give the fixture `repository`."""

    @staticmethod
    def image(repository: Repository, digest: str | None = None) -> Image:
        return Image(
            name="api",
            repository="registry.example.com/shop/api",
            source=repository.lookup,
            digest=digest,
            location=PLACE,
        )

    def test_tag_becomes_digest_and_platforms(self, repository: Repository) -> None:
        pushed = repository.push("v1.4")
        found = repository.registry.resolve(self.image(repository), "v1.4")
        assert found.digest == pushed.pop("")
        assert dict(found.platforms) == pushed
        assert set(pushed) == {"linux/amd64", "linux/arm/v7"}

    def test_revision_is_the_commit(self, repository: Repository) -> None:
        repository.push("v1.4", revision="0a1b2c")
        assert repository.registry.resolve(self.image(repository), "v1.4").revision == "0a1b2c"

    def test_no_revision_is_none(self, repository: Repository) -> None:
        repository.push("v1.4")
        assert repository.registry.resolve(self.image(repository), "v1.4").revision is None

    def test_moved_tag_is_looked_up_again(self, repository: Repository) -> None:
        old = repository.push("v1.4", "old")[""]
        assert repository.registry.resolve(self.image(repository), "v1.4").digest == old
        new = repository.push("v1.4", "new")[""]
        assert new != old
        assert repository.registry.resolve(self.image(repository), "v1.4").digest == new

    def test_two_tags_of_one_image_have_one_digest(self, repository: Repository) -> None:
        repository.push("v1.3", "same")
        repository.push("v1.4", "same")
        tags = [repository.registry.resolve(self.image(repository), tag).digest for tag in ("v1.3", "v1.4")]
        assert tags[0] == tags[1]

    def test_confirm_gives_platforms_again_and_again(self, repository: Repository) -> None:
        pushed = repository.push("v1.4")
        digest = pushed.pop("")
        for _ in range(2):
            assert dict(repository.registry.confirm(self.image(repository), digest)) == pushed

    def test_confirm_of_one_platform(self, repository: Repository) -> None:
        pushed = repository.push("v1.4")
        child = pushed["linux/arm/v7"]
        assert dict(repository.registry.confirm(self.image(repository), child)) == {"linux/arm/v7": child}

    def test_pinned(self, repository: Repository) -> None:
        pushed = repository.push("v1.4")
        digest = pushed.pop("")
        found = repository.registry.pinned(self.image(repository, digest))
        assert found.digest == digest
        assert dict(found.platforms) == pushed

    def test_pinned_without_a_digest_is_wrong(self, repository: Repository) -> None:
        with pytest.raises(InvalidDeclarations, match="not pinned"):
            repository.registry.pinned(self.image(repository))

    def test_unknown_tag_names_the_nearest(self, repository: Repository) -> None:
        repository.push("v1.3")
        repository.push("v1.4")
        with pytest.raises(ImageNotFound) as failure:
            repository.registry.resolve(self.image(repository), "v1.44")
        assert "v1.44" in failure.value.message
        assert repository.lookup in failure.value.message
        assert "did you mean v1.4?" in str(failure.value.hint)
        assert failure.value.locations == (PLACE,)

    @pytest.mark.parametrize("question", ["confirm", "pinned"])
    def test_unknown_digest(self, repository: Repository, question: str) -> None:
        repository.push("v1.4")
        image, registry = self.image(repository, NOWHERE), repository.registry
        ask = registry.pinned if question == "pinned" else partial(registry.confirm, digest=NOWHERE)
        with pytest.raises(ImageNotFound) as failure:
            ask(image)
        assert NOWHERE in failure.value.message
        assert failure.value.hint
        assert failure.value.locations == (PLACE,)


class StoredRepository(Repository, Protocol):
    """A repository that stores documents as OCI says."""

    def store(self, tag: str, content: Content) -> None:
        """Put the content there, and the tag on its top."""


class StoredContract(RegistryContract):
    """What registries and layouts must do with the documents that they hold."""

    def resolve(self, repository: StoredRepository, content: Content) -> dict[str, str]:
        repository.store("v1", content)
        found = repository.registry.resolve(self.image(repository), "v1")
        assert found.digest == content.top
        return dict(found.platforms)

    @pytest.mark.parametrize("media_type", ["application/vnd.oci.image.manifest.v1+json", DOCKER_MANIFEST])
    def test_image_without_an_index(self, repository: StoredRepository, media_type: str) -> None:
        content = Content()
        content.image("linux/arm64/v8", media_type=media_type)
        assert self.resolve(repository, content) == {"linux/arm64/v8": content.top}

    def test_docker_manifest_list(self, repository: StoredRepository) -> None:
        content = Content()
        child = content.image("linux/amd64", media_type=DOCKER_MANIFEST)
        content.index([on("linux/amd64", child)], media_type=DOCKER_LIST)
        assert self.resolve(repository, content) == {"linux/amd64": child["digest"]}

    def test_attestations_are_no_platforms(self, repository: StoredRepository) -> None:
        content = Content()
        child = content.image("linux/amd64")
        attestation = content.image("unknown/unknown")
        reference = {"vnd.docker.reference.type": "attestation-manifest"}
        content.index(
            [
                on("linux/amd64", child),
                {**attestation, "annotations": reference},
                on("unknown/unknown", attestation),
            ]
        )
        assert self.resolve(repository, content) == {"linux/amd64": child["digest"]}

    def test_child_without_a_platform_tells_it_itself(self, repository: StoredRepository) -> None:
        content = Content()
        child = content.image("linux/s390x")
        content.index([child])
        assert self.resolve(repository, content) == {"linux/s390x": child["digest"]}

    def test_first_of_two_for_one_platform_counts_as_engines_do(self, repository: StoredRepository) -> None:
        content = Content()
        first, second = content.image("linux/amd64", "1"), content.image("linux/amd64", "2")
        content.index([on("linux/amd64", first), on("linux/amd64", second)])
        assert self.resolve(repository, content) == {"linux/amd64": first["digest"]}

    def test_index_within_an_index_is_refused(self, repository: StoredRepository) -> None:
        content = Content()
        inner = content.index([on("linux/amd64", content.image("linux/amd64"))])
        content.index([inner])
        with pytest.raises(InvalidDeclarations, match="an index within an index"):
            self.resolve(repository, content)

    def test_index_without_images_is_refused(self, repository: StoredRepository) -> None:
        content = Content()
        content.index([on("unknown/unknown", content.image("unknown/unknown"))])
        with pytest.raises(InvalidDeclarations, match="no image for any platform"):
            self.resolve(repository, content)

    def test_chart_is_no_image(self, repository: StoredRepository) -> None:
        content = Content()
        content.image("linux/amd64", config_type="application/vnd.cncf.helm.config.v1+json")
        with pytest.raises(InvalidDeclarations, match=r"not a container image but application/vnd\.cncf\.helm"):
            self.resolve(repository, content)

    def test_image_without_a_platform_is_refused(self, repository: StoredRepository) -> None:
        content = Content()
        config = content.blob(CONFIG, b'{"os": "", "architecture": "amd64"}')
        content.document("application/vnd.oci.image.manifest.v1+json", {"config": config, "layers": []})
        with pytest.raises(InvalidDeclarations, match="its platform is"):
            self.resolve(repository, content)

    @pytest.mark.parametrize("where", ["index", "manifest", "config"])
    def test_revision_wherever_it_stands(self, repository: StoredRepository, where: str) -> None:
        told = {REVISION: "c0ffee"}
        content = Content()
        child = content.image(
            "linux/amd64",
            labels=told if where == "config" else None,
            annotations=told if where == "manifest" else None,
        )
        content.index([on("linux/amd64", child)], annotations=told if where == "index" else None)
        repository.store("v1", content)
        assert repository.registry.resolve(self.image(repository), "v1").revision == "c0ffee"

    def test_document_of_both_kinds_is_refused(self, repository: StoredRepository) -> None:
        content = Content()
        child = content.image("linux/amd64")
        config = content.blob(CONFIG, b'{"os": "linux", "architecture": "amd64"}')
        content.document(INDEX, {"manifests": [on("linux/amd64", child)], "config": config, "layers": []})
        self.refuses_both(repository, content)

    def refuses_both(self, repository: StoredRepository, content: Content) -> None:
        """A registry may refuse to take it; whoever takes it is not believed."""
        repository.store("v1", content)
        with pytest.raises(RegistryUnreachable, match="an index and a manifest at once"):
            repository.registry.resolve(self.image(repository), "v1")


def pushed(content: Content) -> dict[str, str]:
    """What `Repository.push` gives for a content."""
    return {"": content.top, **content.platforms}


def usual(text: str, revision: str | None) -> Content:
    """The content of `Repository.push`."""
    return multi(("linux/amd64", "linux/arm/v7"), text, revision)
