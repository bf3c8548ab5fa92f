"""Pulls: what is there is not pulled, what is wrong is said, and who no longer waits is let go."""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from releaser.engines.moby import platforms, pulls
from releaser.engines.moby.client import Client
from releaser.engines.moby.platforms import several
from releaser.model.errors import ApplyFailed, EngineUnreachable, Interrupted
from releaser.registry.engine_logins import EngineLogins
from releaser.registry.logins import DockerLogins
from tests.engines.images import HERE, OTHER, Images
from tests.engines.moby import stub
from tests.engines.recording import recorded

DIGEST = "sha256:" + "a" * 64
NEW = uuid.uuid4().hex  # the version of images that no engine has
REFERENCE = f"registry.test:5000/shop/api@{DIGEST}"
INSPECTED = {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64", "RepoDigests": [REFERENCE]}
INFO = {"OSType": "linux", "Architecture": "x86_64"}

Require = Callable[[str], str]


def silent(_: str) -> None:
    """Hears how far a pull is."""


# --- what is what ---


@pytest.mark.parametrize(
    ("digests", "reference", "expected"),
    [
        ([REFERENCE], REFERENCE, True),
        ([f"registry.test:5000/shop/api@sha256:{'b' * 64}", REFERENCE], REFERENCE, True),
        ([f"registry.test:5000/shop/web@{DIGEST}"], REFERENCE, False),
        ([f"mirror.test/shop/api@{DIGEST}"], REFERENCE, False),
        ([], REFERENCE, False),
        (None, REFERENCE, False),
        ([f"redis@{DIGEST}"], f"docker.io/library/redis@{DIGEST}", True),
        ([f"redis@{DIGEST}"], f"redis@{DIGEST}", True),
        ([f"bitnami/redis@{DIGEST}"], f"docker.io/bitnami/redis@{DIGEST}", True),
        ([f"bitnami/redis@{DIGEST}"], f"docker.io/library/redis@{DIGEST}", False),
    ],
)
def test_an_image_is_known_by_repository_and_digest(digests: list[str] | None, reference: str, expected: bool) -> None:
    assert pulls.has({"Id": DIGEST, "RepoDigests": digests}, reference) is expected


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("redis", "docker.io"),
        ("bitnami/redis@sha256:1", "docker.io"),
        ("docker.io/library/redis", "docker.io"),
        ("index.docker.io/library/redis", "docker.io"),
        ("localhost/x", "localhost"),
        ("registry.test:5000/shop/api", "registry.test:5000"),
        ("ghcr.io/x/y", "ghcr.io"),
    ],
)
def test_the_registry_of_a_reference(reference: str, registry: str) -> None:
    assert pulls.registry_of(reference) == registry


