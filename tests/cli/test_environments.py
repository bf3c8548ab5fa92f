"""Names of environments on the command line."""

import pytest


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["test", "staging", "production"]),
        (["--all"], ["test", "staging", "production"]),
        (["--env", "staging"], ["staging"]),
        (["--to", "staging"], ["staging"]),
        (["--env", "production,test"], ["test", "production"]),
        (["--env", "production", "--env", "test, staging"], ["test", "staging", "production"]),
        (["--env", "*t*"], ["test", "staging", "production"]),
        (["--env", "st*", "--env", "staging"], ["staging"]),
        (["--env", "t[ae]st"], ["test"]),
    ],
)
def test_environments_are_named_once_in_pipeline_order(cli, words, expected):
    document = cli.json("status", *words)

    assert [entry["environment"] for entry in document["environments"]] == expected


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--env", "stagin"], "there is no environment stagin", "did you mean staging?"),
        (["--env", "x*"], "there is no environment x*", "the pipeline has test, staging and production"),
        (
            ["--env", "test,"],
            "there is no environment (an empty name)",
            "the pipeline has test, staging and production",
        ),
        (["--env", "test", "--all"], "--all and --env exclude each other", "leave one of them out"),
    ],
)
def test_unknown_names_are_refused(cli, words, message, hint):
    ran = cli("status", *words)

    assert ran.code == 64
    assert ran.err == f"error: {message}\nhint: {hint}\n"


def test_the_history_knows_names_where_the_declarations_are_broken(cli):
    cli.promote("v1.3", "test", "staging")
    cli.write("envs/pipeline.yaml", "environments: [")

    document = cli.json("status", "--env", "staging")

    assert [entry["environment"] for entry in document["environments"]] == ["staging"]
    assert cli("status", "--env", "stagin").code == 64


def test_an_environment_that_the_pipeline_lost_still_runs(cli):
    cli.promote("v1.3", "test", "staging")
    cli.edit("envs/pipeline.yaml", "  staging: {layers: [base], from: test}\n", "")
    cli.edit("envs/pipeline.yaml", "from: staging", "from: test")

    document = cli.json("status")
    ran = cli.ok("status")

    assert [entry["environment"] for entry in document["environments"]] == ["test", "production", "staging"]
    assert "staging is not declared any more, and still has v1.3" in ran.out
    assert "production is not" not in ran.out
    assert [item["environment"] for item in cli.json("drift", "--all")["environments"]][-1] == "staging"
    cli.ok("history", "--env", "staging")


@pytest.mark.parametrize("broken", ["environments: [", None])
def test_releases_are_known_without_the_pipeline(cli, broken):
    cli.promote("v1.3", "test", "staging")
    if broken is None:
        (cli.root / "envs/pipeline.yaml").unlink()
    else:
        cli.write("envs/pipeline.yaml", broken)

    (listed,) = cli.json("releases")["releases"]
    (shown,) = cli.json("releases", "show", "v1.3")["releases"]

    assert listed == shown
    assert [item["environment"] for item in listed["reached"]] == ["staging", "test"]
    assert "staging" in cli.ok("releases").out
