"""The services of an inventory, in every engine's spelling."""

from releaser.model.documents import ServiceState
from releaser.model.resource import Inventory, InventoryItem, Live, Ready, Resource
from releaser.operations.status import services

DIGEST = "sha256:" + "a" * 64


def item(name, body):
    return InventoryItem(resource=Resource(id=name, body=body, fingerprint="f"), snapshot=body, revision=1)


def workload(*images):
    containers = [{"name": f"c{at}", "image": image} for at, image in enumerate(images)]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def test_services_of_objects():
    bodies = {
        "deployment.apps/api": workload(f"registry.test/api@{DIGEST}", "registry.test/sidecar"),
        "statefulset.apps/db": workload("registry.test/db"),
        "job.batch/migrate-0123456789": workload("registry.test/api"),
        "service/api": {"spec": {"ports": [{"port": 80}]}},
        "configmap/app-0123456789": {"data": {"image": "none"}},
        "deployment.apps/none": workload(),
    }
    ready = Ready(running=1, desired=2)
    live = {"deployment.apps/api": Live(id="deployment.apps/api", body={}, fingerprint="f", ready=ready)}
    inventory = Inventory(items={name: item(name, body) for name, body in bodies.items()})
    assert services(inventory, live) == {
        "api": ServiceState(image="registry.test/api", digest=DIGEST, ready=ready),
        "db": ServiceState(image="registry.test/db", digest=None),
    }


def test_services_in_words():
    inventory = Inventory(items={"service/api": item("service/api", {"image": f"shop/api@{DIGEST}"})})
    assert services(inventory) == {"api": ServiceState(image="shop/api", digest=DIGEST)}