@pytest.mark.parametrize(
    ("have", "wanted", "expected"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64", "linux/amd64", False),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm/v6", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/386", "linux/amd64", True),
        ("linux/arm/v7", "linux/arm64", True),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_what_runs_where(have: str, wanted: str, expected: bool) -> None:
    assert platforms.serves(have, wanted) is expected


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv7l", "linux/arm/v7"), ("riscv64", "linux/riscv64")],
)
def test_the_platform_of_an_engine(architecture: str, platform: str) -> None:
    assert platforms.of_engine({"OSType": "linux", "Architecture": architecture}) == platform


# --- an engine that says what we want it to ---


class Pulling:
    """An engine that has the image after a pull; the pull's lines are given."""

    def __init__(self, *lines: object, architecture: str = "amd64", there: bool = False) -> None:
        self.lines = lines
        self.architecture = architecture
        self.there = there
        self.over = threading.Event()
        self.hold: threading.Event | None = None
        self.broken_off = threading.Event()
        self.pulls: list[str] = []
        self.logins: list[str | None] = []

    def answers(self) -> dict[str, object]:
        return {"GET /info": INFO, f"GET /images/{REFERENCE}/json": self.inspect, "POST /images/create": self.pull}

    def inspect(self, handler: BaseHTTPRequestHandler) -> None:
        inspected = {**INSPECTED, "Architecture": self.architecture}
        handler.reply(inspected if self.there else (404, {"message": "No such image"}))

    def pull(self, handler: BaseHTTPRequestHandler) -> None:
        self.pulls.append(handler.path.partition("?")[2])
        self.logins.append(handler.headers["X-Registry-Auth"])
        if self.hold:
            self.hold.wait(20)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for line in self.lines:
                if line is ...:
                    while not self.over.wait(0.05):
                        self.chunk(handler, b'{"status":"Downloading","id":"one"}\r\n')
                else:
                    self.chunk(handler, line if isinstance(line, bytes) else json.dumps(line).encode() + b"\r\n")
            self.there = True
            handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.broken_off.set()

    @staticmethod
    def chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


@pytest.fixture
def pulling(tmp_path: Path) -> Iterator[Callable[..., tuple[Client, Pulling]]]:
    """`pulling(LINE, …)`: a client, and the engine that pulls so."""
    with stub.engine(tmp_path) as served:
        client = Client(served.host)

        def start(*lines: object, **words: object) -> tuple[Client, Pulling]:
            engine = Pulling(*lines, **words)
            served.answers.update(engine.answers())
            return client, engine

        yield start
        client.close()


Start = Callable[..., tuple[Client, Pulling]]


def test_what_is_there_is_not_pulled(pulling: Start) -> None:
    client, engine = pulling(there=True)
    assert client.pull(REFERENCE, "linux/amd64", silent) == INSPECTED
    assert engine.pulls == []


def test_how_far_it_is(pulling: Start) -> None:
    client, engine = pulling(
        {"status": "Pulling from shop/api", "id": DIGEST[:12]},
        {"status": "Pulling fs layer", "id": "one"},
        b'{"status":"Already exists",',
        b'"id":"two"}\r\nnot json\r\n["nor a map"]\r\n',
        {"status": "Pull complete", "id": "one"},
        {"status": f"Digest: {DIGEST}"},
    )
    heard: list[str] = []

    assert client.pull(REFERENCE, "linux/amd64", heard.append) == INSPECTED
    assert list(dict.fromkeys(heard)) == [
        "pulling",
        "pulling, 0/1 layers",
        "pulling, 1/2 layers",
        "pulling, 2/2 layers",
    ]
    assert engine.pulls == [
        f"fromImage={REFERENCE.replace('@', '%40').replace(':', '%3A').replace('/', '%2F')}&platform=linux%2Famd64"
    ]


def test_what_goes_wrong_on_the_way_is_an_error(pulling: Start) -> None:
    said = "failed to register layer: write /bin/x: no space left on device"
    client, _ = pulling({"status": "Downloading", "id": "one"}, {"errorDetail": {"message": said}, "error": said})

    with pytest.raises(ApplyFailed) as found:
        client.pull(REFERENCE, None, silent)
    assert found.value.message == f"the engine's disk is full while it pulls {REFERENCE}: {said}"
    assert "docker image prune" in str(found.value.hint)


def test_a_pull_that_leaves_nothing(pulling: Start) -> None:
    client, _ = pulling({"error": "odd {image} {0}"})
    with pytest.raises(ApplyFailed, match=r"cannot be pulled: odd \{image\} \{0\}") as found:
        client.pull(REFERENCE, None, silent)
    assert found.value.hint == f"docker pull {REFERENCE}"


def test_another_platform_is_refused(pulling: Start) -> None:
    client, _ = pulling({"status": "Pull complete", "id": "one"}, architecture="arm64")
    for platform in (None, "linux/amd64"):
        with pytest.raises(ApplyFailed, match="is for linux/arm64, and linux/amd64 is needed"):
            client.pull(REFERENCE, platform, silent)


def test_who_no_longer_waits_breaks_it_off(pulling: Start) -> None:
    client, engine = pulling({"status": "Downloading", "id": "one"}, ...)

    def stop(text: str) -> None:
        if "layers" in text:
            raise Interrupted("stopped")

    began = time.monotonic()
    with pytest.raises(Interrupted):
        client.pull(REFERENCE, None, stop)
    assert engine.broken_off.wait(5)
    assert time.monotonic() - began < 5
    assert client.info() == INFO, "the engine is still spoken to"


def test_who_no_longer_waits_in_silence_is_heard(pulling: Start) -> None:
    hush = threading.Event()
    client, engine = pulling()
    engine.lines = Hushed(hush)
    heard: list[str] = []

    def stop(text: str) -> None:
        heard.append(text)
        if len(heard) > 2:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        client.pull(REFERENCE, None, stop)
    hush.set()


class Hushed:
    """Lines that do not come until somebody says so."""

    def __init__(self, until: threading.Event) -> None:
        self.until = until

    def __iter__(self) -> Iterator[object]:
        self.until.wait(10)
        yield {"status": "Pull complete", "id": "one"}


def test_who_no_longer_waits_for_the_first_word_is_heard(pulling: Start) -> None:
    """An engine answers only when it has found the image: a registry that hangs makes it silent."""
    client, engine = pulling()
    engine.hold = threading.Event()
    began = time.monotonic()

    def stop(text: str) -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        client.pull(REFERENCE, None, stop)
    assert time.monotonic() - began < 5
    assert len(engine.pulls) == 1
    engine.hold.set()


def test_an_engine_that_says_nothing_more(pulling: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls, "_SILENCE", 0.5)
    hush = threading.Event()
    client, engine = pulling()
    engine.lines = Hushed(hush)
    with pytest.raises(EngineUnreachable, match="does not answer within"):
        client.pull(REFERENCE, None, silent)
    hush.set()


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ('Get "https://registry.test/v2/": no basic auth credentials', "the registry refuses to give"),
        ("pull access denied for shop/api, repository does not exist or may require 'docker login'", "refuses to give"),
        ("unauthorized: incorrect username or password", "refuses to give"),
        ("manifest for registry.test/shop/api@sha256:1 not found: manifest unknown", "the registry has no"),
        ("no matching manifest for linux/s390x in the manifest list entries", "has no image for the engine's platform"),
        ("dial tcp: lookup registry.test: no such host", "the engine does not reach the registry"),
        ("net/http: TLS handshake timeout", "the engine does not reach the registry"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "does not reach"),
        ("http: server gave HTTP response to HTTPS client", "does not reach"),
    ],
)
def test_the_engines_words_and_ours(said: str, ours: str) -> None:
    found = pulls.explained(said, REFERENCE)
    assert ours in found.message
    assert said in found.message
    assert found.hint


