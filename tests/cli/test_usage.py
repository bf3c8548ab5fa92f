"""Wrong usage: what is said, and how a script gets it."""

from pathlib import Path

import pytest

from releaser.cli.signals import Terminated
from releaser.model.errors import ReleaseError


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["promte", "v1"], "there is no verb promte", "did you mean release promote?"),
        (["xyzzy"], "there is no verb xyzzy", "release --help"),
        (["--frobnicate", "promote"], "release has no option --frobnicate before the verb", "release --help"),
        (["lock"], "release lock needs one more word", "status and break: release lock status"),
        (["plan", "v1", "--tto", "test"], "release plan has no option --tto", "did you mean --to?"),
        (["plan", "v1", "--zzz"], "no such option: --zzz", "release plan --help"),
        (["plan", "v1"], "missing option '--to' / '--env'", "release plan --help"),
        (["plan", "--to", "test"], "missing argument 'RELEASE'", "release plan --help"),
        (["plan", "v1", "v2", "--to", "test"], "got unexpected extra argument(s) (v2)", "release plan --help"),
        (["plan", "v1", "--to", "test", "-o", "xml"], "this verb does not print xml", "-o table|json|yaml|ndjson|md"),
        (["plan", "v1", "--to", "test", "-o", "name"], "this verb does not print name", "-o table|json|yaml|ndjson|md"),
        (["plan", "v1", "--to", "tset"], "there is no environment tset", "did you mean test?"),
        (["plan", "--to", "test", "--", "--yes"], "'--yes' is not a release name", "letters, digits and . _ + - only"),
        (["plan", "../x", "--to", "test"], "'../x' is not a release name", "letters, digits and . _ + - only"),
        (["rollback", "--to", "test", "--revision", "0"], "invalid value for '--revision'", "release rollback --help"),
        (["create", "v1.4", "--image", "api"], "--image api is not NAME=REF", "--image api=v1.4-rc2"),
        (["apply", "missing.json"], "missing.json cannot be read", "release plan RELEASE --to ENV --out FILE"),
    ],
)
def test_wrong_usage_says_what_was_meant(cli, words, message, hint):
    ran = cli(*words)

    error, told = ran.err.splitlines()
    assert ran.code == 64
    assert not ran.out
    assert error.startswith(f"error: {message}")
    assert told.startswith("hint: ")
    assert hint in told

    document = cli("--json", *words)
    if "-o" not in words:
        (problem,) = document.document["errors"]
        assert document.code == 64
        assert not document.err
        assert problem["message"].startswith(message)
        assert problem["code"] in {"bad-argument", "unknown-name"}


@pytest.mark.parametrize("ask", [["--json"], ["-o", "json"], ["-ojson"], ["--output=json"], ["-o", "ndjson"]])
def test_an_error_is_a_document_wherever_json_is_asked_for(cli, ask):
    for words in ([*ask, "promte"], ["promte", *ask], ["plan", "v1", "--nope", *ask]):
        ran = cli(*words)

        assert ran.code == 64
        assert ran.document["schema"] == "releaser/error/v1"


def test_an_error_in_yaml(cli):
    ran = cli("plan", "v1.9", "--to", "test", "-o", "yaml")

    assert ran.code == 64
    assert ran.out.startswith("schema: releaser/error/v1\nerrors:\n- code: image-not-found\n")


def test_the_place_of_an_error_is_shown(cli, golden):
    cli.edit("envs/staging.yaml", "vars: {note: nothing of its own}", "services:\n  api: {imagee: api}")

    ran = cli("plan", "v1.3", "--to", "staging")

    assert ran.code == 64
    golden("error-place.txt", ran.err)


def test_many_errors_are_counted_and_the_first_told(cli):
    services = "".join(f"  s{number}: {{imag: api}}\n" for number in range(30))
    cli.write("envs/staging.yaml", f"services:\n{services}")

    ran = cli("plan", "v1.3", "--to", "staging")
    everything = cli("plan", "v1.3", "--to", "staging", "-v")
    document = cli("plan", "v1.3", "--to", "staging", "--json").document

    assert ran.code == everything.code == 64
    assert ran.err.count("error: ") == 20
    assert ran.err.endswith(f"\n\n{len(document['errors'])} errors, of which these are the first 20; -v shows all\n")
    assert everything.err.count("error: ") == len(document["errors"]) >= 30


