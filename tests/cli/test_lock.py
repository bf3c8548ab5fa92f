"""lock status and lock break: who delivers now, and taking over."""

from datetime import UTC, datetime

import pytest

from releaser.history.sqlite import SqliteHistory
from releaser.model.errors import LeaseLost
from releaser.ports import Holder


@pytest.fixture
def held(cli):
    """Somebody else delivers to staging."""
    cli.promote("v1.3", "test")
    history = SqliteHistory.open(cli.root / ".release/history.db")
    since = datetime(2026, 11, 24, 14, 1, 0, tzinfo=UTC)
    lease = history.acquire("staging", Holder(actor="eve", host="elsewhere", process=7, verb="promote", since=since))
    yield cli, history, lease
    history.close()


def test_nobody_delivers(cli):
    ran = cli.ok("lock", "status")

    assert (ran.out, ran.err) == ("", "nobody delivers now\n")
    assert cli.json("lock", "status")["locks"] == []


def test_who_delivers(held, golden):
    cli, _, _ = held

    golden("lock-status.txt", cli.ok("lock", "status", terminal=True, environ={"NO_COLOR": "1"}).out)
    (lock,) = cli.json("lock", "status")["locks"]
    assert (lock["environment"], lock["actor"], lock["alive"]) == ("staging", "eve", True)
    assert cli.ok("lock", "status", "-o", "name").out == "staging\n"
    assert cli.json("lock", "status", "--env", "test")["locks"] == []


def test_a_second_one_is_told_who_delivers(held):
    cli, _, _ = held

    ran = cli("promote", "v1.3", "--to", "staging", "--yes")

    assert ran.code == 4
    assert "eve" in ran.err


def test_a_holder_that_died(held):
    cli, history, _ = held
    history.close()

    (lock,) = cli.json("lock", "status")["locks"]
    assert lock["alive"] is False
    assert cli.ok("lock", "status").out.rstrip().endswith("died")
    cli.promote("v1.3", "staging")
    assert cli.json("lock", "status")["locks"] == []


def test_taking_over(held):
    cli, history, lease = held

    ran = cli.ok("lock", "break", "--env", "staging", "--reason", "it hangs")

    assert ran.out == "the lock of staging was taken from eve (elsewhere, process 7, promote)\n"
    assert ran.err == "next: release status --env staging\n"
    with pytest.raises(LeaseLost):
        history.renew(lease)
    cli.promote("v1.3", "staging")


def test_taking_over_for_scripts(held):
    cli, _, _ = held

    assert cli.json("lock", "break", "--env", "staging", "-m", "it hangs")["locks"][0]["actor"] == "eve"
    assert cli.json("lock", "break", "--env", "staging", "-m", "again")["locks"] == []
    assert "nobody held" in cli.ok("lock", "break", "--env", "staging", "-m", "again").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("break", "--env", "staging"), "--reason"),
        (("break", "--reason", "why"), "--env"),
        (("break", "--env", "staging", "--reason", " "), "--reason is empty"),
        (("break", "--env", "stagin", "--reason", "why"), "did you mean staging?"),
        (("break", "--env", "sta*,test", "--reason", "why"), "there is no environment sta*,test"),
        ((), "needs one more word"),
    ],
)
def test_wrong_words(cli, words, said):
    ran = cli("lock", *words)

    assert ran.code == 64
    assert said in ran.err
