"""A registry that means harm: nothing is given away, nobody is asked who should not be, and every wait ends.

The registry has a login to steal and a token that it was given; `evil.test` is where it would have them sent.
"""

import base64
import gzip
import ipaddress
import json
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from releaser.model.environment import RegistrySettings
from releaser.model.errors import ImageNotFound, InvalidDeclarations, RegistryUnreachable, ReleaseError
from releaser.model.image import Image
from releaser.registry.oci import DistributionRegistry
from releaser.registry.transport import Limits
from tests.contracts.oci_images import CONFIG, INDEX, MANIFEST, REVISION, Content, digest_of, multi, on
from tests.contracts.scripted_registry import Network, Reply, Rule, ScriptedRegistry, Seen

PATIENT = Limits(connect=5, read=5, total=15, pause=0.01)
HASTY = Limits(connect=0.4, read=0.4, total=0.8, pause=0.01)
LATE = r"in time|within 0\.8 s"
IMAGE = Image(name="api", repository="registry.test/shop/api")
BASIC = "Basic " + base64.b64encode(b"ada:canary-password").decode()
TOKEN = "Bearer canary-token"
LINK_LOCAL = [ipaddress.ip_network(net) for net in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128")]


class Scene:
    """The registry, the other host, and the names that the hostile one points at."""

    def __init__(self, registry: ScriptedRegistry, evil: ScriptedRegistry, network: Network, ca: str) -> None:
        self.registry = registry
        self.evil = evil
        self.network = network
        self.content = multi()
        registry.store("shop/api", "v1", self.content)
        evil.store("shop/api", "v1", self.content)
        self._settings = {"registry.test": RegistrySettings(ca=ca)}
        self.wait(PATIENT)
        registry.rules = [
            lambda one: Reply(200, {}, b'{"token": "canary-token"}') if one.path == "/token" else None,
            lambda one: (
                Reply(401, {"WWW-Authenticate": 'Bearer realm="https://registry.test/token"'})
                if one.authorization != TOKEN
                else None
            ),
        ]
        network.names |= {
            "metadata.evil.test": [["169.254.169.254"]],
            "own.evil.test": [["127.0.0.1"]],
            "mixed.evil.test": [["198.51.100.66", "169.254.169.254"]],
            "localhost": [["127.0.0.1"]],
        }

    def wait(self, limits: Limits) -> None:
        """Ask with these limits from now on."""
        self.limits = limits
        self.client = DistributionRegistry(Path(), self._settings, limits=limits)

    def behave(self, rule: Rule, *, first: bool = False) -> None:
        """Do this once we have shown our token, or before."""
        self.registry.rules.insert(0 if first else len(self.registry.rules), rule)

    def check(self) -> None:
        """Nothing was given away, and nobody was asked who should not be."""
        for one in self.evil.seen:
            assert one.authorization is None
            assert b"canary" not in one.body
            assert "canary" not in one.path + one.query
        for address, _ in self.network.asked:
            ip = ipaddress.ip_address(address)
            assert not any(ip in net for net in LINK_LOCAL)
            assert not ip.is_loopback
            assert not ip.is_unspecified
        assert self.registry.sent + self.evil.sent < 64 << 20


@pytest.fixture
def scene(
    secure: Callable[[str, str], ScriptedRegistry], network: Network, ca: str, logged_in: Callable[..., None]
) -> Iterator[Scene]:
    logged_in("registry.test")
    scene = Scene(secure("registry.test", "198.51.100.1"), secure("evil.test", "198.51.100.66"), network, ca)
    yield scene
    scene.check()


def refusal(scene: Scene) -> ReleaseError:
    """The error that ends the question: in time, in words that a terminal can show, without a secret."""
    start = time.monotonic()
    with pytest.raises((RegistryUnreachable, ImageNotFound, InvalidDeclarations)) as failure:
        scene.client.resolve(IMAGE, "v1")
    assert time.monotonic() - start < scene.limits.total + 2
    error = failure.value
    assert error.message.startswith("registry.test/shop/api: ")
    assert error.message.isprintable()
    assert len(error.message) < 500
    assert error.hint
    told: BaseException | None = error
    while told is not None:
        assert "canary" not in f"{told} {told!r}"
        assert "ada:" not in str(told)
        told = told.__cause__ or told.__context__
    return error


def sends_to(target: str, status: int = 307) -> Rule:
    return lambda _: Reply(status, {"Location": target})


REDIRECTS = {
    "plain metadata": ("http://169.254.169.254/latest/meta-data", "from HTTPS to plain HTTP"),
    "plain itself": ("http://registry.test/v2/shop/api/manifests/v1", "from HTTPS to plain HTTP"),
    "metadata": ("https://169.254.169.254/latest/meta-data", "link-local or metadata"),
    "metadata by name": ("https://metadata.evil.test/", "link-local or metadata"),
    "metadata as a number": ("https://2852039166/", "link-local or metadata"),
    "metadata in octal": ("https://0251.0376.0251.0376/", "link-local or metadata"),
    "metadata mapped": ("https://[::ffff:169.254.169.254]/", "link-local or metadata"),
    "metadata through NAT64": ("https://[64:ff9b::a9fe:a9fe]/", "link-local or metadata"),
    "metadata through 6to4": ("https://[2002:a9fe:a9fe::1]/", "link-local or metadata"),
    "metadata of AWS in IPv6": ("https://[fd00:ec2::254]/", "link-local or metadata"),
    "metadata of Alibaba": ("https://100.100.100.200/", "link-local or metadata"),
    "link-local IPv6": ("https://[fe80::1]/", "link-local or metadata"),
    "one good address and a bad one": ("https://mixed.evil.test/", "link-local or metadata"),
    "loopback": ("https://127.0.0.1:2375/containers/json", "is this machine"),
    "loopback short": ("https://127.1/", "is this machine"),
    "loopback IPv6": ("https://[::1]/", "is this machine"),
    "loopback mapped": ("https://[::ffff:127.0.0.1]/", "is this machine"),
    "loopback by name": ("https://localhost/", "is this machine"),
    "loopback by its own name": ("https://own.evil.test/", "is this machine"),
    "no address": ("https://0.0.0.0/", "not the address of a machine"),
    "multicast": ("https://224.0.0.1/", "not the address of a machine"),
    "file": ("file:///etc/passwd", "cannot be followed"),
    "ftp": ("ftp://evil.test/", "cannot be followed"),
    "data": ("data:text/plain,canary", "cannot be followed"),
    "login in the address": ("https://ada:x@evil.test/", "cannot be followed"),
    "broken brackets": ("https://[::1/", "cannot be read"),
    "broken port": ("https://evil.test:99999/", "cannot be read"),
    "unknown name": ("https://nowhere.test/", "no address is known for nowhere.test"),
    "loop": ("https://registry.test/v2/shop/api/manifests/v1", "more than 3 times"),
}


@pytest.mark.parametrize(("target", "told"), REDIRECTS.values(), ids=REDIRECTS)
def test_redirect(scene: Scene, target: str, told: str) -> None:
    scene.behave(sends_to(target))
    assert told in refusal(scene).message


@pytest.mark.parametrize("target", [target for target, _ in REDIRECTS.values()], ids=REDIRECTS)
def test_token_server_that_redirects(scene: Scene, target: str) -> None:
    scene.behave(lambda one: Reply(302, {"Location": target}) if one.path == "/token" else None, first=True)
    refusal(scene)


@pytest.mark.parametrize(
    "realm",
    [target for target, _ in REDIRECTS.values() if target.startswith("http") and "registry.test" not in target],
)
def test_token_server_somewhere_else(scene: Scene, realm: str) -> None:
    scene.behave(lambda _: Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}), first=True)
    refusal(scene)


