"""releases: what is registered, and how far each has come."""

import re

import pytest


@pytest.fixture
def shop(cli):
    """v1.3 everywhere, v1.4 in test and rolled back from, v1.5 registered only."""
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(hours=2)
    cli.promote("v1.3", "production")
    cli.promote("v1.4", "test")
    cli.ok("rollback", "--to", "test", "--yes")
    cli.ok("create", "v1.5", environ={"RELEASE_BY": "ci"})
    return cli


@pytest.mark.parametrize("columns", [50, 100])
def test_releases_to_read(shop, golden, columns):
    ran = shop.ok("releases", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    golden(f"releases-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())


def test_releases_piped_and_in_colour_say_the_same(shop, golden):
    piped = shop.ok("releases").out

    golden("releases-piped.txt", piped)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shop.ok("releases", "--color", "always").out) == piped


def test_releases_for_scripts(shop):
    found = shop.json("releases")["releases"]

    assert [item["release"]["version"] for item in found] == ["v1.5", "v1.4", "v1.3"]
    assert found[0]["reached"] == []
    assert found[1]["reached"] == [{"environment": "test", "proven": False, "current": False, "revision": 2}]
    assert [(r["environment"], r["proven"], r["current"]) for r in found[2]["reached"]] == [
        ("test", True, True),
        ("staging", True, True),
        ("production", True, True),
    ]
    assert shop.ok("releases", "-o", "name").out == "v1.5\nv1.4\nv1.3\n"


def test_some_of_them(shop):
    ran = shop.ok("releases", "-n", "2")

    assert [line.split()[0] for line in ran.out.splitlines()] == ["RELEASE", "v1.5", "v1.4"]
    assert ran.err == "there are older ones: --limit 4, or --limit 0 for all\n"
    assert shop.ok("releases", "-n", "3").err == ""


def test_none_yet(cli):
    ran = cli.ok("releases")

    assert (ran.out, ran.err) == ("", "no release is registered yet\nnext: release create RELEASE\n")
    assert cli.json("releases")["releases"] == []


def test_one_release_to_read(shop, golden):
    golden("releases-show.txt", shop.ok("releases", "show", "v1.3").out)
    golden("releases-show-verbose.txt", shop.ok("releases", "show", "v1.4", "-v").out)
    assert "delivered nowhere yet" in shop.ok("releases", "show", "v1.5").out


def test_one_release_for_scripts(shop):
    (found,) = shop.json("releases", "show", "v1.5")["releases"]

    assert found["release"]["created_by"] == "ci"
    assert sorted(found["release"]["images"]["api"]["platforms"]) == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize(
    ("version", "said"),
    [("v1.33", "did you mean v1.3?"), ("../x", "is not a release name"), ("nothing-like-it", "release create")],
)
def test_a_release_that_is_not_there(shop, version, said):
    ran = shop("releases", "show", version)

    assert ran.code == 64
    assert said in ran.err
