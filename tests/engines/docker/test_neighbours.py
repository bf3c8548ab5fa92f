"""Another environment of the same project, whose name goes on where ours ends: neither sees what the other has."""

import pytest

from releaser.engines.docker.labels import Noted
from releaser.model.plan import RESTORE
from releaser.model.resource import Mark
from tests.contracts.engine_contract import ENVIRONMENT, HISTORY, Delivering
from tests.engines.docker.conftest import DockerLab
from tests.engines.docker.test_rolling import applied, declared, level

pytestmark = pytest.mark.engines

NEXT = f"{ENVIRONMENT}-eu"


def neighbour(lab: DockerLab, name: str) -> str:
    """A container of the service `api` of the environment next door."""
    mark = Mark(project=lab.project, environment=NEXT, history=HISTORY, revision=2)
    noted = Noted(mark=mark, service="api", fingerprint="sha256:1", body={"image": "api"}, uses={})
    return lab.run(lab.images.sleep("api"), f"{lab.project}-{NEXT}-{name}", noted.labels())


def name_of(lab: DockerLab, id_: str) -> str:
    name: str = lab.client.call("GET", f"/containers/{id_}/json")["Name"]
    return name[1:]


def test_its_instances_are_not_seen(lab: DockerLab, delivering: Delivering) -> None:
    neighbour(lab, "api-r2-1")
    delivering.deliver(declared(api={}))
    assert {name for name in delivering.observe().resources if name.startswith("service/")} == {"service/api"}


def test_what_it_keeps_is_left_alone(lab: DockerLab, delivering: Delivering) -> None:
    kept = neighbour(lab, "api-r1-1.no.r2.kept")
    lab.client.call("POST", f"/containers/{kept}/stop", params={"t": 0})
    delivering.deliver(declared(api=level(1)))
    delivering.deliver(declared(api=level(2)))
    assert name_of(lab, kept) == f"{lab.project}-{NEXT}-api-r1-1.no.r2.kept"

    applied(delivering, declared(api=level(1)), trigger=RESTORE)

    assert not lab.client.call("GET", f"/containers/{kept}/json")["State"]["Running"]
