"""Deliveries to a cluster that are killed at random times: the next command settles, and nothing rolls out twice.

`--kills N --seed S` repeats a run.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from releaser.engines.kubernetes import live
from releaser.model.resource import Ready
from releaser.model.value import JsonMap
from tests.crash.driver import after_kill
from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = [pytest.mark.engines, pytest.mark.crash]

REPOSITORY = Path(__file__).resolve().parents[3]
CHECK = {"test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"], "interval": "1s", "retries": 10}
NAMES = ("api", "worker")


def declare(shop: Shop) -> None:
    api = {
        "image": "api",
        "environment": {"PASSWORD": {"secret": "password"}},
        "configs": {"app": {"target": "/etc/app.ini"}},
        "healthcheck": CHECK,
        "ports": {"http": {"target": 8080}},
        "stop_grace_period": "1s",
        "deploy": {"replicas": 2, "update_config": {"parallelism": 0, "order": "start-first"}},
    }
    needs = {"api": {"condition": "service_healthy"}}
    worker = {"image": "api", "depends_on": needs, "stop_grace_period": "1s"}
    shop.declare(
        {"api": api, "worker": worker},
        configs={"app": {"content": "level = 1\n"}},
        secrets={"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}},
    )


def killed(shop: Shop, release: str, after: float) -> bool:
    """Deliver in a process that is killed after so many seconds; whether it still ran then."""
    command = [sys.executable, "-m", "tests.crash.driver", str(shop.root), "promote", "test1", release, "0"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, said.decode()
    return False


def workload(lab: KubernetesLab, name: str) -> JsonMap:
    return lab.get(f"deployment.apps/{name}")


def generation(raw: JsonMap) -> int:
    found: int = raw["metadata"]["generation"]
    return found


def template(raw: JsonMap) -> object:
    return raw["spec"]["template"]


def test_killed_at_random(shop: Shop, lab: KubernetesLab, kills: int, seed: int) -> None:
    declare(shop)
    delivered(shop.promote("v1"))
    made = {"v1": {name: template(workload(lab, name)) for name in NAMES}}
    began = time.monotonic()
    delivered(shop.promote("v2"))
    usual = time.monotonic() - began
    made["v2"] = {name: template(workload(lab, name)) for name in NAMES}
    cut_off = 0
    for number in range(kills):
        chance, release = random.Random(seed + number), ("v1", "v2")[number % 2]
        cut_off += killed(shop, release, chance.uniform(0.3, usual + 0.5))
        found = {name: workload(lab, name) for name in NAMES}
        rolled = {name: generation(raw) for name, raw in found.items() if template(raw) == made[release][name]}
        result = after_kill(lambda: shop.promote(release))  # noqa: B023 - called at once
        assert result.outcome in {"delivered", "unchanged"}, f"kill {number}: {result.delivery}"
        after = {name: workload(lab, name) for name in NAMES}
        for name, raw in after.items():
            assert template(raw) == made[release][name], f"kill {number}: {name}"
            assert live.ready(raw) == Ready(running=raw["spec"]["replicas"], desired=raw["spec"]["replicas"]), (
                f"kill {number}: {name}: {raw['status']}"  # old ones may still be ending
            )
        for name, before in rolled.items():
            assert generation(after[name]) == before, f"kill {number}: {name} was written twice"
        assert shop.drift() == (), f"kill {number}"
    assert cut_off, "no delivery was cut off: the kills came too late"
    assert (
        len([one for one in lab.objects("secret") if "releaser.dev/name" in one["metadata"].get("annotations", {})])
        == 1
    )
