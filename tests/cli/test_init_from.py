"""init --from: the Compose files of a team become declarations that deliver the same."""

import json
import re
from pathlib import Path

import pytest

from tests.imports.samples import SAMPLES, Sample

SAMPLE = {sample.name: sample for sample in SAMPLES}


@pytest.fixture
def begin(bare, monkeypatch):
    """`begin(NAME, WORDS…)`: a sample in the project's folder, imported."""

    def run(name: str, *words: str, **how):
        sample = SAMPLE[name]
        for variable in sample.variables | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_FILE"}:
            monkeypatch.delenv(variable, raising=False)
        sample.copy(bare.root)
        return bare("init", *sample.options, *words, **{"environ": sample.environ, **how})

    return run


def written(root: Path) -> dict[str, str]:
    """What stands in envs/, but for the schemas."""
    return {file.name: file.read_text() for file in sorted((root / "envs").glob("*.yaml"))}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_samples(bare, begin, golden, sample: Sample):
    ran = begin(sample.name, "--compose-project", sample.name)

    assert ran.code == 0, ran
    for name, text in written(bare.root).items():
        golden(f"init_from/{sample.name}/{name}", text)
    golden(f"init_from/{sample.name}/told.txt", ran.err)
    assert bare.ok("validate").err == ""
    assert "canary" not in ran.out + ran.err + "".join(written(bare.root).values())


def test_the_first_environment_is_where_compose_runs_it_and_the_others_follow(bare, begin):
    begin("desk")

    assert bare.json("validate")["environments"] == ["test1", "staging", "production"]
    assert bare.json("explain", "engine", "--env", "test1")["value"] == {"kind": "docker", "adopts": "shop"}
    assert bare.json("explain", "engine", "--env", "staging")["value"]["kind"] == "directory"
    assert "    from: staging\n" in written(bare.root)["pipeline.yaml"]


def test_the_answer_for_scripts(begin):
    document = begin("papers", "--json").document

    assert document["files"][:3] == ["envs/pipeline.yaml", "envs/base.yaml", "envs/test1.yaml"]
    left = {path: one for one in document["left_out"] for path in one["paths"]}
    assert left["services.webserver.volumes_from"] == {
        "location": {"file": "docker-compose.yml", "line": 37, "column": 5},
        "paths": ["services.webserver.volumes_from"],
        "why": "name the other service's volumes in `volumes`",
        "harmless": False,
    }
    assert document["secrets"][0] == {
        "name": "papers_secret_key",
        "variable": "PAPERS_SECRET_KEY",
        "used": {"file": "docker-compose.env", "line": 1, "column": 1},
        "value_at": "docker-compose.env:1",
        "template": None,
    }
    assert document["placeholders"] == []
    assert document["create"] == "release create v1 --image broker=7 --image webserver=latest"


@pytest.mark.parametrize("name", ["shop", "papers", "cloud"])
def test_what_is_left_out_is_told_by_its_line(bare, begin, name):
    document = begin(name, "--json").document
    lines = (bare.root / SAMPLE[name].file).read_text().split("\n")

    for one in document["left_out"]:
        word = one["paths"][0].rpartition(".")[2].rstrip('"').rpartition("\\")[2]
        assert word in lines[one["location"]["line"] - 1], one


def test_what_docker_refuses_is_told_before_it_is_planned(bare):
    bare.write("s.txt", "x")
    text = "services: {a: {image: x, tmpfs: [/run], secrets: [s]}}\nsecrets: {s: {file: s.txt}}\n"
    bare.write("compose.yaml", text)

    ran = bare.ok("init", "--from", "compose.yaml", "--json")

    (problem,) = ran.document["refused"]
    assert "would be hidden by the folder in memory at `/run`" in problem["message"]
    assert problem["locations"] == [{"file": "compose.yaml", "line": 1, "column": text.index("s]") + 1}]
    assert "compose.yaml:1 is refused by Docker when it is planned: " in ran.err


# --- where the data are ---


def test_what_compose_runs_is_used_in_place(bare, begin):
    begin("shop", "--compose-project", "shop-live", "--env", "live,staging")

    live = bare.json("explain", "volumes.dbdata", "--env", "live")["value"]
    assert live == {"external": True, "name": "shop-live_dbdata"}
    assert bare.json("explain", "networks.default", "--env", "live")["value"] == {
        "external": True,
        "name": "shop-live_default",
    }
    assert bare.json("explain", "volumes.dbdata", "--env", "staging")["value"] == {}
    assert "\nnetworks:" not in written(bare.root)["base.yaml"]


