"""A registry that is down, slow, or lies about a digest; a tag that is not there, and one that moves."""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator

import pytest

from releaser.registry.transport import Limits
from tests.contracts.oci_images import INDEX, digest_of, multi
from tests.contracts.scripted_registry import Reply, ScriptedRegistry, Seen
from tests.end_to_end.shop import Shop

HASTY = Limits(connect=0.5, read=0.5, total=1.0, courtesy=0.5, pause=0.01)
SOURCE = 'source: "oci:envs/images/api"'


@pytest.fixture
def registry() -> Iterator[ScriptedRegistry]:
    """The API's images as a registry has them."""
    with ScriptedRegistry() as registry:
        for version in ("v1.3", "v1.4"):
            registry.store("shop/api", version, multi(text=version))
        yield registry


@pytest.fixture
def remote(fresh: Shop, registry: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with its API's image in that registry; v1.3 was delivered to test1 and staging."""
    monkeypatch.setattr("releaser.registry.oci.Limits", lambda: HASTY)
    fresh.edit("envs/pipeline.yaml", SOURCE, f'source: "{registry.host}/shop/api"')
    fresh.promote("v1.3", "test1", "staging")
    registry.seen.clear()
    return fresh


def digest(shop: Shop, version: str) -> str:
    """The digest that a release is registered with."""
    return shop.json("releases", "show", version)["releases"][0]["release"]["images"]["api"]["digest"]


def unused_port() -> int:
    """A port at which nobody answers."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# --- what it may answer ---


def _status(status: int, **headers: str) -> Callable[[Seen], Reply]:
    return lambda _: Reply(status, {"Content-Length": "0", **headers})


def _body(data: bytes, media_type: str = INDEX, **headers: str) -> Callable[[Seen], Reply]:
    return lambda _: Reply(200, {"Content-Type": media_type, **headers}, data)


def _silent(request: Seen) -> Reply:
    """A registry that takes the question and says nothing until the client gives up."""

    def wait(registry: ScriptedRegistry) -> Iterator[bytes]:
        registry.over.wait(HASTY.total * 3)
        yield b""

    return Reply(stream=wait, raw=True)


def _trickling(request: Seen) -> Reply:
    """A byte now and then, for ever."""

    def drip(registry: ScriptedRegistry) -> Iterator[bytes]:
        while not registry.over.wait(0.05):
            yield b" "

    return Reply(200, {"Content-Type": INDEX, "Content-Length": "1000000"}, stream=drip)


LIES = multi(text="another").documents[multi(text="another").top][1]
BAD = {
    # how it behaves → what the message says
    "silent": (_silent, "in time"),
    "trickling": (_trickling, "within"),
    "another digest in the header": (_body(LIES, **{"Docker-Content-Digest": "sha256:" + "0" * 64}), "digest"),
    "no JSON": (_body(b"<html>sign in</html>"), ""),
    "JSON of something else": (_body(b"[]"), ""),
    "an error": (_status(500), "500"),
    "overloaded": (_status(503, **{"Retry-After": "3600"}), "503"),
    "who are you": (_status(401), ""),
    "forbidden": (_status(403), ""),
    "in a circle": (_status(302, Location="/v2/shop/api/manifests/v1.4"), "sends us on"),
}


@pytest.mark.parametrize(("rule", "says"), BAD.values(), ids=BAD)
def test_a_registry_that_cannot_be_believed(
    remote: Shop, registry: ScriptedRegistry, rule: Callable[[Seen], Reply], says: str
) -> None:
    registry.rules.append(rule)
    words = ("promote", "v1.4", "--to", "test1", "--yes")
    remote.refused(*words, code=5, kind="registry-unreachable", says=says, at="envs/pipeline.yaml:8")
    registry.rules.clear()
    remote.promote("v1.4", "test1", "staging")
    remote.clean("staging")


def test_a_digest_that_is_not_that_of_its_content(remote: Shop, registry: ScriptedRegistry) -> None:
    """The content behind a registered digest was replaced: it is not delivered further."""
    remote.promote("v1.4", "test1")
    known = digest(remote, "v1.4")
    registry.rules.append(
        lambda one: (
            Reply(200, {"Content-Type": INDEX, "Docker-Content-Digest": known}, LIES) if known in one.path else None
        )
    )
    assert digest_of(LIES) != known
    remote.refused("promote", "v1.4", "--to", "staging", "--yes", code=5, kind="registry-unreachable", says="digest")


def test_a_registry_that_is_down(remote: Shop) -> None:
    pipeline = (remote.root / "envs/pipeline.yaml").read_text()
    before = remote.delivered("test1")
    remote.promote("v1.4", "test1")
    remote.write("envs/pipeline.yaml", re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{unused_port()}", pipeline))
    for words in (("create", "v1.5"), ("promote", "v1.4", "--to", "staging", "--yes")):
        remote.refused(*words, code=5, kind="registry-unreachable", says="127.0.0.1", at="envs/pipeline.yaml:8")
    # what is delivered already, and the way back, need no registry
    assert remote.json("promote", "v1.3", "--to", "staging", "--yes")["outcome"] == "unchanged"
    assert remote.ok("status", "--live").code == 0
    remote.ok("drift", "--all")
    ran = remote.ok("rollback", "--to", "test1", "--yes")
    assert "the images could not be confirmed" in ran.out + ran.err
    assert remote.delivered("test1") == before


def test_a_tag_that_is_not_there(remote: Shop, registry: ScriptedRegistry) -> None:
    for words in (("create", "v1.9"), ("plan", "v1.9", "--to", "test1"), ("promote", "v1.9", "--to", "test1", "--yes")):
        remote.refused(*words, code=64, kind="image-not-found", says="v1.9", hint="v1.4", at="envs/pipeline.yaml:8")


def test_a_repository_that_is_not_there(remote: Shop, registry: ScriptedRegistry) -> None:
    del registry.tags["shop/api"]
    remote.refused("create", "v1.4", code=64, kind="image-not-found", at="envs/pipeline.yaml:8")


def test_a_tag_that_moves_changes_nothing(remote: Shop, registry: ScriptedRegistry) -> None:
    remote.promote("v1.4", "test1")
    known, compose = digest(remote, "v1.4"), (remote.root / "deploy/test1/compose.yaml").read_bytes()
    registry.store("shop/api", "v1.4", multi(text="moved"))
    assert multi(text="moved").top != known
    registry.seen.clear()
    assert remote.json("promote", "v1.4", "--to", "test1", "--yes")["outcome"] == "unchanged"
    remote.promote("v1.4", "staging", "test2")
    assert digest(remote, "v1.4") == known
    for name in ("test1", "test2", "staging"):
        assert f"@{known}" in (remote.root / f"deploy/{name}/compose.yaml").read_text()
    assert (remote.root / "deploy/test1/compose.yaml").read_bytes() == compose
    assert not any(one.path.endswith("/v1.4") for one in registry.seen), "a tag was looked at again"
    remote.refused("create", "v1.4", code=3, kind="release-conflict", says="v1.4")


def test_a_platform_that_is_missing(remote: Shop, registry: ScriptedRegistry) -> None:
    registry.store("shop/api", "v1.5", multi(("linux/arm64",)))
    remote.refused("promote", "v1.5", "--to", "test1", "--yes", code=64, kind="platform-missing", says="linux/amd64")


def test_credentials_are_in_no_output(remote: Shop, registry: ScriptedRegistry) -> None:
    folder = remote.root.parent / "home/.docker"
    folder.mkdir()
    auth = base64.b64encode(b"ada:c4nary-password").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
    registry.rules.append(lambda _: Reply(401, {"WWW-Authenticate": 'Basic realm="c4nary"', "Content-Length": "0"}))
    found = remote.refused("create", "v1.4", code=5, kind="registry-unreachable")
    said = remote("create", "v1.4", "-v", "--debug")
    for text in (json.dumps(found), said.out, said.err):
        assert "c4nary-password" not in text
        assert auth not in text
