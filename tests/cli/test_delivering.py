"""The verbs that deliver: what they do, print, ask and end with."""

import json
import re
import shlex

import pytest


@pytest.fixture
def golden(golden):
    """The same, whatever the key that secrets are fingerprinted with makes of a plan's id."""

    def same(name, text):
        text = re.sub(r"(?<=Plan )[0-9a-f]{6}", "123abc", text)
        text = re.sub(r"(?m)^\d\d:\d\d:\d\dZ", "14:02:11Z", text)
        golden(name, re.sub(r"0\.\ds", "0.1s", text))

    return same


def compose(cli, name):
    return (cli.root / f"deploy/{name}/compose.yaml").read_bytes()


def refuse(cli):
    """From here on verify refuses every release but v1.3."""
    cli.write("check.sh", 'test "$RELEASE_VERSION" = v1.3 || { echo "no database"; exit 3; }\n')
    cli.edit(
        "envs/base.yaml",
        "secrets:\n  password: {from",
        "verify: {command: [sh, check.sh]}\nsecrets:\n  password: {from",
    )


# --- promote ---


def test_a_promotion_to_read(cli, golden):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--yes")

    golden("promote.out.txt", ran.out)
    golden("promote.err.txt", ran.err)


def test_a_promotion_as_a_document(cli):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--yes", "--json", "-m", "the first", "--by", "ann")

    assert ran.document["outcome"] == "delivered"
    delivery = ran.document["delivery"]
    assert (delivery["environment"], delivery["revision"], delivery["status"]) == ("test", 1, "succeeded")
    assert (delivery["actor"], delivery["reason"]) == ("ann", "the first")
    assert ran.document["plan_id"] == delivery["plan_id"]
    assert ran.err.startswith("Plan ")
    assert "#1 is recorded as running" in ran.err


def test_a_promotion_as_a_stream(cli):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--yes", "-o", "ndjson")

    *events, result = ran.documents
    assert result["schema"] == "releaser/result/v1"
    assert {event["schema"] for event in events} == {"releaser/event/v1"}
    points = [event["point"] for event in events]
    assert points[:4] == ["leased", "settled", "planned", "intent"]
    assert points[-1] == "finished"


def test_quiet_is_one_line(cli):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--yes", "-q")

    assert re.fullmatch(r"✓ test now has v1\.3 \(#1, 0\.\ds\)\n", ran.out)
    assert not ran.err


def test_verbose_tells_every_point(cli):
    err = cli.ok("promote", "v1.3", "--to", "test", "--yes", "-v").err

    assert "the lease is ours" in err
    assert "every change is written" in err


def test_nothing_to_do_is_done(cli):
    cli.promote("v1.3", "test")

    ran = cli.ok("promote", "v1.3", "--to", "test")
    document = cli.json("promote", "v1.3", "--to", "test")

    assert ran.out == "✓ nothing to do: test has v1.3 already (#1)\n"
    assert ran.err == "next: release promote v1.3 --to staging\n"
    assert document["outcome"] == "unchanged"
    assert document["delivery"]["revision"] == 1
    assert len(cli.json("history")["deliveries"]) == 1


def test_what_comes_next_leads_through_the_pipeline(cli):
    first = cli.ok("promote", "v1.3", "--to", "test", "--yes")
    cli.promote("v1.3", "staging")
    second = cli.ok("promote", "v1.4", "--to", "test", "--yes")
    cli.promote("v1.4", "staging")
    cli.clock.move(hours=2)
    last = cli.ok("promote", "v1.4", "--to", "production", "--yes")

    assert first.err.endswith("next: release promote v1.3 --to staging\n")
    assert second.err.endswith("next: release promote v1.4 --to staging\n      release rollback --to test\n")
    assert second.out.endswith("Was v1.3\n")
    assert "next:" not in last.err


def test_a_refused_promotion_prints_the_plan_and_delivers_nothing(cli):
    ran = cli("promote", "v1.3", "--to", "staging", "--yes")
    document = cli("promote", "v1.3", "--to", "staging", "--yes", "--json")

    assert (ran.code, document.code) == (3, 3)
    assert ran.out.startswith("Plan ")
    assert ran.err == "next: release promote v1.3 --to test\n"
    assert document.document["schema"] == "releaser/plan/v1"
    assert not (cli.root / "deploy").exists()


def test_a_plan_is_saved_only_where_nothing_is_delivered(cli):
    for option in (["--out", "p.json"], ["--exit-code"]):
        ran = cli("promote", "v1.3", "--to", "test", "--yes", *option)

        assert ran.code == 64
        assert ran.err.endswith(
            f"hint: {shlex.join(['release', 'promote', 'v1.3', '--to', 'test', '--yes', *option])} --dry-run\n"
        )
    assert not (cli.root / "deploy").exists()


