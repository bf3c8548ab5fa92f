"""The contract of the builders, each on a real engine: builds, caches, what fails, pushes, whole releases."""

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from releaser.cli.values import short
from releaser.engines.moby.client import Client
from releaser.engines.moby.platforms import several
from releaser.model.build import Build, BuilderSettings, Package, Recipe
from releaser.model.errors import BuildFailed
from releaser.ports.building import Builder
from releaser.secrets.sources import Remembered, Sources
from releaser.wiring import open_builder
from tests.engines.alone import EngineAlone
from tests.engines.images import HERE, OTHER, Images

pytestmark = pytest.mark.engines

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = ("engine", "buildkit", "dood", "dind")
BUILD = Build(image="api", context="app", network="none")
DOCKERFILE = """
FROM scratch AS early
COPY busybox /bin/sh
ARG LEVEL=0
RUN ["/bin/sh", "-c", "echo level $LEVEL > /level"]
FROM early
COPY hello.txt /hello.txt
CMD ["/bin/sh", "-c", "cat /hello.txt"]
"""


@pytest.fixture
def app(tmp_path: Path, require: Callable[[str], str]) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(require("RELEASER_TEST_BUSYBOX"), folder / "busybox")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "hello.txt").write_text(f"hello {uuid.uuid4()}\n")
    return folder


def settings(kind: str, require: Callable[[str], str]) -> BuilderSettings:
    return BuilderSettings(
        kind=kind, image=require("RELEASER_TEST_BUILD_CONTAINER") if kind in {"dood", "dind"} else None
    )


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The builder's; `engine` where a test is not for all of them."""
    return str(getattr(request, "param", "engine"))


