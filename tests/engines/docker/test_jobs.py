"""Jobs run once for a release, before those that await them, and on no way back unless they ask for it."""

from collections.abc import Mapping

import msgspec
import pytest

from releaser.engines.rendering import resource
from releaser.model.environment import Environment
from releaser.model.errors import NotReady
from releaser.model.event import Point
from releaser.model.plan import RECONCILE, RESTORE, ROLLBACK, UPDATE, Change, FieldChange
from releaser.model.resource import Inventory, Resource
from releaser.model.value import Json
from releaser.planning import settling
from releaser.ports import Desired
from tests.contracts.engine_contract import Delivering, Running, Silent, Values, environment
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import changed

pytestmark = pytest.mark.engines


class Shop(Delivering):
    """Deliveries of releases with a job, each for a reason."""

    lab: DockerLab

    def resources(self, version: str, job: Mapping[str, Json]) -> tuple[Resource, ...]:
        lab = self.lab
        lab.named = {"migrate": lab.images.done(version), **lab.named}
        made = lab.release()
        engine = lab.engine()
        wanted = msgspec.structs.replace(shop(job), project=lab.project)
        return engine.render(wanted, msgspec.structs.replace(made, version=version)).resources

    def for_(self, trigger: str, resources: tuple[Resource, ...], *desired: Desired) -> Silent:
        work = changed(self.work(resources, *desired), trigger=trigger)
        progress, engine = Silent(), self.lab.engine()
        engine.apply(work, Values(), Running(), progress)
        readiness = engine.wait(work, Running(), progress)
        assert readiness.ready, readiness.message
        self.revision += 1
        self.inventory = settled(self, resources)
        return progress

    def promote(self, version: str, **job: Json) -> Silent:
        return self.for_("promote", self.resources(version, job))

    def back(self, inventory: Inventory, trigger: str) -> Silent:
        items = tuple(inventory.items.values())
        desired = tuple(Desired(resource=item.resource, revision=item.revision, before=item) for item in items)
        return self.for_(trigger, tuple(item.resource for item in items), *desired)

    def ran(self) -> list[str]:
        """What the live job said, if it ran."""
        return [self.lab.client.logs(f"/containers/{one['Id']}/logs") for one in self.lab.service("migrate")]


def settled(delivering: Delivering, resources: tuple[Resource, ...]) -> Inventory:
    return settling.inventory_of(delivering.observe(), resources, delivering.revision)


def shop(job: Mapping[str, Json]) -> Environment:
    return environment(
        services={
            "api": {
                "image": "api",
                "stop_grace_period": "2s",
                "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
            },
            "migrate": {"image": "migrate", "restart": "no", **job},
        }
    )


@pytest.fixture
def shop_(lab: DockerLab) -> Shop:
    return Shop(lab)


def test_it_runs_before_those_that_await_it(lab: DockerLab, shop_: Shop) -> None:
    progress = shop_.promote("v1")

    assert shop_.ran() == ["migrated to v1"]
    (job,) = lab.service("migrate")
    assert job["State"]["ExitCode"] == 0
    assert job["State"]["FinishedAt"] < lab.one("api")["State"]["StartedAt"]
    live = shop_.observe().resources["service/migrate"]
    assert live.ready is not None
    assert (live.ready.running, live.ready.desired) == (1, 1)
    assert "state" not in live.body
    assert [event.text for event in progress.events if event.point is Point.COMMITTED] == [
        "migrate is written",
        "api is written",
    ]


def test_it_runs_once_for_each_release(lab: DockerLab, shop_: Shop) -> None:
    shop_.promote("v1")
    before = lab.ids("migrate")
    shop_.promote("v1")
    assert lab.ids("migrate") == before
    shop_.promote("v2")
    assert lab.ids("migrate") != before
    assert len(shop_.ran()) == 1