# --- what nobody can be asked ---


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
    before = compose(cli, "test")

    ran = cli(verb, *words)
    document = cli(verb, *words, "--json")

    assert ran.code == document.code == 64
    assert ran.err.endswith(f"error: a delivery to test asks first, and nobody can be asked here\nhint: {hint}\n")
    assert document.document["errors"][0]["code"] == "bad-argument"
    assert compose(cli, "test") == before
    words_again = shlex.split(hint)[1:]
    assert cli(*words_again).code == 0


def test_no_input_asks_nobody(cli):
    ran = cli("promote", "v1.3", "--to", "test", "--no-input", terminal=True, typed="y\n")

    assert ran.code == 64
    assert "release promote v1.3 --to test --no-input --yes" in ran.err


# --- what is asked on a terminal ---


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
    assert "Type production to deliver v1.3 there: " in ran.err


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


# --- failure ---


def test_a_failure_to_read(cli, golden):
    refuse(cli)
    cli.promote("v1.3", "test")
    before = compose(cli, "test")

    ran = cli("promote", "v1.4", "--to", "test", "--yes")

    assert ran.code == 1
    golden("failed.out.txt", ran.out)
    assert ran.err.endswith("next: release show test/2\n")
    assert compose(cli, "test") == before


def test_after_a_failure_what_ran_before_needs_no_delivery(cli):
    refuse(cli)
    cli.promote("v1.3", "test")
    cli("promote", "v1.4", "--to", "test", "--yes")

    assert cli.ok("promote", "v1.3", "--to", "test").out == "✓ nothing to do: test has v1.3 already (#1)\n"


def test_a_failure_as_a_document(cli):
    refuse(cli)

    document = cli.json("promote", "v1.4", "--to", "test", "--yes", code=1)

    assert document["outcome"] == "failed"
    assert document["delivery"]["status"] == "failed"
    assert document["delivery"]["restored"] == 0
    assert "no database" in document["delivery"]["message"]


def test_a_first_delivery_that_fails_leaves_the_environment_empty(cli):
    refuse(cli)

    ran = cli("promote", "v1.4", "--to", "test", "--yes", "-q")

    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "  test is empty, as before"


def test_what_failed_may_be_kept(cli):
    refuse(cli)
    cli.edit("envs/base.yaml", "verify:", "on_failure: keep\nverify:")

    ran = cli("promote", "v1.4", "--to", "test", "--yes", "-q")

    assert ran.code == 1
    assert "what was delivered is kept, as on_failure says" in ran.out
    assert ran.out.splitlines()[-1] == "  what test has is not known to be right: release status --env test --live"


# --- create, apply ---


def test_a_registration(cli):
    ran = cli.ok("create", "v1.4", "--image", "worker=v1.3")
    again = cli.ok("create", "v1.4", "--image", "worker=v1.3")

    assert ran.out.splitlines() == [
        "✓ v1.4 is registered",
        "IMAGE   DIGEST        FROM      PLATFORMS",
        "api     8d3028784b06  tag v1.4  linux/amd64, linux/arm64",
        "worker  1c6423aa3cc4  tag v1.3  linux/amd64, linux/arm64",
    ]
    assert ran.err == "next: release promote v1.4 --to test\n"
    assert again.out.startswith("✓ v1.4 is registered already, with the same digests\n")


def test_a_registration_as_a_document(cli):
    document = cli.json("create", "v1.4", "--by", "ann")

    assert (document["schema"], document["version"], document["created_by"]) == ("releaser/release/v1", "v1.4", "ann")


def test_a_release_keeps_its_digests(cli):
    cli.ok("create", "v9", "--image", "api=v1.3", "--image", "worker=v1.3")

    ran = cli("create", "v9", "--image", "api=v1.4", "--image", "worker=v1.3", "--json")

    assert ran.code == 3
    assert ran.document["errors"][0]["code"] == "release-conflict"


@pytest.mark.parametrize("words", [["api=v1.3", "api=v1.4"], ["ape=v1.3"], ["=v1"], ["api="]])
def test_a_tag_is_for_one_known_image(cli, words):
    assert cli("create", "v1.4", *(part for word in words for part in ("--image", word))).code == 64


def test_an_image_is_named_by_tag_digest_or_in_full(cli):
    digest = cli.json("create", "v1.4")["images"]["api"]["digest"]
    named = [digest, f"registry.test/shop/api@{digest}", f"registry.test/shop/api:v1.4@{digest}", "v1.4"]
    for number, reference in enumerate([*named, "registry.test/shop/api:v1.4"]):
        made = cli.json("create", f"v{number}", "--image", f"api={reference}", "--image", "worker=v1.4")

        assert made["images"]["api"]["digest"] == digest
    cli.promote("v0", "test")
    assert digest in compose(cli, "test").decode()


def test_an_image_of_another_repository_is_refused(cli):
    for reference in ("registry.test/shop/web:v1.4", f"elsewhere/api@sha256:{'0' * 64}"):
        ran = cli("create", "v1.4", "--image", f"api={reference}")

        assert ran.code == 64
        assert "is not of image api, which is registry.test/shop/api" in ran.err
    assert cli("create", "v1.4", "--image", f"api=sha256:{'0' * 64}").code == 64


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


# --- rollback ---