def test_token_server_elsewhere_gets_nothing_by_a_redirect(scene: Scene) -> None:
    scene.evil.rules = [lambda _: Reply(200, {}, b'{"token": "mine"}')]
    scene.behave(
        lambda one: Reply(302, {"Location": "https://evil.test/t"}) if one.path == "/token" else None, first=True
    )
    refusal(scene)
    assert scene.evil.seen


def test_redirect_with_what_no_request_can_hold(scene: Scene) -> None:
    scene.behave(sends_to("https://evil.test/a b\x7f"))
    refusal(scene)


def test_name_that_changes_its_address(scene: Scene) -> None:
    """Resolved once a connection, and the address that was checked is the one that is asked."""
    scene.network.names["evil.test"] = [["198.51.100.66"], ["169.254.169.254"]]
    scene.evil.rules = [lambda _: Reply(307, {"Location": "https://evil.test/again", "Connection": "close"})]
    scene.behave(sends_to("https://evil.test/"))
    assert "link-local" in refusal(scene).message
    assert len(scene.evil.seen) == 1


def test_chain_of_redirects_ends(scene: Scene) -> None:
    scene.behave(lambda one: Reply(302, {"Location": one.path + "x"}))
    assert "more than 3 times" in refusal(scene).message
    assert len([one for one in scene.registry.seen if one.method == "HEAD"]) == 1 + 4


