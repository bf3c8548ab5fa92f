"""rollback: what comes back."""

import pytest


def test_a_rollback_names_target_release_and_age(cli):
    cli.promote("v1.3", "test")
    before = cli.delivered("test")
    cli.clock.move(hours=5)
    cli.promote("v1.4", "test")
    cli.clock.move(days=2)

    dry = cli.ok("rollback", "--to", "test", "--dry-run")
    ran = cli.ok("rollback", "--to", "test", "--yes")

    line = "Roll test back: v1.4 (#2) → v1.3 (#1, delivered 2d 5h ago)"
    assert dry.err == f"{line}\nnext: release rollback --revision=1 --to test\n"
    assert ran.err.startswith(f"{line}\n")
    assert ran.out.endswith("✓ test now has v1.3, as #1 left it (#3, 0.0s). Was v1.4\n")
    assert cli.delivered("test") == before


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