def test_a_rollback_names_target_release_and_age(cli):
    cli.promote("v1.3", "test")
    before = compose(cli, "test")
    cli.clock.move(hours=5)
    cli.promote("v1.4", "test")
    cli.clock.move(days=2)

    dry = cli.ok("rollback", "--to", "test", "--dry-run")
    ran = cli.ok("rollback", "--to", "test", "--yes")

    line = "Roll test back: v1.4 (#2) → v1.3 (#1, delivered 2d 5h ago)"
    assert dry.err == f"{line}\nnext: release rollback --revision=1 --to test\n"
    assert ran.err.startswith(f"{line}\n")
    assert ran.out.endswith("✓ test now has v1.3, as #1 left it (#3, 0.0s). Was v1.4\n")
    assert compose(cli, "test") == before


@pytest.mark.parametrize("target", [["--revision", "1"], ["--release", "v1.3"]])
def test_a_rollback_to_a_named_target(cli, target):
    for version in ("v1.3", "v1.4", "v1.5"):
        cli.promote(version, "test")

    document = cli.json("rollback", "--to", "test", "--yes", *target)

    assert (document["delivery"]["restores"], document["delivery"]["release"]) == (1, "v1.3")


def test_a_rollback_has_one_target(cli):
    ran = cli("rollback", "--to", "test", "--revision", "1", "--release", "v1.3")

    assert ran.code == 64
    assert "exclude each other" in ran.err


def test_a_rollback_needs_no_declarations(cli):
    cli.promote("v1.3", "test")
    cli.promote("v1.4", "test")
    cli.write("envs/pipeline.yaml", "project: [broken")

    ran = cli("rollback", "--to", "test", "--yes")

    assert ran.code == 0
    assert "the declarations cannot be read" in ran.out


def test_nothing_to_roll_back_to_is_refused(cli):
    cli.promote("v1.3", "test")

    assert cli("rollback", "--to", "test", "--yes").code == 3
    assert cli("rollback", "--to", "staging", "--yes").code == 3
    assert cli("rollback", "--to", "stagin", "--yes").code == 64
    assert cli("rollback", "--to", "test", "--revision", "7", "--yes").code == 64


# --- reconcile ---


def test_drift_is_put_back(cli):
    cli.promote("v1.3", "test")
    before = compose(cli, "test")
    cli.drift("test")

    assert cli("reconcile", "--to", "test", "--dry-run", "--exit-code").code == 2
    ran = cli.ok("reconcile", "--to", "test", "--yes")

    assert ran.out.endswith("✓ test now has v1.3, as recorded (#2, 0.0s)\n")
    assert compose(cli, "test") == before
    assert cli.ok("reconcile", "--to", "test").out == "✓ nothing to do: test has v1.3 already (#2)\n"
    assert cli("reconcile", "--to", "test", "--dry-run", "--exit-code").code == 0


def test_drift_is_accepted_with_a_reason(cli):
    cli.promote("v1.3", "test")
    cli.drift("test")
    drifted = compose(cli, "test")

    without = cli("reconcile", "--to", "test", "--accept", "--yes")
    blank = cli("reconcile", "--to", "test", "--accept", "--yes", "-m", "  ")
    ran = cli.ok("reconcile", "--to", "test", "--accept", "--yes", "-m", "a good idea after all")

    assert without.code == blank.code == 64
    assert without.err.endswith("hint: release reconcile --to test --accept -m WHY\n")
    assert ran.out.endswith("✓ test has v1.3, and the record has its drift (#2, 0.0s)\n")
    assert compose(cli, "test") == drifted
    assert cli.json("reconcile", "--to", "test")["outcome"] == "unchanged"


def test_a_saved_acceptance_needs_a_reason_too(cli):
    cli.promote("v1.3", "test")
    cli.drift("test")
    cli.ok("reconcile", "--to", "test", "--accept", "--dry-run", "--out", "p.json")

    assert cli("apply", "p.json", "--yes").code == 64
    assert cli("apply", "p.json", "--yes", "-m", "it is better").code == 0


# --- resume, abort ---


@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_there_may_be_nothing_to_take_up(cli, verb):
    cli.promote("v1.3", "test")

    ran = cli(verb, "test")

    assert ran.code == 3
    assert f"test #1 succeeded: there is nothing to {verb}" in ran.err
    assert cli(verb, "staging").code == 3
    assert cli(verb, "nowhere").code == 64


def test_no_secret_is_printed(cli):
    cli.promote("v1.3", "test")
    cli.write("check.sh", 'echo "the password is $SHOP_PASSWORD"; exit 1\n')
    cli.edit(
        "envs/base.yaml",
        "secrets:\n  password: {from",
        "verify: {command: [sh, check.sh]}\nsecrets:\n  password: {from",
    )

    for words in (["-v"], ["--json"], ["-o", "ndjson"], ["--debug"]):
        ran = cli("promote", "v1.4", "--to", "test", "--yes", *words)

        assert ran.code == 1
        assert "hunter-two" not in ran.out + ran.err
