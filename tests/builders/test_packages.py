"""Code packages: fetched once, held against their sha256, and put on a base."""

import hashlib
import io
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from releaser.builders import downloads, packages
from releaser.builders.context import generated, packed
from releaser.model.build import Build, Package, Recipe
from releaser.model.errors import BadArgument, BuildFailed, Interrupted
from tests.builders.test_archives import TAR
from tests.end_to_end.test_disks import Disk, full

__all__ = ["full"]


def quiet(_: str) -> None:
    """Nobody listens."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_package_on_a_base(tmp_path: Path) -> None:
    (tmp_path / "app.tgz").write_bytes(TAR)
    recipe = Recipe(base="r.io/base@sha256:1", user="1000", command=("run", "a b"))
    package = Package(file="app.tgz", sha256=sha256(TAR), strip=1)
    build = Build(image="api", package=package, recipe=recipe)
    data = packed(tmp_path, build, quiet)
    assert data == packed(tmp_path, build, quiet)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {info.name: info for info in tar}
        assert list(found) == ["Dockerfile", "package/lib/a.py", "package/link", "package/run", "package/same"]
        assert {(info.uid, info.gid, info.mtime) for info in found.values()} == {(0, 0, 0)}
        file = tar.extractfile("Dockerfile")
        assert file is not None
        assert file.read().decode() == generated(recipe)
    assert generated(recipe) == (
        'FROM r.io/base@sha256:1\nWORKDIR /app\nCMD ["run", "a b"]\nUSER 1000\nCOPY package/ /app/\n'
    )


def test_a_dockerfile_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "app.tgz").write_bytes(TAR)
    (tmp_path / "deploy").mkdir()
    build = Build(image="api", package=Package(file="app.tgz", sha256=sha256(TAR)), dockerfile="deploy/Dockerfile")
    with pytest.raises(BadArgument, match="deploy/Dockerfile of image api cannot be read"):
        packed(tmp_path, build, quiet)
    (tmp_path / "deploy" / "Dockerfile").write_text("FROM scratch\nCOPY package /\n")
    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path, build, quiet))) as tar:
        file = tar.extractfile("Dockerfile")
        assert file is not None
        assert file.read() == b"FROM scratch\nCOPY package /\n"


def test_another_package_than_the_declared_one(tmp_path: Path) -> None:
    (tmp_path / "app.tgz").write_bytes(TAR)
    build = Build(image="api", package=Package(file="app.tgz", sha256="0" * 64), recipe=Recipe(base="b"))
    with pytest.raises(BuildFailed) as failed:
        packed(tmp_path, build, quiet)
    assert f"its sha256 is {sha256(TAR)}, declared is {'0' * 64}" in failed.value.message
    gone = Build(image="api", package=Package(file="none.tgz", sha256="0" * 64), recipe=Recipe(base="b"))
    with pytest.raises(BadArgument, match=r"none\.tgz cannot be read"):
        packed(tmp_path, gone, quiet)


# --- elsewhere ---


class Server:
    """Packages over HTTPS: path → (status, headers, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.encodings: list[str | None] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.url = ""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made, authority = Server(), trustme.CA()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.encodings.append(self.headers.get("Accept-Encoding"))
            status, headers, body = made.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # who asked may have gone
                self.wfile.write(body[:1])
                assert made.go_on.wait(30)
                self.wfile.write(body[1:])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as https:
        https.socket = context.wrap_socket(https.socket, server_side=True)
        made.url = f"https://127.0.0.1:{https.server_port}"
        thread = threading.Thread(target=https.serve_forever)
        thread.start()
        yield made
        made.go_on.set()
        https.shutdown()
        thread.join()


Fetch = Callable[..., bytes]


@pytest.fixture
def fetch(server: Server, tmp_path: Path) -> Fetch:
    def fetched(path: str = "/app.tgz", digest: str = sha256(TAR)) -> bytes:
        package = Package(url=f"{server.url}{path}", sha256=digest)
        with packages.opened(tmp_path, package, quiet) as file:
            return file.read()

    return fetched


def test_it_is_fetched_once(server: Server, fetch: Fetch, tmp_path: Path) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    server.answers["/old"] = (302, {"Location": "/app.tgz"}, b"")
    assert fetch("/old") == fetch() == TAR
    assert server.asked == ["/old", "/app.tgz"]
    kept = tmp_path / "cache" / "releaser" / "packages" / "sha256" / sha256(TAR)[:2] / sha256(TAR)
    assert kept.read_bytes() == TAR
    kept.write_bytes(b"damaged")
    assert fetch() == TAR
    assert [one.name for one in kept.parent.iterdir()] == [sha256(TAR)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}, TAR + b"x"), "is another one: its sha256 is "),
        ((404, {}, b""), "answers 404"),
        ((200, {"Content-Length": str(len(TAR) + 9)}, TAR), "cut short|cannot be fetched"),
        ((302, {"Location": "http://127.0.0.1/app.tgz"}, b""), "is no https"),
        ((302, {"Location": "/app.tgz"}, b""), "sends us on more than 5 times"),
        ((302, {"Location": "https://[bad"}, b""), "cannot be fetched"),
        ((302, {"Location": "https://127.0.0.1:99999/app.tgz"}, b""), "cannot be fetched"),
        ((302, {"Location": "https://169.254.169.254/latest"}, b""), "169.254.169.254 is a link-local or metadata"),
    ],
)
def test_what_a_server_should_not_send(
    server: Server, fetch: Fetch, answer: tuple[int, dict[str, str], bytes], words: str, tmp_path: Path
) -> None:
    server.answers["/app.tgz"] = answer
    with pytest.raises(BuildFailed, match=words):
        fetch()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_cache_on_a_full_disk(server: Server, fetch: Fetch, full: Callable[[Path], Disk], tmp_path: Path) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    kept = tmp_path / "cache" / "releaser" / "packages" / "sha256" / sha256(TAR)[:2]
    cache = tmp_path / "cache" / "releaser"
    cache.mkdir(parents=True)
    disk = full(cache)
    with pytest.raises(BuildFailed, match=f"cannot be kept in {kept}: No space left") as failed:
        fetch()
    assert failed.value.hint == "make room there"
    assert [one.name for one in cache.rglob("*") if one.is_file()] == [".ballast"]
    disk.free(8)
    assert fetch() == TAR