def forever(chunk: bytes, pause: float = 0.0) -> Callable[[ScriptedRegistry], Iterator[bytes]]:
    def chunks(registry: ScriptedRegistry) -> Iterator[bytes]:
        while not registry.over.wait(pause):
            yield chunk

    return chunks


def once(*chunks: bytes) -> Callable[[ScriptedRegistry], Iterator[bytes]]:
    return lambda _: iter(chunks)


def then_nothing(*chunks: bytes) -> Callable[[ScriptedRegistry], Iterator[bytes]]:
    def stream(registry: ScriptedRegistry) -> Iterator[bytes]:
        yield from chunks
        registry.over.wait()

    return stream


def drops(registry: ScriptedRegistry, start: bytes) -> Iterator[bytes]:
    yield start
    yield from forever(b"x", 0.05)(registry)


def endless_header(registry: ScriptedRegistry) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from forever(b"X: " + b"y" * 60_000 + b"\r\n")(registry)


KIND = {"Content-Type": INDEX}
BIG = b" " * 65536
STREAMS = {
    "endless body": (Reply(200, KIND, stream=forever(BIG)), "more than 4194304 bytes"),
    "a terabyte": (
        Reply(200, {**KIND, "Content-Length": str(1 << 40)}, stream=forever(BIG)),
        "more than 4194304 bytes",
    ),
    "body in drops": (Reply(200, KIND, stream=forever(b" ", 0.05)), LATE),
    "body that stops": (Reply(200, {**KIND, "Content-Length": "99"}, stream=then_nothing(b"{")), LATE),
    "nothing at all": (Reply(stream=then_nothing(), raw=True), LATE),
    "status in drops": (Reply(stream=forever(b"H", 0.05), raw=True), LATE),
    "headers in drops": (Reply(stream=lambda r: drops(r, b"HTTP/1.1 200 OK\r\nX: "), raw=True), LATE),
    "endless 100 Continue": (
        Reply(stream=forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), raw=True),
        LATE,
    ),
    "connection closed": (Reply(stream=once(), raw=True), "does not answer at registry.test"),
    "no HTTP": (Reply(stream=once(b"SSH-2.0-OpenSSH_9.2\r\n"), raw=True), "does not answer at registry.test"),
    "a long header": (Reply(stream=once(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20)), raw=True), "registry.test"),
    "many headers": (
        Reply(stream=once(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999 + b"\r\n"), raw=True),
        "registry.test",
    ),
    "endless header": (Reply(stream=endless_header, raw=True), "registry.test"),
    "length that is none": (Reply(200, {**KIND, "Content-Length": "many"}, b"{}"), LATE),
    "negative length": (Reply(200, {**KIND, "Content-Length": "-5"}, b"{}"), LATE),
    "body cut short": (Reply(200, {**KIND, "Content-Length": "99"}, stream=once(b"{}")), "does not answer"),
    "chunks that are none": (Reply(200, {**KIND, "Transfer-Encoding": "chunked"}, stream=once(b"zz\r\n")), "registry"),
    "compressed": (Reply(200, {**KIND, "Content-Encoding": "gzip"}, gzip.compress(b" " * (1 << 22))), "compressed"),
}


@pytest.mark.parametrize(("reply", "told"), STREAMS.values(), ids=STREAMS)
def test_answer_that_wears_us_out(scene: Scene, reply: Reply, told: str) -> None:
    scene.behave(lambda one: Reply(405) if one.method == "HEAD" and not reply.raw else reply)
    scene.wait(HASTY if told == LATE else PATIENT)
    tracemalloc.start()
    try:
        message = refusal(scene).message
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.search(told, message)
    assert peak < 48 << 20


@pytest.mark.parametrize("name", ["endless body", "headers in drops", "nothing at all", "no HTTP", "compressed"])
def test_token_server_that_wears_us_out(scene: Scene, name: str) -> None:
    reply, told = STREAMS[name]
    scene.wait(HASTY if told == LATE else PATIENT)
    scene.behave(lambda one: reply if one.path == "/token" else None, first=True)
    assert re.search(told, refusal(scene).message)


def manifest(body: bytes, headers: dict[str, str] | None = None) -> Rule:
    """This answer to every GET of a manifest, HEAD refused."""
    reply = Reply(200, KIND if headers is None else headers, body)
    return lambda one: Reply(405) if one.method == "HEAD" else reply if "/manifests/" in one.path else None


def with_child(**words: object) -> bytes:
    child = {"mediaType": MANIFEST, "digest": "sha256:" + "1" * 64, "size": 2, **words}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).encode()


