"""SIGKILL while the folder is written: at each named point, at each system call, and at random moments."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
import yaml

from releaser.engines.directory import folder as folders
from releaser.engines.directory.document import compose_file, remarked
from releaser.model.event import Event, Point
from releaser.model.resource import EMPTY
from releaser.planning import drift
from tests.contracts.engine_contract import (
    SCOPE,
    Running,
    Silent,
    Values,
    environment,
    fingerprints,
    first,
    mark,
    second,
    wanted,
)

CALLS = ("open", "fsync", "rename", "mkdir", "unlink", "rmdir")

pytestmark = pytest.mark.crash


class KilledAt:
    """A Progress that ends its process at a point, as a power cut would."""

    def __init__(self, point: Point) -> None:
        self.point = point

    def event(self, event: Event) -> None:
        if event.point is self.point:
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(act: Callable[[], None], after: float | None = None) -> int:
    """Run `act` in a forked process, killed `after` seconds; gives the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - a child must never come back into the suite
            os._exit(1)
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


class Stage:
    """A folder with the first delivery in it, the second to come, and both files as they must be."""

    def __init__(self, lab, delivering) -> None:
        self.lab, self.delivering = lab, delivering
        delivering.deliver(first())
        self.inventory = delivering.inventory
        self.before = self.compose()
        self.resources = delivering.render(second()).resources
        self.work = delivering.work(self.resources)
        lab.engine().apply(self.work, Values(), Running(), Silent())
        self.after = self.compose()
        self.content = lab.content()
        self.reset()

    def compose(self) -> bytes | None:
        return self.lab.compose.read_bytes() if self.lab.compose.exists() else None

    def reset(self) -> None:
        self.delivering.inventory = self.inventory
        self.delivering.bring_back(self.inventory)
        self.delivering.revision = 1
        assert self.compose() == self.before

    def apply(self) -> None:
        self.lab.engine().apply(self.work, Values(), Running(), Silent())

    def check(self) -> None:
        """The folder is as before or as after, whole; and the next apply makes it as after, to the byte."""
        data = self.compose()
        assert data in {self.before, self.after}
        document = yaml.safe_load(data)
        for config in document["configs"].values():
            assert (self.lab.folder / config["file"]).read_text() == (
                "level = 1\n" if data == self.before else "level = 2\n"
            )
        observation = self.lab.engine().observe(SCOPE, self.inventory)
        expected = (
            {name: item.resource.fingerprint for name, item in self.inventory.items.items()}
            if data == self.before
            else wanted(self.resources)
        )
        live = fingerprints(observation)
        assert {name: live[name] for name in expected} == expected
        extra = {name for name in live if name not in expected}
        assert all(name.startswith("config/app.") for name in extra)  # staged, or not yet removed: seen as orphans
        if data == self.before:
            assert extra == {item.resource for item in drift.detect(self.inventory, observation)}
        self.delivering.perform(self.delivering.work(self.resources))
        assert self.lab.content() == self.content


@pytest.fixture
def stage(lab, delivering) -> Stage:
    return Stage(lab, delivering)


@pytest.mark.parametrize("point", [Point.STAGED, Point.COMMITTED, Point.PRUNED])
def test_at_each_point(stage: Stage, point: Point) -> None:
    killed = in_child(lambda: stage.lab.engine().apply(stage.work, Values(), Running(), KilledAt(point)))
    assert killed == signal.SIGKILL
    assert (stage.compose() == stage.before) is (point is Point.STAGED)
    stage.check()


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_at_each_system_call(stage: Stage, call: str, late: bool) -> None:
    real = getattr(os, call)

    def act(number: int) -> None:
        left = [number]

        def counted(*args: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0 and not late:
                _die()
            try:
                return real(*args, **named)
            finally:
                if left[0] == 0:
                    _die()

        setattr(folders.os, call, counted)
        stage.apply()

    number = 1
    while in_child(lambda: act(number)) == signal.SIGKILL:  # noqa: B023 - it is run at once
        stage.check()
        stage.reset()
        number += 1
    assert number > {"fsync": 4, "open": 6, "rename": 2, "unlink": 1}.get(call, 0)


def test_at_each_system_call_of_a_first_delivery_and_of_the_last(lab, delivering) -> None:
    """From nothing to something and back: a folder that is half made is no delivery."""
    resources = delivering.render(first()).resources
    creating = delivering.work(resources)
    for call in CALLS:
        number = 1
        while in_child(_killing(lab, creating, call, number)) == signal.SIGKILL:
            assert _services(lab) in [set(), {"api", "web", "worker"}]
            lab.engine().apply(creating, Values(), Running(), Silent())
            delivering.inventory = EMPTY
            removing = delivering.work(())
            in_child(_killing(lab, removing, call, number))
            assert _services(lab) in [set(), {"api", "web", "worker"}]
            lab.engine().apply(removing, Values(), Running(), Silent())
            assert list(lab.root.iterdir()) == []
            number += 1
        lab.engine().apply(delivering.work(()), Values(), Running(), Silent())
        assert list(lab.root.iterdir()) == []


def _services(lab) -> set[str]:
    live = lab.engine().observe(SCOPE, EMPTY).resources
    return {name.removeprefix("service/") for name in live if name.startswith("service/")}


def _killing(lab, work, call: str, number: int) -> Callable[[], None]:
    real, left = getattr(os, call), [number]

    def counted(*args: object, **named: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            _die()
        return real(*args, **named)

    def act() -> None:
        setattr(folders.os, call, counted)
        lab.engine().apply(work, Values(), Running(), Silent())

    return act


def large(version: int):
    """A state that takes a while to write; everything in it says its version."""
    content = f"version = {version}\n" * 2000
    service = {"image": "api", "environment": {"V": str(version)}, "configs": {"c": {}, f"only{version}": {}}}
    return environment(
        services={f"s{n}": service for n in range(40)},
        configs={"c": {"content": content}, f"only{version}": {"content": content}},
    )


def test_at_random_moments(lab, delivering, kills: int, seed: int) -> None:
    """A child delivers two large states in turns until it is killed."""
    seeded = random.Random(seed)
    works, files = [], set()
    for version in (1, 2):
        delivering.deliver(large(version))
        resources = delivering.render(large(3 - version)).resources
        works.append(delivering.work(resources))
        files.add(compose_file(resources, mark(0)))

    def forever() -> None:
        while True:
            for work in works:
                lab.engine().apply(work, Values(), Running(), Silent())

    for kill in range(kills):
        assert in_child(forever, after=seeded.uniform(0.001, 0.05)) == signal.SIGKILL, (seed, kill)
        data = lab.compose.read_bytes()
        assert remarked(data, 0) in files, (seed, kill)
        document = yaml.load(data, yaml.CSafeLoader)
        expected = f"version = {document['services']['s0']['environment']['V']}\n" * 2000
        for config in document["configs"].values():
            assert (lab.folder / config["file"]).read_text() == expected, (seed, kill)
        live = lab.engine().observe(SCOPE, EMPTY)
        assert all("error" not in item.body for item in live.resources.values()), (seed, kill)
    lab.engine().apply(works[0], Values(), Running(), Silent())
    wanted_now = wanted(tuple(desired.resource for desired in works[0].desired))
    assert fingerprints(lab.engine().observe(SCOPE, EMPTY)) == wanted_now
    assert [path for path in lab.root.rglob("*") if path.name.endswith(".release-staged")] == []
