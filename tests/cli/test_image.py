"""image: what is in an image, and what two differ in, read from archives, layouts and registries."""

import json

import pytest

from releaser.cli.values import amount
from tests.contents.archives import config, digest, layer, saved, with_config

BASE = layer({"bin/sh": b"#!" * 999, "var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36-9\n"})
OLD = layer({"app/server": b"x" * 250_000, "app/cache": b"y" * 1_500_000})
CLEANED = layer({"app/.wh.cache": b"", "app/server": b"z" * 300_000})
UPGRADED = layer({"var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36-10\n\nPackage: curl\nVersion: 8\n"})


@pytest.fixture
def archives(cli, monkeypatch):
    monkeypatch.chdir(cli.root)
    words = {"User": "1000", "Cmd": ["serve"], "Env": ["LEVEL=info"], "ExposedPorts": {"80/tcp": {}}}
    (cli.root / "old.tar").write_bytes(saved(BASE, OLD, CLEANED, **words))
    words |= {"Env": ["LEVEL=debug", "TTL=60"], "Labels": {"team": "shop"}, "User": ""}
    (cli.root / "new.tar").write_bytes(saved(BASE, UPGRADED, OLD, **words))
    return cli


@pytest.mark.parametrize("columns", [50, 100])
def test_an_image_to_read(archives, golden, columns):
    ran = archives.ok("image", "inspect", "tar:old.tar", terminal=True, columns=columns, environ={"NO_COLOR": "1"})
    golden(f"image-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())


def test_an_image_with_its_largest_files(archives, golden):
    golden("image-v.txt", archives.ok("image", "inspect", "tar:old.tar", "-v").out)


def test_an_image_for_scripts(archives):
    found = archives.json("image", "inspect", "tar:old.tar")
    assert (found["platform"], found["digest"], found["wasted"]) == ("linux/amd64", None, 1_750_000)
    assert [(one["added"], one["changed"], one["removed"]) for one in found["layers"]] == [
        (2, 0, 0),
        (2, 0, 0),
        (0, 1, 1),
    ]


def test_an_image_or_a_container(cli):
    for words in ((), ("api:v1.3", "--container", "x")):
        ran = cli("image", "inspect", *words)
        assert (ran.code, "name an image, or a container by --container" in ran.err) == (64, True)


def test_a_difference_to_read(archives, golden):
    golden("image-diff.txt", archives.ok("image", "diff", "tar:old.tar", "tar:new.tar").out)
    same = archives.ok("image", "diff", "tar:old.tar", "tar:old.tar", "--exit-code").out
    assert same.endswith("no larger, 3 of 3 layers shared\nthe same files and the same configuration\n")


def test_a_difference_for_scripts(archives):
    found = archives.json("image", "diff", "tar:old.tar", "tar:new.tar", "--exit-code", code=2)
    assert [(one["name"], one["old"], one["new"]) for one in found["packages"]] == [
        ("curl", None, "8"),
        ("libc6", "2.36-9", "2.36-10"),
    ]
    assert found["shared_layers"] == 1


def test_images_of_the_pipeline(cli):
    cli.promote("v1.3", "test")
    by_release = cli.json("image", "inspect", "api:v1.3")
    digest = cli.json("releases", "show", "v1.3")["releases"][0]["release"]["images"]["api"]["digest"]
    assert cli.json("image", "inspect", f"api:{digest}")["layers"] == by_release["layers"]
    assert cli.ok("image", "diff", "api:v1.3", "api:v1.4").out.startswith("api:v1.3 → api:v1.4\n")


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [
        ("ipa:v1", 64, "the pipeline has no image `ipa`"),
        ("api", 64, "say which release of `api`"),
        ("api:v99", 64, "v99"),
        ("tar:none.tar", 64, "none.tar cannot be read"),
        ("tar:envs/pipeline.yaml", 5, "envs/pipeline.yaml cannot be read"),
        ("oci:images/api", 64, "oci:images/api names no tag"),
    ],
)
def test_what_is_no_image(archives, reference, code, said):
    ran = archives("image", "inspect", reference)
    assert (ran.code, said in ran.err) == (code, True), ran.err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (with_config(config([BASE], Env=[1]), BASE), "odd.tar has a configuration that is none"),
        (saved(BASE[:1500] + b"cut"), "cannot be read: "),
        (saved(layer({"a/" * 300 + "f": b""})), "cannot be read: an entry has a path that is longer than any"),
    ],
)
def test_what_cannot_be_believed(archives, data, said):
    (archives.root / "odd.tar").write_bytes(data)
    for verb in (("inspect",), ("lint",), ("diff", "tar:old.tar")):
        ran = archives("image", *verb, "tar:odd.tar")
        assert (ran.code, said in ran.err) == (5, True), ran.err


def test_a_platform_that_an_image_does_not_have(cli):
    ran = cli("image", "inspect", "api:v1.3", "--platform", "linux/s390x")
    assert (ran.code, "has no image for linux/s390x" in ran.err) == (64, True), ran.err


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (999_600, "1.0 MB"),
        (5 * 10**12, "5000 GB"),
    ],
)
def test_bytes_as_people_say_them(size, said):
    assert amount(size) == said


# --- secrets ---


