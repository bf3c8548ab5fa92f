"""Streams: what goes where, in which form, and what becomes of it when nobody reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RELEASE = (sys.executable, "-c", "import sys; from releaser.cli.main import main; sys.exit(main())")


def run(cli, *words, **how):
    """The command as a process."""
    how = {"capture_output": True, "text": True} | how
    return subprocess.run([*RELEASE, *words], cwd=cli.root, check=False, **how)


def test_json_is_readable_and_complete(cli):
    ran = cli.ok("version", "--json")

    assert ran.out == json.dumps(json.loads(ran.out), indent=2) + "\n"
    assert ran.out.endswith("}\n")


def test_json_is_utf_8_whatever_the_locale_says(cli):
    cli.promote("v1.3", "test", "staging")

    ran = run(
        cli,
        "promote",
        "v1.4",
        "--to",
        "test",
        "--yes",
        "--json",
        "-m",
        "schön",
        text=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )

    assert ran.returncode == 0
    assert json.loads(ran.stdout.decode("utf-8"))["delivery"]["reason"] == "schön"


@pytest.mark.parametrize(
    ("words", "environ", "terminal", "coloured"),
    [
        ([], {}, True, True),
        ([], {}, False, False),
        ([], {"NO_COLOR": "1"}, True, False),
        ([], {"NO_COLOR": ""}, True, True),
        ([], {"TERM": "dumb"}, True, False),
        ([], {"FORCE_COLOR": "1"}, False, True),
        ([], {"RELEASE_COLOR": "always"}, False, True),
        ([], {"RELEASE_COLOR": "never"}, True, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, True, False),
        (["--color", "always"], {"NO_COLOR": "1"}, False, True),
        (["--color", "auto"], {"RELEASE_COLOR": "always"}, False, False),
    ],
)
def test_when_there_is_colour(cli, words, environ, terminal, coloured):
    ran = cli.ok("plan", "v1.3", "--to", "test", *words, terminal=terminal, environ=environ)

    assert ("\x1b[" in ran.out) is coloured
    assert ("\x1b[" in ran.err) is coloured


def test_errors_have_colour_only_where_the_rest_has(cli):
    assert "\x1b[" in cli("promte", terminal=True).err
    assert "\x1b[" not in cli("promte", terminal=True, environ={"NO_COLOR": "1"}).err
    assert "\x1b[" not in cli("promte", "--color", "never", terminal=True).err


def test_the_form_comes_from_flag_variable_or_user_settings(cli, tmp_path):
    settings = tmp_path / "home/xdg_config_home/releaser/settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('output = "yaml"\n')

    assert cli.ok("version").out.startswith("schema: releaser/version/v1\n")
    assert cli.ok("version", environ={"RELEASE_OUTPUT": "json"}).out.startswith("{")
    assert cli.ok("version", "-o", "table", environ={"RELEASE_OUTPUT": "json"}).out.startswith("release ")
    assert cli.ok("version", environ={"RELEASE_OUTPUT": "md"}).out.startswith("release ")


def test_broken_user_settings_are_told(cli, tmp_path):
    settings = tmp_path / "home/xdg_config_home/releaser/settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("output = 3\n")

    ran = cli("version", "--json")

    assert ran.code == 64
    assert "settings.toml: output is no setting" in ran.document["errors"][0]["message"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_who_went_away_does_not_stop_a_delivery(cli, stream):
    reading, writing = os.pipe()
    os.close(reading)

    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writing}
    ran = run(cli, "promote", "v1.3", "--to", "test", "--yes", capture_output=False, **streams)
    os.close(writing)

    assert ran.returncode == 0
    other = ran.stderr if stream == "stdout" else ran.stdout
    assert "Traceback" not in other
    assert "rror" not in other
    assert cli.json("history")["deliveries"][0]["status"] == "succeeded"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_answer_that_is_lost_is_an_error(cli):
    with Path("/dev/full").open("w") as full:
        for words in (["version", "--json"], ["version"]):
            ran = run(cli, *words, capture_output=False, stdout=full, stderr=subprocess.PIPE)

            assert ran.returncode == 5
            assert ran.stderr == "error: the answer could not be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_talk_that_is_lost_is_not(cli):
    with Path("/dev/full").open("w") as full:
        ran = run(
            cli,
            "promote",
            "v1.3",
            "--to",
            "test",
            "--yes",
            "--json",
            capture_output=False,
            stdout=subprocess.PIPE,
            stderr=full,
        )

    assert ran.returncode == 0
    assert json.loads(ran.stdout)["outcome"] == "delivered"


@pytest.mark.parametrize("closed", ["0<&-", ">&-", "2>&-", "0<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere(cli, closed):
    script = f'exec "$@" {closed}'
    words = [*RELEASE, "promote", "v1.3", "--to", "test", "--yes"]

    ran = subprocess.run(["sh", "-c", script, "sh", *words], cwd=cli.root, check=False, capture_output=True)

    assert ran.returncode == 0
    assert cli.json("history")["deliveries"][0]["status"] == "succeeded"
    assert (
        subprocess.run(["sh", "-c", script, "sh", *RELEASE, "--help"], check=False, capture_output=True).returncode == 0
    )


@pytest.mark.parametrize("words", [["-o=json"], ["-ojson"], ["-o", "json"], ["--output=json"], ["-o", "=json"]])
def test_an_equals_sign_is_no_part_of_the_format(cli, words):
    assert cli.ok("version", *words).out.startswith("{")
    assert cli("show", "nowhere", *words).document["errors"][0]["code"] == "unknown-name"


@pytest.mark.parametrize(
    ("variable", "value", "word"), [("RELEASE_OUTPUT", "jsn", "output"), ("RELEASE_COLOR", "bad", "color")]
)
def test_a_setting_that_is_none_is_refused_with_its_origin(cli, variable, value, word):
    ran = cli("version", environ={variable: value})

    assert ran.code == 64
    assert f"error: {variable} is {value}, which is no {word}\n" in ran.err
    file = cli.write("../home/xdg_config_home/releaser/settings.toml", f"{word} = '{value}'\n")
    assert f"/settings.toml is {value}, which is no {word}\n" in cli("version").err
    assert file.exists()
    assert cli.ok("version", f"--{word}", "table" if word == "output" else "auto").err == ""


def test_an_error_before_the_options_are_read_is_in_the_form_of_the_variable(cli):
    ran = cli("stats", environ={"RELEASE_OUTPUT": "json"})

    assert ran.document["errors"][0]["message"] == "there is no verb stats"
