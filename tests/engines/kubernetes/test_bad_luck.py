"""What a cluster does at the worst moment: its API server goes away in mid-delivery, or for a while."""

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from releaser.model.errors import EngineUnreachable
from releaser.model.event import Event, Point
from tests.engines.alone import EngineAlone
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, Watcher, delivered

pytestmark = pytest.mark.engines


class ApiServer:
    """The test bed's API server, which nobody else uses meanwhile."""

    def __init__(self, testbed: str) -> None:
        self._testbed = testbed

    def kill(self) -> None:
        subprocess.run([self._testbed, "kill", "apiserver"], check=True, capture_output=True)

    def start(self) -> None:
        subprocess.run([self._testbed, "up", "kubernetes"], check=True, capture_output=True)


@pytest.fixture
def apiserver(engine_alone: EngineAlone, require: object) -> Iterator[ApiServer]:
    found = ApiServer(require("RELEASER_TESTBED"))  # type: ignore[operator]
    yield found
    found.start()


class Killing(Watcher):
    """Ends the API server when the first workload is written; lets it come back after a while, where asked to."""

    server: ApiServer
    back_after: float | None = None
    starting: threading.Thread | None = None

    def event(self, event: Event) -> None:
        super().event(event)
        if event.point is Point.COMMITTED and Killing.starting is None:
            self.server.kill()
            Killing.starting = threading.Thread(target=self._start)
            Killing.starting.start()

    def _start(self) -> None:
        if self.back_after is not None:
            time.sleep(self.back_after)
            self.server.start()


@pytest.fixture
def killing(apiserver: ApiServer, monkeypatch: pytest.MonkeyPatch) -> type[Killing]:
    Killing.server, Killing.starting, Killing.back_after = apiserver, None, None
    monkeypatch.setattr("tests.engines.swarm.shop.Watcher", Killing)
    return Killing


def test_an_api_server_that_is_restarted_is_waited_for(shop: Shop, lab: KubernetesLab, killing: type[Killing]) -> None:
    shop.declare({"api": {"image": "api"}})
    killing.back_after = 1.0
    delivered(shop.promote("v1"))
    assert killing.starting is not None
    killing.starting.join()
    assert lab.get("deployment.apps/api")["status"]["readyReplicas"] == 1
    assert shop.drift() == ()


def test_an_api_server_that_stays_away(
    shop: Shop, lab: KubernetesLab, killing: type[Killing], apiserver: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.declare({"api": {"image": "api"}})
    with monkeypatch.context() as patched:
        patched.setattr("releaser.engines.kubernetes.watching._AWAY", 3.0)
        with pytest.raises(EngineUnreachable, match="no answer from the cluster") as lost:
            shop.promote("v1")
    assert lost.value.hint == "when it is back: release resume test1, or release abort test1"
    assert shop.head().status == "running"
    apiserver.start()
    assert shop.promote("v1").outcome in {"delivered", "unchanged"}
    assert lab.get("deployment.apps/api")["metadata"]["annotations"]["releaser.dev/revision"] in {"1", "2"}
    assert shop.drift() == ()