@pytest.fixture
def secretive(cli, monkeypatch):
    monkeypatch.chdir(cli.root)
    made = (
        "RUN |2 NPM_TOKEN=hunter2 A=two words /bin/sh -c npm ci # buildkit",
        "|1 NPM_TOKEN=hunter2 /bin/bash -o pipefail -c npm ci",
        "/bin/sh -c git clone https://me:hunter2@x/y",
    )
    for at, name in enumerate(("old", "new")):
        variables = [f"DB_PASSWORD=hunter2{at}", f"DB=postgres://u:hunter2{at}@db{at}", "TEXT=keeps the secret safe"]
        words = {"Env": variables, "Cmd": ["x", "--token", "hunter2"], "Labels": {"api_token": f"hunter2{at}"}}
        several = [layer({f"app/{number}": b"x"}) for number in range(len(made))]
        whole = config(several, **words) | {"history": [{"created_by": text} for text in made]}
        parts = {f"blobs/sha256/{digest(one)[7:]}": one for one in several}
        manifest = [{"Config": "blobs/sha256/config", "Layers": list(parts)}]
        parts["blobs/sha256/config"] = json.dumps(whole).encode()
        (cli.root / f"{name}.tar").write_bytes(layer(parts | {"manifest.json": json.dumps(manifest).encode()}))
    return cli


def test_values_of_secrets_are_not_shown(secretive):
    found = secretive.json("image", "inspect", "tar:old.tar")
    assert [one["instruction"] for one in found["layers"]] == [
        "RUN npm ci",
        "/bin/bash -o pipefail -c npm ci",
        "RUN git clone https://me:***@x/y",
    ]
    assert found["environment"] == ["DB_PASSWORD=***", "DB=postgres://u:***@db0", "TEXT=keeps the secret safe"]
    assert (found["labels"], found["command"]) == ({"api_token": "***"}, ["x", "--token", "***"])
    assert "hunter2" not in secretive.ok("image", "inspect", "tar:old.tar", "-v").out


def test_values_of_secrets_are_compared_and_not_shown(secretive):
    found = secretive.json("image", "diff", "tar:old.tar", "tar:new.tar")
    assert [(one["field"], one["old"], one["new"]) for one in found["config"]] == [
        ("environment.DB", "postgres://u:***@db0", "postgres://u:***@db1"),
        ("environment.DB_PASSWORD", "***", "***"),
        ("labels.api_token", "***", "***"),
    ]
    assert "hunter2" not in secretive.ok("image", "diff", "tar:old.tar", "tar:new.tar").out


# --- lint ---

DOCKERFILE = 'FROM alpine\nCOPY . /app\nRUN apk add curl\nENV API_TOKEN=x\nCMD ["/app/run"]\n'


@pytest.fixture
def linted(archives, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    archives.write("app/Dockerfile", DOCKERFILE)
    pipeline = (archives.root / "envs/pipeline.yaml").read_text()
    archives.write("envs/pipeline.yaml", f"{pipeline}builds: {{api: {{context: app}}}}\n")
    return archives


def test_a_dockerfile_to_read(linted, golden):
    ran = linted("image", "lint")
    assert ran.code == 2
    golden("image-lint.txt", ran.out)
    github = linted("image", "lint", "app/Dockerfile", "-o", "github").out
    assert github.splitlines()[0].startswith("::warning file=app/Dockerfile,line=1,title=base-pinned::alpine is named")


def test_a_dockerfile_for_scripts(linted):
    found = linted.json("image", "lint", "app/Dockerfile", code=2)
    assert (found["linters"], {one["file"] for one in found["findings"]}) == (["release"], {"app/Dockerfile"})
    assert "dockerignore" not in {one["rule"] for one in found["findings"]}, "nobody knows its context"


def test_the_dockerignore_that_a_builder_would_take(linted):
    def rules():
        return {one["rule"] for one in linted.json("image", "lint", code=2)["findings"]}

    assert "dockerignore" in rules()
    linted.write("app/Dockerfile.dockerignore", ".git\n")
    assert "dockerignore" not in rules()


def test_an_image_for_the_linter(linted):
    assert {one["rule"] for one in linted.json("image", "lint", "tar:old.tar", code=2)["findings"]} == {"wasted-bytes"}
    linted.write("good.Dockerfile", 'FROM a@sha256:1\nUSER 1\nCMD ["x"]\n')
    assert linted.ok("image", "lint", "good.Dockerfile").out == "✓ nothing to mend in good.Dockerfile\n"


def test_another_linter_beside_ours(linted, monkeypatch, tmp_path):
    program = tmp_path / "hadolint"
    program.write_text(
        "#!/bin/sh\n"
        "cat >/dev/null\n"
        'echo \'[{"code": "DL3018", "level": "warning", "line": 3, "message": "Pin https://u:hunter2@x"}]\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = linted.json("image", "lint", code=2)
    assert found["linters"] == ["release", "hadolint"]
    told = [(one["line"], one["message"]) for one in found["findings"] if one["rule"] == "DL3018"]
    assert told == [(3, "Pin https://u:***@x")]
    program.write_text("#!/bin/sh\necho broken\n")
    assert linted.json("image", "lint", code=2)["linters"] == ["release"]


def test_nothing_to_lint(cli):
    ran = cli("image", "lint")
    assert (ran.code, "builds nothing of a Dockerfile" in ran.err) == (64, True)