@pytest.mark.parametrize(
    ("words", "environ", "declared", "name"),
    [
        ((), {}, "", "shop"),
        ((), {}, "name: My.Declared\n", "mydeclared"),
        ((), {"COMPOSE_PROJECT_NAME": "by-shell"}, "name: declared\n", "by-shell"),
        (("-p", "by-flag"), {"COMPOSE_PROJECT_NAME": "by-shell"}, "name: declared\n", "by-flag"),
    ],
)
def test_the_name_that_compose_runs_it_under(bare, words, environ, declared, name):
    bare.write("compose.yaml", declared + "services: {a: {image: x, volumes: ['d:/d']}}\nvolumes: {d: }\n")

    bare.ok("init", "--from", "compose.yaml", *words, environ=environ)

    assert f"name: {name}_d" in written(bare.root)["test1.yaml"]


def test_a_volume_with_a_name_of_its_own_is_shared_with_no_other_environment(bare, begin):
    begin("cloud", "--env", "test1,staging")

    assert bare.json("explain", "volumes.certs", "--env", "test1")["value"]["name"] == "shared-certs"
    assert bare.json("explain", "volumes.certs", "--env", "staging")["value"] == {}


def test_a_project_that_compose_does_not_run(bare, begin):
    ran = begin("shop", "--fresh")

    assert "external" not in written(bare.root)["test1.yaml"]
    assert "--adopt" not in ran.err


# --- secrets ---


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_value_of_a_secret_is_written_or_told(bare, begin, form):
    ran = begin("shop", "-o", form, "-v")

    everything = "".join(file.read_text() for file in (bare.root / "envs").rglob("*") if file.is_file())
    assert "canary" not in everything + ran.out + ran.err
    assert "DB_PASSWORD: now in .env:2" in ran.err or form == "json"
    assert (bare.root / ".env").read_text().count("canary") == 1


def test_names_that_were_told(bare, begin):
    begin("shop", "--var", "SESSION_SECRET", "--secret", "PASSED_ON", "--var", "NEW=1")

    base = written(bare.root)["base.yaml"]
    assert "SESSION_SECRET: not-a-real-session-canary" in base
    assert "PASSED_ON: {secret: passed_on}" in base


def test_a_secret_where_none_can_stand_is_not_written(bare):
    bare.write(
        "compose.yaml", "services: {cache: {image: redis, command: 'redis-server --requirepass ${CACHE_PASSWORD}'}}\n"
    )
    bare.write(".env", "CACHE_PASSWORD=a-canary\n")

    ran = bare("init", "--from", "compose.yaml")

    assert ran.code == 64
    assert "`services.cache.command` holds CACHE_PASSWORD" in ran.err
    assert "release init --from compose.yaml --var CACHE_PASSWORD" in ran.err
    assert "--> compose.yaml:1:" in ran.err
    assert "canary" not in ran.out + ran.err
    assert not (bare.root / "envs").exists()

    bare.ok("init", "--from", "compose.yaml", "--var", "CACHE_PASSWORD")
    assert "CACHE_PASSWORD: a-canary" in written(bare.root)["base.yaml"]


def test_a_shell_in_the_container_reads_its_own_variable(bare, begin):
    begin("shop")

    check = bare.json("explain", "db.healthcheck.test", "--env", "test1")["value"]
    assert check == ["CMD-SHELL", "PGPASSWORD=${POSTGRES_PASSWORD} pg_isready -U shop"]


def test_what_must_be_set(bare):
    bare.write("compose.yaml", "services: {a: {image: x, hostname: '${HOST_NAME:?name the host}'}}\n")

    ran = bare("init", "--from", "compose.yaml")

    assert ran.code == 64
    assert "HOST_NAME has no value: name the host" in ran.err
    assert "release init --from compose.yaml --var HOST_NAME=VALUE" in ran.err
    bare.ok("init", "--from", "compose.yaml", "--var", "HOST_NAME=here")
    assert bare.json("explain", "a.hostname", "--env", "test1")["value"] == "here"


# --- asked on a terminal ---


def test_asked_which_are_secrets(bare, begin):
    ran = begin("shop", typed="SESSION_SECRET\n", terminal=True)

    assert ran.code == 0, ran
    assert "these look like secrets, and their values will not be written: " in ran.err
    assert "SESSION_SECRET (compose.yaml:30)" in ran.err
    assert "SESSION_SECRET: not-a-real-session-canary" in written(bare.root)["base.yaml"]
    assert "POSTGRES_PASSWORD: {secret: db_password}" in written(bare.root)["base.yaml"]