def test_what_lets_in_whoever_has_it_is_not_told(server: Server, fetch: Fetch) -> None:
    server.answers["/signed.tgz?signature=abc"] = (403, {}, b"")
    server.answers["/app.tgz"] = (302, {"Location": "/signed.tgz?signature=abc"}, b"")
    with pytest.raises(BuildFailed, match=r"/signed\.tgz answers 403") as failed:
        fetch()
    assert "signature" not in f"{failed.value} {failed.value.hint}"


def test_a_server_that_nobody_vouches_for(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with pytest.raises(BuildFailed, match="cannot be fetched"):
        fetch()


def test_what_is_told_while_it_is_fetched(server: Server, tmp_path: Path) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    told: list[str] = []
    with packages.opened(tmp_path, Package(url=f"{server.url}/app.tgz", sha256=sha256(TAR)), told.append):
        assert set(told) == {f"fetching {server.url}/app.tgz, 0 MiB"}


def test_what_is_packed_stays_packed(server: Server, fetch: Fetch) -> None:
    server.answers["/app.tgz"] = (200, {"Content-Encoding": "gzip"}, TAR)
    assert fetch() == TAR
    assert server.encodings == ["identity"]


def test_a_declared_url_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BuildFailed, match=r"the package https://\[bad/x cannot be fetched: it is no URL"):
        packages.opened(tmp_path, Package(url="https://[bad/x", sha256="0" * 64), quiet).__enter__()


def test_each_byte_of_a_slow_server_is_seen(server: Server, tmp_path: Path) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    server.go_on.clear()

    def stop(_: str) -> None:
        raise Interrupted("broken off")

    with pytest.raises(Interrupted):
        packages.opened(tmp_path, Package(url=f"{server.url}/app.tgz", sha256=sha256(TAR)), stop).__enter__()
    assert not server.go_on.is_set()


def test_a_server_that_never_ends(server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/app.tgz"] = (200, {}, TAR)
    server.go_on.clear()
    monkeypatch.setattr(downloads, "_WHOLE", 0.0)
    with pytest.raises(BuildFailed, match="takes more than 0s"):
        fetch()


def test_the_proxy_is_asked_for_what_is_elsewhere(
    server: Server, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server.answers["/app.tgz"] = (200, {}, TAR)
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://bob:canary-proxy@127.0.0.1:{proxy.server_port}")
        package = Package(url="https://packages.test/app.tgz", sha256=sha256(TAR))
        with pytest.raises(BuildFailed, match="cannot be fetched") as failed:
            packages.opened(tmp_path, package, quiet).__enter__()
        assert fetch() == TAR, "this machine is not elsewhere"
        proxy.shutdown()
        thread.join()
    assert asked == ["packages.test:443"]
    assert "HTTPS_PROXY" in str(failed.value.hint)
    assert "canary-proxy" not in failed.value.message
