from collections.abc import Callable
from typing import Any

import pytest

from releaser.declarations import pipeline as pipelines
from releaser.declarations import schema, yaml12
from releaser.model.build import BuilderSettings, Package, Recipe
from releaser.model.environment import Pipeline, RegistrySettings, Upstream
from releaser.model.errors import Problem
from tests.contracts.declarations_samples import PACKAGE, PIPELINE

Told = Callable[[tuple[Problem, ...]], list[str]]
HEAD = "project: shop\nenvironments: {a: {}}\n"


def made(text: str) -> tuple[Pipeline, tuple[Problem, ...]]:
    node = yaml12.load(text, pipelines.FILE)
    assert schema.check(node, "pipeline") == ()
    return pipelines.pipeline(node)


def test_every_word() -> None:
    pipeline, problems = made(PIPELINE)
    images, entries = pipeline.images, pipeline.environments

    assert problems == ()
    assert (pipeline.project, pipeline.history) == ("shop", "sqlite:.release/history.db")
    assert pipeline.registries == {"registry.internal:5000": RegistrySettings(ca="envs/ca.pem", auth="auth.internal")}
    assert list(images) == ["api", "web", "cache"]
    assert (images["api"].repository, images["api"].lookup) == ("registry.example.com/shop/api",) * 2
    assert (images["web"].repository, images["web"].lookup) == ("registry.example.com/shop/web", "oci:images/web")
    assert images["cache"].digest == "sha256:" + "0123456789abcdef" * 4
    assert [str(image.location) for image in images.values()] == [f"envs/pipeline.yaml:{n}:3" for n in (5, 6, 7)]
    assert list(entries) == ["test1", "test2", "staging", "dark", "production"]
    assert entries["test1"].layers == ("base", "test")
    assert [entry.upstream for entry in entries.values()] == [
        None,
        None,
        Upstream(mode="any", environments=("test1", "test2")),
        Upstream(mode="all", environments=("test1", "test2")),
        Upstream(mode="all", environments=("staging",)),
    ]
    assert [entry.platforms for entry in entries.values()][:2] == [("linux/amd64",)] * 2
    assert (entries["production"].soak, entries["production"].confirm) == (86400.0, "name")
    assert (entries["staging"].soak, entries["staging"].confirm) == (None, None)
    assert str(entries["staging"].location) == "envs/pipeline.yaml:34:3"
    assert pipeline.builder == BuilderSettings(
        kind="dind",
        host="unix:///run/docker.sock",
        image="registry.example.com/ci/docker@sha256:" + "0123456789abcdef" * 4,
        capabilities=("SYS_ADMIN", "NET_ADMIN"),
        args=("--mtu=1400",),
        cache_volume="shop-builds",
        memory="2g",
        cpus=1.5,
        ready_timeout=90.0,
    )
    build = pipeline.builds["api"]
    assert (build.image, build.context, build.dockerfile, build.target) == ("api", "app", "deploy/Dockerfile", "final")
    assert (build.args, build.labels) == ({"LEVEL": "3", "DEBUG": "true", "NAME": "shop"}, {"team": "shop"})
    assert (build.network, build.timeout) == ("none", 1800.0)


def test_the_defaults() -> None:
    pipeline, problems = made(HEAD)

    assert problems == ()
    assert (pipeline.history, pipeline.images, pipeline.registries) == (None, {}, {})
    assert pipeline.environments["a"].platforms == ("linux/amd64",)
    assert pipeline.environments["a"].layers == ()


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("10s", 10), ("1m30s", 90), ("24h", 86400), ("1.5h", 5400), ("500ms", 0.5)]
)
def test_time_spans(text: str, seconds: float) -> None:
    assert pipelines.seconds(text) == seconds


@pytest.mark.parametrize(
    "repository",
    [
        "registry.example.com/shop/api", "docker.io/library/redis", "localhost/api", "localhost:5000/api",
        "127.0.0.1:5000/a/b/c", "[::1]:5000/api", "r.io/a__b", "r.io/a-b.c_d", "r.io/a---b",
    ],
)  # fmt: skip
def test_a_repository(repository: str) -> None:
    assert made(HEAD + f"images: {{i: '{repository}'}}")[1] == ()


