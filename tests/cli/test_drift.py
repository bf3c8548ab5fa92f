"""drift: what is live against the record."""

import pytest


@pytest.fixture
def shop(cli):
    """v1.3 in test and staging, and a hand edit in staging."""
    cli.promote("v1.3", "test", "staging")
    cli.drift("staging")
    return cli


@pytest.mark.parametrize("columns", [44, 100])
def test_drift_to_read(shop, golden, columns):
    ran = shop.ok("drift", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    golden(f"drift-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines() if "differs from" not in line)
    assert ran.err == ("next: release reconcile --to staging\n      release reconcile --to staging --accept -m WHY\n")


def test_drift_in_colour(shop, golden):
    golden("drift-colour.txt", shop.ok("drift", terminal=True, columns=100).out)


def test_drift_for_a_comment(shop, golden):
    golden("drift.md", shop.ok("drift", "-o", "md").out)


def test_drift_for_scripts(shop):
    environments = shop.json("drift")["environments"]

    assert [(item["environment"], item["clean"]) for item in environments] == [
        ("test", True),
        ("staging", False),
        ("production", True),
    ]
    (item,) = environments[1]["items"]
    assert item["resource"] == "service/api"
    assert item["kind"] == "changed"
    assert item["fields"] == [{"path": "environment.CACHE_TTL", "recorded": "60", "live": "1", "by": None, "at": None}]


def test_differences_are_an_exit_code_only_where_that_is_asked_for(shop):
    assert shop("drift").code == 0
    assert shop("drift", "--exit-code").code == 2
    assert shop("drift", "--exit-code", "--env", "test").code == 0
    assert shop.json("drift", "--exit-code", code=2)["environments"][1]["clean"] is False


def test_no_drift_is_said(shop):
    ran = shop.ok("drift", "--env", "test", "--exit-code")

    assert ran.out == "✓ test  no drift from #1 (v1.3)\n"
    assert ran.err == ""


def test_what_could_not_be_read_is_not_clean(shop):
    folder = shop.root / "deploy/test"
    folder.rename(shop.root / "deploy/elsewhere")
    folder.write_text("a file where the folder was")

    ran = shop("drift", "--exit-code")

    assert ran.code == 5
    assert ran.out.startswith("? test        could not be told: ")
    assert "! staging" in ran.out
    (first, second, _) = shop.json("drift", code=5)["environments"]
    assert first["clean"] is None
    assert first["error"]
    assert second["clean"] is False


def test_what_is_gone_and_what_nobody_delivered(shop):
    file = shop.root / "deploy/test/compose.yaml"
    text = file.read_text()
    start = text.index("  worker:")
    end = text.index("\nsecrets:") if "\nsecrets:" in text[start:] else len(text)
    file.write_text(text[:start] + "  intruder:\n    image: evil.test/x\n" + text[end:])

    out = shop.ok("drift", "--env", "test").out

    assert "service/worker is gone" in out
    assert "service/intruder is there, and nobody delivered it" in out


def test_a_secret_that_was_replaced_by_a_literal_is_not_shown(shop):
    file = shop.root / "deploy/test/compose.yaml"
    text = file.read_text()
    assert "environment: SHOP_PASSWORD" in text
    file.write_text(text.replace("environment: SHOP_PASSWORD", "content: literal-canary"))

    for form in ("table", "json", "md", "yaml"):
        ran = shop.ok("drift", "--env", "test", "-o", form)
        assert "literal-canary" not in ran.out + ran.err
        assert "a value that is not shown" in ran.out


def test_reading_verbs_write_nothing(shop):
    before = {file: file.stat().st_mtime_ns for file in shop.root.rglob("*") if file.is_file()}

    for words in ("drift", "status --live", "history", "releases", "show test", "doctor", "lock status"):
        shop(*words.split())

    assert {file: file.stat().st_mtime_ns for file in shop.root.rglob("*") if file.is_file()} == before


def test_names(shop):
    ran = shop("drift", "--env", "productoin")

    assert ran.code == 64
    assert "did you mean production?" in ran.err
