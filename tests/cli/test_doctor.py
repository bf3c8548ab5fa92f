"""doctor: settings with their origins, and whether everything answers."""

import re
import sqlite3

import pytest


@pytest.fixture
def same(golden, cli):
    """As golden, of the checks: settings are as wide as the test's folder."""

    def check(name, text):
        settings, text = text.split("\n\n", 1)
        assert str(cli.root) in settings
        golden(name, re.sub(r"its id is [0-9a-f]+", "its id is 0123abcd", text))

    return check


def checks(document):
    return {check["check"]: check for check in document["checks"]}


@pytest.fixture
def shop(cli, monkeypatch):
    """v1.3 in test; who acts, and the key, are said by variables."""
    monkeypatch.setenv("RELEASE_BY", "ann")
    cli.promote("v1.3", "test")
    return cli


@pytest.mark.parametrize("columns", [60, 120])
def test_an_examination_to_read(shop, same, columns):
    ran = shop.ok("doctor", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    same(f"doctor-{columns}.txt", ran.out)
    assert ran.err == ""


def test_an_examination_for_scripts(shop):
    document = shop.json("doctor")

    found = checks(document)
    assert {name for name, check in found.items() if check["passed"] is False} == set()
    assert found["declarations"]["detail"] == "5 files of 3 environments, no errors"
    assert found["engine of test"]["detail"] == "directory deploy/test: 4 resources"
    assert found["images at oci:images/api"]["passed"] is True
    assert found["history"]["detail"].endswith("the chain is whole")
    assert found["git"]["passed"] is None


def test_settings_say_where_they_come_from(shop):
    shop.write("../home/xdg_config_home/releaser/settings.toml", 'color = "never"\n')
    shop.edit("envs/pipeline.yaml", "project: shop", "project: shop\nhistory: sqlite:elsewhere/h.db")

    document = shop.json("doctor", environ={"RELEASE_BY": "eve"})

    found = {setting["name"]: (setting["value"], setting["origin"]) for setting in document["settings"]}
    assert found["by"] == ("eve", "RELEASE_BY")
    assert found["output"] == ("json", "--output")
    assert found["color"][0] == "never"
    assert found["color"][1].endswith("settings.toml")
    assert found["history"] == ("sqlite:elsewhere/h.db", "envs/pipeline.yaml")
    flagged = shop.json("doctor", "--history", "sqlite:flag.db", environ={"RELEASE_HISTORY": "sqlite:env.db"})
    assert ("sqlite:flag.db", "--history") in [(s["value"], s["origin"]) for s in flagged["settings"]]


def test_a_default_history_does_not_outvote_the_users_own(shop):
    shop.write("../home/xdg_config_home/releaser/settings.toml", 'history = "sqlite:mine.db"\n')

    document = shop.json("doctor")

    assert next(s["value"] for s in document["settings"] if s["name"] == "history") == "sqlite:mine.db"


def test_broken_declarations_keep_nothing_else_from_being_looked_at(shop):
    shop.edit("envs/test.yaml", "CACHE_TTL: 5", "CACHE_TTL: ")

    found = checks(shop.json("doctor", code=64))

    assert found["declarations"]["passed"] is False
    assert found["declarations"]["hint"] == "release validate"
    assert "engine of test" not in found
    assert found["engine of staging"]["passed"] is True
    assert found["history"]["passed"] is True


def test_an_engine_that_cannot_be_read(shop):
    folder = shop.root / "deploy/test"
    folder.rename(shop.root / "deploy/elsewhere")
    folder.write_text("a file where the folder was")

    found = checks(shop.json("doctor", code=5))

    assert found["engine of test"]["passed"] is False
    assert found["engine of staging"]["passed"] is True


def test_a_cluster_that_nothing_leads_to(shop, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(shop.root / "nowhere"))
    shop.write("envs/staging.yaml", "engine: {kind: kubernetes, context: here, namespace: shop}\n")

    found = checks(shop.json("doctor", code=5))

    assert "no kubeconfig that names the context here" in found["engine of staging"]["detail"]
    assert "KUBECONFIG" in found["engine of staging"]["hint"]


def test_a_history_that_is_no_history(shop):
    shop.write(".release/history.db", "not a database at all, but long enough to be looked at as one")

    found = checks(shop.json("doctor", code=5))

    assert found["history"]["passed"] is False
    assert found["history"]["hint"]
    assert found["declarations"]["passed"] is True


def test_a_history_of_an_unknown_kind_hides_its_password(shop):
    ran = shop("doctor", "--history", "postgresql://ann:pass-canary@db.test/releases", "--json")

    assert ran.code == 5
    assert "pass-canary" not in ran.out + ran.err
    assert next(s for s in ran.document["settings"] if s["name"] == "history")["value"].startswith(
        "postgresql://ann:***@"
    )


def test_a_history_that_was_tampered_with(shop):
    with sqlite3.connect(shop.root / ".release/history.db") as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE event SET body = replace(body, 'ann', 'eve')")
    db.close()

    found = checks(shop.json("doctor", code=5))

    assert found["history"]["passed"] is False


def test_images_that_are_gone(shop):
    (shop.root / "images/api").rename(shop.root / "images/gone")

    found = checks(shop.json("doctor", code=5))

    assert found["images at oci:images/api"]["passed"] is not True
    assert found["images at oci:images/worker"]["passed"] is True


def test_nothing_registered_means_unknown(cli):
    found = checks(cli.json("doctor"))

    assert found["images at oci:images/api"]["passed"] is None
    assert "not asked" in found["images at oci:images/api"]["detail"]


def test_a_history_of_one_clone(shop):
    assert checks(shop.json("doctor", environ={"CI": "true"}))["history in CI"]["passed"] is None
    elsewhere = {"CI": "true", "RELEASE_HISTORY": f"sqlite:{shop.root.parent}/kept.db"}
    assert "history in CI" not in checks(shop.json("doctor", environ=elsewhere))


def test_a_key_that_must_not_be_used(shop):
    found = checks(shop.json("doctor", code=5, environ={"RELEASE_FINGERPRINT_KEY": "short"}))

    assert found["fingerprint key"]["passed"] is False
    assert "short" not in found["fingerprint key"]["detail"].replace("shorter", "")


def test_outside_a_project(bare):
    ran = bare("doctor")

    assert ran.code == 64
    assert "release init" in ran.err
