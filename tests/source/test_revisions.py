"""Against a real git: the commit of a revision, here and elsewhere, and its files as a tar."""

import hashlib
import os
import shutil
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from releaser.builders import packages
from releaser.builders.archives import members
from releaser.model.build import Package
from releaser.model.errors import BadArgument, BuildFailed, Interrupted
from releaser.source.git import GitSource
from releaser.source.revisions import archived
from tests.end_to_end.test_disks import Disk, full

__all__ = ["full"]
pytestmark = pytest.mark.usefixtures("installed_git")


def git(root: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}
    names = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *names, *words], cwd=root, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "x")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch=main")
    committed(made, app__run_py="one\n", other_txt="x")
    git(made, "tag", "v1")
    return made


def commit(root: Path, revision: str, repository: str | None = None, told: list[str] | None = None) -> str:
    return GitSource(root).commit(revision, repository, (told if told is not None else []).append)


def files(root: Path, package: Package) -> dict[str, bytes | None]:
    with packages.opened(root, package, [].append) as file:
        return {member.name: member.data for member in members(file, package)}


def test_the_files_of_a_commit_and_not_those_of_today(root: Path) -> None:
    first = commit(root, "v1")
    committed(root, app__run_py="two\n")
    (root / "app" / "run.py").write_text("three\n")
    package = Package(git="v1", commit=first)
    assert files(root, package) == {"app": None, "app/run.py": b"one\n", "other.txt": b"x"}
    assert files(root, Package(git="v1", commit=first, path="app/")) == {"run.py": b"one\n"}
    assert commit(root, "main~1") == commit(root, first[:9]) == first != commit(root, "main")


def test_its_sha256_is_that_of_git_archive(root: Path) -> None:
    first = commit(root, "v1")
    told = subprocess.run(["git", "archive", "--format=tar", "v1", "app"], cwd=root, capture_output=True, check=True)
    digest = hashlib.sha256(told.stdout).hexdigest()
    assert files(root, Package(git="v1", commit=first, path="app", sha256=digest)) == {"run.py": b"one\n"}
    with pytest.raises(BuildFailed, match=f"the package git v1 is another one: its sha256 is .* declared is {digest}"):
        files(root, Package(git="v1", commit=first, sha256=digest))


@pytest.mark.parametrize("revision", ["v9", "main..v1", "v1:app", "v1^{tree}"])
def test_a_revision_that_is_no_commit(root: Path, revision: str) -> None:
    with pytest.raises(BadArgument, match="git knows no revision"):
        commit(root, revision)


def test_where_there_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="git knows no revision"):
        commit(tmp_path, "v1")


def test_where_there_is_no_git(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadArgument, match="and git was not found"):
        commit(root, "v1")