@pytest.mark.parametrize(
    ("repository", "hint"),
    [
        ("redis", "name its registry too: `docker.io/library/redis`"),
        ("shop/api", "name its registry too: `docker.io/shop/api`"),
        ("r.io/api:1.2", "write the repository without a tag: the tag is the release's name"),
        ("r.io:5000/api:1.2", "write the repository without a tag: the tag is the release's name"),
        ("r.io/api@sha256:" + "0" * 64, "write the repository alone, and the digest as `digest: sha256:…` beside it"),
        ("r.io/Shop/API", "repositories are lower case: `r.io/shop/api`"),
        ("https://r.io/api", "write it as `registry.example.com/shop/api`"),
        ("r.io/", "write it as `registry.example.com/shop/api`"),
        ("r.io//api", "write it as `registry.example.com/shop/api`"),
        ("r.io/../api", "write it as `registry.example.com/shop/api`"),
        ("r.io/api ", "write it as `registry.example.com/shop/api`"),
        ("r.io/-api", "write it as `registry.example.com/shop/api`"),
        ("--help", "write it as `registry.example.com/shop/api`"),
        ("", "write it as `registry.example.com/shop/api`"),
    ],
)
def test_no_repository(repository: str, hint: str, told: Told) -> None:
    for text in (f"images: {{i: '{repository}'}}", f"images: {{i: {{repository: '{repository}'}}}}"):
        (only,) = told(made(HEAD + text)[1])
        assert only.endswith(f"`{repository}` is not a repository | {hint}")


@pytest.mark.parametrize("source", ["oci:images/web", "oci:a", "registry.example.com/mirror/web"])
def test_a_source(source: str) -> None:
    assert made(HEAD + f"images: {{i: {{repository: r.io/a, source: '{source}'}}}}")[1] == ()


@pytest.mark.parametrize("source", ["oci:", "oci:/abs", "oci:../x", "oci:a/../../x", "oci:a/.."])
def test_a_layout_outside_the_root(source: str, told: Told) -> None:
    (only,) = told(made(HEAD + f"images: {{i: {{repository: r.io/a, source: '{source}'}}}}")[1])
    assert only.startswith("envs/pipeline.yaml:3:42 ")
    assert "is not a path below the root" in only


@pytest.mark.parametrize(
    ("builds", "wrong"),
    [
        ("{ipa: {context: a}}", "4:10 no image `ipa` | known: api, pinned"),
        ("{pinned: {context: a}}", "4:18 `pinned` is pinned by digest, so it is not built | leave the digest out"),
        ("{api: {context: ../a}}", "4:25 `../a` leads out of the project | name something below it"),
        ("{api: {context: /etc}}", "4:25 `/etc` leads out of the project | name something below it"),
        ("{api: {context: a, dockerfile: ../../x}}", "4:40 `../../x` leads out of the project"),
        ("{api: {context: a, dockerfile: link/../x}}", "4:40 `link/../x` leads out of the project"),
    ],
)
def test_a_build_that_cannot_be(builds: str, wrong: str, told: Told) -> None:
    digest = "sha256:" + "0" * 64
    images = f"images: {{api: r.io/api, pinned: {{repository: r.io/db, digest: '{digest}'}}}}"
    (only,) = told(made(f"{HEAD}{images}\nbuilds: {builds}\n")[1])
    assert only.startswith(f"envs/pipeline.yaml:{wrong}")


@pytest.mark.parametrize("written", ["./deploy/Dockerfile", "deploy//Dockerfile", "deploy/./Dockerfile"])
def test_a_dockerfile_has_one_name(written: str) -> None:
    pipeline, problems = made(
        f"{HEAD}images: {{api: r.io/api}}\nbuilds: {{api: {{context: a, dockerfile: {written}}}}}\n"
    )
    assert (pipeline.builds["api"].dockerfile, problems) == ("deploy/Dockerfile", ())


def test_two_builds_are_not_pushed_to_one_repository(told: Told) -> None:
    images = "images: {api: r.io/shop, web: r.io/shop}"
    (only,) = told(made(f"{HEAD}{images}\nbuilds: {{api: {{context: a}}, web: {{context: b}}}}\n")[1])
    assert "`web` would be pushed to the repository of `api`, under the same tag" in only


