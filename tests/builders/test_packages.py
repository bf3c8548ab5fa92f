"""Code packages: fetched once, held against their sha256, and unpacked without trust."""

import hashlib
import io
import ssl
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from releaser.builders import packages
from releaser.builders.context import generated, packed
from releaser.builders.packages import Member, members
from releaser.model.build import Build, Package, Recipe
from releaser.model.errors import BadArgument, BuildFailed
from tests.end_to_end.test_disks import Disk, full

__all__ = ["full"]


def quiet(_: str) -> None:
    """Nobody listens."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tarred(*infos: tuple[str, bytes | None, dict[str, object]], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, data, words in infos:
            info = tarfile.TarInfo(name)
            info.size = len(data or b"")
            for word, value in words.items():
                setattr(info, word, value)
            tar.addfile(info, io.BytesIO(data or b""))
    return buffer.getvalue()


def zipped(files: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, 0o644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def unpacked(data: bytes, strip: int = 0) -> list[Member]:
    return members(io.BytesIO(data), Package(file="app.tgz", sha256=sha256(data), strip=strip))


FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o700}
PLAIN: dict[str, object] = {}
TAR = tarred(
    ("app-1.0", None, FOLDER),
    ("app-1.0/run", b"#!/bin/sh\n", {"mode": 0o4755, "uid": 1000, "mtime": 99}),
    ("./app-1.0/lib/a.py", b"a", {"mode": 0o600}),
    ("app-1.0/link", None, {"type": tarfile.SYMTYPE, "linkname": "lib/a.py"}),
    ("app-1.0/same", None, {"type": tarfile.LNKTYPE, "linkname": "app-1.0/run"}),
)


def test_an_archive_without_owners_times_and_its_first_folder() -> None:
    assert unpacked(TAR, strip=1) == [
        Member(name="lib/a.py", mode=0o644, data=b"a"),
        Member(name="link", mode=0o777, link="lib/a.py"),
        Member(name="run", mode=0o755, data=b"#!/bin/sh\n"),
        Member(name="same", mode=0o644, data=b"#!/bin/sh\n"),
    ]


def test_a_zip() -> None:
    data = zipped({"run": b"x", "lib/": b"", "lib/link": b"../run"}, {"run": 0o755, "lib/link": stat.S_IFLNK | 0o777})
    assert unpacked(data) == [
        Member(name="lib", mode=0o755),
        Member(name="lib/link", mode=0o777, link="../run"),
        Member(name="run", mode=0o755, data=b"x"),
    ]


HARMFUL = {
    "an absolute name": tarred(("/etc/passwd", b"x", PLAIN)),
    "a way out": tarred(("a/../../x", b"x", PLAIN)),
    "a way out of a zip": zipped({"../x": b"x"}),
    "a name of Windows": zipped({"a\\..\\x": b"x"}),
    "a link out": tarred(("a/b", None, {"type": tarfile.SYMTYPE, "linkname": "../../etc"})),
    "an absolute link": tarred(("a", None, {"type": tarfile.SYMTYPE, "linkname": "/etc"})),
    "a file below a link": tarred(("a", None, {"type": tarfile.SYMTYPE, "linkname": "b"}), ("a/c", b"x", PLAIN)),
    "a device": tarred(("a", None, {"type": tarfile.CHRTYPE})),
    "a pipe": tarred(("a", None, {"type": tarfile.FIFOTYPE})),
    "a file twice": tarred(("a", b"1", PLAIN), ("./a", b"2", PLAIN)),
    "a name that hides": tarred(("a\x1b[2Jb", b"x", PLAIN)),
    "no archive": b"<html>not found</html>" * 50,
    "one that is cut short": TAR[:-40],
    "nothing": b"",
    "an archive of nothing": tarred(),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_means_harm(name: str) -> None:
    with pytest.raises(BadArgument, match=r"the package app\.tgz (has|is no archive)") as refused:
        unpacked(HARMFUL[name])
    assert "\x1b" not in refused.value.message


def test_more_than_a_package_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST", 1000)
    monkeypatch.setattr(packages, "MANY", 3)
    bomb = b"\0" * 2000
    for data in (tarred(("a", bomb, PLAIN)), zipped({"a": bomb}), zipped({str(one): b"" for one in range(4)})):
        with pytest.raises(BadArgument, match=r"more than|larger than"):
            unpacked(data)


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
        self.url = ""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made, authority = Server(), trustme.CA()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, headers, body = made.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as https:
        https.socket = context.wrap_socket(https.socket, server_side=True)
        made.url = f"https://127.0.0.1:{https.server_port}"
        thread = threading.Thread(target=https.serve_forever)
        thread.start()
        yield made
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
    kept.mkdir(parents=True)
    disk = full(kept)
    with pytest.raises(BuildFailed, match=f"cannot be kept in {kept}: No space left") as failed:
        fetch()
    assert failed.value.hint == "make room there"
    assert [one.name for one in kept.iterdir()] == [".ballast"]
    disk.free(8)
    assert fetch() == TAR


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
        assert told == [f"fetching {server.url}/app.tgz, 0 MiB"]
