"""What is asked, of whom, and what is told where nobody can be asked."""

import shlex

import pytest


@pytest.mark.parametrize(
    ("verb", "words", "hint"),
    [
        ("promote", ["v1.4", "--to", "test"], "release promote v1.4 --to test --yes"),
        (
            "promote",
            ["v1.4", "--to", "test", "-m", "it's time"],
            "release promote v1.4 --to test -m 'it'\"'\"'s time' --yes",
        ),
        ("promote", ["--to", "test", "--", "v1.4"], "release promote --to test --yes -- v1.4"),
        ("rollback", ["--to", "test"], "release rollback --to test --yes"),
        ("reconcile", ["--to", "test"], "release reconcile --to test --yes"),
        ("apply", ["p.json"], "release apply p.json --yes"),
    ],
)
def test_without_a_terminal_the_command_to_run_is_told(cli, verb, words, hint):
    cli.promote("v1.3", "test")
    cli.promote("v1.5", "test")
    cli.ok("plan", "v1.4", "--to", "test", "--out", "p.json")
    if verb == "reconcile":
        cli.drift("test")
    before = cli.delivered("test")

    ran = cli(verb, *words)
    document = cli(verb, *words, "--json")

    assert ran.code == document.code == 64
    assert ran.err.endswith(f"error: a delivery to test asks first, and nobody can be asked here\nhint: {hint}\n")
    assert document.document["errors"][0]["code"] == "bad-argument"
    assert cli.delivered("test") == before
    words_again = shlex.split(hint)[1:]
    assert cli(*words_again).code == 0


def test_no_input_asks_nobody(cli):
    ran = cli("promote", "v1.3", "--to", "test", "--no-input", terminal=True, typed="y\n")

    assert ran.code == 64
    assert "release promote v1.3 --to test --no-input --yes" in ran.err


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 3), ("\n", 3), ("", 3), ("test\n", 3)])
def test_a_person_is_asked(cli, typed, code):
    ran = cli("promote", "v1.3", "--to", "test", terminal=True, typed=typed, environ={"TERM": "dumb"})

    assert ran.code == code
    assert "Deliver v1.3 to test? [y/N] " in ran.err
    assert ran.out.startswith("Plan ")
    assert (cli.root / "deploy/test").exists() is (code == 0)
    if code:
        assert "error: not confirmed: nothing was delivered" in ran.err


@pytest.mark.parametrize(("typed", "code"), [("production\n", 0), ("y\n", 3), ("PRODUCTION\n", 3)])
def test_a_name_is_asked_for_where_the_pipeline_says_so(cli, typed, code):
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(hours=2)

    ran = cli("promote", "v1.3", "--to", "production", terminal=True, typed=typed)

    assert ran.code == code
    assert "Deliver v1.3 to production. Type production to go on: " in ran.err


def test_yes_answers_every_question(cli):
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(hours=2)

    ran = cli.ok("promote", "v1.3", "--to", "production", "--yes", terminal=True, typed="")

    assert "[y/N]" not in ran.err
    assert "Type production" not in ran.err


def test_who_is_asked_sees_the_plan_also_where_the_answer_is_a_document(cli):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--json", terminal=True, typed="y\n", environ={"NO_COLOR": "1"})

    assert ran.document["outcome"] == "delivered"
    assert ran.err.startswith("Plan ")
    asked = cli.ok("promote", "v1.4", "--to", "test", "-q", terminal=True, typed="y\n", environ={"NO_COLOR": "1"})
    assert "Plan " in asked.out