def test_no_setting_changes_what_is_archived(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = committed(root, _gitattributes="*.py filter=evil\n", app__run_py="one\n\n")
    evil = f"touch {tmp_path}/evil; cat"
    git(root, "config", "filter.evil.smudge", evil)
    git(root, "config", "tar.umask", "0777")
    (tmp_path / ".gitconfig").write_text(f'[filter "evil"]\n\tsmudge = "{evil}"\n[core]\n\tautocrlf = true\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files(root, Package(git="main", commit=first, path="app")) == {"run.py": b"one\n\n"}
    with archived(root, first, None, None) as file, tarfile.open(fileobj=file) as tar:
        assert tar.getmember("other.txt").mode == 0o664
    assert not (tmp_path / "evil").exists()


def test_no_attributes_of_the_user_change_it(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = committed(root, read_md="one\n", run_py="two\n")
    attributes = tmp_path / ".config" / "git" / "attributes"
    attributes.parent.mkdir(parents=True)
    attributes.write_text("*.md export-ignore\n*.py text eol=crlf\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = files(root, Package(git="main", commit=first))
    assert (found["read.md"], found["run.py"]) == (b"one\n", b"two\n")


def test_no_attributes_of_the_system_change_it(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where they lie is built into git, so it is asked whether it would look."""
    asked = tmp_path / "bin" / "git"
    asked.parent.mkdir()
    asked.write_text(f'#!/bin/sh\necho "$1 $GIT_ATTR_NOSYSTEM" >> {tmp_path}/asked\nexec {shutil.which("git")} "$@"\n')
    asked.chmod(0o755)
    first = commit(root, "v1")
    monkeypatch.setenv("PATH", f"{asked.parent}:{os.environ['PATH']}")
    files(root, Package(git="v1", commit=first))
    assert "archive 1" in (tmp_path / "asked").read_text().splitlines()


def test_a_repository_whose_objects_are_elsewhere(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "--quiet", str(tmp_path / "beside"), "v1")
    assert files(tmp_path / "beside", Package(git="v1", commit=commit(tmp_path / "beside", "HEAD"), path="app"))
    git(tmp_path, "clone", "--quiet", "--shared", str(root), str(tmp_path / "shared"))
    assert files(tmp_path / "shared", Package(git="v1", commit=commit(tmp_path / "shared", "HEAD"), path="app"))


def test_a_repository_with_other_digests(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    found = committed(tmp_path, run_py="x")
    assert len(found) == 64
    assert files(tmp_path, Package(git="HEAD", commit=commit(tmp_path, "HEAD"))) == {"run.py": b"x"}


def test_what_a_package_of_git_cannot_have(root: Path, tmp_path: Path) -> None:
    pointer = committed(root, app__model_bin="version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(BadArgument, match=r"has app/model\.bin, which Git LFS keeps elsewhere"):
        files(root, Package(git="main", commit=pointer))
    with pytest.raises(BadArgument, match=r"there is no folder none in [0-9a-f]{12}"):
        files(root, Package(git="main", commit=pointer, path="none"))
    other = tmp_path / "inner"
    other.mkdir()
    git(other, "init", "--quiet")
    committed(other, a="a")
    git(root, "submodule", "--quiet", "add", str(other), "lib/inner")
    with_submodule = committed(root, b="b")
    with pytest.raises(BadArgument, match="has the submodule lib/inner"):
        files(root, Package(git="main", commit=with_submodule))


# --- another repository ---


class Handler(BaseHTTPRequestHandler):
    """Git's own server over HTTP: https://git-scm.com/docs/git-http-backend."""

    projects: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length") or 0)
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.projects),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(size),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        said = subprocess.run(
            ["git", "http-backend"], env=environ, input=self.rfile.read(size), capture_output=True, check=True
        ).stdout
        head, _, body = said.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def elsewhere(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(Handler, "projects", root.parent, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as https:
        https.socket = context.wrap_socket(https.socket, server_side=True)
        thread = threading.Thread(target=https.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{https.server_port}/project"
        https.shutdown()
        thread.join()


def test_another_repository_is_fetched_one_commit_deep(root: Path, elsewhere: str, tmp_path: Path) -> None:
    committed(root, app__run_py="two\n")
    last = committed(root, app__run_py="three\n")
    told: list[str] = []
    assert commit(tmp_path, "main", elsewhere, told) == last
    assert f"fetching {elsewhere} main" in told
    package = Package(git="main", commit=last, repository=elsewhere, path="app")
    assert package.place == f"{elsewhere}#main:app"
    assert files(tmp_path, package) == {"run.py": b"three\n"}
    (store,) = (tmp_path / "cache" / "releaser" / "packages" / "git").glob("*[0-9a-f]")
    assert git(store, "rev-list", "--all", "--count") == "1"


def test_a_branch_is_asked_for_each_time_and_a_commit_once(
    root: Path, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(tmp_path, "v1", elsewhere)
    second = committed(root, app__run_py="two\n")
    assert commit(tmp_path, "main", elsewhere) == second
    monkeypatch.setattr(Handler, "projects", tmp_path / "nowhere")
    assert commit(tmp_path, first, elsewhere) == first, "a commit is what it was"
    with pytest.raises(BuildFailed, match="main cannot be fetched: "):
        commit(tmp_path, "main", elsewhere)


@pytest.mark.parametrize("revision", ["v9", "main~1", "1234567"])
def test_what_another_repository_does_not_give(elsewhere: str, tmp_path: Path, revision: str) -> None:
    with pytest.raises(BuildFailed, match=f"{revision} cannot be fetched: fatal: "):
        commit(tmp_path, revision, elsewhere)


@pytest.mark.parametrize("repository", ["ext::sh -c touch% evil", "http://127.0.0.1:9/x", "file:///", "-uecho"])
def test_no_other_way_than_https_and_ssh(tmp_path: Path, repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BuildFailed, match="cannot be fetched"):
        commit(tmp_path, "main", repository)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("free", [0, 1, 8])
def test_a_cache_on_a_full_disk(elsewhere: str, tmp_path: Path, full: Callable[[Path], Disk], free: int) -> None:
    kept = tmp_path / "cache" / "releaser"
    kept.mkdir(parents=True)
    disk = full(kept)
    disk.free(free)
    with pytest.raises(BuildFailed, match=r"No space left|could not|couldn't"):  # git has words of its own
        commit(tmp_path, "main", elsewhere)
    disk.free(64)
    assert commit(tmp_path, "main", elsewhere)


def test_who_stops_breaks_the_fetch_off(elsewhere: str, tmp_path: Path) -> None:
    def stop(_: str) -> None:
        raise Interrupted("broken off")

    with pytest.raises(Interrupted):
        GitSource(tmp_path).commit("main", elsewhere, stop)
