"""apply: saved plans, exactly and once."""

import json

import pytest


def test_a_saved_plan_is_executed_once(cli):
    cli.ok("plan", "v1.3", "--to", "test", "--out", "p.json")
    saved = json.loads((cli.root / "p.json").read_text())
    cli.clock.move(hours=1)

    ran = cli.ok("apply", "p.json", "--yes", "-m", "as agreed", "--json")
    again = cli("apply", "p.json", "--yes", "--json")

    assert ran.document["plan_id"] == saved["id"]
    assert ran.document["delivery"]["reason"] == "as agreed"
    assert again.code == 4
    assert again.document["errors"][0]["code"] == "stale-plan"


def test_a_saved_plan_that_moved_is_refused_before_anybody_is_asked(cli):
    cli.ok("plan", "v1.3", "--to", "test", "--out", "p.json")
    cli.edit("envs/test.yaml", "CACHE_TTL: 5", "CACHE_TTL: 6")

    ran = cli("apply", "p.json", terminal=True, typed="y\n")

    assert ran.code == 4
    assert "the plan for test is stale: the declarations give other resources" in ran.err
    assert "[y/N]" not in ran.err


def test_a_comment_does_not_make_a_saved_plan_stale(cli):
    cli.ok("plan", "v1.3", "--to", "test", "--out", "p.json")
    cli.edit("envs/test.yaml", "services:", "# nothing of weight\n\nservices:")

    assert cli("apply", "p.json", "--yes").code == 0


def test_a_saved_plan_whose_gate_closed_is_shown_and_refused(cli):
    cli.promote("v1.3", "test")
    cli.promote("v1.4", "test")
    cli.ok("plan", "v1.4", "--to", "staging", "--out", "p.json")
    cli.ok("rollback", "--to", "test", "--yes")

    ran = cli("apply", "p.json", "--yes")

    assert ran.code == 3
    assert "✗ from  refused: v1.4 is not proven in test; rolled back away from it: test (#3)" in ran.out


@pytest.mark.parametrize("text", ["", "{}", "[1", '{"schema": "releaser/plan/v2"}', "\x00\xff"])
def test_what_is_no_plan_is_said_to_be_none(cli, text):
    cli.write("p.json", text)

    ran = cli("apply", "p.json", "--yes", "--json")

    assert ran.code == 64
    assert "p.json is not a saved plan" in ran.document["errors"][0]["message"]
