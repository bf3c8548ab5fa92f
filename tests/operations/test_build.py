"""build: what is built is pushed and registered once, and nothing is where something fails."""

import threading
import time
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from releaser.model.build import Built
from releaser.model.errors import BadArgument, BuildFailed, ImageNotFound, Interrupted, ReleaseConflict
from releaser.model.image import ImageSource
from releaser.operations import build as build_module
from releaser.operations.build import build
from releaser.planning.fingerprint import of_bytes

PIPELINE = """
project: shop
images:
  api: registry.test/shop/api
  worker: registry.test/shop/worker
  pinned: {repository: registry.test/shop/db, digest: sha256:%s}
builds:
  api: {context: app, args: {LEVEL: 3, DEBUG: true}, labels: {team: shop}}
environments:
  test: {layers: [base]}
"""


@dataclass
class Builder:
    """Builds nothing, and pushes into the registry that is in memory."""

    registry: object
    built: list = field(default_factory=list)
    pushed: list = field(default_factory=list)
    fails: str | None = None
    log: str = "[2/2] RUN make\n  all done\n"
    closed: bool = False

    def build(self, declared, tell):
        tell("step 1")
        self.built.append(declared)
        if self.fails == "build":
            raise BuildFailed("a step failed")
        digest = "sha256:" + "1" * 64
        return Built(
            image_id=digest,
            steps=2,
            cached=1,
            missed="[2/2] RUN make",
            seconds=0.5,
            context_digest=digest,
            dockerfile_digest="sha256:" + "2" * 64,
            bases={"registry.test/base/alpine:3": digest, f"other.test/tools@{digest}": digest, "nowhere": None},
            log=self.log,
        )

    def push(self, image_id, repository, tag, tell):
        tell("pushing")
        if self.fails == "push":
            raise BuildFailed("not pushed")
        self.pushed.append((repository, tag))
        return self.registry.push(repository, tag, content=f"{repository} {tag}").digest

    def close(self):
        self.closed = True


@pytest.fixture
def builder(project):
    digest = project.registry.push("registry.test/shop/db", "9", content="db").digest
    project.write("pipeline.yaml", PIPELINE % digest.removeprefix("sha256:"))
    project.registry.push("registry.test/shop/worker", "v6", content="worker v6")
    return Builder(project.registry)


def made(project, builder, version="v6", *, push=True):
    told = []
    ws = replace(project.workspace(), open_builder=lambda _: builder)
    return build(ws, version, lambda *words: told.append(words), push=push), told


def test_a_release_is_registered_with_what_the_registry_has(project, builder):
    report, told = made(project, builder)
    assert told == [("api", "step 1"), ("api", "pushing"), ("api", "looking into the image")]
    (declared,) = builder.built
    assert (declared.context, dict(declared.args)) == ("app", {"LEVEL": "3", "DEBUG": "true"})
    assert declared.labels == {
        "org.opencontainers.image.version": "v6",
        "org.opencontainers.image.revision": "c" * 40,
        "org.opencontainers.image.source": "https://git.test/shop.git",
        "team": "shop",
    }
    release = project.history.release_of("v6")
    assert report.release == release
    assert release.images["api"].tag == release.images["worker"].tag == "v6"
    assert release.images["pinned"].tag is None
    assert release.images["api"].digest == report.images[0].digest
    assert release.source.revision == "c" * 40
    assert builder.closed


def test_a_release_knows_what_its_images_were_built_from(project, builder):
    release = made(project, builder)[0].release
    one, two = ("sha256:" + digit * 64 for digit in "12")
    assert release.images["api"].source == ImageSource(
        builder="engine",
        context="app",
        package=None,
        context_digest=one,
        dockerfile="Dockerfile",
        dockerfile_digest=two,
        bases={"registry.test/base/alpine:3": one, f"other.test/tools@{one}": one, "nowhere": None},
        revision="c" * 40,
        log=of_bytes(builder.log.encode()),
    )
    assert release.images["worker"].source is None
    assert project.history.release_of("v6") == release


def test_a_package_is_of_no_commit(project, builder):
    package = f"{{package: {{file: app.tgz, sha256: '{'0' * 64}'}}, base: registry.test/base/alpine:3}}"
    project.edit("pipeline.yaml", "{context: app, args: {LEVEL: 3, DEBUG: true}, labels: {team: shop}}", package)
    project.registry.push("registry.test/base/alpine", "3", content="alpine")
    release = made(project, builder)[0].release
    assert builder.built[0].labels == {"org.opencontainers.image.version": "v6"}
    source = release.images["api"].source
    assert (source.context, source.package, source.dockerfile, source.revision) == (None, "app.tgz", None, None)
    assert release.source is None