def test_asked_for_what_is_missing_and_about_what_is_exposed(bare):
    bare.write("compose.yaml", "services: {a: {image: x, hostname: '${H:?the host}', command: 'run ${MY_TOKEN}'}}\n")

    ran = bare("init", "--from", "compose.yaml", typed="\ny\nhere\n", terminal=True, environ={"MY_TOKEN": "t"})

    assert ran.code == 0, ran
    base = written(bare.root)["base.yaml"]
    assert 'hostname: "${H}"' in base
    assert "H: here" in base
    assert "MY_TOKEN: t" in base


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("OTHER\n", "OTHER was not among them"),
        ("\nn\n", "`services.a.command` holds MY_TOKEN"),
        ("\ny\n\n", "H has no value: the host"),
    ],
)
def test_answers_that_write_nothing(bare, typed, said):
    bare.write("compose.yaml", "services: {a: {image: x, hostname: '${H:?the host}', command: 'run ${MY_TOKEN}'}}\n")

    ran = bare("init", "--from", "compose.yaml", typed=typed, terminal=True)

    assert ran.code == 64
    assert said in ran.err
    assert not (bare.root / "envs").exists()


# --- which files ---


def test_a_folder_is_read_as_compose_reads_it(bare):
    bare.write("app/compose.yaml", "services: {a: {image: x, command: below}}\n")
    bare.write("app/compose.override.yaml", "services: {a: {command: above}}\n")

    bare.ok("init", "--from", "app")

    assert "command: above" in written(bare.root)["base.yaml"]
    assert "name: app_default" in written(bare.root)["test1.yaml"]


def test_an_override_that_is_not_read_is_told(bare):
    bare.write("compose.yaml", "services: {a: {image: x}}\n")
    bare.write("compose.override.yml", "services: {a: {command: above}}\n")

    assert "compose.override.yml is there, and was not read" in bare.ok("init", "--from", "compose.yaml").err


def test_files_that_env_names(bare):
    bare.write(".env", "COMPOSE_FILE=one.yaml:two.yaml\n")
    bare.write("one.yaml", "services: {a: {image: x}}\n")
    bare.write("two.yaml", "services: {a: {command: two}}\n")

    bare.ok("init", "--from", ".")

    assert "command: two" in written(bare.root)["base.yaml"]


def test_another_folder_and_other_variables(bare):
    bare.write("deploy/prod.env", "TAG=7\n")
    bare.write("deploy/compose.yaml", "services: {a: {image: 'x:${TAG}', volumes: ['./d:/d'], env_file: a.env}}\n")
    bare.write("deploy/a.env", "A=1\n")

    ran = bare.ok("init", "--from", "deploy/compose.yaml", "--env-file", "deploy/prod.env")

    assert "release create v1 --image a=7" in ran.err
    assert "source: deploy/d" in written(bare.root)["base.yaml"]
    assert "A: 1" in written(bare.root)["base.yaml"]


def test_a_repository_that_was_told(bare, begin):
    ran = begin("shop", "--image", "web=registry.test/shop/web")

    assert "web: registry.test/shop/web" in written(bare.root)["pipeline.yaml"]
    assert "registry.example.com" not in ran.err


def test_nothing_is_overwritten(bare, begin):
    bare.write("envs/base.yaml", "mine")

    ran = begin("shop")

    assert ran.code == 64
    assert written(bare.root) == {"base.yaml": "mine"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "none.yaml"), "the file none.yaml is not there"),
        (("--from", "none"), "the file none is not there"),
        (("--from", "."), "there is no Compose file in ."),
        (("-f", "above.yaml"), "--file is about Compose files"),
        (("--fresh",), "--fresh is about Compose files"),
        (("--from", "ok.yaml", "-p", "No Name"), "is no name of a Compose project"),
        (("--from", "ok.yaml", "--env", "base"), "'base' is no name for an environment"),
        (("--from", "ok.yaml", "--env", "a,a"), "'a' is no name for an environment"),
        (("--from", "ok.yaml", "--var", "1A"), "'1A' is no variable"),
        (("--from", "ok.yaml", "--image", "b=docker.io/x"), "there is no image b"),
        (("--from", "ok.yaml", "--image", "a=docker.io/x:1"), "is no repository"),
        (("--from", "ok.yaml", "--project", "No!"), "is no name for a project"),
        (("--from", "ok.yaml", "--env-file", "none.env"), "the file none.env is not there"),
    ],
)
def test_wrong_words(bare, words, said):
    bare.write("ok.yaml", "services: {a: {image: x}}\n")

    ran = bare("init", *words)

    assert ran.code == 64
    assert said in ran.err
    assert not (bare.root / "envs").exists()


def test_every_error_of_the_files_at_once(bare):
    bare.write("compose.yaml", "services:\n  a: {image: '${', ports: ['x']}\n  b: {image: y, volumes: 5}\n")

    ran = bare("init", "--from", "compose.yaml", "--json")

    places = [error["locations"][0]["line"] for error in json.loads(ran.out)["errors"]]
    assert (ran.code, places) == (64, [2, 2, 3])


def test_the_first_lines_of_help_name_it(bare):
    said = bare.ok("init", "--help").out

    assert re.search(r"--from +PATH", said)
    assert "volumes and networks are used in place" in said.replace("\n", " ").replace("  ", " ")
