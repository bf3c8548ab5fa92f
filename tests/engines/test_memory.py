from collections.abc import Hashable

import pytest

from releaser.engines.memory import MemoryEngine, MemoryTarget
from releaser.model.errors import ApplyFailed, EngineUnreachable, InvalidDeclarations
from releaser.model.event import Point
from releaser.model.resource import EMPTY, Ready
from releaser.ports import Capabilities, Engine
from tests.contracts.engine_contract import (
    SCOPE,
    Delivering,
    EngineContract,
    NothingRuns,
    Running,
    Silent,
    Values,
    environment,
    fingerprints,
    first,
    release,
    second,
)


class MemoryLab(NothingRuns):
    atomic = False

    def __init__(self) -> None:
        self.target = MemoryTarget("shop-test1")

    def engine(self) -> Engine:
        return MemoryEngine(self.target)

    def edit(self, resource: str) -> str:
        self.target.change(resource, {**self.target.things[resource].body, "touched": "by hand"})
        return "touched"

    def remove(self, resource: str) -> None:
        self.target.remove(resource)

    def add(self) -> str:
        self.target.change("service/extra", {"image": "busybox"})
        return "service/extra"

    def content(self) -> Hashable:
        return tuple(
            (name, thing.fingerprint, str(thing.body), thing.mark) for name, thing in sorted(self.target.things.items())
        )

    def writes(self) -> Hashable:
        return tuple(self.target.writes)


@pytest.fixture
def lab() -> MemoryLab:
    return MemoryLab()


@pytest.fixture
def delivering(lab: MemoryLab) -> Delivering:
    return Delivering(lab)


class TestContract(EngineContract):
    @pytest.fixture
    def lab(self) -> MemoryLab:
        return MemoryLab()


def test_it_answers_with_defaults_of_its_own(delivering: Delivering) -> None:
    delivering.deliver(first())
    live = delivering.observe().resources["service/web"]
    assert live.body["restart"] == "any"
    assert "restart" not in delivering.inventory.items["service/web"].resource.body
    assert live.ready == Ready(running=2, desired=2)


def test_uid_and_generation(lab: MemoryLab, delivering: Delivering) -> None:
    delivering.deliver(first())
    before = delivering.observe().resources
    delivering.deliver(second())
    after = delivering.observe().resources
    assert after["service/api"].uid == before["service/api"].uid
    assert (before["service/api"].generation, after["service/api"].generation) == (1, 2)
    lab.target.recreate("service/api")
    again = delivering.observe().resources["service/api"]
    assert again.uid not in {live.uid for live in after.values()}
    assert again.fingerprint == after["service/api"].fingerprint


def test_a_delivery_that_changes_nothing_is_one_observation(lab: MemoryLab, delivering: Delivering) -> None:
    delivering.deliver(first())
    lab.target.calls.clear()
    delivering.work(delivering.render(first()).resources)
    assert lab.target.calls == ["observe"]


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize("number", [1, 3])
def test_a_write_fails(lab: MemoryLab, delivering: Delivering, number: int, took_effect: bool) -> None:
    work = delivering.work(delivering.render(first()).resources)
    lab.target.faults.fail_write = number
    lab.target.faults.took_effect = took_effect
    with pytest.raises(ApplyFailed, match="refused: create"):
        lab.engine().apply(work, Values(), Running(), Silent())
    assert len(lab.target.things) == number - (not took_effect)
    assert len(lab.target.writes) == number
    lab.engine().apply(work, Values(), Running(), Silent())  # the fault is over, and what is there is not written again
    assert fingerprints(delivering.observe()) == {d.resource.id: d.resource.fingerprint for d in work.desired}
    assert len(lab.target.writes) == len(work.desired) + (not took_effect)


def test_a_removal_fails(lab: MemoryLab, delivering: Delivering) -> None:
    delivering.deliver(first())
    lab.target.faults.fail_write = len(first().services) + 2
    work = delivering.work(())
    with pytest.raises(ApplyFailed, match="refused: delete"):
        lab.engine().apply(work, Values(), Running(), Silent())
    assert len(lab.target.things) == len(work.changes) - len(first().services) - 1


def test_ready_after_polls(lab: MemoryLab, delivering: Delivering) -> None:
    lab.target.faults.ready_after = 2
    work = delivering.work(delivering.render(first()).resources)
    assert lab.engine().wait(work, Running(), Silent()).ready
    assert lab.target.calls.count("poll") == 3


def test_never_ready(lab: MemoryLab, delivering: Delivering) -> None:
    work = delivering.deliver(first())
    lab.target.faults.never_ready = True
    progress = Silent()
    readiness = lab.engine().wait(work, Running(), progress)
    assert not readiness.ready
    assert readiness.message == f"not ready after {work.wait:g}s; last words: exit 3: cannot open the database"
    assert {event.point for event in progress.events} == {Point.WAITING}
    assert delivering.observe().resources["service/web"].ready == Ready(running=0, desired=2)


def test_stopped_while_waiting(lab: MemoryLab, delivering: Delivering) -> None:
    class Stopping:
        polls = 0

        def requested(self) -> bool:
            self.polls += 1
            return self.polls > 2

    work = delivering.deliver(first())
    lab.target.calls.clear()
    lab.target.faults.never_ready = True
    assert lab.engine().wait(work, Stopping(), Silent()).message == "asked to stop while waiting"
    assert lab.target.calls.count("poll") == 2


def test_unreachable(lab: MemoryLab, delivering: Delivering) -> None:
    work = delivering.deliver(first())
    lab.target.faults.unreachable = True
    for call in (
        lambda: lab.engine().observe(SCOPE, EMPTY),
        lambda: lab.engine().apply(work, Values(), Running(), Silent()),
        lambda: lab.engine().wait(work, Running(), Silent()),
    ):
        with pytest.raises(EngineUnreachable, match="shop-test1 does not answer"):
            call()
    lab.target.faults.unreachable = False
    assert delivering.observe().resources


def test_values_are_passed_where_the_engine_passes_them(lab: MemoryLab, delivering: Delivering) -> None:
    work = delivering.work(delivering.render(first()).resources)
    lab.engine().apply(work, Values(), Running(), Silent())
    assert lab.target.passed == {"password": b"value-of-password"}
    assert "value-of" not in str(delivering.observe())


def test_capabilities_are_what_it_was_given() -> None:
    capabilities = Capabilities(runs=False, owns_orphans=True, passes_secrets=False)
    target = MemoryTarget("files")
    engine = MemoryEngine(target, capabilities)
    assert engine.capabilities == capabilities
    rendering = engine.render(first(), release())
    delivering = Delivering(MemoryLab())
    engine.apply(delivering.work(rendering.resources), Values(), Running(), Silent())
    assert engine.observe(SCOPE, EMPTY).resources["service/api"].ready is None
    assert target.passed == {}


def test_an_image_that_the_release_lacks(lab: MemoryLab) -> None:
    with pytest.raises(InvalidDeclarations, match="release v1 has no image nobody") as raised:
        lab.engine().render(environment(services={"api": {"image": "nobody"}}), release())
    assert raised.value.locations[0].line == 3


def test_who_changed_it_by_hand(lab: MemoryLab, delivering: Delivering) -> None:
    delivering.deliver(first())
    lab.target.change("service/api", {"image": "other"}, by="mallory")
    live = delivering.observe().resources["service/api"]
    assert (live.by, live.generation) == ("mallory", 2)