@pytest.mark.parametrize("repository", [None, "https://git.test/web.git"])
def test_a_package_of_git_is_of_one_commit(project, builder, repository):
    words = f"git: v1, repository: '{repository}'" if repository else "git: v1"
    package = f"{{package: {{{words}}}, base: registry.test/base/alpine:3}}"
    project.edit("pipeline.yaml", "{context: app, args: {LEVEL: 3, DEBUG: true}, labels: {team: shop}}", package)
    report, told = made(project, builder)
    commit = ("b" if repository else "a") * 40
    (declared,) = builder.built
    assert declared.package.commit == declared.labels["org.opencontainers.image.revision"] == commit
    assert declared.labels["org.opencontainers.image.source"] == (repository or "https://git.test/shop.git")
    assert told[0] == ("api", "looking for v1")
    source = report.release.images["api"].source
    assert (source.package, source.revision) == (f"{repository}#v1" if repository else "git v1", commit)
    assert report.release.source.revision == commit


def test_what_a_build_printed_is_kept_without_secrets(project, builder):
    builder.log = "[1/2] RUN cat /run/secrets/npm\n  s3cret-value\n"
    project.secrets.values["NPM"] = "s3cret-value"
    project.secrets.read("npm", {"from": "env", "name": "NPM"})
    release = made(project, builder)[0].release
    log = project.history.log(release.images["api"].source.log)
    assert log == "[1/2] RUN cat /run/secrets/npm\n  ***\n"
    assert project.history.verify().broken_at is None


def test_a_secret_that_a_step_prints_before_it_fails(project, builder, monkeypatch):
    project.secrets.values["NPM"] = "s3cret-value"
    project.secrets.read("npm", {"from": "env", "name": "NPM"})

    def fails(declared, tell):
        tell("RUN echo s3cret-value")
        raise BuildFailed("exit code: 1; its last lines: s3cret-value", hint="see it")

    monkeypatch.setattr(builder, "build", fails)
    told = []
    with pytest.raises(BuildFailed) as failed:
        build(
            replace(project.workspace(), open_builder=lambda _: builder),
            "v6",
            lambda *one: told.append(one),
            push=False,
        )
    assert (failed.value.message, failed.value.hint) == ("exit code: 1; its last lines: ***", "see it")
    assert told == [("api", "RUN echo ***")]


def test_of_a_long_log_the_end_is_kept(project, builder, monkeypatch):
    monkeypatch.setattr(build_module, "LONGEST_LOG", 25)
    builder.log = "".join(f"line {number}\n" for number in range(100))
    release = made(project, builder)[0].release
    log = project.history.log(release.images["api"].source.log)
    assert log == "… 97 lines before this are not kept\nline 97\nline 98\nline 99\n"


def test_without_push_nothing_is_registered(project, builder):
    report, _ = made(project, builder, push=False)
    assert (report.release, report.images[0].digest, builder.pushed) == (None, None, [])
    assert project.history.releases() == ()


def test_a_registered_release_is_never_built_anew(project, builder):
    made(project, builder)
    with pytest.raises(ReleaseConflict, match="never built anew"):
        made(project, builder)
    assert len(builder.built) == 1


def test_an_image_that_is_neither_built_nor_there_is_refused_first(project, builder):
    with pytest.raises(ImageNotFound, match="worker"):
        made(project, builder, "v7")
    assert builder.built == []


@pytest.mark.parametrize("fails", ["build", "push"])
def test_what_fails_registers_nothing(project, builder, fails):
    builder.fails = fails
    with pytest.raises(BuildFailed):
        made(project, builder)
    assert project.history.releases() == ()
    assert builder.closed


def test_of_two_builds_of_one_version_one_registers(project, builder):
    push, other = builder.push, Builder(project.registry)

    def meanwhile(image_id, repository, tag, tell):
        if not other.pushed:
            made(project, other)
        project.registry.push(repository, tag, content="another one")
        builder.pushed.append((repository, tag))
        return project.registry.push(repository, tag, content="another one").digest

    builder.push = meanwhile
    with pytest.raises(ReleaseConflict):
        made(project, builder)
    (release,) = project.history.releases()
    assert release.images["api"].digest == push("sha256:0", "registry.test/shop/api", "v6", lambda _: None)


def test_the_others_are_broken_off_where_one_fails(project, builder):
    project.edit("pipeline.yaml", "builds:\n", "builds:\n  worker: {context: other}\n")
    began, waiting = threading.Event(), builder.build

    def one_fails(declared, tell):
        if declared.image == "api":
            assert began.wait(10)
            raise BuildFailed("a step failed")
        began.set()
        while True:
            waiting(declared, tell)
            time.sleep(0.001)

    builder.build = one_fails
    with pytest.raises(BuildFailed, match="a step failed"):
        made(project, builder)
    assert project.history.releases() == ()


def test_a_wish_to_stop_breaks_it_off(project, builder):
    project.stop.stopped = True
    with pytest.raises(Interrupted, match="image api was broken off; nothing is registered"):
        made(project, builder)
    assert (builder.built, builder.closed) == ([], True)


def test_a_pipeline_without_builds(project):
    with pytest.raises(BadArgument, match="no `builds`"):
        build(project.workspace(), "v6", lambda *_: None, push=False)


def test_a_version_that_is_no_name(project, builder):
    with pytest.raises(BadArgument, match="is not a release name"):
        made(project, builder, "../v6")
    assert builder.built == []
    assert msgspec.json.encode(project.history.releases()) == b"[]"
