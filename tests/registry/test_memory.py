import pytest

from releaser.model.errors import ImageNotFound, RegistryUnreachable
from releaser.registry.memory import MemoryRegistry
from tests.contracts.registry_contract import RegistryContract


class Remembered:
    lookup = "registry.example.com/shop/api"

    def __init__(self) -> None:
        self.registry = MemoryRegistry()

    def push(self, tag: str, text: str = "", revision: str | None = None) -> dict[str, str]:
        found = self.registry.push(
            self.lookup, tag, platforms=("linux/amd64", "linux/arm/v7"), content=text, revision=revision
        )
        return {"": found.digest, **found.platforms}


class TestMemory(RegistryContract):
    @pytest.fixture
    def repository(self) -> Remembered:
        return Remembered()

    def test_fails_while_a_failure_is_set(self, repository: Remembered) -> None:
        repository.push("v1")
        repository.registry.failure = RegistryUnreachable("down")
        with pytest.raises(RegistryUnreachable):
            repository.registry.resolve(self.image(repository), "v1")
        repository.registry.failure = None
        assert repository.registry.resolve(self.image(repository), "v1")
        assert repository.registry.asked == [("resolve", repository.lookup, "v1")] * 2

    def test_deleted_digest_is_gone(self, repository: Remembered) -> None:
        digest = repository.push("v1")[""]
        repository.registry.delete(repository.lookup, digest)
        with pytest.raises(ImageNotFound, match=digest):
            repository.registry.confirm(self.image(repository), digest)