@pytest.mark.parametrize("trigger", [ROLLBACK, RECONCILE, RESTORE])
def test_it_does_not_run_on_a_way_back(lab: DockerLab, shop_: Shop, trigger: str) -> None:
    shop_.promote("v1")
    inventory = shop_.inventory
    shop_.promote("v2")
    lab.keep = 0
    for one in lab.service("migrate", kept=True):  # so that there is none that could be kept
        lab.client.call("DELETE", f"/containers/{one['Id']}")
    shop_.back(inventory, trigger)

    (job,) = lab.service("migrate")
    assert job["State"]["Status"] == "created"
    assert job["State"]["StartedAt"].startswith("0001")
    live = shop_.observe().resources["service/migrate"]
    assert live.fingerprint == inventory.items["service/migrate"].resource.fingerprint
    assert live.body.get("state") is None
    shop_.back(inventory, trigger)
    assert lab.ids("migrate") == [job["Id"]]


def test_one_that_ran_is_kept_for_the_way_back(lab: DockerLab, shop_: Shop) -> None:
    shop_.promote("v1")
    first, inventory = lab.ids("migrate"), shop_.inventory
    shop_.promote("v2")
    shop_.back(inventory, ROLLBACK)
    assert lab.ids("migrate") == first
    assert shop_.ran() == ["migrated to v1"]


def test_it_runs_again_where_it_says_so(lab: DockerLab, shop_: Shop) -> None:
    shop_.promote("v1", on=["rollback"])
    first, inventory = lab.ids("migrate"), shop_.inventory
    shop_.promote("v2", on=["rollback"])
    shop_.back(inventory, ROLLBACK)
    assert lab.ids("migrate") != first
    (job,) = lab.service("migrate")
    assert job["State"]["Status"] == "exited"


def test_a_job_that_fails(lab: DockerLab, shop_: Shop) -> None:
    lab.named = {"api": lab.images.sleep("api")}
    resources = shop_.resources("v1", {"command": ["/bin/sh", "-c", "echo no table; exit 5"]})
    with pytest.raises(NotReady) as failed:
        shop_.for_("promote", resources)

    assert failed.value.message == "service/migrate: ended with exit code 5; its log ends: no table"
    assert lab.service("api") == []


def test_one_that_failed_runs_again(lab: DockerLab, shop_: Shop) -> None:
    """Of the same release, for instance where the database was not there."""
    resources = shop_.resources("v1", {"volumes": {"data": {"type": "bind", "source": "/tmp", "target": "/h"}}})
    flag = f"/h/{lab.project}"
    body = next(one for one in resources if one.id == "service/migrate").body
    body = {**body, "command": ["/bin/sh", "-c", f"test -e {flag} && rm {flag}"]}
    resources = tuple(resource(one.id, body) if one.id == "service/migrate" else one for one in resources)
    with pytest.raises(NotReady):
        shop_.for_("promote", resources)
    failed = lab.ids("migrate")
    shop_.inventory = settled(shop_, resources)
    lab.run(
        lab.images.sleep("toucher"), f"{lab.project}-t", Cmd=["/bin/touch", flag], HostConfig={"Binds": ["/tmp:/h"]}
    )
    shop_.for_("promote", resources)
    assert lab.ids("migrate") != failed


def test_another_value_of_a_secret_is_no_other_release(lab: DockerLab, shop_: Shop) -> None:
    lab.named = {"migrate": lab.images.done("v1")}
    wanted = msgspec.structs.replace(
        environment(
            services={
                **shop({}).services,
                "migrate": {"image": "migrate", "restart": "no", "secrets": {"db": {}}},
            },
            secrets={"db": {"from": "env", "name": "DB"}},
        ),
        project=lab.project,
    )
    resources = lab.engine().render(wanted, lab.release()).resources
    shop_.for_("promote", resources)
    work = shop_.work(resources)
    value = FieldChange(path="value", old="a", new="b", secret=True)
    changes = tuple(
        Change(resource=one.resource, action=UPDATE, fields=(value,)) if one.resource == "secret/db" else one
        for one in work.changes
    )
    lab.engine().apply(changed(work, changes=changes), Values(), Running(), Silent())

    (job,) = lab.service("migrate")
    assert job["State"]["Status"] == "created"
    assert shop_.observe().resources["secret/db"].uid != shop_.inventory.items["secret/db"].uid
