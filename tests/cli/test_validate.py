"""validate: the declarations alone, all errors at once."""

import pytest


def test_all_is_well(cli):
    ran = cli.ok("validate")

    assert ran.out == "✓ 5 files of 3 environments: no errors\n"
    assert ran.err == ""
    assert "  envs/staging.yaml\n" in cli.ok("validate", "-v").out


def test_all_is_well_for_scripts(cli):
    document = cli.json("validate", "--env", "test")

    assert document["environments"] == ["test"]
    assert document["files"] == ["envs/base.yaml", "envs/pipeline.yaml", "envs/test.yaml"]


@pytest.fixture
def broken(cli):
    """Three files with an error each, and one with two."""
    cli.edit("envs/base.yaml", "    image: worker", "    imagee: worker")
    cli.write("envs/test.yaml", "services: {api: {environment: {A: }}}\nwait: soon\n")
    cli.write("envs/production.yaml", "services:\n  api: {deploy: {replicas: many}}\n")
    return cli


def test_every_error_is_told_with_its_line(broken, golden):
    ran = broken("validate")

    assert ran.code == 64
    assert ran.out == ""
    golden("validate.txt", ran.err)


def test_every_error_for_scripts(broken):
    errors = broken.json("validate", code=64)["errors"]

    assert {error["code"] for error in errors} == {"invalid-declarations"}
    places = [(place["file"], place["line"]) for error in errors for place in error["locations"]]
    assert {file for file, _ in places} == {"envs/base.yaml", "envs/test.yaml", "envs/production.yaml"}
    assert ("envs/production.yaml", 2) in places
    assert all(error["hint"] for error in errors)


def test_one_environment_tells_its_own_errors(broken):
    files = {
        place["file"]
        for error in broken.json("validate", "--env", "production", code=64)["errors"]
        for place in error["locations"]
    }

    assert files == {"envs/base.yaml", "envs/production.yaml"}


def test_a_broken_pipeline(cli):
    cli.edit("envs/pipeline.yaml", "from: test}", "from: tset}")

    ran = cli("validate")

    assert ran.code == 64
    assert "envs/pipeline.yaml:" in ran.err
    assert "did you mean `test`?" in ran.err


def test_warnings_are_no_errors(cli):
    cli.edit("envs/base.yaml", "    deploy: {replicas: 1}", "    deploy: {replicas: 1, mode: global}")

    ran = cli.ok("validate", "--env", "test")

    assert "✓" in ran.out
    assert ran.err.startswith("warning: test: ")
    assert cli.json("validate", "--env", "test")["warnings"]


def test_no_history_no_registry_and_no_engine_is_asked(cli):
    cli.write(".release/history.db", "not a database")
    cli.write("deploy", "a file where folders would be")
    (cli.root / "images").rename(cli.root / "gone")

    cli.ok("validate")
