"""Deliveries to real engines that are killed at random times: the next command settles, and nothing rolls out twice.

`--kills N --seed S` repeats a run.
"""

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from releaser.engines.moby import marks
from releaser.engines.moby.client import Client
from releaser.engines.swarm.comparing import same_task
from releaser.operations import drift
from releaser.settings import read
from releaser.wiring import Flags, open_workspace
from tests.crash.driver import Running, Watcher, after_kill, deliver
from tests.engines.images import HEALTHY, Images

REPOSITORY = Path(__file__).resolve().parents[2]
PIPELINE = """
project: {project}
images:
  api: {{repository: {repository}}}
environments:
  test1: {{layers: []}}
"""
LAYER = """
engine: {{kind: {kind}, host: "{host}"}}
wait: 60s
stable: 500ms
vars: {{level: "1"}}
services:
  api:
    image: api
    environment: {{LEVEL: "${{level}}"}}
    configs: {{app: {{target: /etc/app/app.ini}}}}
    secrets: {{password: {{}}}}
    healthcheck: {{test: {check}, interval: 200ms, retries: 10}}
    deploy: {{replicas: 2, update_config: {{parallelism: 0, monitor: 500ms, order: start-first}}}}
    stop_grace_period: 1s
  worker:
    image: api
    depends_on: {{api: {{condition: service_healthy}}}}
    deploy: {{update_config: {{monitor: 500ms}}}}
    stop_grace_period: 1s
configs: {{app: {{content: "level = ${{level}}\\n"}}}}
secrets: {{password: {{from: env, name: RELEASER_TEST_PASSWORD}}}}
"""
INSTANCES = {"api": 2, "worker": 1}


@dataclass(frozen=True)
class Place:
    """A project that is delivered to one engine, again and again."""

    root: Path
    name: str
    kind: str
    client: Client

    def promote(self, release: str) -> str:
        """In this process, to its end."""
        return deliver(self.root, "promote", "test1", release, Watcher(at=0, kill=False))

    def killed(self, release: str, after: float) -> bool:
        """In a process of its own, which is killed after so many seconds; whether it still ran then."""
        command = [sys.executable, "-m", "tests.crash.driver", str(self.root), "promote", "test1", release, "0"]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _ = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True
        assert process.returncode == 0, said.decode()
        return False

    def instances(self) -> dict[str, dict[str, str]]:
        """Service → the ids of its running instances, with the fingerprint of the resource that each was made from."""
        filters = {"label": [f"{marks.PROJECT}={self.name}"]}
        found: dict[str, dict[str, str]] = {}
        if self.kind == "docker":
            for container in self.client.call("GET", "/containers/json", params={"filters": filters}):
                labels = container["Labels"]
                found.setdefault(labels[marks.NAME], {})[container["Id"]] = labels[marks.FINGERPRINT]
            return found
        services = {one["ID"]: one for one in self.client.call("GET", "/services", params={"filters": filters})}
        for task in self.client.call("GET", "/tasks", params={"filters": {"desired-state": ["running"]}}):
            service = services.get(task["ServiceID"])
            if service is not None and task["Status"]["State"] == "running":
                labels, spec = service["Spec"]["Labels"], service["Spec"]["TaskTemplate"]
                made = labels[marks.FINGERPRINT] if same_task(task["Spec"], spec) else "another"
                found.setdefault(labels[marks.NAME], {})[task["ID"]] = made
        return found

    def debris(self) -> list[str]:
        """Containers of ours that were created and never started."""
        filters = {"label": [f"{marks.PROJECT}={self.name}"], "status": ["created"]}
        found = self.client.call("GET", "/containers/json", params={"all": True, "filters": filters})
        return [container["Names"][0] for container in found]

    def drifted(self) -> tuple[object, ...]:
        """What is not as recorded."""
        ws = open_workspace(read(), Flags(directory=self.root), Running(), Watcher(at=0, kill=False))
        try:
            found = drift.of(ws, "test1")
            assert found.error is None, found.error
            return found.items
        finally:
            ws.close()


@pytest.fixture(params=["docker", "swarm"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    images: Images,
    project: str,
    engine_host: str,
) -> Place:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-two")
    for version in ("v1", "v2"):
        images.tag(images.serve(version), version)
    envs = tmp_path / "envs"
    envs.mkdir()
    (envs / "pipeline.yaml").write_text(PIPELINE.format(project=project, repository=images.repository))
    check = '[CMD, wget, -q, -O, "-", "http://127.0.0.1:8080/"]'
    assert HEALTHY["test"][1] == "wget"
    (envs / "test1.yaml").write_text(LAYER.format(kind=request.param, host=engine_host, check=check))
    place = Place(tmp_path, project, request.param, client)
    assert place.promote("v1") == "delivered"
    return place


@pytest.mark.engines
@pytest.mark.crash
def test_killed_at_random(place: Place, kills: int, seed: int) -> None:
    made = {"v1": _made_from(place.instances())}
    began = time.monotonic()
    assert place.promote("v2") == "delivered"
    usual = time.monotonic() - began
    made["v2"] = _made_from(place.instances())
    cut_off = 0
    for number in range(kills):
        chance, release = random.Random(seed + number), ("v1", "v2")[number % 2]
        cut_off += place.killed(release, chance.uniform(0.3, usual + 0.5))
        rolled = {
            service: ids.keys()
            for service, ids in place.instances().items()
            if len(ids) == INSTANCES[service] and set(ids.values()) == {made[release][service]}
        }
        outcome = after_kill(lambda: place.promote(release))  # noqa: B023 - called at once
        assert outcome in {"delivered", "unchanged"}, f"kill {number}: {outcome}"
        after = place.instances()
        for service, ids in rolled.items():
            assert ids <= after[service].keys(), f"kill {number}: {service} rolled out twice"
        assert {name: len(ids) for name, ids in after.items()} == INSTANCES, f"kill {number}"
        assert _made_from(after) == made[release], f"kill {number}"
        assert place.debris() == [], f"kill {number}"
        assert place.drifted() == (), f"kill {number}"
    assert cut_off, "no delivery was cut off: the kills came too late"


def _made_from(instances: dict[str, dict[str, str]]) -> dict[str, str]:
    """Service → the one fingerprint that all of its instances have."""
    assert all(len(set(ids.values())) == 1 for ids in instances.values()), instances
    made = {service: next(iter(ids.values())) for service, ids in instances.items()}
    assert "another" not in made.values()
    return made
