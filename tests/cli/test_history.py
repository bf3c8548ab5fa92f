"""history: deliveries, newest first."""

import pytest


@pytest.fixture
def shop(cli):
    """Three deliveries in test, one of them a rollback, and one in staging."""
    cli.promote("v1.3", "test")
    cli.clock.move(minutes=3)
    cli.promote("v1.3", "staging")
    cli.clock.move(hours=4)
    cli.ok("promote", "v1.4", "--to", "test", "--yes", "--by", "ci", "-m", "gift cards, and a longer story than fits")
    cli.clock.move(days=1)
    cli.ok("rollback", "--to", "test", "--yes", "--by", "ann", "-m", "the checkout is slow")
    return cli


@pytest.mark.parametrize("columns", [50, 80, 160])
def test_a_history_to_read(shop, golden, columns):
    ran = shop.ok("history", "--env", "test", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    golden(f"history-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())
    assert ran.err == "next: release show test/3\n"


def test_a_history_of_all_piped(shop, golden):
    ran = shop.ok("history")

    golden("history-piped.txt", ran.out)
    assert ran.err == ""


def test_a_history_in_colour(shop, golden):
    golden("history-colour.txt", shop.ok("history", terminal=True, columns=120).out)


def test_a_history_for_scripts(shop):
    deliveries = shop.json("history")["deliveries"]

    found = [(d["environment"], d["revision"], d["release"], d["trigger"], d["restores"]) for d in deliveries]
    assert found == [
        ("test", 3, "v1.3", "rollback", 1),
        ("test", 2, "v1.4", "promote", None),
        ("staging", 1, "v1.3", "promote", None),
        ("test", 1, "v1.3", "promote", None),
    ]
    assert deliveries[1]["actor"] == "ci"
    assert deliveries[1]["reason"] == "gift cards, and a longer story than fits"


def test_some_of_it(shop):
    assert shop.ok("history", "-o", "name").out.split() == ["test/3", "test/2", "staging/1", "test/1"]
    assert shop.ok("history", "-o", "name", "--release", "v1.4").out == "test/2\n"
    assert shop.ok("history", "-o", "name", "--env", "sta*").out == "staging/1\n"
    assert shop.ok("history", "-o", "name", "--limit", "2").out == "test/3\ntest/2\n"
    assert len(shop.json("history", "--limit", "0")["deliveries"]) == 4


def test_what_was_cut_off_is_said(shop):
    ran = shop.ok("history", "-n", "3")

    assert len(ran.out.splitlines()) == 4
    assert ran.err == "there are older ones: --limit 6, or --limit 0 for all\n"
    assert shop.ok("history", "-n", "4").err == ""


def test_a_terminal_gets_a_screenful(shop, monkeypatch):
    monkeypatch.setattr("releaser.cli.limits.ON_A_SCREEN", 2)

    ran = shop.ok("history", terminal=True)

    assert len([line for line in ran.out.splitlines() if "succeeded" in line]) == 2
    assert "--limit 4" in ran.err


def test_a_failed_delivery_says_what_it_returned_to(shop):
    shop.write("envs/test.yaml", "verify: {command: ['false']}\n")
    assert shop("promote", "v1.5", "--to", "test", "--yes").code == 1

    line = shop.ok("history", "--env", "test").out.splitlines()[1]

    assert "✗ failed" in line
    assert "returned to #3" in line
    assert "← current" not in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--release", "v1.40"), "did you mean v1.4?"),
        (("--env", "tset"), "did you mean test?"),
        (("--limit", "-1"), "--limit 20"),
        (("--all", "--env", "test"), "leave one of them out"),
    ],
)
def test_wrong_words(shop, words, said):
    ran = shop("history", *words)

    assert ran.code == 64
    assert said in ran.err
    assert ran.out == ""


def test_nothing_yet(cli):
    ran = cli.ok("history")

    assert (ran.out, ran.err) == ("", "nothing was delivered yet\n")
    assert cli.json("history")["deliveries"] == []
    assert not (cli.root / ".release").exists()
