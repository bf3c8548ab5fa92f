"""Deliveries that fail: what is said, what runs afterwards."""


def test_a_failure_to_read(cli, steady):
    cli.refuse_all_but("v1.3")
    cli.promote("v1.3", "test")
    before = cli.delivered("test")

    ran = cli("promote", "v1.4", "--to", "test", "--yes")

    assert ran.code == 1
    steady("failed.out.txt", ran.out)
    assert ran.err.endswith("next: release show test/2\n")
    assert cli.delivered("test") == before


def test_after_a_failure_what_ran_before_needs_no_delivery(cli):
    cli.refuse_all_but("v1.3")
    cli.promote("v1.3", "test")
    cli("promote", "v1.4", "--to", "test", "--yes")

    assert cli.ok("promote", "v1.3", "--to", "test").out == "✓ nothing to do: test has v1.3 already (#1)\n"


def test_a_failure_as_a_document(cli):
    cli.refuse_all_but("v1.3")

    document = cli.json("promote", "v1.4", "--to", "test", "--yes", code=1)

    assert document["outcome"] == "failed"
    assert document["delivery"]["status"] == "failed"
    assert document["delivery"]["restored"] == 0
    assert "no database" in document["delivery"]["message"]


def test_a_first_delivery_that_fails_leaves_the_environment_empty(cli):
    cli.refuse_all_but("v1.3")

    ran = cli("promote", "v1.4", "--to", "test", "--yes", "-q")

    assert ran.code == 1
    left, hint = ran.out.splitlines()[-2:]
    assert left == "  test is empty, as before"
    assert hint.startswith("  hint: run it yourself at the project's root: ")


def test_what_failed_may_be_kept(cli):
    cli.refuse_all_but("v1.3")
    cli.edit("envs/base.yaml", "verify:", "on_failure: keep\nverify:")

    ran = cli("promote", "v1.4", "--to", "test", "--yes", "-q")

    assert ran.code == 1
    assert "what was delivered is kept, as on_failure says" in ran.out
    assert ran.out.splitlines()[-2] == "  what test has is not known to be right: release status --env test --live"