SHA256 = "0" * 64


@pytest.mark.parametrize(
    ("build", "wrong"),
    [
        ("{}", "a build is of a `context` or of a `package`"),
        ("{context: a, package: {file: b, sha256: %s}, base: c}", "a build is of a `context` or of a `package`"),
        ("{package: {sha256: %s}, base: c}", "a package has a `file`, a `url` or a `git`"),
        ("{package: {file: b, git: v1, sha256: %s}, base: c}", "a package has a `file`, a `url` or a `git`"),
        ("{package: {file: b}, base: c}", "a package of a `file` needs its `sha256`"),
        ("{package: {file: b, sha256: %s, path: c}, base: c}", "`path` is for a package of `git`"),
        ("{package: {git: v1, path: ../c}, base: c}", "`../c` leads out of the project"),
        ("{package: {file: b, sha256: %s}}", "a package needs a `base`, or a `dockerfile` of your own"),
        ("{package: {file: b, sha256: %s}, base: c, dockerfile: d}", "a package needs a `base`, or a `dockerfile`"),
        ("{package: {file: ../b, sha256: %s}, base: c}", "`../b` leads out of the project"),
        ("{context: a, user: '1'}", "`user` is for a `package` on a `base`"),
        ("{package: {file: b, sha256: %s}, dockerfile: d, command: [e]}", "`command` is for a `package` on a `base`"),
    ],
)
def test_a_package_that_cannot_be(build: str, wrong: str, told: Told) -> None:
    build = build % SHA256 if "%s" in build else build
    (only,) = told(made(f"{HEAD}images: {{api: r.io/api}}\nbuilds: {{api: {build}}}\n")[1])
    assert f" {wrong}" in only


@pytest.mark.parametrize("url", ["https://org@dev.azure.com/org/p/_git/r", "ssh://git@host:22/~me@corp/x.git"])
def test_repositories_with_a_user_and_no_password(url: str) -> None:
    build = f"{{package: {{git: v1, repository: '{url}'}}, base: c}}"
    pipeline, problems = made(f"{HEAD}images: {{api: r.io/api}}\nbuilds: {{api: {build}}}\n")
    assert problems == ()
    assert pipeline.builds["api"].package == Package(git="v1", repository=url)


def test_packages() -> None:
    pipeline, problems = made(f"{HEAD}images: {{api: r.io/api, web: r.io/web, jobs: r.io/jobs}}\n{PACKAGE}")
    assert problems == ()
    digest = "0123456789abcdef" * 4
    api, web = pipeline.builds["api"], pipeline.builds["web"]
    assert api.package == Package(url="https://example.com/app.tgz", sha256=digest, strip=1)
    assert api.recipe == Recipe(
        base=f"docker.io/library/python@sha256:{digest}",
        user="1000:1000",
        command=("python", "-m", "app"),
        working_dir="/srv",
    )
    jobs = pipeline.builds["jobs"].package
    assert jobs == Package(git="v1.6", repository="https://example.com/jobs.git", path="services/jobs")
    assert (web.recipe, web.named, web.place) == (None, "Dockerfile", "deploy/Dockerfile")


PLATFORMS = """
platforms: [linux/amd64]
images: {api: r.io/api}
builds: {api: {context: a, provenance: true, sbom: "generator=r.io/scan", labels: {a: b}}}
environments:
  edge: {platforms: [linux/arm64, linux/amd64]}
"""


def test_an_image_is_built_for_every_platform_that_it_goes_to() -> None:
    pipeline, problems = made(f"project: shop\nbuilder: {{kind: buildkit}}{PLATFORMS}")
    assert problems == ()
    build = pipeline.builds["api"]
    assert build.platforms == ("linux/amd64", "linux/arm64")
    assert (build.provenance, build.sbom, build.attestations) == (
        "true",
        "generator=r.io/scan",
        ("provenance", "sbom"),
    )


