"""Servers newer than the test bed's, by their published OpenAPI (1.37): NOT OBSERVED, only held against the schema."""

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from releaser.engines.kubernetes import manifests
from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.engine import KubernetesEngine
from releaser.engines.kubernetes.pruning import Pruning
from releaser.engines.kubernetes.render import render
from releaser.engines.vocabulary import Row
from releaser.model.errors import EngineUnreachable
from releaser.model.value import JsonMap
from releaser.planning import drift
from tests.contracts.engine_contract import Delivering, environment, first, release, second
from tests.engines.kubernetes.newer import NewerServer, problems
from tests.engines.kubernetes.test_api import kubeconfig
from tests.engines.kubernetes.test_hundred import objects, service
from tests.engines.test_vocabulary_kubernetes import PLACED, beside, rendered, value
from tests.engines.vocabulary_samples import SAMPLES


class NewerLab:
    """What the engine contract's deliveries need, on a scripted server."""

    project = "shop"

    def __init__(self, server: NewerServer) -> None:
        self.server = server

    def engine(self) -> KubernetesEngine:
        return KubernetesEngine(Api(Connection(), "shop"))

    def release(self) -> Any:
        return release()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewerServer]:
    made = NewerServer()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", made.address, {"token": "t"})))
    yield made
    made.close()


@pytest.fixture
def delivering(server: NewerServer) -> Delivering:
    return Delivering(NewerLab(server))  # type: ignore[arg-type]


def test_deliveries_one_after_another(delivering: Delivering, server: NewerServer) -> None:
    for declared in (first(), second(), first()):
        delivering.deliver(declared)
        assert drift.detect(delivering.inventory, delivering.observe()) == ()
        before = len(server.objects)
        assert all(change.action == "unchanged" for change in delivering.deliver(declared).changes)
        assert len(server.objects) == before


def test_a_plan_is_told_of_a_misspelt_field(delivering: Delivering) -> None:
    work = delivering.work(delivering.render(first()).resources)
    wrong = next(desired for desired in work.desired if desired.resource.id == "deployment.apps/web")
    wrong.resource.body["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    (refusal,) = delivering.lab.engine().preview(work).refusals
    assert refusal.resources == ("deployment.apps/web",)
    assert 'unknown field "spec.template.spec.containers[0].imagePullPolcy"' in refusal.message
    assert refusal.path == ("spec", "template", "spec", "containers", "web", "imagePullPolcy")


def test_the_published_schema_knows_fields_and_types() -> None:
    container = {"name": "api", "image": "a", "imag": "b", "ports": [{"containerPort": "80"}]}
    spec = {"selector": {}, "template": {"spec": {"containers": [container]}}}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}
    unknown, *types = problems(body)
    assert unknown == 'unknown field "spec.template.spec.containers[0].imag"'
    assert any(one.startswith("spec.template.spec.containers[0].ports[0].containerPort: ") for one in types)


def wrong(bodies: Iterable[JsonMap]) -> list[str]:
    """What the published schema has against objects; declared secrets get their value in the last call."""
    return [f"{body['kind']}: {problem}" for body in bodies if "source" not in body for problem in problems(body)]


@pytest.mark.parametrize("row", PLACED)
def test_what_a_word_becomes_is_in_the_published_schema(row: Row) -> None:
    assert wrong(rendered(beside(row, SAMPLES[row.word].words(row.word, value(row)))).values()) == []


@pytest.mark.parametrize("number", range(50))
def test_services_and_manifests_by_chance_are_in_the_published_schema(number: int) -> None:
    rng = random.Random(number)
    declared = environment(
        services={f"s{index}": service(rng) for index in range(3)},
        configs={"app": {"content": "x"}, "odd": {"content": "y"}},
        secrets={"password": {"from": "env", "name": "X"}},
        volumes={"data": {"driver_opts": {"size": "1Mi"}}, "shared": {}},
        networks={"default": {}},
        objects={str(index): one for index, one in enumerate(objects(rng)) if "beta" not in one["apiVersion"]},
    )
    services = render(declared, release())
    rendering = manifests.render(declared, release(), "shop", services)
    assert wrong(one.body for one in rendering.resources) == [], json.dumps(declared.services)


def test_a_connection_that_is_lost_while_tidying_up_takes_nothing_back(
    delivering: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Pruning) -> None:
        raise EngineUnreachable("no answer from the cluster")

    monkeypatch.setattr(Pruning, "run", lost)
    delivering.deliver(first())
    assert drift.detect(delivering.inventory, delivering.observe()) == ()
