"""show: one delivery, whole."""

import re

import pytest

from releaser import __version__


@pytest.fixture
def same(golden, cli):
    """As golden, whatever the folder, the version, the fingerprint key and the time of day are."""

    def check(name, text):
        text = re.sub(r"(?<=Plan )[0-9a-f]{6}", "123abc", text.replace(str(cli.root), "ROOT"))
        text = re.sub(r"^  [0-9:]{8}(Z?)  ", r"  12:34:56\1  ", text, flags=re.MULTILINE)
        golden(name, text.replace(__version__, "VERSION"))

    return check


@pytest.fixture
def shop(cli):
    cli.promote("v1.3", "test")
    cli.edit("envs/test.yaml", "CACHE_TTL: 5", "CACHE_TTL: 7")
    cli.ok("promote", "v1.4", "--to", "test", "--yes", "--by", "ann", "-m", "gift cards")
    cli.clock.move(hours=3)
    return cli


@pytest.mark.parametrize("columns", [60, 100])
def test_a_delivery_to_read(shop, same, columns):
    same(f"show-{columns}.txt", shop.ok("show", "test", terminal=True, columns=columns, environ={"NO_COLOR": "1"}).out)


def test_all_of_a_delivery(shop, same):
    same("show-verbose.txt", shop.ok("show", "test/1", "-v").out)


def test_a_delivery_for_scripts(shop):
    document = shop.json("show", "test/1")

    assert document["delivery"]["release"] == "v1.3"
    assert document["plan"]["id"] == document["delivery"]["plan_id"]
    api = next(resource for resource in document["resources"] if resource["id"] == "service/api")
    assert api["body"]["environment"]["CACHE_TTL"] == "5"
    assert document["steps"]
    assert shop.json("show", "test")["delivery"]["revision"] == 2
    assert shop.json("show", "test/#1")["delivery"]["revision"] == 1


def test_a_failure_says_all_of_it(shop):
    shop.write("envs/test.yaml", "verify: {command: [sh, -c, 'echo the database is gone >&2; exit 3']}\n")
    assert shop("promote", "v1.5", "--to", "test", "--yes").code == 1

    ran = shop.ok("show", "test")

    assert ran.out.startswith("test #3  v1.5  ✗ failed\n")
    assert "the database is gone" in ran.out
    assert re.search(r"restored +#2\n", ran.out)
    assert r"\n" not in ran.out
    assert r"\n" not in shop.ok("history", "--env", "test").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("test/9", "test has no revision 9"),
        ("test/x", "ENV or ENV/REVISION"),
        ("test/", "ENV or ENV/REVISION"),
        ("/1", "ENV or ENV/REVISION"),
        ("test/٣", "ENV or ENV/REVISION"),
        ("production", "nothing was delivered to production yet"),
        ("prod", "did you mean production?"),
        ("test/99999999999999999999", "ENV or ENV/REVISION"),
    ],
)
def test_what_is_not_there(shop, words, said):
    ran = shop("show", words)

    assert ran.code == 64
    assert said in ran.err


def test_a_rollback_and_an_accepted_drift_say_how(shop):
    shop.ok("rollback", "--to", "test", "--yes")
    assert "rollback to #1, on top of #2" in shop.ok("show", "test").out

    shop.drift("test")
    shop.ok("reconcile", "--to", "test", "--accept", "-m", "it is right", "--yes")
    out = shop.ok("show", "test").out
    assert "reconcile, on top of #3" in out
    assert "it is right" in out
    assert "environment.CACHE_TTL" in out


def test_steps_do_not_count_what_is_not_there(cli):
    cli.promote("v1.3", "test")

    texts = [step["text"] for step in cli.json("show", "test")["steps"]]

    assert "compose.yaml is staged" in texts
    assert not [text for text in texts if text.startswith("0 ")]
