"""Two at once: one delivers, the other is told who does; eight at once to eight places do not disturb each other."""

import os
import re
import signal

import pytest

from tests.end_to_end.conftest import Moment
from tests.end_to_end.shop import Shop, document_of, ended, hashes, plain

ENVIRONMENTS = ("test1", "test2", "test3", "test4", "test5", "test6", "staging", "production")


def test_the_second_is_told_who_delivers(shop: Shop, moment: Moment) -> None:
    shop.ok("plan", "v1.3", "--to", "staging", "--out", "plan.json", "-q")
    first = shop.start("promote", "v1.3", "--to", "staging", "--yes", "--json", "--by", "bob of nights")
    moment.reached(first)
    told = f"bob of nights .*process {first.pid}.*promote"
    for words in (
        ("promote", "v1.3", "--to", "staging", "--yes"),
        ("rollback", "--to", "staging", "--yes"),
    ):
        found = shop.refused(*words, code=4, kind="locked", hint="release lock status")
        assert re.search(told, found[0]["message"]), found
    shop.refused("apply", "plan.json", "--yes", code=4, kind="stale-plan", says="staging #3")
    for words in (("resume", "staging", "--yes"), ("abort", "staging", "--yes")):
        ran = shop(*words, "--json")
        assert ran.code in {3, 4}, ran
    (lock,) = shop.json("lock", "status")["locks"]
    assert (lock["environment"], lock["actor"], lock["verb"]) == ("staging", "bob of nights", "promote")
    assert (lock["process"], lock["alive"]) == (first.pid, True)
    assert "bob of nights" in shop.ok("status").out
    # nobody else is in the way
    shop.promote("v1.5", "test1")

    moment.let_go()
    ran = ended(first)
    assert ran.code == 0
    assert document_of(ran.out)["outcome"] == "delivered"
    assert shop.standing("staging") == ("succeeded", "v1.3")
    assert shop.json("lock", "status")["locks"] == []
    assert shop.json("promote", "v1.3", "--to", "staging", "--yes")["outcome"] == "unchanged"
    shop.refused("apply", "plan.json", "--yes", code=4, kind="stale-plan")
    shop.clean("staging")


def test_a_holder_that_hangs_loses_its_lease(shop: Shop, moment: Moment) -> None:
    before = shop.kept()
    first = shop.start("promote", "v1.3", "--to", "staging", "--yes", "--json")
    moment.reached(first)
    shop.ok("lock", "break", "--env", "staging", "--reason", "it hangs", "--by", "eve")
    moment.let_go()
    ran = ended(first)
    plain(ran)
    assert ran.code == 4
    (problem,) = document_of(ran.out)["errors"]
    assert problem["code"] == "lease-lost"
    assert "broken" in problem["message"]
    assert problem["hint"]
    moment.let_go()
    shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    assert shop.standing("staging") == ("succeeded", "v1.3")
    assert shop.grown(before)
    shop.clean("staging")


def test_a_dead_holder_is_in_nobodys_way(shop: Shop, moment: Moment) -> None:
    first = shop.start("promote", "v1.3", "--to", "staging", "--yes")
    moment.reached(first)
    first.send_signal(signal.SIGKILL)
    assert ended(first).code == -signal.SIGKILL
    moment.outlived()
    moment.let_go()
    shop.ok("promote", "v1.4", "--to", "staging", "--yes")
    assert shop.standing("staging") == ("succeeded", "v1.4")
    shop.clean("staging")


def test_the_same_at_once(shop: Shop) -> None:
    """However they meet: one delivers, and every other finds it done or is refused."""
    before = shop.kept()
    ran = [
        ended(process)
        for process in [shop.start("promote", "v1.5", "--to", "test2", "--yes", "--json") for _ in "1234"]
    ]
    for one in ran:
        assert one.code in {0, 4}, one
        plain(one)
        document = document_of(one.out)
        assert one.code == 0 or document["errors"][0]["code"] in {"locked", "stale-plan"}
    outcomes = [document_of(one.out).get("outcome") for one in ran]
    assert outcomes.count("delivered") == 1, outcomes
    assert [one.status for one in shop.grown(before)] == ["succeeded"]
    shop.clean("test2")


def test_different_ones_at_once(shop: Shop) -> None:
    """Releases race for one environment: what is recorded last is what is there."""
    before = shop.kept()
    processes = [
        shop.start("promote", version, "--to", "test3", "--yes", "--json") for version in ("v1.3", "v1.4", "v1.5")
    ]
    codes = [ended(process).code for process in processes]
    assert set(codes) <= {0, 4}
    assert codes.count(0) == len(shop.grown(before))
    assert 0 in codes
    shop.clean("test3")


def test_eight_at_once_to_eight(shop: Shop) -> None:
    before = shop.kept()
    to = {name: "v1.3" if name == "staging" else "v1.4" if name == "production" else "v1.5" for name in ENVIRONMENTS}
    processes = {
        name: shop.start("promote", version, "--to", name, "--yes", "--json", "--by", name)
        for name, version in to.items()
    }
    ran = {name: ended(process) for name, process in processes.items()}
    assert {name: one.code for name, one in ran.items()} == dict.fromkeys(ENVIRONMENTS, 0), ran
    new = {one.environment: one for one in shop.grown(before)}
    assert {name: (one.status, one.release, one.actor) for name, one in new.items()} == {
        name: ("succeeded", version, name) for name, version in to.items()
    }
    for name in ENVIRONMENTS:
        shop.clean(name)
    assert [one["release"]["version"] for one in shop.json("releases")["releases"]].count("v1.5") == 1


def test_eight_at_once_into_a_fresh_clone(fresh: Shop) -> None:
    """Nobody made the history yet; the first release is registered once, and two go to each of some."""
    names = [*ENVIRONMENTS[:6], "test1", "test2"]
    processes = [fresh.start("promote", "v1.3", "--to", name, "--yes", "--json") for name in names]
    codes = [ended(process).code for process in processes]
    assert set(codes) <= {0, 4}, codes
    assert codes.count(4) <= 2
    kept = fresh.kept()
    assert {one.environment for one in kept.deliveries} == set(ENVIRONMENTS[:6])
    assert [one.version for one in kept.releases] == ["v1.3"]
    for name in ENVIRONMENTS[:6]:
        fresh.clean(name)
    leftover = hashes(fresh.root / ".release")
    assert {name.split("/")[0] for name in leftover} <= {"history.db", "history.db.locks", ".gitignore"}


@pytest.mark.parametrize("verb", ["status", "history", "drift"])
def test_who_reads_while_others_write_sees_one_state(shop: Shop, verb: str) -> None:
    writers = [shop.start("promote", "v1.5", "--to", f"test{number}", "--yes", "-q") for number in range(2, 5)]
    while any(process.poll() is None for process in writers):
        ran = shop(verb, "--json")
        assert ran.code in ({0, 5} if verb == "drift" else {0}), ran
        assert ran.document
    assert [ended(process).code for process in writers] == [0, 0, 0]
    assert os.path.exists(shop.root / ".release/history.db")  # noqa: PTH110 - a journal would be another file
    assert not list((shop.root / ".release").glob("*-journal"))
