"""Tags to digests over HTTP, against a registry that follows a script."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from releaser.model.environment import RegistrySettings
from releaser.model.errors import ImageNotFound, InvalidDeclarations, RegistryUnreachable
from releaser.model.image import Image
from releaser.registry.images import Images
from releaser.registry.oci import DistributionRegistry
from releaser.registry.transport import Limits
from tests.contracts.oci_images import DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST, Content, multi
from tests.contracts.registry_contract import StoredContract, pushed, usual
from tests.contracts.scripted_registry import Reply, Rule, ScriptedRegistry, Seen

QUICK = Limits(connect=5, read=5, total=15, pause=0.01)


class Remote:
    """A repository of a scripted registry."""

    def __init__(self, server: ScriptedRegistry) -> None:
        self.server = server
        self.lookup = f"{server.host}/shop/api"
        self.registry = DistributionRegistry(Path(), {}, limits=QUICK)
        server.tags["shop/api"] = {}

    def push(self, tag: str, text: str = "", revision: str | None = None) -> dict[str, str]:
        content = usual(text, revision)
        self.store(tag, content)
        return pushed(content)

    def store(self, tag: str, content: Content) -> None:
        self.server.store("shop/api", tag, content)


class TestScripted(StoredContract):
    @pytest.fixture
    def repository(self, scripted: ScriptedRegistry) -> Remote:
        return Remote(scripted)


@pytest.fixture
def remote(scripted: ScriptedRegistry) -> Remote:
    return Remote(scripted)


def image(remote: Remote) -> Image:
    return Image(name="api", repository=remote.lookup)


def on_head(change: Callable[[Reply], Reply | None], server: ScriptedRegistry) -> Rule:
    """The usual answer to HEAD, changed."""

    def rule(request: Seen) -> Reply | None:
        return change(server.usual(request)) if request.method == "HEAD" else None

    return rule


def without(header: str) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(reply.status, {k: v for k, v in reply.headers.items() if k != header}, reply.body)


def with_header(header: str, value: str) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(reply.status, {**reply.headers, header: value}, reply.body)


def test_accept_is_one_header_with_commas(remote: Remote) -> None:
    remote.push("v1")
    remote.registry.resolve(image(remote), "v1")
    accepted = {one.headers["accept"] for one in remote.server.seen if "manifests" in one.path}
    assert accepted == {f"{INDEX}, {DOCKER_LIST}, {MANIFEST}, {DOCKER_MANIFEST}"}


def test_requests_are_counted(remote: Remote) -> None:
    digests = remote.push("v1")
    child = digests["linux/amd64"]
    remote.registry.resolve(image(remote), "v1")
    assert remote.server.lines()[:3] == ["HEAD manifests/v1", f"GET manifests/{digests['']}", f"GET manifests/{child}"]
    assert len(remote.server.seen) == 4  # and the labels
    remote.server.seen.clear()
    remote.registry.confirm(image(remote), digests[""])
    assert remote.server.lines() == [f"HEAD manifests/{digests['']}"]


def test_confirm_alone_is_one_request(remote: Remote) -> None:
    digest = remote.push("v1")[""]
    remote.registry.confirm(image(remote), digest)
    assert remote.server.lines() == [f"GET manifests/{digest}"]


def test_what_was_there_before_is_asked_for_again(remote: Remote) -> None:
    digest = remote.push("v1")[""]
    remote.registry.confirm(image(remote), digest)
    del remote.server.documents[digest]
    with pytest.raises(ImageNotFound, match=digest):
        remote.registry.confirm(image(remote), digest)


@pytest.mark.parametrize(
    "change",
    [
        without("Docker-Content-Digest"),
        with_header("Docker-Content-Digest", "sha512:" + "0" * 128),
        with_header("Docker-Content-Digest", "nonsense"),
        without("Content-Type"),
        with_header("Content-Type", "application/json"),
        *(lambda _, status=status: Reply(status) for status in (400, 403, 405, 406, 415, 501)),
    ],
)
def test_head_that_says_too_little_is_followed_by_get(remote: Remote, change: Callable[[Reply], Reply]) -> None:
    digest = remote.push("v1")[""]
    remote.server.rules = [on_head(change, remote.server)]
    assert remote.registry.resolve(image(remote), "v1").digest == digest
    assert remote.server.lines()[:2] == ["HEAD manifests/v1", "GET manifests/v1"]


def test_digest_header_is_never_needed(remote: Remote) -> None:
    digest = remote.push("v1")[""]
    remote.server.rules = [lambda request: without("Docker-Content-Digest")(remote.server.usual(request))]
    assert remote.registry.resolve(image(remote), "v1").digest == digest


def test_parameters_of_a_content_type_do_not_matter(remote: Remote) -> None:
    digest = remote.push("v1")[""]
    remote.server.rules = [
        lambda request: (
            with_header("Content-Type", f"{INDEX.upper()} ; charset=utf-8")(remote.server.usual(request))
            if request.path.endswith(("v1", digest))
            else None
        )
    ]
    assert remote.registry.resolve(image(remote), "v1").digest == digest
    assert remote.server.lines()[:2] == ["HEAD manifests/v1", f"GET manifests/{digest}"]


def test_old_schema_is_refused(remote: Remote) -> None:
    body = b'{"schemaVersion": 1, "name": "shop/api", "tag": "v1", "fsLayers": []}'
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    digest = "sha256:" + "5" * 64
    remote.server.rules = [lambda _: Reply(200, {"Content-Type": kind, "Docker-Content-Digest": digest}, body)]
    remote.server.rules.insert(0, lambda one: Reply(200, {"Content-Type": kind}, body) if one.method == "GET" else None)
    with pytest.raises(InvalidDeclarations, match="old schema 1"):
        remote.registry.resolve(image(remote), "v1")


def test_tag_that_moves_meanwhile_gives_what_head_said(remote: Remote) -> None:
    first = remote.push("v1", "first")[""]

    def move(request: Seen) -> None:
        if request.method == "GET":
            remote.push("v1", "second")

    remote.server.rules = [move]
    assert remote.registry.resolve(image(remote), "v1").digest == first


def test_platform_that_was_not_copied_does_not_hide_the_others(remote: Remote) -> None:
    digests = remote.push("v1")
    del remote.server.documents[digests["linux/amd64"]]
    found = remote.registry.resolve(image(remote), "v1")
    assert found.digest == digests[""]
    assert found.revision is None


def test_unknown_repository(remote: Remote) -> None:
    remote.server.tags.clear()
    with pytest.raises(ImageNotFound, match=f"{remote.lookup}: there is no such repository"):
        remote.registry.resolve(image(remote), "v1")


def test_repository_without_tags(remote: Remote) -> None:
    with pytest.raises(ImageNotFound, match="has no tag v1"):
        remote.registry.resolve(image(remote), "v1")


@pytest.mark.parametrize(
    "reply", [Reply(403), Reply(500), Reply(200, {}, b"<html>"), Reply(200, {}, b'{"tags": null}')]
)
def test_list_of_tags_is_a_courtesy(remote: Remote, reply: Reply) -> None:
    remote.push("v1")
    remote.server.rules = [lambda request: reply if "/tags/" in request.path else None]
    with pytest.raises(ImageNotFound, match="has no tag v2"):
        remote.registry.resolve(image(remote), "v2")


@pytest.mark.parametrize("tag", ["v1+build", "a b", "../v1", "-v1", "", "v" * 129, "v1\n", "ü"])
def test_what_cannot_be_a_tag_is_never_asked(remote: Remote, tag: str) -> None:
    with pytest.raises(InvalidDeclarations, match="cannot be a tag"):
        remote.registry.resolve(image(remote), tag)
    assert remote.server.seen == []


def test_what_cannot_be_a_digest_is_never_asked(remote: Remote) -> None:
    with pytest.raises(InvalidDeclarations, match="no sha256 digest"):
        remote.registry.confirm(image(remote), "sha256:../../x")
    assert remote.server.seen == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_trouble_passes(remote: Remote, status: int) -> None:
    digest = remote.push("v1")[""]
    troubles = [Reply(status), Reply(status, {"Retry-After": "0"})]
    remote.server.rules = [lambda _: troubles.pop() if troubles else None]
    assert remote.registry.resolve(image(remote), "v1").digest == digest


def test_lasting_trouble_is_told_after_few_attempts(remote: Remote) -> None:
    remote.server.rules = [lambda _: Reply(503)]
    with pytest.raises(RegistryUnreachable, match=r"an error of its own \(503\)"):
        remote.registry.resolve(image(remote), "v1")
    assert len(remote.server.seen) == QUICK.attempts


@pytest.mark.parametrize("after", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 40])
def test_registry_that_asks_to_wait_long_is_not_hammered(remote: Remote, after: str) -> None:
    remote.server.rules = [lambda _: Reply(429, {"Retry-After": after})]
    with pytest.raises(RegistryUnreachable, match=r"too many requests \(429\) and asks to wait \d+ s"):
        remote.registry.resolve(image(remote), "v1")
    assert len(remote.server.seen) == 1


def test_wait_that_is_asked_for_is_kept(remote: Remote) -> None:
    digest = remote.push("v1")[""]
    troubles = [Reply(429, {"Retry-After": "1"})]
    remote.server.rules = [lambda _: troubles.pop() if troubles else None]
    start = time.monotonic()
    assert remote.registry.resolve(image(remote), "v1").digest == digest
    assert time.monotonic() - start >= 1


def test_longest_pause_is_a_limit(remote: Remote) -> None:
    remote.registry = DistributionRegistry(Path(), {}, limits=Limits(longest_pause=0.5))
    remote.server.rules = [lambda _: Reply(503, {"Retry-After": "1"})]
    with pytest.raises(RegistryUnreachable, match="asks to wait 1 s"):
        remote.registry.resolve(image(remote), "v1")
    assert len(remote.server.seen) == 1


@pytest.mark.parametrize("after", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "٣"])
def test_wait_that_cannot_be_read_is_a_short_one(remote: Remote, after: str) -> None:
    digest = remote.push("v1")[""]
    troubles = [Reply(429, {"Retry-After": after.encode().decode("latin-1")})]
    remote.server.rules = [lambda _: troubles.pop() if troubles else None]
    assert remote.registry.resolve(image(remote), "v1").digest == digest


@pytest.mark.parametrize("status", [418, 451, 505])
def test_other_status_is_told(remote: Remote, status: int) -> None:
    remote.server.rules = [lambda _: Reply(status)]
    with pytest.raises(RegistryUnreachable, match=f"answers {status}"):
        remote.registry.resolve(image(remote), "v1")


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        registry = DistributionRegistry(Path(), {}, limits=QUICK)
        with pytest.raises(RegistryUnreachable, match=f"{host}/shop/api: .*{host}: connection refused") as failure:
            registry.resolve(Image(name="api", repository=f"{host}/shop/api"), "v1")
    assert f"check that {host} is up" in str(failure.value.hint)


def test_connection_that_nobody_takes() -> None:
    limits = Limits(connect=0.3, read=0.3, total=0.6, pause=0.01)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(RegistryUnreachable, match=f"{host}/shop/api: .*(in time|within)"):
            DistributionRegistry(Path(), {}, limits=limits).resolve(
                Image(name="api", repository=f"{host}/shop/api"), "v1"
            )
    assert time.monotonic() - start < 5


def test_list_of_tags_is_waited_for_shortly(remote: Remote) -> None:
    def never(server: ScriptedRegistry) -> Iterator[bytes]:
        server.over.wait()
        yield b""

    remote.registry = DistributionRegistry(Path(), {}, limits=Limits(courtesy=0.2))
    remote.push("v1")
    remote.server.rules = [lambda request: Reply(stream=never, raw=True) if "/tags/" in request.path else None]
    start = time.monotonic()
    with pytest.raises(ImageNotFound, match="has no tag v2"):
        remote.registry.resolve(image(remote), "v2")
    assert time.monotonic() - start < 5


def test_own_authority(secure: Callable[[str, str], ScriptedRegistry], ca: str) -> None:
    server = secure("registry.test", "198.51.100.1")
    content = multi()
    server.store("shop/api", "v1", content)
    wanted = Image(name="api", repository="registry.test/shop/api")
    images = Images(Path(ca).parent, {"registry.test": RegistrySettings(ca=Path(ca).name)})
    assert images.resolve(wanted, "v1").digest == content.top
    with pytest.raises(RegistryUnreachable, match="certificate") as failure:
        DistributionRegistry(Path(), {}, limits=QUICK).resolve(wanted, "v1")
    assert "{ca: FILE}" in str(failure.value.hint)


def test_loopback_with_an_authority_speaks_tls(certificate: Callable[[str], trustme.LeafCert], ca: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate("127.0.0.1").configure_cert(context)
    content = multi()
    with ScriptedRegistry(context) as server:
        server.store("shop/api", "v1", content)
        registry = DistributionRegistry(Path(), {server.host: RegistrySettings(ca=ca)}, limits=QUICK)
        assert registry.resolve(Image(name="api", repository=f"{server.host}/shop/api"), "v1").digest == content.top


def test_certificate_of_another_host(secure: Callable[[str, str], ScriptedRegistry], network, ca: str) -> None:
    network.place("other.test", "198.51.100.1", secure("registry.test", "198.51.100.1"))
    registry = DistributionRegistry(Path(), {"other.test": RegistrySettings(ca=ca)}, limits=QUICK)
    with pytest.raises(RegistryUnreachable, match=r"certificate at other\.test that cannot be trusted"):
        registry.resolve(Image(name="api", repository="other.test/shop/api"), "v1")


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_authority_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "own.pem").write_text(content)
    registry = DistributionRegistry(tmp_path, {"registry.test": RegistrySettings(ca="own.pem")}, limits=QUICK)
    with pytest.raises(InvalidDeclarations, match=r"ca: own\.pem"):
        registry.resolve(Image(name="api", repository="registry.test/shop/api"), "v1")


def test_plain_http_only_where_declared(scripted: ScriptedRegistry, network) -> None:
    network.place("registry.test", "198.51.100.1", scripted, port=5000)
    content = multi()
    scripted.store("shop/api", "v1", content)
    wanted = Image(name="api", repository="registry.test:5000/shop/api")
    plain = DistributionRegistry(Path(), {"registry.test:5000": RegistrySettings(insecure=True)}, limits=QUICK)
    assert plain.resolve(wanted, "v1").digest == content.top
    scripted.seen.clear()
    with pytest.raises(RegistryUnreachable, match="TLS") as failure:
        DistributionRegistry(Path(), {}, limits=QUICK).resolve(wanted, "v1")
    assert "insecure: true" in str(failure.value.hint)
    assert scripted.seen == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_loopback_never_goes_through_a_proxy(
    scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    content = multi()
    scripted.store("shop/api", "v1", content)
    wanted = Image(name="api", repository=f"{name}:{scripted.port}/shop/api")
    assert DistributionRegistry(Path(), {}, limits=QUICK).resolve(wanted, "v1").digest == content.top


def proxied(scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch) -> DistributionRegistry:
    monkeypatch.setenv("http_proxy", f"http://bob:canary-proxy@{scripted.host}")
    settings = {host: RegistrySettings(insecure=True) for host in ("registry.test", "10.1.2.3")}
    return DistributionRegistry(Path(), settings, limits=QUICK)


def test_proxy_is_asked_for_the_rest(scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = proxied(scripted, monkeypatch)
    seen: list[Seen] = []

    def keep(request: Seen) -> Reply:
        seen.append(request)
        return Reply(404)

    scripted.rules = [keep]
    with pytest.raises(ImageNotFound):
        registry.resolve(Image(name="api", repository="registry.test/shop/api"), "v1")
    assert seen[0].path == "http://registry.test/v2/shop/api/manifests/v1"
    assert seen[0].headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest", "http://[fd00:ec2::254]/", "http://127.0.0.1:2375/", "http://localhost/"],
)
def test_proxy_is_not_asked_for_what_is_never_asked(
    scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    registry = proxied(scripted, monkeypatch)
    scripted.rules = [lambda _: Reply(307, {"Location": target})]
    with pytest.raises(RegistryUnreachable, match=r"link-local or metadata|this machine"):
        registry.resolve(Image(name="api", repository="registry.test/shop/api"), "v1")
    assert [one.path for one in scripted.seen] == ["http://registry.test/v2/shop/api/manifests/v1"]


@pytest.mark.parametrize(
    ("host", "excluded"), [("registry.test", "registry.test"), ("registry.test", ".test"), ("10.1.2.3", "10.0.0.0/8")]
)
def test_no_proxy_is_respected(
    scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch, network, host: str, excluded: str
) -> None:
    registry = proxied(scripted, monkeypatch)
    monkeypatch.setenv("no_proxy", f"else.test,{excluded}")
    network.names["registry.test"] = [["10.1.2.3"]]
    with pytest.raises(RegistryUnreachable, match="connection refused"):
        registry.resolve(Image(name="api", repository=f"{host}/shop/api"), "v1")
    assert ("10.1.2.3", 80) in network.asked
    assert scripted.seen == []


def test_proxys_login_is_in_no_message(scripted: ScriptedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = proxied(scripted, monkeypatch)
    scripted.rules = [lambda _: Reply(407)]
    with pytest.raises(RegistryUnreachable) as failure:
        registry.resolve(Image(name="api", repository="registry.test/shop/api"), "v1")
    assert "canary-proxy" not in f"{failure.value.message} {failure.value.hint}"


def test_proxy_that_is_down_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://bob:canary-proxy@127.0.0.1:1")
    with pytest.raises(RegistryUnreachable, match="through the proxy") as failure:
        DistributionRegistry(Path(), {}, limits=QUICK).resolve(Image(name="x", repository="registry.test/a"), "v1")
    assert "HTTPS_PROXY" in str(failure.value.hint)
    assert "canary-proxy" not in f"{failure.value.message} {failure.value.hint}"
