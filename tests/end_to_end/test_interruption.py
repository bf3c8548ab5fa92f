"""Ctrl-C once and twice, SIGTERM, a closed terminal and a kill, in the middle of a delivery."""

import signal
import subprocess

import pytest

from tests.end_to_end.conftest import Moment
from tests.end_to_end.shop import Shop, document_of, ended, plain

# verb → its words, and the release that runs after it
VERBS = {
    "promote": (("promote", "v1.3", "--to", "staging", "--yes"), "v1.3"),
    "rollback": (("rollback", "--to", "staging", "--yes"), "v1.3"),
    "reconcile": (("reconcile", "--to", "staging", "--yes"), "v1.4"),
}
GENTLE = {"Ctrl-C": (signal.SIGINT, 130), "SIGTERM": (signal.SIGTERM, 143)}


def begun(shop: Shop, moment: Moment, verb: str, *more: str) -> subprocess.Popen[str]:
    """A delivery to staging that is in the middle."""
    if verb == "reconcile":
        shop.drift("staging")
    process = shop.start(*VERBS[verb][0], *more)
    moment.reached(process)
    return process


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("number", "code"), GENTLE.values(), ids=GENTLE)
def test_once_stops_after_the_running_step_and_is_finished_later(
    shop: Shop, moment: Moment, verb: str, number: int, code: int
) -> None:
    before = shop.kept()
    process = begun(shop, moment, verb, "--json")
    process.send_signal(number)
    ran = ended(process)
    assert ran.code == code
    plain(ran)
    assert "stopping after the running step; once more stops at once" in ran.err
    assert "next: release resume staging\n      release abort staging\n" in ran.err
    result = document_of(ran.out)
    assert (result["outcome"], result["delivery"]["status"]) == ("interrupted", "interrupted")
    assert [one.status for one in shop.grown(before)] == ["interrupted"]
    assert shop.standing("staging") == ("interrupted", None)

    moment.let_go()
    finished = shop.json("resume", "staging", "--yes")
    assert (finished["outcome"], finished["delivery"]["status"]) == ("delivered", "succeeded")
    assert finished["delivery"]["revision"] == result["delivery"]["revision"]
    assert shop.standing("staging") == ("succeeded", VERBS[verb][1])
    shop.clean("staging")
    assert len(shop.grown(before)) == 1
    shop.refused("resume", "staging", code=3, kind="refused", says="nothing to resume")


@pytest.mark.parametrize("verb", ["promote", "rollback"])
def test_what_was_interrupted_is_undone(shop: Shop, moment: Moment, verb: str) -> None:
    before = shop.kept()
    process = begun(shop, moment, verb)
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    moment.let_go()
    assert shop.json("abort", "staging", "--yes")["delivery"]["status"] == "aborted"
    assert shop.delivered() == before.delivered
    assert shop.standing("staging") == ("aborted", "v1.4")
    shop.clean("staging")


@pytest.mark.parametrize("verb", VERBS)
def test_an_interrupted_head_blocks_nothing(shop: Shop, moment: Moment, verb: str) -> None:
    before = shop.kept()
    process = begun(shop, moment, verb)
    process.send_signal(signal.SIGTERM)
    assert ended(process).code == 143
    moment.let_go()
    assert shop.json("promote", "v1.3", "--to", "staging", "--yes")["outcome"] == "delivered"
    assert [one.status for one in shop.grown(before)] == ["interrupted", "succeeded"]
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


@pytest.mark.parametrize(("number", "code"), GENTLE.values(), ids=GENTLE)
def test_twice_stops_at_once(shop: Shop, moment: Moment, number: int, code: int) -> None:
    before = shop.kept()
    smoke = shop.root / "envs/checks/smoke.sh"
    smoke.write_text("trap '' TERM\n" + smoke.read_text())  # asked to end, it goes on
    process = begun(shop, moment, "promote")
    process.send_signal(number)
    assert process.stderr
    while "once more stops at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    ran = ended(process)
    assert ran.code == code
    assert "at once: the next command that delivers there finds out what was done" in ran.err
    plain(ran)
    assert [one.status for one in shop.grown(before)] == ["running"]
    taken_up(shop, moment)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL, signal.SIGABRT, signal.SIGXCPU])
def test_killed(shop: Shop, moment: Moment, number: int) -> None:
    before = shop.kept()
    process = begun(shop, moment, "promote", "-q")
    process.send_signal(number)
    assert ended(process).code == -number
    assert [one.status for one in shop.grown(before)] == ["running"]
    moment.outlived()
    taken_up(shop, moment)


def taken_up(shop: Shop, moment: Moment) -> None:
    """What was cut off says so, and the next command settles it."""
    assert "cut off" in shop.ok("status").out
    assert shop("drift", "--env", "staging", "--json").code == 5
    moment.let_go()
    assert shop.json("resume", "staging", "--yes")["outcome"] == "delivered"
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


@pytest.mark.parametrize("answer", ["no", ""])
def test_a_check_that_refuses_brings_back_what_ran_before(shop: Shop, moment: Moment, answer: str) -> None:
    before = shop.kept()
    process = begun(shop, moment, "promote", "--json")
    moment.let_go(answer)
    moment.let_go()  # the check of what was brought back
    ran = ended(process)
    assert ran.code == 1
    result = document_of(ran.out)
    assert (result["outcome"], result["delivery"]["restored"]) == ("failed", 2)
    assert "smoke.sh" in result["delivery"]["message"]
    assert shop.delivered() == before.delivered
    assert shop.standing("staging") == ("failed", "v1.4")
    shop.clean("staging")


def test_stopped_before_anything_was_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes while the plan is made."""
    before = shop.kept()

    def now(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("releaser.cli.delivering.propose", now)
    ran = shop("promote", "v1.3", "--to", "staging", "--yes")
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")
    assert shop.kept() == before


def test_interrupted_says_the_same_as_a_document(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no result to print."""
    monkeypatch.setattr("releaser.cli.delivering.propose", lambda *_: signal.raise_signal(signal.SIGINT))
    ran = shop("promote", "v1.3", "--to", "staging", "--yes", "--json")
    assert ran.code == 130
    problems = ran.document["errors"]
    assert [problem["code"] for problem in problems] == ["interrupted"]
