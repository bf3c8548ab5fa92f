"""promote: what it does, prints and ends with."""

import re
import shlex


def test_a_promotion_to_read(cli, steady):
    ran = cli.ok("promote", "v1.3", "--to", "test", "--yes")

    steady("promote.out.txt", ran.out)
    steady("promote.err.txt", ran.err)


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


def test_no_secret_is_printed(cli):
    cli.promote("v1.3", "test")
    cli.write("check.sh", 'echo "the password is $SHOP_PASSWORD"; exit 1\n')
    cli.verify("verify: {command: [sh, check.sh]}")

    for words in (["-v"], ["--json"], ["-o", "ndjson"], ["--debug"]):
        ran = cli("promote", "v1.4", "--to", "test", "--yes", *words)

        assert ran.code == 1
        assert "hunter-two" not in ran.out + ran.err


def test_where_nothing_is_to_do_the_result_is_what_runs_not_what_failed(cli):
    cli.promote("v1.3", "test")
    cli.refuse_all_but("v1.3")
    assert cli("promote", "v1.4", "--to", "test", "--yes").code == 1

    document = cli.json("promote", "v1.3", "--to", "test")

    assert document["outcome"] == "unchanged"
    assert (document["delivery"]["revision"], document["delivery"]["status"]) == (1, "succeeded")


def test_a_way_back_is_told_only_where_there_is_one(cli):
    cli.promote("v1.3", "test")
    cli.ok("create", "same", "--image", "api=v1.3", "--image", "worker=v1.3")

    equal = cli.ok("promote", "same", "--to", "test", "--yes")
    other = cli.ok("promote", "v1.5", "--to", "test", "--yes")

    assert "rollback" not in equal.err
    assert "release rollback --to test" in other.err
    assert cli.json("rollback", "--to", "test", "--yes")["outcome"] == "delivered"
