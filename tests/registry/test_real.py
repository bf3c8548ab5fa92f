"""The contract against real registries: one in plain HTTP on loopback, one over TLS that asks for a login."""

import base64
import ssl
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from releaser.model.environment import RegistrySettings
from releaser.model.errors import ImageNotFound, RegistryUnreachable
from releaser.model.image import Image
from releaser.registry.images import Images
from tests.contracts.oci_images import Content, multi
from tests.contracts.registry_contract import StoredContract, pushed, usual

pytestmark = pytest.mark.engines

Require = Callable[[str], str]


class Real:
    """A new repository of a real registry; pushing is the protocol's own: blobs, then manifests."""

    def __init__(
        self, base: str, images: Images, context: ssl.SSLContext | None = None, login: str | None = None
    ) -> None:
        host = base.partition("://")[2]
        self._path = f"releaser-test/{uuid.uuid4().hex}"
        self._base = f"{base}/v2/{self._path}"
        self._headers = {"Authorization": login} if login else {}
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=10)
        self.lookup = f"{host}/{self._path}"
        self.registry = images

    def push(self, tag: str, text: str = "", revision: str | None = None) -> dict[str, str]:
        content = usual(text, revision)
        self.store(tag, content)
        return pushed(content)

    def store(self, tag: str, content: Content) -> None:
        for digest, data in content.blobs.items():
            opened = self._send("POST", f"{self._base}/blobs/uploads/", 202, b"", "")
            location = opened.headers["location"]
            separator = "&" if "?" in location else "?"
            self._send("PUT", f"{location}{separator}digest={digest}", 201, data, "application/octet-stream")
        for digest, (media_type, data) in content.documents.items():
            self._send("PUT", f"{self._base}/manifests/{digest}", 201, data, media_type)
        media_type, data = content.documents[content.top]
        self._send("PUT", f"{self._base}/manifests/{tag}", 201, data, media_type)

    def _send(self, method: str, url: str, expected: int, body: bytes, media_type: str) -> urllib3.BaseHTTPResponse:
        headers = {**self._headers, "Content-Type": media_type} if media_type else self._headers
        answer = self._pool.request(method, url, body=body, headers=headers)
        assert answer.status == expected, f"{method}: {answer.status} {answer.data!r}"
        return answer


class RealContract(StoredContract):
    """A real registry does not take every odd document; what it takes is asked for."""

    def test_document_of_both_kinds_is_refused(self, repository: Real) -> None:
        with pytest.raises((AssertionError, RegistryUnreachable)):
            super().test_document_of_both_kinds_is_refused(repository)


class TestRegistry(RealContract):
    @pytest.fixture
    def repository(self, require: Require, tmp_path: Path) -> Real:
        host = require("RELEASER_TEST_REGISTRY")
        return Real(f"http://{host}", Images(tmp_path, {}))


class TestPrivateRegistry(RealContract):
    @pytest.fixture
    def repository(self, require: Require, tmp_path: Path, logged_in: Callable[..., None]) -> Real:
        host = require("RELEASER_TEST_PRIVATE_REGISTRY")
        ca = require("RELEASER_TEST_PRIVATE_REGISTRY_CA")
        user, password = (require(f"RELEASER_TEST_PRIVATE_REGISTRY_{part}") for part in ("USER", "PASSWORD"))
        logged_in(host, user, password)
        login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        context = ssl.create_default_context(cafile=ca)
        return Real(f"https://{host}", Images(tmp_path, {host: RegistrySettings(ca=ca)}), context, login)

    def test_without_a_login(self, repository: Real, tmp_path: Path) -> None:
        repository.push("v1")
        (tmp_path / "docker" / "config.json").unlink()
        with pytest.raises(RegistryUnreachable, match="asks for a login and none is stored"):
            repository.registry.resolve(Image(name="x", repository=repository.lookup), "v1")

    def test_with_a_wrong_password(self, repository: Real, logged_in: Callable[..., None]) -> None:
        repository.push("v1")
        logged_in(repository.lookup.partition("/")[0], "releaser", "canary-password")
        with pytest.raises(RegistryUnreachable, match="refuses the login") as failure:
            repository.registry.resolve(Image(name="x", repository=repository.lookup), "v1")
        assert "canary" not in f"{failure.value.message}{failure.value.hint}"

    def test_without_its_authority(self, repository: Real, tmp_path: Path) -> None:
        with pytest.raises(RegistryUnreachable, match="speaks TLS and was asked without") as failure:
            Images(tmp_path, {}).resolve(Image(name="x", repository=repository.lookup), "v1")
        assert "{ca: FILE}" in str(failure.value.hint)


def test_image_of_another_repository_is_not_there(require: Require, tmp_path: Path) -> None:
    host = require("RELEASER_TEST_REGISTRY")
    one, other = (Real(f"http://{host}", Images(tmp_path, {})) for _ in range(2))
    content = multi()
    one.store("v1", content)
    other.push("v1")
    assert one.registry.confirm(Image(name="x", repository=one.lookup), content.top) == content.platforms
    with pytest.raises(ImageNotFound, match=content.top):
        other.registry.confirm(Image(name="x", repository=other.lookup), content.top)
