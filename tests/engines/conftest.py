"""What suites on a real engine share: its client, images, a project of one's own, and the engine alone for oneself."""

import fcntl
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from releaser.engines.moby.client import Client, Refused
from releaser.model.value import JsonMap
from tests.engines.alone import EngineAlone
from tests.engines.images import Images

pytest.register_assert_rewrite("tests.contracts.engine_contract")

_KINDS = (
    # list path, path of one, parameters of the removal
    ("/services", "/services/{}", {}),
    ("/containers/json", "/containers/{}", {"force": True, "v": True}),
    ("/volumes", "/volumes/{}", {"force": True}),
    ("/networks", "/networks/{}", {}),
    ("/configs", "/configs/{}", {}),
    ("/secrets", "/secrets/{}", {}),
)
_LET_GO = 20.0  # seconds after which a removed service's tasks have let go of networks and volumes

Require = Callable[[str], str]


@pytest.fixture(autouse=True)
def _engine_is_shared(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody stops the engine under a test that uses it, in whichever worker or checkout."""
    if request.node.get_closest_marker("engines") is None:
        yield
        return
    folder = Path(os.environ.get("RELEASER_TESTBED_STATE") or tempfile.gettempdir())
    alone = "engine_alone" in request.fixturenames
    with (folder / "tests.lock").open("a") as engine:
        with (folder / "tests.door").open("a") as door:  # who wants it alone stands in the door: nobody new gets in
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(engine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture
def engine_host(require: Require) -> str:
    """The address of the test bed's engine."""
    return require("RELEASER_TEST_DOCKER")


@pytest.fixture
def client(engine_host: str) -> Iterator[Client]:
    """A client of the test bed's engine."""
    client = Client(engine_host)
    yield client
    client.close()


@pytest.fixture
def images(require: Require) -> Images:
    """Images in the test bed's registry."""
    return Images(require("RELEASER_TEST_REGISTRY"), Path(require("RELEASER_TEST_BUSYBOX")))


@pytest.fixture
def project(client: Client) -> Iterator[str]:
    """The name of a project of one's own; what is marked with it is removed afterwards."""
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    remove_all(client, name)


@pytest.fixture
def engine_alone(require: Require) -> Iterator[EngineAlone]:
    """The engine while no other test uses it. Name it last: it runs again before what a test made is removed."""
    engine = EngineAlone(require("RELEASER_TESTBED"))
    yield engine
    engine.start()


def remove_all(client: Client, project: str) -> None:
    """Remove everything that is marked with a project: services first, then what they held."""
    marked = {"label": [f"releaser.project={project}"]}
    swarm = client.info()["Swarm"]["LocalNodeState"] == "active"
    for path, one, params in _KINDS:
        if not swarm and path in {"/services", "/configs", "/secrets"}:
            continue
        every = {"all": True} if path.startswith("/containers") else {}
        found = client.call("GET", path, params={"filters": marked, **every})
        for thing in (found["Volumes"] or []) if path == "/volumes" else found:
            _remove(client, one.format(_id(thing)), params)


def _id(thing: JsonMap) -> str:
    return thing.get("ID") or thing.get("Id") or thing["Name"]


def _remove(client: Client, path: str, params: JsonMap) -> None:
    """Remove one thing, which the tasks of a service that was just removed may still hold."""
    end = time.monotonic() + _LET_GO
    while True:
        try:
            client.call("DELETE", path, params=params)
        except Refused as refused:
            if refused.status == 404:
                return
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
