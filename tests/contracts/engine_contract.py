"""What every engine must do, whatever it writes to: a suite over a laboratory that each engine's tests give."""

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import pytest

from releaser.model.environment import Environment
from releaser.model.event import Event, Point
from releaser.model.image import ReleaseImage
from releaser.model.plan import CREATE, DELETE, UNCHANGED, UPDATE, Change, FieldChange
from releaser.model.release import Release
from releaser.model.resource import EMPTY, Inventory, InventoryItem, Mark, Observation, Rendering, Resource
from releaser.model.value import Location
from releaser.planning import drift, planner, settling
from releaser.ports import Desired, Engine, Scope, Work

PROJECT, ENVIRONMENT, HISTORY = "shop", "test1", "history-1"
SCOPE = Scope(project=PROJECT, environment=ENVIRONMENT, history=HISTORY)
DIGEST = "sha256:" + "0f" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Lab(Protocol):
    """One target with an engine, and hands that reach past the engine."""

    atomic: bool
    """Whether an apply that is cut off leaves all services as before, or all as after."""

    project: str
    """The project that is delivered; one of its own where several suites share a target."""

    def spelled(self, resource: str) -> str | None:
        """The id that this engine has for a resource in declared words (`service/api`); None where it has none."""

    def release(self) -> Release:
        """A release with the images `api` and `web`, which must be there where they are run."""

    def engine(self) -> Engine:
        """An engine on the target, opened anew."""

    def edit(self, resource: str) -> str:
        """Change a live thing by hand; gives the path that differs now."""

    def remove(self, resource: str) -> None:
        """Remove a live thing by hand."""

    def add(self) -> str:
        """Add a service by hand that nobody declared; gives its id."""

    def content(self) -> Hashable:
        """All that is in the target, to be compared."""

    def writes(self) -> Hashable:
        """What differs after any write, also after one that changed nothing."""


def as_declared(resource: str) -> str:
    """The `spelled` of an engine whose resources are what is declared."""
    return resource


class NothingRuns:
    """The part of a lab whose target is its own, and pulls no images."""

    project = PROJECT
    spelled = staticmethod(as_declared)

    def release(self) -> Release:
        return release()


class Silent:
    """A Progress that keeps what it sees, and dies at a point."""

    def __init__(self, dies_at: Point | None = None, skip: int = 0) -> None:
        self.events: list[Event] = []
        self.dies_at = dies_at
        self.skip = skip

    def event(self, event: Event) -> None:
        self.events.append(event)
        if event.point == self.dies_at:
            self.skip -= 1
            if self.skip < 0:
                raise Died


class Died(BaseException):
    """The process is gone."""


