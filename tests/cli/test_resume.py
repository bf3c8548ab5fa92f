"""resume and abort: what was interrupted is shown, asked about, then finished or undone."""

import re

import pytest


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_there_may_be_nothing_to_take_up(cli, verb):
    cli.promote("v1.3", "test")

    ran = cli(verb, "test")

    assert ran.code == 3
    assert f"test #1 succeeded: there is nothing to {verb}" in ran.err
    assert cli(verb, "staging").code == 3
    assert cli(verb, "nowhere").code == 64


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_where_nobody_can_be_asked_it_needs_yes(cli, cut_off, verb):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")
    before = cli.delivered("test")

    ran = cli(verb, "test", "-m", "why")

    assert ran.code == 64
    assert ran.err.endswith(f"nobody can be asked here\nhint: release {verb} test -m why --yes\n")
    assert cli.delivered("test") == before
    assert cli.json("show", "test")["delivery"]["finished_at"] is None


@pytest.mark.parametrize(
    ("verb", "title", "brought", "status"),
    [
        ("resume", "Resume test #2 (v1.4): to v1.4", "v1.4", "succeeded"),
        ("abort", "Abort test #2 (v1.4): back to #1 (v1.3)", "v1.3", "aborted"),
    ],
)
def test_a_person_sees_what_it_would_do_and_is_asked(cli, cut_off, verb, title, brought, status):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")
    terminal = {"terminal": True, "environ": {"TERM": "dumb"}}

    no = cli(verb, "test", typed="n\n", **terminal)
    yes = cli(verb, "test", typed="y\n", **terminal)

    assert (no.code, yes.code) == (3, 0)
    assert no.out.startswith(f"{title}\n")
    assert f"{title}? [y/N] " in no.err
    assert cli.json("show", "test")["delivery"]["status"] == status
    assert cli.json("status")["environments"][0]["current"]["release"] == brought


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_the_name_is_asked_for_where_the_pipeline_says_so(cli, cut_off, verb):
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(hours=2)
    cut_off("v1.3", "production")
    terminal = {"terminal": True, "environ": {"TERM": "dumb"}}

    no = cli(verb, "production", typed="y\n", **terminal)
    yes = cli(verb, "production", typed="production\n", **terminal)

    assert (no.code, yes.code) == (3, 0)
    assert "Type production to go on: " in no.err


def test_abort_shows_what_it_takes_back(cli, cut_off):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")
    cli.drift("test")

    ran = cli("abort", "test", terminal=True, typed="n\n", environ={"TERM": "dumb"}, columns=120)

    assert re.search(r"CACHE_TTL +1 → 5", ran.out), ran.out


def test_why_and_who_are_steps_of_the_record(cli, cut_off):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")

    cli.ok("resume", "test", "--yes", "-m", "the disk is back", "--by", "bob")

    assert "resume of #2 by bob: the disk is back" in [step["text"] for step in cli.json("show", "test")["steps"]]


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_what_is_done_already_asks_nobody(cli, cut_off, verb):
    cut_off("v1.4", "test", effect=True)

    document = cli.json(verb, "test")

    assert (document["outcome"], document["delivery"]["status"]) == ("delivered", "succeeded")


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_what_changed_while_a_person_read_is_not_done(cli, cut_off, verb, monkeypatch):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")
    monkeypatch.setattr("releaser.cli.delivering.confirm", lambda *_: cli.drift("test"))

    ran = cli(verb, "test")

    assert ran.code == 4
    assert "test changed since it was looked at" in ran.err
    assert cli.json("show", "test")["delivery"]["status"] == "interrupted"