ESCAPE = {"os": "linux\x1b]52;c;Y2FuYXJ5\x07", "architecture": "amd64\r\n\u202e"}
BODIES = {
    "web page": (b"<html>", {"Content-Type": "text/html; charset=utf-8"}, "a web page"),
    "no JSON": (b"hello", KIND, "cannot be read"),
    "nothing": (b"", KIND, "cannot be read"),
    "no UTF-8": (b'{"schemaVersion": 2, "mediaType": "\xff"}', KIND, "cannot be read"),
    "deep JSON": (b"[" * 1_000_000, KIND, "cannot be read"),
    "deep unknown field": (b'{"x":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_001, KIND, "cannot be read"),
    "wrong shape": (b'{"schemaVersion": 2, "manifests": {"a": 1}}', KIND, "cannot be read"),
    "huge number": (b'{"schemaVersion": 2, "manifests": [{"size": 1e999}]}', KIND, "cannot be read"),
    "list": (b"[]", KIND, "cannot be read"),
    "no version": (b"{}", KIND, "not an OCI or Docker schema 2 image"),
    "other type": (b'{"schemaVersion": 2}', {"Content-Type": "application/x-evil\x1b[31m"}, "of the kind"),
    "type and body differ": (with_child(), {"Content-Type": MANIFEST}, "calls itself"),
    "no children": (b'{"schemaVersion": 2, "manifests": []}', KIND, "no image for any platform"),
    "child outside": (with_child(digest="sha256:../../../etc/passwd"), KIND, "no sha256 digest"),
    "child with line breaks": (with_child(digest="sha256:\n\x1b[31mx"), KIND, "no sha256 digest"),
    "child of another hash": (with_child(digest="sha512:" + "0" * 128), KIND, "no sha256 digest"),
    "index in an index": (with_child(mediaType=INDEX), KIND, "an index within an index"),
    "terminal codes": (with_child(platform=ESCAPE), KIND, "says that its platform is"),
    "slashes in a platform": (with_child(platform={"os": "a/b", "architecture": "c/d"}), KIND, "its platform is"),
    "manifest without parts": (b'{"schemaVersion": 2}', {"Content-Type": MANIFEST}, "no config or layers"),
}


@pytest.mark.parametrize(("body", "headers", "told"), BODIES.values(), ids=BODIES)
def test_document_that_is_none(scene: Scene, body: bytes, headers: dict[str, str], told: str) -> None:
    scene.behave(manifest(body, headers))
    assert told in refusal(scene).message


def test_head_names_a_digest_that_is_not_there(scene: Scene) -> None:
    nowhere = "sha256:" + "6" * 64
    scene.behave(
        lambda one: Reply(200, {**KIND, "Docker-Content-Digest": nowhere}) if one.path.endswith("/v1") else None
    )
    message = refusal(scene).message
    assert f"says that v1 is {nowhere}, but does not have it" in message


def test_other_content_than_the_digest(scene: Scene) -> None:
    other = multi(text="other").documents
    _, data = next(iter(other.values()))
    scene.behave(lambda one: Reply(200, KIND, data) if one.path.endswith(scene.content.top) else None)
    assert "lies about a digest" in refusal(scene).message


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_other_header_than_the_content(scene: Scene, by: str) -> None:
    top = scene.content.top
    lie = Reply(200, {**KIND, "Docker-Content-Digest": "sha256:" + "6" * 64}, scene.content.documents[top][1])
    scene.behave(lambda one: Reply(405) if one.method == "HEAD" and by == "tag" else None)
    scene.behave(lambda one: lie if one.method == "GET" and one.path.endswith(("/v1", top)) else None)
    assert "lies about a digest: it sends" in refusal(scene).message


def test_confirm_is_not_fooled_either(scene: Scene) -> None:
    _, data = multi(text="other").documents[multi(text="other").top]
    scene.behave(lambda one: Reply(200, KIND, data) if "/manifests/" in one.path else None)
    with pytest.raises(RegistryUnreachable, match="lies about a digest"):
        scene.client.confirm(IMAGE, scene.content.top)


@pytest.mark.parametrize(
    ("size", "told"), [(-1, "-1 bytes"), (1 << 40, "1099511627776 bytes"), (5, "lies about"), ("5", "cannot be read")]
)
def test_configuration_of_a_wrong_size(scene: Scene, size: object, told: str) -> None:
    config = {"mediaType": CONFIG, "digest": digest_of(b"five."), "size": size}
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
    scene.behave(manifest(json.dumps(body).encode(), {"Content-Type": MANIFEST}))
    scene.behave(lambda one: Reply(200, {}, b"six...") if "/blobs/" in one.path else None)
    assert told in refusal(scene).message


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"config": {"Labels": 3}}', b"{" * 100_000])
def test_configuration_that_is_none(scene: Scene, data: bytes) -> None:
    content = Content()
    config = content.blob(CONFIG, data)
    content.document(MANIFEST, {"config": config, "layers": []})
    scene.registry.store("shop/api", "v1", content)
    assert "cannot be read" in refusal(scene).message


