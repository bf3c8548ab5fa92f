"""A delivery that ends while a migration runs: the next one waits for it, as the first would have."""

from datetime import datetime
from typing import Any

import pytest

from releaser.model.event import Event, Point
from tests.crash.driver import Abort
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, Watcher, delivered

pytestmark = pytest.mark.engines

NEEDS = {"migrate": {"condition": "service_completed_successfully"}}


class CutOff(Watcher):
    """Ends the delivery once the migration runs."""

    def event(self, event: Event) -> None:
        super().event(event)
        if event.point is Point.ROLLING and event.text.startswith("migrate"):
            raise Abort


def declare(shop: Shop, script: str) -> None:
    migrate = {"image": "api", "command": ["/bin/sh", "-c", script], "restart": "no"}
    shop.declare({"api": {"image": "api", "stop_grace_period": "1s", "depends_on": NEEDS}, "migrate": migrate})


def cut_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tests.engines.swarm.shop.Watcher", CutOff)
        with pytest.raises(Abort):
            shop.promote("v1")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_what_is_needed_is_waited_for(shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(shop, "sleep 5")
    cut_off(shop, monkeypatch)
    assert lab.objects("deployment", "apps") == []
    delivered(shop.promote("v1"))
    job: Any
    (job,) = lab.objects("job", "batch")
    made = lab.get("deployment.apps/api")["metadata"]["creationTimestamp"]
    assert at(made) >= at(job["status"]["completionTime"])


def test_what_failed_meanwhile_is_not_built_upon(
    shop: Shop, lab: KubernetesLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(shop, "sleep 3; echo no such table; exit 4")
    cut_off(shop, monkeypatch)
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "no such table" in (result.delivery.message or "")
    assert "deployment.apps/api is written" not in [event.text for event in shop.watcher.events]
    assert lab.objects("deployment", "apps") == []
