"""A delivery that fails, or is cut off, while something is about to end: nothing is lost, and nothing runs twice."""

import time

import pytest

from releaser.model.errors import ApplyFailed
from tests.contracts.engine_contract import Delivering, inventory_after
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import applied, declared, level
from tests.engines.docker.test_taking_over import cut_off

pytestmark = pytest.mark.engines

SLOW = {
    "command": ["/bin/sh", "-c", "trap 'sleep 2; exit 0' TERM; while true; do sleep 0.1; done"],
    "volumes": {"data": {"target": "/data"}},
    "stop_grace_period": "10s",
}


def test_what_was_about_to_end_when_another_failed_runs_again(lab: DockerLab, delivering: Delivering) -> None:
    data = {"volumes": {"more": {"target": "/data"}}}
    delivering.deliver(declared(api=SLOW, web=data))
    (api,) = lab.ids("api")
    with pytest.raises(ApplyFailed):
        applied(delivering, declared(api={**SLOW, **level(2)}, web={**data, "command": ["/none"]}))
    time.sleep(3)
    assert lab.ids("api") == [api]
    assert lab.one("api")["State"]["Running"]
    assert lab.one("web")["State"]["Running"]


@pytest.mark.parametrize("at", ["/rename", "/kill", "/start"])
def test_data_in_volumes_that_nobody_named_are_found_again(lab: DockerLab, delivering: Delivering, at: str) -> None:
    lab.named = {"db": lab.images.sleep("db", Volumes={"/data": {}})}
    delivering.deliver(declared(db={"image": "db"}))
    (mount,) = lab.one("db")["Mounts"]
    cut_off(lab, delivering, at=at, db={"image": "db", **level(2)})
    delivering.deliver(declared(db={"image": "db", **level(2)}))
    assert [one["Name"] for one in lab.one("db")["Mounts"]] == [mount["Name"]]
    assert sum(one["State"] == "running" for one in lab.containers() + lab.containers(kept=True)) == 1


def test_what_never_started_is_not_what_was_to_be_delivered(lab: DockerLab, delivering: Delivering) -> None:
    data = {"volumes": {"data": {"target": "/data"}}}
    delivering.deliver(declared(api=data))
    cut_off(lab, delivering, at="/start", api={**data, **level(2)})
    resources = delivering.render(declared(api={**data, **level(2)})).resources
    delivering.inventory = inventory_after(delivering.observe(), resources, 2)  # as a cut-off delivery is settled
    delivering.deliver(declared(api={**data, **level(2)}))
    assert lab.one("api")["State"]["Running"]
    assert "LEVEL=2" in lab.one("api")["Config"]["Env"]
