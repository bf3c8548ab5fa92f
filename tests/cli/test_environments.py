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