@pytest.fixture
def builder(kind: str, app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    made = opened(kind, app.parent, require)
    yield made
    made.close()


def opened(kind: str, root: Path, require: Callable[[str], str]) -> Builder:
    return open_builder(root, settings(kind, require), Remembered(Sources(root, os.environ)))


on_containerd = tuple(pytest.param(kind, marks=pytest.mark.containerd) for kind in KINDS[1:])
"""The API alone cannot build there before version 28."""
every = pytest.mark.parametrize("kind", ["engine", *on_containerd], indirect=True)


def quiet(_: str) -> None:
    """Nobody listens."""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@every
def test_an_unchanged_build_is_found_in_the_cache(builder: Builder, app: Path) -> None:
    told: list[str] = []
    first = builder.build(BUILD, told.append)
    assert any("COPY hello.txt" in text for text in told)
    assert first.steps >= 3
    os.utime(app / "hello.txt", (1, 1))
    again = builder.build(BUILD, quiet)
    assert (again.image_id, again.context_digest) == (first.image_id, first.context_digest)
    assert (again.cached, again.missed) == (again.steps, None)
    bye = f"bye {uuid.uuid4()}"  # nobody has built it before
    (app / "hello.txt").write_text(f"{bye}\n")
    other = builder.build(BUILD, quiet)
    assert 0 < other.cached < other.steps
    assert "COPY hello.txt" in str(other.missed)
    assert other.image_id != first.image_id
    assert docker("run", "--rm", other.image_id) == bye


@every
def test_arguments_targets_and_labels(builder: Builder) -> None:
    words = {"args": {"LEVEL": "7"}, "target": "early", "labels": {"team": "shop"}}
    made = builder.build(Build(image="api", context="app", network="none", **words), quiet)
    assert docker("run", "--rm", made.image_id, "/bin/sh", "-c", "cat /level") == "level 7"
    assert json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", made.image_id)) == {"team": "shop"}


@every
def test_a_step_that_fails_is_told_with_its_last_lines(builder: Builder, app: Path) -> None:
    (app / "Dockerfile").write_text(DOCKERFILE + 'RUN ["/bin/sh", "-c", "echo no database; exit 3"]\n')
    with pytest.raises(BuildFailed) as failed:
        builder.build(BUILD, quiet)
    assert "RUN" in failed.value.message
    assert "exit code: 3" in failed.value.message
    assert "its last lines: no database" in failed.value.message
    assert failed.value.hint == "see app/Dockerfile"


@every
def test_a_dockerfile_that_is_none(builder: Builder, app: Path) -> None:
    (app / "Dockerfile").write_text("FROM scratch\nCOPI a b\n")
    with pytest.raises(BuildFailed, match=r"(?i)unknown instruction: COPI") as failed:
        builder.build(BUILD, quiet)
    assert "line 2" in failed.value.message


@pytest.mark.parametrize("kind", ["engine", "buildkit", "dood"], indirect=True)
def test_a_frontend_that_cannot_be_fetched(builder: Builder, app: Path) -> None:
    (app / "Dockerfile").write_text(f"# syntax=127.0.0.1:1/none:1\n{DOCKERFILE}")
    with pytest.raises(BuildFailed, match=r"127\.0\.0\.1:1/none:1") as failed:
        builder.build(BUILD, quiet)
    assert "`# syntax=`" in (failed.value.hint or "")


@every
def test_a_file_that_is_not_there(builder: Builder, app: Path) -> None:
    (app / ".dockerignore").write_text("hello.txt\n")
    with pytest.raises(BuildFailed, match=r"hello\.txt"):
        builder.build(BUILD, quiet)


@every
def test_a_build_that_takes_too_long(builder: Builder, app: Path) -> None:
    (app / "Dockerfile").write_text(
        f'FROM scratch\nCOPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "echo {uuid.uuid4()}; sleep 60"]\n'
    )
    with pytest.raises(BuildFailed, match="was not built within 2s"):
        builder.build(Build(image="api", context="app", network="none", timeout=2.0), quiet)


@every
def test_the_registrys_own_digest(builder: Builder, images: Images) -> None:
    made = builder.build(BUILD, quiet)
    name = f"{images.registry}/releaser-test/built-{uuid.uuid4().hex[:8]}"
    digest = builder.push(made.image_id, name, "v1", quiet)
    pinned = f"{name}@{digest}"
    docker("pull", "-q", pinned)
    assert docker("inspect", "--format", "{{.Id}}", pinned) == made.image_id
    assert builder.push(made.image_id, name, "v1", quiet) == digest


def test_a_registry_that_refuses(builder: Builder, require: Callable[[str], str], tmp_path: Path) -> None:
    made = builder.build(BUILD, quiet)
    with pytest.raises(BuildFailed, match="is not pushed") as failed:
        builder.push(made.image_id, f"{require('RELEASER_TEST_PRIVATE_REGISTRY')}/shop/api", "v1", quiet)
    assert "docker push" in (failed.value.hint or "")


def release(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "releaser", "-C", str(root), *words]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(root)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@every
def test_a_release_from_its_source_to_where_it_runs(
    kind: str, app: Path, images: Images, require: Callable[[str], str]
) -> None:
    root, project = app.parent, f"built-{uuid.uuid4().hex[:8]}"
    (root / "envs").mkdir()
    image = settings(kind, require).image
    pipeline = {
        "project": project,
        "images": {"api": f"{images.registry}/releaser-test/{project}"},
        "builds": {"api": {"context": "app", "args": {"LEVEL": 3}, "network": "none"}},
        "builder": {"kind": kind, **({"image": image} if image else {})},
        "environments": {"test1": {"layers": []}},
    }
    (app / "Dockerfile").write_text(
        DOCKERFILE + 'CMD ["/bin/sh", "-c", "cat /level; exec /bin/sh -c \\"sleep 999\\""]\n'
    )
    layer = {"engine": {"kind": "docker"}, "stable": "300ms", "services": {"api": {"image": "api"}}}
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    (root / "envs" / "test1.yaml").write_text(json.dumps(layer))
    try:
        built = release(root, "build", "v1.6", "--push", "--json")
        assert built.returncode == 0, built.stderr
        report = json.loads(built.stdout)
        (image,) = report["images"]
        assert report["release"]["images"]["api"]["digest"] == image["digest"]
        shown = release(root, "releases", "show", "v1.6").stdout
        assert f"by app/Dockerfile {short(image['source']['dockerfile_digest'])}, builder {kind}" in shown
        assert f"of app {short(image['source']['context_digest'])}, not committed" in shown
        log = release(root, "releases", "show", "v1.6", "--log", "api").stdout
        assert "COPY busybox /bin/sh" in log
        promoted = release(root, "promote", "v1.6", "--to", "test1", "--yes")
        assert promoted.returncode == 0, promoted.stderr
        again = release(root, "build", "v1.6", "--push")
        assert (again.returncode, "never built anew" in again.stderr) == (3, True)
        (container,) = docker("ps", "-q", "--filter", f"label=releaser.project={project}").split()
        assert docker("logs", container) == "level 3"
    finally:
        for one in docker("ps", "-aq", "--filter", f"label=releaser.project={project}").split():
            docker("rm", "-f", "-v", one)
        for one in docker("network", "ls", "-q", "--filter", f"label=releaser.project={project}").split():
            docker("network", "rm", one)


def test_a_plan_says_what_its_images_have_other(
    app: Path, images: Images, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    root, project = app.parent, f"told-{uuid.uuid4().hex[:8]}"
    (root / "envs").mkdir()
    pipeline = {
        "project": project,
        "images": {"api": f"{images.registry}/releaser-test/{project}"},
        "builds": {"api": {"context": "app", "network": "none"}},
        "environments": {"test1": {}},
    }
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    layer = {"engine": {"kind": "directory", "path": "deploy"}, "services": {"api": {"image": "api"}}}
    (root / "envs" / "test1.yaml").write_text(json.dumps(layer))
    (app / "Dockerfile").write_text("FROM scratch\nCOPY status /var/lib/dpkg/status\nCOPY hello.txt /hello.txt\n")
    for version, size in (("1.0", 1000), ("1.1", 3000)):
        (app / "status").write_text(f"Package: curl\nVersion: {version}\n\nPackage: tar\nVersion: 7\n")
        (app / "hello.txt").write_bytes(os.urandom(size))
        built = release(root, "build", f"v{version}", "--push")
        assert built.returncode == 0, built.stderr
        planned = release(root, "plan", f"v{version}", "--to", "test1")
        assert ("image api" in planned.stdout) == (version == "1.1"), planned.stdout
        if version == "1.0":
            assert release(root, "promote", "v1.0", "--to", "test1", "--yes").returncode == 0
    assert "  image api: 1 package changed, 2.0 kB more\n" in planned.stdout
    assert json.loads(release(root, "plan", "v1.1", "--to", "test1", "--json").stdout)["images"] == [
        {"image": "api", "packages": 1, "bytes": 2000}
    ]


# --- all of them give the same ---


def content(image: str) -> dict[str, tuple[str, int, int, int, str]]:
    """Every file of an image: type, mode, owner, group and content."""
    container = docker("create", image, "/none")
    try:
        data = subprocess.run(["docker", "export", container], check=True, capture_output=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            info.name: (info.type.decode(), info.mode, info.uid, info.gid, hash_of(tar, info))
            for info in tar
            if not info.name.startswith(("dev", "etc/", "proc", "sys"))  # what a container gets when it is made
        }


def hash_of(tar: tarfile.TarFile, info: tarfile.TarInfo) -> str:
    file = tar.extractfile(info) if info.isreg() else None
    return sha256(file.read()).hexdigest() if file is not None else info.linkname


def test_all_builders_give_the_same_files_and_configuration(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    found = {}
    for kind in KINDS:
        made = opened(kind, app.parent, require)
        try:
            result = made.build(BUILD, quiet)
        finally:
            made.close()
        inspected = json.loads(docker("inspect", result.image_id))[0]
        words = {key: text for key, text in inspected["Config"].items() if key not in {"Image", "Hostname"}}
        found[kind] = (content(result.image_id), {key: text for key, text in words.items() if text}, result.steps)
        assert set(found[kind][0]) >= {"bin/sh", "hello.txt", "level"}
    assert found["buildkit"] == found["engine"]
    assert found["dood"] == found["engine"]
    assert found["dind"] == found["engine"]


@every
def test_a_base_that_is_pinned_by_digest(builder: Builder, app: Path, images: Images) -> None:
    base = builder.build(BUILD, quiet)
    name = f"{images.registry}/releaser-test/base-{uuid.uuid4().hex[:8]}"
    digest = builder.push(base.image_id, name, "v1", quiet)
    (app / "Dockerfile").write_text(
        f"ARG BASE={name}\nFROM ${{BASE}}@{digest} AS base\nFROM base\n"
        f'COPY --from={name}@{digest} /level /copy\nCMD ["/bin/sh", "-c", "cat /copy"]\n'
    )
    made = builder.build(BUILD, quiet)
    assert docker("run", "--rm", made.image_id) == "level 0"


@every
def test_a_base_that_is_named_by_tag_is_known_by_digest(builder: Builder, app: Path, images: Images) -> None:
    """Fetched, or there already; and where the tag moves meanwhile."""
    base = builder.build(BUILD, quiet)
    name = f"{images.registry}/releaser-test/base-{uuid.uuid4().hex[:8]}"
    digest = builder.push(base.image_id, name, "v1", quiet)
    docker("image", "rm", f"{name}:v1")
    (app / "Dockerfile").write_text(f"FROM {name}:v1\nCOPY hello.txt /again\n")
    assert builder.build(BUILD, quiet).bases == {f"{name}:v1": digest}
    docker("pull", "--quiet", f"{name}:v1")
    own = replace(images, name=name.removeprefix(f"{images.registry}/"))
    own.tag(own.sleep(), "v1")
    assert builder.build(BUILD, quiet).bases == {f"{name}:v1": digest}
    local = f"releaser-test/local-{uuid.uuid4().hex[:8]}"
    docker("tag", base.image_id, local)
    (app / "Dockerfile").write_text(f"FROM {local}\nCOPY hello.txt /again\n")
    try:
        kept = base.image_id if several(Client(None).info()) else None  # where an image's id is its manifest's digest
        assert builder.build(BUILD, quiet).bases == {local: kept}
    finally:
        docker("image", "rm", local, f"{name}:v1")


@every
def test_a_package_on_a_base(builder: Builder, app: Path, images: Images) -> None:
    base = builder.build(BUILD, quiet)
    name = f"{images.registry}/releaser-test/base-{uuid.uuid4().hex[:8]}"
    digest = builder.push(base.image_id, name, "v1", quiet)
    script = f"#!/bin/sh\ncat hello; echo {uuid.uuid4()}\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for file, mode, data in (("app-1/run", 0o755, script), ("app-1/hello", 0o600, b"from a package\n")):
            info = tarfile.TarInfo(file)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    (app.parent / "app.tgz").write_bytes(buffer.getvalue())
    package = Package(file="app.tgz", sha256=sha256(buffer.getvalue()).hexdigest(), strip=1)
    recipe = Recipe(base=f"{name}@{digest}", user="1000", command=("./run",), working_dir="/srv")
    build = Build(image="api", package=package, recipe=recipe, network="none")
    made = builder.build(build, quiet)
    assert docker("run", "--rm", made.image_id).splitlines()[0] == "from a package"
    assert made.bases == {f"{name}@{digest}": digest}
    again = builder.build(build, quiet)
    assert (again.image_id, again.cached, again.context_digest) == (made.image_id, again.steps, made.context_digest)


@pytest.mark.parametrize("kind", ["engine", on_containerd[0], on_containerd[2]], indirect=True)
def test_a_base_that_needs_a_login(
    kind: str, app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The docker command's login: BuildKit asks its client for it, an engine without one falls back."""
    registry = require("RELEASER_TEST_PRIVATE_REGISTRY")
    login = f"{require('RELEASER_TEST_PRIVATE_REGISTRY_USER')}:{require('RELEASER_TEST_PRIVATE_REGISTRY_PASSWORD')}"
    auths = {"auths": {registry: {"auth": base64.b64encode(login.encode()).decode()}}}
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "config.json").write_text(json.dumps(auths))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "login"))
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    own = opened("buildkit", app.parent, require)
    name = f"{registry}/releaser-test/base-{uuid.uuid4().hex[:8]}"
    digest = own.push(own.build(BUILD, quiet).image_id, name, "v1", quiet)
    own.close()
    docker("image", "rm", f"{name}:v1")
    (app / "Dockerfile").write_text(f'FROM {name}@{digest}\nENV A=1\nCMD ["/bin/sh", "-c", "cat /level"]\n')
    logged_in = opened(kind, app.parent, require)
    made = logged_in.build(BUILD, quiet)
    logged_in.close()
    assert docker("run", "--rm", made.image_id) == "level 0"


def left() -> list[str]:
    containers = docker("container", "ls", "-aq", "--filter", "label=releaser.build").split()
    return containers + docker("volume", "ls", "-q", "--filter", "label=releaser.build").split()


@pytest.mark.parametrize("kind", ["engine", on_containerd[0]], indirect=True)
def test_a_push_of_another_image_is_not_taken_for_ours(
    builder: Builder, app: Path, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else tags the engine's image of that name between our tag and our push."""
    ours = builder.build(BUILD, quiet).image_id
    (app / "hello.txt").write_text(f"another {uuid.uuid4()}\n")
    theirs = builder.build(BUILD, quiet).image_id
    repository = f"{images.registry}/releaser-test/{uuid.uuid4().hex[:8]}"
    call = Client.call

    def between(self: Client, method: str, path: str, **more: Any) -> Any:
        answer = call(self, method, path, **more)
        if path.endswith("/tag"):
            docker("tag", theirs, f"{repository}:v1")
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Client, "call", between)
        with pytest.raises(BuildFailed, match=f"{repository}:v1 is another image by now"):
            builder.push(ours, repository, "v1", quiet)
    digest = builder.push(ours, repository, "v1", quiet)
    docker("pull", f"{repository}@{digest}")


@pytest.mark.parametrize("kind", on_containerd[1:], indirect=True)
def test_nothing_is_left(engine_alone: EngineAlone, builder: Builder, app: Path) -> None:
    builder.build(BUILD, quiet)
    (app / "Dockerfile").write_text(DOCKERFILE + 'RUN ["/bin/sh", "-c", "exit 3"]\n')
    with pytest.raises(BuildFailed):
        builder.build(BUILD, quiet)
    builder.close()
    assert left() == []


@pytest.mark.parametrize("kind", on_containerd[1:], indirect=True)
def test_a_killed_build_is_cleaned_by_the_next(
    engine_alone: EngineAlone, kind: str, app: Path, images: Images, require: Callable[[str], str]
) -> None:
    root = app.parent
    (root / "envs").mkdir()
    pipeline = {
        "project": "killed",
        "images": {"api": f"{images.registry}/releaser-test/killed"},
        "builds": {"api": {"context": "app", "network": "none"}},
        "builder": {"kind": kind, "image": settings(kind, require).image},
        "environments": {"test1": {"layers": []}},
    }
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    (root / "envs" / "test1.yaml").write_text(json.dumps({"engine": {"kind": "docker"}}))
    text = f'FROM scratch\nCOPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "echo {uuid.uuid4()}; sleep 600"]\n'
    (app / "Dockerfile").write_text(text)
    command = [sys.executable, "-m", "releaser", "-C", str(root), "build", "v1"]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(root)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as going:
        assert going.stderr is not None
        assert any("RUN" in line for line in going.stderr)
        going.kill()
    assert left() != []
    (app / "Dockerfile").write_text(DOCKERFILE)
    again = release(root, "build", "v1")
    assert again.returncode == 0, again.stderr
    assert left() == []


@pytest.mark.parametrize("kind", on_containerd[:1], indirect=True)
def test_a_secret_is_in_no_layer_and_no_log(builder: Builder, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = uuid.uuid4().hex
    monkeypatch.setenv("NPM_TOKEN", secret)
    step = 'RUN --mount=type=secret,id=npm ["/bin/sh", "-c", "wc -c < /run/secrets/npm > /size"]\n'
    (app / "Dockerfile").write_text(DOCKERFILE + step)
    told: list[str] = []
    source = {"from": "env", "name": "NPM_TOKEN"}
    made = builder.build(msgspec.structs.replace(BUILD, secrets={"npm": source}), told.append)
    assert docker("run", "--rm", made.image_id, "/bin/sh", "-c", "cat /size") == str(len(secret))
    saved = subprocess.run(["docker", "save", made.image_id], check=True, capture_output=True).stdout
    assert secret.encode() not in saved
    assert not any(secret in text for text in told)


@pytest.mark.parametrize("kind", ["buildkit"], indirect=True)
def test_an_agent_is_there_while_a_step_runs(
    kind: str, app: Path, require: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = f"test -S $SSH_AUTH_SOCK && echo {uuid.uuid4()}"
    (app / "Dockerfile").write_text(
        f'FROM scratch\nCOPY busybox /bin/sh\nRUN --mount=type=ssh ["/bin/sh", "-c", "{step}"]\n'
    )
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    with_agent = msgspec.structs.replace(BUILD, ssh=("default",))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    without = opened(kind, app.parent, require)
    with pytest.raises(BuildFailed, match="ssh agent"):
        without.build(with_agent, quiet)
    without.close()
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        made = opened(kind, app.parent, require)
        assert made.build(with_agent, quiet).image_id
        made.close()


@pytest.mark.parametrize("kind", ["buildkit"], indirect=True)
def test_a_cache_that_is_kept_elsewhere(builder: Builder, app: Path, require: Callable[[str], str]) -> None:
    kept = BuilderSettings(kind="buildkit", cache_to=("type=inline",))
    other = open_builder(app.parent, kept, Remembered(Sources(app.parent, os.environ)))
    assert other.build(BUILD, quiet).image_id
    other.close()
    wrong = BuilderSettings(kind="buildkit", cache_to=("type=registry,ref=127.0.0.1:5000/releaser-test/cache",))
    refusing = open_builder(app.parent, wrong, Remembered(Sources(app.parent, os.environ)))
    with pytest.raises(BuildFailed, match="not supported for the docker driver"):
        refusing.build(BUILD, quiet)
    refusing.close()


@pytest.mark.parametrize("kind", ["buildkit", "dood", "dind"], indirect=True)
def test_a_command_that_is_not_there(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder._docker, "_argv", ["/none/docker"])
    with pytest.raises(BuildFailed, match="docker command was not found") as failed:
        builder.build(BUILD, quiet)
    assert "builder: {kind: engine}" in (failed.value.hint or "")


# --- Docker in Docker ---


def dind(root: Path, require: Callable[[str], str], **words: object) -> Builder:
    made = msgspec.structs.replace(settings("dind", require), **words)
    return open_builder(root, made, Remembered(Sources(root, os.environ)))


def test_several_images_at_once_on_one_daemon(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    builder = dind(app.parent, require)
    builds = []
    for number in range(4):
        shutil.copytree(app, app.parent / f"app{number}")
        (app.parent / f"app{number}" / "hello.txt").write_text(f"{number} {uuid.uuid4()}\n")
        builds.append(Build(image=f"api{number}", context=f"app{number}", network="none"))
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda build: builder.build(build, quiet), builds))
    builder.close()
    said = [docker("run", "--rm", one.image_id).split()[0] for one in made]
    assert said == ["0", "1", "2", "3"]


def test_a_cache_volume_is_for_one_daemon_at_a_time(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    volume = f"releaser-test-{uuid.uuid4().hex[:8]}"
    first, second = (dind(app.parent, require, cache_volume=volume) for _ in range(2))
    try:
        first.build(BUILD, quiet)
        with pytest.raises(BuildFailed, match=f"the volume {volume} is used by releaser-build-"):
            second.build(BUILD, quiet)
        second.close()
        first.close()
        third = dind(app.parent, require, cache_volume=volume)
        again = third.build(BUILD, quiet)
        third.close()
        assert again.cached == again.steps
    finally:
        docker("volume", "rm", volume)


def test_a_full_disk(app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    volume = f"releaser-test-{uuid.uuid4().hex[:8]}"
    small = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=64m")
    docker("volume", "create", "--driver", "local", *small, volume)
    step = 'RUN ["/bin/sh", "-c", "dd if=/dev/urandom of=/big bs=1M count=90"]\n'
    (app / "Dockerfile").write_text(f"FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/dd\n{step}")
    builder = dind(app.parent, require, cache_volume=volume)
    try:
        with pytest.raises(BuildFailed, match="o space left on device") as failed:
            builder.build(BUILD, quiet)
        assert "disk is full" in str(failed.value.hint)
    finally:
        builder.close()
        docker("volume", "rm", volume)


def test_a_daemon_that_does_not_start(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    builder = dind(app.parent, require, args=("--storage-driver=none-such",))
    with pytest.raises(BuildFailed, match=r"the daemon in the container ended: .*none-such"):
        builder.build(BUILD, quiet)
    builder.close()


def test_limits_of_memory_and_processors(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    builder = dind(app.parent, require, memory="700m", cpus=1.5)
    builder.build(BUILD, quiet)
    inspected = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", str(builder._daemon)))
    builder.close()
    assert (inspected["Memory"], inspected["MemorySwap"], inspected["NanoCpus"]) == (
        700 << 20,
        700 << 20,
        1_500_000_000,
    )


def test_capabilities_instead_of_privileged(
    app: Path, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    builder = dind(app.parent, require, capabilities=("SYS_ADMIN", "NET_ADMIN", "MKNOD", "SYS_PTRACE"))
    made = builder.build(BUILD, quiet)
    builder.close()
    assert docker("run", "--rm", made.image_id).startswith("hello")


@every
def test_whether_a_build_is_reproducible(kind: str, app: Path, images: Images, require: Callable[[str], str]) -> None:
    root = app.parent
    (root / "envs").mkdir()
    image = settings(kind, require).image
    pipeline = {
        "project": "twice",
        "images": {"api": f"{images.registry}/releaser-test/twice"},
        "builds": {"api": {"context": "app", "network": "none"}},
        "builder": {"kind": kind, **({"image": image} if image else {})},
        "environments": {"test1": {"layers": []}},
    }
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    (root / "envs" / "test1.yaml").write_text(json.dumps({"engine": {"kind": "docker"}}))
    same = release(root, "build", "v1", "--check-reproducible", "--json")
    assert same.returncode == 0, same.stderr
    (found,) = json.loads(same.stdout)["images"]
    assert (found["same"], found["files"], found["layers"]) == (True, [], 3)
    assert found["platform"] == f"linux/{HERE}"
    assert found["same_layers"] >= 1, "what is copied has the same times; what a step writes has those of its second"
    step = 'RUN ["/bin/sh", "-c", "cat /proc/sys/kernel/random/uuid > /id"]\n'
    (app / "Dockerfile").write_text(DOCKERFILE + step)
    other = release(root, "build", "v1", "--check-reproducible")
    assert other.returncode == 2, other.stderr
    assert f"✗ api for linux/{HERE} differs when it is built twice" in other.stdout
    assert other.stdout.endswith("  /id  content\n")


@pytest.mark.parametrize("kind", ["buildkit"], indirect=True)
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"platforms": (f"linux/{HERE}", f"linux/{OTHER}")}, f"linux/{HERE} and linux/{OTHER}"),
        ({"provenance": "true", "sbom": "true"}, "provenance, sbom"),
    ],
)
def test_what_an_engines_own_image_store_cannot_keep(builder: Builder, words: dict[str, object], wanted: str) -> None:
    told: list[str] = []
    with pytest.raises(BuildFailed, match=f"no attestations, and {wanted} is asked for") as refused:
        builder.build(msgspec.structs.replace(BUILD, **words), told.append)
    assert "containerd-snapshotter" in str(refused.value.hint)
    assert told == [], "nothing has begun"


@every
def test_one_platform(builder: Builder, app: Path) -> None:
    (app / "Dockerfile").write_text("FROM scratch\nCOPY hello.txt /hello.txt\n")
    for architecture in (HERE, OTHER):
        made = builder.build(msgspec.structs.replace(BUILD, platforms=(f"linux/{architecture}",)), quiet)
        assert (
            docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", made.image_id)
            == f"linux/{architecture}"
        )


@pytest.mark.parametrize("kind", ["engine", "buildkit"], indirect=True)
def test_what_runs_on_another_machine_alone(builder: Builder, app: Path) -> None:
    program = bytearray((app / "busybox").read_bytes())
    program[18:20] = (243).to_bytes(2, "little")  # ELF's e_machine: RISC-V
    (app / "foreign").write_bytes(program)
    (app / "foreign").chmod(0o755)
    (app / "Dockerfile").write_text('FROM scratch\nCOPY foreign /bin/sh\nRUN ["/bin/sh", "-c", "true"]\n')
    with pytest.raises(BuildFailed, match="exec format error") as failed:
        builder.build(BUILD, quiet)
    assert "needs an emulator" in str(failed.value.hint)
