"""What Compose runs makes room for ours, and never runs beside it: also where a delivery is cut off in between."""

from pathlib import Path

import pytest

from releaser.engines.docker.engine import DockerEngine
from releaser.engines.moby.client import Client
from releaser.model.plan import DELETE, RESTORE, Change
from releaser.model.value import Json, JsonMap
from tests.contracts.engine_contract import Delivering, Died, Running, Silent, Values, inventory_after
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import changed, declared, level

pytestmark = pytest.mark.engines

COMPOSED = "com.docker.compose"
POLICY = {"Name": "always", "MaximumRetryCount": 0}


class Dying(Client):
    """A client whose process is gone before a request of this kind."""

    def __init__(self, place: str, at: str, skip: int = 0) -> None:
        super().__init__(place)
        self.at = at
        self.skip = skip

    def call(self, method: str, path: str, **words: Json) -> Json:
        if method == "POST" and path.endswith(self.at):
            self.skip -= 1
            if self.skip < 0:
                raise Died
        return super().call(method, path, **words)


def compose(lab: DockerLab, service: str, number: int = 1, **host: Json) -> str:
    """As `docker compose up` does."""
    lab.adopts = f"{lab.project}c"
    labels = {
        f"{COMPOSED}.project": lab.adopts,
        f"{COMPOSED}.service": service,
        f"{COMPOSED}.container-number": str(number),
        f"{COMPOSED}.oneoff": "False",
    }
    config = {"RestartPolicy": POLICY, **host}
    return lab.run(
        lab.images.sleep("api"), f"{lab.adopts}-{service}-{number}", labels, HostConfig=config, StopTimeout=1
    )


def inspected(lab: DockerLab, id_: str) -> JsonMap:
    found: JsonMap = lab.client.call("GET", f"/containers/{id_}/json")
    return found


def cut_off(lab: DockerLab, delivering: Delivering, *, at: str, skip: int = 0, **services: JsonMap) -> None:
    """A delivery whose process is gone before a request."""
    client = Dying(lab.client.place, at, skip)
    engine = DockerEngine(client, Path("/"), takes_over=lab.adopts)
    work = delivering.work(delivering.render(declared(**services)).resources)
    with pytest.raises(Died):
        engine.apply(work, Values(), Running(), Silent())
    client.close()


def running(lab: DockerLab) -> set[str]:
    return {one["Id"] for one in [*lab.containers(), *lab.containers(kept=True)] if one["State"] == "running"}


@pytest.mark.parametrize("at", ["/start", "/update", "/rename", "/kill"])
@pytest.mark.parametrize("count", [1, 2])
def test_it_never_runs_beside_ours(lab: DockerLab, delivering: Delivering, at: str, count: int) -> None:
    theirs = {compose(lab, "api", number) for number in range(1, count + 1)}
    wanted = {"volumes": {"data": {"target": "/data"}}, "deploy": {"replicas": count}}
    cut_off(lab, delivering, at=at, api=wanted)
    delivering.deliver(declared(api=wanted))
    assert not theirs & running(lab)
    assert len(running(lab)) == count


@pytest.mark.parametrize("at", ["/update", "/rename", "/kill", "/start"])
def test_it_comes_back_as_it_was(lab: DockerLab, delivering: Delivering, at: str) -> None:
    theirs = compose(lab, "api")
    cut_off(lab, delivering, at=at, api={})
    back(lab, delivering, "api")
    found = inspected(lab, theirs)
    assert found["Name"] == f"/{lab.adopts}-api-1"
    assert found["State"]["Running"]
    assert found["HostConfig"]["RestartPolicy"] == POLICY
    assert running(lab) == {theirs}


def back(lab: DockerLab, delivering: Delivering, *services: str) -> None:
    work = changed(
        delivering.work(()),
        changes=tuple(Change(resource=f"service/{name}", action=DELETE) for name in services),
        trigger=RESTORE,
    )
    lab.engine().apply(work, Values(), Running(), Silent())


def test_what_was_not_touched_yet_runs_on(lab: DockerLab, delivering: Delivering) -> None:
    theirs = compose(lab, "api")
    before = inspected(lab, theirs)
    engine = lab.engine()
    resources = engine.render(declared(api={}), lab.release()).resources
    found = engine.observe(delivering.scope, delivering.inventory)
    assert "service/api" in found.resources
    delivering.inventory = inventory_after(found, resources, 1)

    back(lab, delivering, "api")

    after = inspected(lab, theirs)
    assert (after["Name"], after["State"]["StartedAt"]) == (before["Name"], before["State"]["StartedAt"])


def test_what_was_taken_over_twice_is_kept_twice(lab: DockerLab, delivering: Delivering) -> None:
    for number in (1, 3):
        compose(lab, "api")
        delivering.deliver(declared(api=level(number)))
        delivering.deliver(declared(api=level(number + 1)))
    names = [one["Names"][0] for one in lab.containers(kept=True) if f"{COMPOSED}.service" in one["Labels"]]
    assert len(names) == 2
    assert all(".always.kept" in name for name in names)
    assert len(running(lab)) == 1