class Values:
    """Every secret has a value."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def value(self, name: str) -> bytes:
        self.asked.append(name)
        return b"value-of-" + name.encode()


class Running:
    """Nobody asked to stop."""

    def requested(self) -> bool:
        return False


class Places:
    """Origins that know no file: each value lies on the line of its depth."""

    def locate(self, path: tuple[str, ...]) -> Location | None:
        return Location(file="envs/test1.yaml", line=len(path), column=1) if path else None

    def chain(self, path: tuple[str, ...]) -> tuple[()]:
        return ()


def environment(**sections: object) -> Environment:
    """A resolved environment around these sections."""
    words: dict[str, object] = {
        "name": ENVIRONMENT,
        "project": PROJECT,
        "platforms": ("linux/amd64",),
        "config": {},
        "engine": {"kind": "directory", "path": f"deploy/{ENVIRONMENT}"},
        "wait": 10.0,
        "rollback_on_failure": True,
        "verify": None,
        "services": {},
        "configs": {},
        "secrets": {},
        "volumes": {},
        "networks": {},
        "origins": Places(),
        **sections,
    }
    return Environment(**words)  # type: ignore[arg-type]


def release(version: str = "v1", *images: str) -> Release:
    """A release with these images."""
    found = {
        name: ReleaseImage(repository=f"registry.test/shop/{name}", tag=version, digest=DIGEST, platforms={})
        for name in images or ("api", "web")
    }
    return Release(version=version, images=found, created_at=NOW, created_by="somebody")


def running(name: str) -> list[str]:
    """A command that says its name, runs on, and ends when it is told to."""
    return ["/bin/sh", "-c", f"echo {name}; trap 'exit 0' TERM; while true; do sleep 0.1; done"]


def first() -> Environment:
    """What is delivered first; every engine that runs services can run it."""
    return environment(
        services={
            "api": {
                "image": "api",
                "environment": {"LEVEL": "info", "PASSWORD": {"secret": "password"}},
                "configs": {"app": {"target": "/etc/app.ini"}},
                "networks": {"front": {}},
                "volumes": {"data": {"target": "/data"}},
                "deploy": {"update_config": {"monitor": "200ms"}},
            },
            "web": {"image": "web", "networks": {"front": {}}, "deploy": {"replicas": 2}},
            "worker": {"image": "api", "command": running("worker"), "networks": {"front": {}}},
        },
        configs={"app": {"content": "level = 1\n"}},
        secrets={"password": {"from": "env", "name": "SHOP_PASSWORD"}},
        networks={"front": {}},
        volumes={"data": {}},
    )


def second() -> Environment:
    """What is delivered next: a service changed, one gone, one new, another content of the config."""
    before = first()
    services = {name: dict(words) for name, words in before.services.items() if name != "worker"}
    services["api"]["environment"] = {"LEVEL": "debug", "PASSWORD": {"secret": "password"}}
    services["cron"] = {"image": "api", "command": running("cron"), "networks": {"front": {}}}
    return environment(
        services=services,
        configs={"app": {"content": "level = 2\n"}},
        secrets=before.secrets,
        networks=before.networks,
        volumes=before.volumes,
    )


def inventory_after(observation: Observation, resources: tuple[Resource, ...], revision: int) -> Inventory:
    """The record of a delivery, made as operations make it."""
    return settling.inventory_of(observation, resources, revision)


def fingerprints(observation: Observation) -> dict[str, str]:
    """What is live, by fingerprint."""
    return {name: live.fingerprint for name, live in observation.resources.items()}


def wanted(resources: tuple[Resource, ...]) -> dict[str, str]:
    """What shall be live, by fingerprint."""
    return {resource.id: resource.fingerprint for resource in resources}


class Delivering:
    """Deliveries to one lab as operations make them, without a history."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.inventory = EMPTY
        self.revision = 0

    @property
    def scope(self) -> Scope:
        return Scope(project=self.lab.project, environment=ENVIRONMENT, history=HISTORY)

    def mark(self, revision: int, history: str = HISTORY) -> Mark:
        """Ours, or another history's."""
        return Mark(project=self.lab.project, environment=ENVIRONMENT, history=history, revision=revision)

    def observe(self) -> Observation:
        return self.lab.engine().observe(self.scope, self.inventory)

    def render(self, declared: Environment) -> Rendering:
        ours = msgspec.structs.replace(declared, project=self.lab.project)
        return self.lab.engine().render(ours, self.lab.release())

    def work(self, resources: tuple[Resource, ...], *desired: Desired) -> Work:
        """What a planner makes of the resources and what is live."""
        engine = self.lab.engine()
        plan = planner.Wanted(
            resources=resources,
            inventory=self.inventory,
            observation=engine.observe(self.scope, self.inventory),
            secrets={},
            owns_orphans=engine.capabilities.owns_orphans,
        )
        return Work(
            mark=self.mark(self.revision + 1),
            desired=desired or tuple(Desired(resource=resource) for resource in resources),
            changes=planner.changes(plan, lambda _resource, _path: None),
            base=self.inventory,
            wait=120.0,
            stable=0.2,
        )

    def deliver(self, declared: Environment) -> Work:
        """Render, apply, wait, record."""
        return self.perform(self.work(self.render(declared).resources))

    def perform(self, work: Work) -> Work:
        engine, progress = self.lab.engine(), Silent()
        engine.apply(work, Values(), Running(), progress)
        readiness = engine.wait(work, Running(), progress)
        assert readiness.ready, readiness.message
        self.revision += 1
        resources = tuple(desired.resource for desired in work.desired)
        self.inventory = inventory_after(self.observe(), resources, self.revision)
        return work

    def bring_back(self, inventory: Inventory) -> Work:
        """A rollback: the recorded resources under their own revisions."""
        items: tuple[InventoryItem, ...] = tuple(inventory.items.values())
        desired = tuple(Desired(resource=item.resource, revision=item.revision) for item in items)
        return self.perform(self.work(tuple(item.resource for item in items), *desired))