# --- logins ---


def test_the_login_goes_along(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    auth = base64.b64encode(b"me:canary").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {"registry.test:5000": {"auth": auth}}}))
    engine = Pulling({"status": "Pull complete", "id": "one"})
    with stub.engine(tmp_path, engine.answers()) as served:
        client = Client(served.host, EngineLogins(DockerLogins({"DOCKER_CONFIG": str(folder)})))
        client.pull(REFERENCE, None, silent)
        client.close()

        assert client.auth("elsewhere.test/x") == {}
        assert Client(served.host).auth(REFERENCE) == {}
    [header] = engine.logins
    assert json.loads(base64.urlsafe_b64decode(str(header)))["password"] == "canary"


def test_a_helper_that_hangs_fails_the_pull_in_time(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-slow"
    helper.write_text("#!/bin/sh\nexec sleep 60\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "slow"}')
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    engine = Pulling({"status": "Pull complete", "id": "one"})
    with stub.engine(tmp_path, engine.answers()) as served:
        client = Client(served.host, EngineLogins(DockerLogins(environ, limit=2.5)))
        began = time.monotonic()
        with pytest.raises(ApplyFailed, match=rf"no login for {REFERENCE}: .*docker-credential-slow did not answer"):
            client.pull(REFERENCE, None, silent)
        assert time.monotonic() - began < 5

        engine.there = True
        assert client.pull(REFERENCE, None, silent) == INSPECTED, "what is there needs no login"
        client.close()
    assert engine.pulls == []


# --- the real engine ---


@pytest.fixture
def fresh(images: Images, client: Client) -> Iterator[Images]:
    """Images that the engine does not have, in a repository of their own; removed from the engine afterwards."""
    own = Images(images.registry, images.busybox, name=f"releaser-test/{uuid.uuid4().hex}")
    yield own
    forget(client, own)


def forget(client: Client, images: Images) -> None:
    for image in client.call("GET", "/images/json", params={"filters": {"reference": [f"{images.repository}"]}}):
        for reference in image["RepoDigests"]:
            if reference.startswith(f"{images.repository}@"):  # the same image may have other names, of others
                client.call("DELETE", f"/images/{reference}")


@pytest.mark.engines
@pytest.mark.oldest
class TestRealEngine:
    def test_pulled_once(self, client: Client, engine_host: str, fresh: Images) -> None:
        reference = fresh.sleep(NEW)
        assert client.pull(reference, None, silent)["RepoDigests"] == [reference]
        with recorded(engine_host) as recording:
            again = Client(recording.host)
            assert again.pull(reference, f"linux/{HERE}", silent)["Architecture"] == HERE
            again.close()
        assert recording.lines() == ["GET /version", f"GET /images/{reference}/json"]

    def test_an_index_is_known_by_its_own_digest_and_by_its_childs(self, client: Client, fresh: Images) -> None:
        index, here, other = fresh.index(NEW)

        assert client.pull(index, None, silent)["Architecture"] == HERE
        both = client.pull(here, f"linux/{HERE}", silent)
        assert here in both["RepoDigests"]
        again = client.pull(index, None, silent)
        if not several(client.info()):  # where images are in containerd, an index is an image of its own
            assert again["Id"] == both["Id"]
            assert index in both["RepoDigests"]

        with pytest.raises(ApplyFailed, match=f"is for linux/{OTHER}, and linux/{HERE} is needed"):
            client.pull(other, None, silent)
        assert client.call("GET", "/containers/json", params={"all": True, "filters": {"ancestor": [other]}}) == []

    @pytest.mark.parametrize("platform", [None, f"linux/{HERE}"])
    def test_an_image_for_another_platform(self, client: Client, fresh: Images, platform: str | None) -> None:
        reference = fresh.other(NEW)
        for _ in range(2):  # the engine keeps what it pulled, and still it is not what is needed
            with pytest.raises(ApplyFailed, match=f"is for linux/{OTHER}, and linux/{HERE} is needed"):
                client.pull(reference, platform, silent)
        assert client.pull(reference, f"linux/{OTHER}", silent)["Architecture"] == OTHER

    def test_a_platform_that_an_index_lacks(self, client: Client, fresh: Images) -> None:
        with pytest.raises(ApplyFailed, match="has no image for the engine's platform: "):
            client.pull(fresh.index(NEW)[0], "linux/s390x", silent)

    def test_two_platforms_of_one_index(self, client: Client, fresh: Images) -> None:
        index, _, _ = fresh.index(NEW)
        client.pull(index, None, silent)
        # Where images are in containerd it keeps both, and shows its own alone: whether it has the other is not known.
        shown = f"is for linux/{HERE}, and linux/{OTHER} is needed"
        said = shown if several(client.info()) else f"cannot keep it for linux/{OTHER} beside that"
        with pytest.raises(ApplyFailed, match=said) as found:
            client.pull(index, f"linux/{OTHER}", silent)
        assert said == shown or f"docker image rm {index}" in str(found.value.hint)

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            (f"{{registry}}/releaser-test/nothing@{DIGEST}", "the registry has no .*(manifest unknown|not found)"),
            (f"127.0.0.1:1/x@{DIGEST}", "the engine does not reach the registry of .*connection refused"),
            (f"registry.invalid/x@{DIGEST}", "the engine does not reach the registry of .*lookup registry.invalid"),
        ],
    )
    def test_what_cannot_be_pulled(self, client: Client, images: Images, reference: str, said: str) -> None:
        with pytest.raises(ApplyFailed, match=said):
            client.pull(reference.format(registry=images.registry), None, silent)