def test_configuration_of_an_endless_list_of_children_ends(scene: Scene) -> None:
    """Each child without a platform costs two requests; the time for the whole question ends it."""
    content = Content()
    content.index([content.image("linux/amd64", str(number)) for number in range(2000)])
    scene.registry.store("shop/api", "v1", content)
    scene.behave(lambda one: Reply(200, {}, stream=slowly(scene, one)) if "/blobs/" in one.path else None)
    scene.wait(HASTY)
    assert re.search(LATE, refusal(scene).message)


def slowly(scene: Scene, one: Seen) -> Callable[[ScriptedRegistry], Iterator[bytes]]:
    def stream(registry: ScriptedRegistry) -> Iterator[bytes]:
        registry.over.wait(0.1)
        yield scene.registry.blobs[one.path.rpartition("/")[2]]

    return stream


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"token": ""}',
        b'{"token": "a\\r\\nX-Evil: canary"}',
        b'{"token": "with space"}',
        b'{"token": {"canary": 1}}',
        b'{"token": "' + b"x" * 70_000 + b'"}',
        b'{"token": "\xc3\xa4"}',
        b'{"token": "x", "expires_in": "canary"}',
        b"[" * 200_000,
    ],
)
def test_token_that_is_none(scene: Scene, body: bytes) -> None:
    scene.behave(lambda one: Reply(200, {}, body) if one.path == "/token" else None, first=True)
    assert "answers no token" in refusal(scene).message


@pytest.mark.parametrize("status", [204, 302, 404, 418, 500])
def test_token_server_that_answers_otherwise(scene: Scene, status: int) -> None:
    scene.behave(lambda one: Reply(status, {}) if one.path == "/token" else None, first=True)
    refusal(scene)


def test_401_for_ever(scene: Scene) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://registry.test/token"'}
    scene.behave(lambda one: Reply(401, challenge) if one.path != "/token" else None, first=True)
    refusal(scene)
    assert len(scene.registry.seen) == 3


def test_token_echoed_back_is_in_no_message(scene: Scene) -> None:
    scene.behave(lambda one: Reply(418, {"X": str(one.authorization)}, str(one.authorization).encode()))
    assert "answers 418" in refusal(scene).message


def test_token_echoed_back_as_a_redirect_is_in_no_message(scene: Scene) -> None:
    scene.behave(lambda one: Reply(307, {"Location": f"ftp://evil.test/{one.authorization}"}))
    refusal(scene)


def test_cookies_are_not_kept(scene: Scene) -> None:
    def bake(one: Seen) -> Reply:
        reply = scene.registry.usual(one)
        return Reply(reply.status, {**reply.headers, "Set-Cookie": "id=1; Path=/"}, reply.body)

    scene.behave(bake)
    scene.client.resolve(IMAGE, "v1")
    assert all("cookie" not in one.headers for one in scene.registry.seen)


def test_commit_with_terminal_codes_is_made_harmless(scene: Scene) -> None:
    content = Content()
    child = content.image("linux/amd64")
    content.index([on("linux/amd64", child)], annotations={REVISION: "abc\x1b]0;evil\x07\r\n\u202e" + "x" * 999})
    scene.registry.store("shop/api", "v1", content)
    revision = scene.client.resolve(IMAGE, "v1").revision
    assert revision is not None
    assert revision.startswith("abc?]0;evil???")
    assert revision.isprintable()
    assert len(revision) < 200


def test_tags_with_terminal_codes_are_not_shown(scene: Scene) -> None:
    tags = json.dumps({"tags": ["v1\x1b[31m", "v2\r\nforged", "v9"]}).encode()
    scene.behave(lambda one: Reply(200, {}, tags) if "/tags/" in one.path else Reply(404))
    assert "it has v9" in str(refusal(scene).hint)


@pytest.mark.parametrize("answer", ["slow", "big"])
def test_list_of_tags_cannot_wear_us_out(scene: Scene, answer: str) -> None:
    scene.wait(HASTY if answer == "slow" else PATIENT)
    stream = forever(b" ", 0.05) if answer == "slow" else forever(BIG)
    scene.behave(lambda one: Reply(200, {}, stream=stream) if "/tags/" in one.path else Reply(404))
    assert "has no tag v1" in refusal(scene).message