def mark(revision: int, history: str = HISTORY) -> Mark:
    """Ours, or another history's."""
    return Mark(project=PROJECT, environment=ENVIRONMENT, history=history, revision=revision)


def actions(work: Work) -> dict[str, set[str]]:
    """What a planner asks for, but what it leaves as it is."""
    found: dict[str, set[str]] = {}
    for change in work.changes:
        if change.action != UNCHANGED:
            found.setdefault(change.action, set()).add(change.resource)
    return found


class EngineContract:
    """The suite; a subclass gives the fixture `lab`."""

    @pytest.fixture
    def delivering(self, lab: Lab) -> Delivering:
        return Delivering(lab)

    def test_nothing_is_there_at_first(self, delivering: Delivering) -> None:
        observation = delivering.observe()
        assert dict(observation.resources) == {}
        assert dict(observation.files) == {}

    def test_rendering_is_a_function(self, lab: Lab, delivering: Delivering) -> None:
        one, other = delivering.render(first()), delivering.render(first())
        assert one == other
        assert one.secrets == ("password",)
        ids = [resource.id for resource in one.resources]
        assert len(ids) == len(set(ids))
        declared = ("service/api", "service/web", "service/worker", "network/front", "volume/data", "secret/password")
        named = [lab.spelled(resource) for resource in declared]
        assert {name for name in named if name is not None} <= set(ids)
        assert ids.index(lab.spelled("network/front") or ids[0]) < ids.index(lab.spelled("service/api"))
        assert all(
            resource.id.startswith(("file/", "config/app.")) or resource.id in one.sources for resource in one.resources
        )

    def test_what_was_applied_is_what_is_live(self, lab: Lab, delivering: Delivering) -> None:
        work = delivering.work(delivering.render(first()).resources)
        progress = Silent()
        lab.engine().apply(work, Values(), Running(), progress)
        observation = delivering.observe()
        assert fingerprints(observation) == wanted(delivering.render(first()).resources)
        assert {live.mark for live in observation.resources.values()} == {delivering.mark(1)}
        points = [event.point for event in progress.events if event.point is not Point.ROLLING]
        assert Point.COMMITTED in points
        assert points == sorted(points, key=list(Point).index)
        assert {event.environment for event in progress.events} == {ENVIRONMENT}

    def test_a_preview_writes_nothing(self, lab: Lab, delivering: Delivering) -> None:
        asked = delivering.work(delivering.render(first()).resources)
        assert lab.engine().preview(asked).refusals == ()
        assert dict(delivering.observe().resources) == {}
        delivering.deliver(first())
        before = lab.writes()
        preview = lab.engine().preview(delivering.work(delivering.render(second()).resources))
        assert (preview.refusals, dict(preview.replaces), dict(preview.unasked)) == ((), {}, {})
        assert not any(preview.sets.values()), "what a server chooses itself is nothing to tell"
        assert lab.writes() == before

    def test_the_same_again_writes_nothing(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        before = lab.writes()
        work = delivering.deliver(first())
        assert actions(work) == {}
        creating = Work(
            mark=work.mark,
            desired=work.desired,
            changes=tuple(Change(resource=desired.resource.id, action=CREATE) for desired in work.desired),
            base=EMPTY,
            wait=60.0,
        )
        lab.engine().apply(
            creating, Values(), Running(), Silent()
        )  # as after a crash: everything is asked for once more
        assert lab.writes() == before

    def test_a_revision_is_never_rewritten_alone(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        before = lab.content()
        delivering.revision = 7
        delivering.deliver(first())
        assert lab.content() == before

    def test_an_update_changes_adds_and_removes(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        work = delivering.deliver(second())
        asked = actions(work)
        assert lab.spelled("service/worker") in asked[DELETE]
        assert lab.spelled("service/cron") in asked[CREATE]
        assert lab.spelled("service/api") in asked[UPDATE]
        assert fingerprints(delivering.observe()) == wanted(delivering.render(second()).resources)

    def test_a_config_is_never_edited_in_place(self, lab: Lab, delivering: Delivering) -> None:
        config = lab.spelled("config/app") or ""
        delivering.deliver(first())
        old = [name for name in delivering.inventory.items if name.startswith(config)]
        delivering.deliver(second())
        new = [name for name in delivering.inventory.items if name.startswith(config)]
        assert len(old) == len(new) == 1
        assert old != new

    def test_going_back_gives_what_was_there_before(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        content, inventory = lab.content(), delivering.inventory
        delivering.deliver(second())
        assert lab.content() != content
        delivering.bring_back(inventory)
        assert lab.content() == content

    def test_going_back_to_nothing_leaves_nothing(self, lab: Lab, delivering: Delivering) -> None:
        empty = lab.content()
        delivering.deliver(first())
        delivering.perform(delivering.work(()))
        assert lab.content() == empty
        assert dict(delivering.observe().resources) == {}

    def test_no_drift_is_seen_where_none_is(self, delivering: Delivering) -> None:
        delivering.deliver(first())
        assert drift.detect(delivering.inventory, delivering.observe()) == ()
        delivering.deliver(second())
        assert drift.detect(delivering.inventory, delivering.observe()) == ()

    @pytest.mark.parametrize("resource", ["service/api", "config/app"])
    def test_a_change_by_hand_is_drift_and_is_put_back(self, lab: Lab, delivering: Delivering, resource: str) -> None:
        if resource.startswith("config/") and not lab.engine().capabilities.watches_configs:
            return
        delivering.deliver(first())
        known = lab.spelled(resource) or ""
        resource = next(name for name in delivering.inventory.items if name.startswith(known))
        path = lab.edit(resource)
        (item,) = drift.detect(delivering.inventory, delivering.observe())
        assert (item.resource, item.kind) == (resource, "changed")
        assert path in [field.path for field in item.fields]
        delivering.deliver(first())
        assert drift.detect(delivering.inventory, delivering.observe()) == ()
        assert fingerprints(delivering.observe()) == wanted(delivering.render(first()).resources)

    def test_a_removal_by_hand_is_drift_and_is_put_back(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        web = lab.spelled("service/web") or ""
        lab.remove(web)
        (item,) = drift.detect(delivering.inventory, delivering.observe())
        assert (item.resource, item.kind) == (web, "missing")
        assert actions(delivering.deliver(first())) == {CREATE: {web}}
        assert fingerprints(delivering.observe()) == wanted(delivering.render(first()).resources)

    def test_an_addition_by_hand_is_an_orphan(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        added = lab.add()
        assert [(item.resource, item.kind) for item in drift.detect(delivering.inventory, delivering.observe())] == [
            (added, "orphan")
        ]
        asked = actions(delivering.deliver(first()))
        owned = lab.engine().capabilities.owns_orphans
        assert asked == ({DELETE: {added}} if owned else {})
        assert (added in delivering.observe().resources) is not owned

    def test_the_mark_of_another_history_is_seen(self, lab: Lab, delivering: Delivering) -> None:
        delivering.deliver(first())
        theirs = msgspec.structs.replace(delivering.scope, history="history-2")
        observation = lab.engine().observe(theirs, EMPTY)
        plan = planner.Wanted(
            resources=delivering.render(first()).resources,
            inventory=EMPTY,
            observation=observation,
            secrets={},
            owns_orphans=lab.engine().capabilities.owns_orphans,
        )
        assert set(planner.foreign(plan, delivering.mark(1, "history-2"))) == set(observation.resources)
        assert planner.foreign(plan, delivering.mark(1)) == ()

    def test_adopting_changes_the_mark(self, lab: Lab, delivering: Delivering) -> None:
        work = delivering.deliver(first())
        adopting = Work(
            mark=delivering.mark(1, "history-2"),
            desired=work.desired,
            changes=tuple(Change(resource=desired.resource.id, action=UPDATE) for desired in work.desired),
            base=EMPTY,
            wait=60.0,
        )
        lab.engine().apply(adopting, Values(), Running(), Silent())
        marks = {live.mark for live in delivering.observe().resources.values()}
        assert marks == {delivering.mark(1, "history-2")}

    def test_values_are_asked_for_only_where_they_are_passed(self, lab: Lab, delivering: Delivering) -> None:
        values = Values()
        lab.engine().apply(delivering.work(delivering.render(first()).resources), values, Running(), Silent())
        assert set(values.asked) == ({"password"} if lab.engine().capabilities.passes_secrets else set())

    def test_another_value_is_another_secret(self, lab: Lab, delivering: Delivering) -> None:
        if not lab.engine().capabilities.passes_secrets:
            return  # it writes references
        delivering.deliver(first())
        before = delivering.observe().resources["secret/password"]
        work = delivering.work(delivering.render(first()).resources)
        rotated = FieldChange(path="value", old="one", new="other", secret=True)
        changes = tuple(
            Change(resource=change.resource, action=UPDATE, fields=(rotated,))
            if change.resource == "secret/password"
            else change
            for change in work.changes
        )
        delivering.perform(msgspec.structs.replace(work, changes=changes))
        after = delivering.observe().resources["secret/password"]
        assert after.uid != before.uid
        assert after.fingerprint == before.fingerprint

    def test_the_target_does_not_depend_on_the_engine_object(self, lab: Lab) -> None:
        assert lab.engine().target() == lab.engine().target()
        assert lab.engine().target().identity

    @pytest.mark.parametrize("point", [Point.STAGED, Point.COMMITTED, Point.PRUNED])
    def test_dying_at_a_point_leaves_before_or_after(self, lab: Lab, delivering: Delivering, point: Point) -> None:
        delivering.deliver(first())
        before = fingerprints(delivering.observe())
        resources = delivering.render(second()).resources
        with pytest.raises(Died):
            lab.engine().apply(delivering.work(resources), Values(), Running(), Silent(dies_at=point))
        between = fingerprints(delivering.observe())
        after = wanted(resources)
        self.assert_before_or_after(between, before, after, lab)
        delivering.perform(delivering.work(resources))
        assert fingerprints(delivering.observe()) == after

    @staticmethod
    def assert_before_or_after(
        between: dict[str, str], before: dict[str, str], after: dict[str, str], lab: Lab
    ) -> None:
        config, service = (str(lab.spelled(name)).partition("/")[0] + "/" for name in ("config/app", "service/api"))
        assert all(
            value in {before.get(name), after.get(name)}
            for name, value in between.items()
            if not name.startswith(config)
        )
        if lab.atomic:
            services = {name: value for name, value in between.items() if name.startswith(service)}
            assert services in [
                {name: value for name, value in all_.items() if name.startswith(service)} for all_ in (before, after)
            ]