def test_what_only_buildkit_builds(told: Told) -> None:
    *attested, several = told(made(f"project: shop{PLATFORMS}")[1])
    assert attested == [
        "envs/pipeline.yaml:4:40 the builder `engine` has no `provenance` | builder: {kind: buildkit}",
        "envs/pipeline.yaml:4:52 the builder `engine` has no `sbom` | builder: {kind: buildkit}",
    ]
    assert several == (
        "envs/pipeline.yaml:4:10 the builder `engine` builds for one platform at a time, "
        "and linux/amd64 and linux/arm64 are declared | builder: {kind: buildkit}, or one platform: platforms: […]"
    )


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("{kind: engine, image: %s}", "5:32 the builder `engine` has no `image` | it has `host`"),
        ("{kind: dind, socket: /s, image: %s}", "5:31 the builder `dind` has no `socket`"),
        ("{kind: buildkit, memory: 2g}", "5:35 the builder `buildkit` has no `memory` | it has `builder`"),
        ("{kind: dood}", "5:10 the builder `dood` needs the `image` of its container | image: REGISTRY/NAME@sha256"),
        ("{kind: dood, image: %s}", "4:37 the builder `dood` has no `secrets` | builder: {kind: buildkit}"),
    ],
)
def test_a_builder_that_cannot_be(words: str, wrong: str, told: Told) -> None:
    image = "r.io/docker@sha256:" + "0" * 64
    builds = "builds: {api: {context: a, secrets: {npm: {from: env, name: N}}}}" if "secrets" in wrong else ""
    builder = words % image if "%s" in words else words
    (only,) = told(made(f"{HEAD}images: {{api: r.io/api}}\n{builds}\nbuilder: {builder}\n")[1])
    assert only.startswith(f"envs/pipeline.yaml:{wrong}")


WRONG = {
    "an unknown upstream": (
        {"test1": "{}", "prod": "{from: tset1}"}, ["4:16 no environment `tset1` | did you mean `test1`?"]
    ),
    "one of several": (
        {"a": "{}", "b": "{from: {any: [a, zz]}}"}, ["4:23 no environment `zz` | known: a, b"]
    ),
    "itself": ({"a": "{from: a}"}, ["3:13 `from` leads in a circle: a → a | let one of them be an entry"]),
    "a circle": (
        {"a": "{from: c}", "b": "{from: a}", "c": "{from: {all: [b]}}"},
        ["3:13 `from` leads in a circle: a → c → b → a | let one of them be an entry, without `from`"],
    ),
    "two circles": (
        {"a": "{from: b}", "b": "{from: a}", "c": "{from: d}", "d": "{from: c}"},
        ["3:13 `from` leads in a circle: a → b → a |", "5:13 `from` leads in a circle: c → d → c |"],
    ),
    "soak without from": ({"a": "{soak: 1h}"}, ["3:7 `soak` without `from` | soak is the time in the environments"]),
    "a layer twice": ({"a": "{layers: [x, y, x]}"}, ["3:22 the layer `x` stands twice | keep one of them"]),
    "its own layer": ({"a": "{layers: [x, a]}"}, ["3:19 `a` is its own layer | leave it out: `envs/a.yaml` is always"]),
}  # fmt: skip


@pytest.mark.parametrize(("environments", "words"), WRONG.values(), ids=WRONG)
def test_rules_that_cannot_be(environments: dict[str, str], words: list[str], told: Told) -> None:
    lines = "".join(f"  {name}: {rules}\n" for name, rules in environments.items())

    found = told(made(f"project: shop\nenvironments:\n{lines}")[1])

    assert len(found) == len(words)
    for line, start in zip(found, words, strict=True):
        assert line.startswith("envs/pipeline.yaml:" + start)


def test_a_long_chain_is_no_circle() -> None:
    names = [f"e{n}" for n in range(20_000)]
    lines = "".join(f"  {name}: {{from: {below}}}\n" for name, below in zip(names[1:], names, strict=False))

    assert made(f"project: shop\nenvironments:\n  e0: {{}}\n{lines}")[1] == ()


def test_circles_of_a_graph() -> None:
    graph = {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "e": ("f",), "f": ("g", "e"), "g": ("f",)}

    def after(name: str) -> tuple[str, ...]:
        return graph[name]

    found: Any = list(pipelines.circles(graph, after))
    assert found == [("f", "g"), ("e", "f")]
