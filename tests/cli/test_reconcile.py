"""reconcile: drift put back, or accepted."""


def test_drift_is_put_back(cli):
    cli.promote("v1.3", "test")
    before = cli.delivered("test")
    cli.drift("test")

    assert cli("reconcile", "--to", "test", "--dry-run", "--exit-code").code == 2
    ran = cli.ok("reconcile", "--to", "test", "--yes")

    assert ran.out.endswith("✓ test now has v1.3, as recorded (#2, 0.0s)\n")
    assert cli.delivered("test") == before
    assert cli.ok("reconcile", "--to", "test").out == "✓ nothing to do: test has v1.3 already (#2)\n"
    assert cli("reconcile", "--to", "test", "--dry-run", "--exit-code").code == 0


def test_drift_is_accepted_with_a_reason(cli):
    cli.promote("v1.3", "test")
    cli.drift("test")
    drifted = cli.delivered("test")

    without = cli("reconcile", "--to", "test", "--accept", "--yes")
    blank = cli("reconcile", "--to", "test", "--accept", "--yes", "-m", "  ")
    ran = cli.ok("reconcile", "--to", "test", "--accept", "--yes", "-m", "a good idea after all")

    assert without.code == blank.code == 64
    assert without.err.endswith("hint: release reconcile --to test --accept -m WHY\n")
    assert ran.out.endswith("✓ test has v1.3, and the record has its drift (#2, 0.0s)\n")
    assert cli.delivered("test") == drifted
    assert cli.json("reconcile", "--to", "test")["outcome"] == "unchanged"


def test_a_saved_acceptance_needs_a_reason_too(cli):
    cli.promote("v1.3", "test")
    cli.drift("test")
    cli.ok("reconcile", "--to", "test", "--accept", "--dry-run", "--out", "p.json")

    assert cli("apply", "p.json", "--yes").code == 64
    assert cli("apply", "p.json", "--yes", "-m", "it is better").code == 0


def test_who_accepts_is_asked_about_the_record(cli):
    cli.promote("v1.3", "test")
    cli.drift("test")

    ran = cli("reconcile", "--to", "test", "--accept", "-m", "why", terminal=True, typed="n\n")

    assert "Take the drift of test into the record? [y/N] " in ran.err
    assert "Deliver" not in ran.err