def test_what_an_error_repeats_cannot_reach_the_terminal(cli):
    ran = cli("plan", "v1.3", "--to", "te\x1b[2Jst\u202e")

    assert ran.code == 64
    assert "te\\x1b[2Jst\\u202e" in ran.err
    assert "\x1b" not in ran.err


def test_a_defect_is_one_line_and_a_file(cli, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("releaser.cli.promote.deliver", broken)

    ran = cli("promote", "v1.3", "--to", "test")

    error, hint = ran.err.splitlines()
    assert ran.code == 70
    assert error == "error: a defect in release: ZeroDivisionError: by nothing"
    assert "Traceback" in Path(hint.removeprefix("hint: please report it, with ")).read_text()


def test_a_traceback_is_shown_where_it_is_asked_for(cli, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("releaser.cli.promote.deliver", broken)

    assert "Traceback" in cli("promote", "v1.3", "--to", "test", "--debug").err
    assert "Traceback" in cli("plan", "v1.3", "--to", "nowhere", "--debug").err
    assert "Traceback" not in cli("plan", "v1.3", "--to", "nowhere").err


def test_an_error_that_is_in_no_branch_is_a_defect(cli, monkeypatch):
    def raises(*_):
        raise ReleaseError("out of nowhere")

    monkeypatch.setattr("releaser.cli.promote.deliver", raises)

    assert cli("promote", "v1.3", "--to", "test").code == 70


@pytest.mark.parametrize(
    ("raised", "code", "word"), [(KeyboardInterrupt, 130, "interrupted"), (Terminated, 143, "terminated")]
)
def test_who_stops_a_command_is_told_in_the_form_that_was_asked_for(cli, monkeypatch, raised, code, word):
    def stopped(*_):
        raise raised

    monkeypatch.setattr("releaser.cli.promote.deliver", stopped)

    told = cli("promote", "v1.3", "--to", "test")
    document = cli("promote", "v1.3", "--to", "test", "--json")

    assert told.code == document.code == code
    assert told.err == f"{word}\n"
    assert document.document["errors"][0] | {"locations": []} == {
        "code": "interrupted",
        "message": word,
        "hint": None,
        "locations": [],
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "v1.3", "--to", "test", "--to", "staging"], "--to test and --to staging exclude each other"),
        (["plan", "v1.3", "--to", "test", "--env=staging"], "--to test and --env staging exclude each other"),
        (["history", "-n", "1", "-n2"], "-n 1 and -n 2 exclude each other"),
        (["-C", ".", "status", "-C", "envs"], "-C . and -C envs exclude each other"),
    ],
)
def test_two_values_of_one_option_are_refused(cli, words, said):
    ran = cli(*words)

    assert (ran.code, ran.err) == (64, f"error: {said}\nhint: leave one of them out\n")


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "v1.3", "--to", "test", "--to", "test"],
        ["plan", "v1.3", "--to=test", "--env", "test", "-q"],
        ["-o", "table", "status", "-o", "json"],
        ["status", "--env", "test", "--env", "staging"],
        ["promote", "v1.3", "--to", "test", "--dry-run", "-m", "--to", "--by", "ann"],
    ],
)
def test_an_option_may_be_repeated_where_nothing_is_a_guess(cli, words):
    cli.ok(*words)


def test_another_option_is_named_only_where_it_is_near(cli):
    assert "did you mean" not in cli("plan", "v1.3", "--to", "test", "--yes").err
    assert "did you mean --dry-run?" in cli("promote", "v1.3", "--to", "test", "--dryrun").err


@pytest.mark.parametrize(("words", "environ"), [(["--by", "  "], {}), (["--by", ""], {}), ([], {"RELEASE_BY": " "})])
def test_a_blank_name_is_nobody(cli, words, environ):
    ran = cli("promote", "v1.3", "--to", "test", "--yes", *words, environ=environ)

    assert ran.code == 64
    assert f"{'--by' if words else 'RELEASE_BY'} names nobody" in ran.err
    assert not (cli.root / "deploy/test").exists()


def test_a_name_is_recorded_without_the_blanks_around_it(cli):
    cli.ok("promote", "v1.3", "--to", "test", "--yes", "--by", " ann  lee ")

    assert cli.json("show", "test")["delivery"]["actor"] == "ann lee"