@pytest.mark.engines
@pytest.mark.oldest
class TestPrivateRegistry:
    @pytest.fixture
    def private(self, require: Require, client: Client) -> Iterator[Images]:
        user, password = (require(f"RELEASER_TEST_PRIVATE_REGISTRY_{part}") for part in ("USER", "PASSWORD"))
        own = Images(
            require("RELEASER_TEST_PRIVATE_REGISTRY"),
            Path(require("RELEASER_TEST_BUSYBOX")),
            name=f"releaser-test/{uuid.uuid4().hex}",
            headers={"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()},
            ca=require("RELEASER_TEST_PRIVATE_REGISTRY_CA"),
        )
        yield own
        forget(client, own)

    @staticmethod
    def logged_in(folder: Path, images: Images, login: str | None = None) -> EngineLogins:
        auth = images.headers["Authorization"].removeprefix("Basic ") if login is None else login
        (folder / "config.json").write_text(json.dumps({"auths": {images.registry: {"auth": auth}}}))
        return EngineLogins(DockerLogins({"DOCKER_CONFIG": str(folder)}))

    def test_with_the_users_login(self, private: Images, engine_host: str, tmp_path: Path) -> None:
        client = Client(engine_host, self.logged_in(tmp_path, private))
        reference = private.sleep(NEW)
        assert client.pull(reference, None, silent)["RepoDigests"] == [reference]
        client.close()

    def test_without_a_login(self, private: Images, client: Client) -> None:
        with pytest.raises(ApplyFailed, match=r"refuses to give .*no basic auth credentials") as found:
            client.pull(private.sleep(NEW), None, silent)
        assert found.value.hint == f"docker login {private.registry}, as the user who delivers"

    def test_with_a_wrong_password(self, private: Images, engine_host: str, tmp_path: Path) -> None:
        login = base64.b64encode(b"releaser:canary-password").decode()
        client = Client(engine_host, self.logged_in(tmp_path, private, login))
        with pytest.raises(ApplyFailed, match="refuses to give") as found:
            client.pull(private.sleep(NEW), None, silent)
        assert "canary" not in f"{found.value.message} {found.value.hint}"
        client.close()
