"""A laboratory in the test bed's cluster: a namespace of one's own, and hands that reach past the engine."""

import base64
import json
import re
import time
import uuid
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from releaser.engines.kubernetes.api import Api
from releaser.engines.kubernetes.connection import Connection
from releaser.engines.kubernetes.engine import KubernetesEngine
from releaser.engines.kubernetes.objects import ObjectId, parse
from releaser.model.release import Release
from releaser.model.value import JsonMap
from releaser.ports import Engine
from tests.contracts.engine_contract import Delivering, release
from tests.engines.images import Images
from tests.engines.swarm.shop import Shop

_SPELLED = {"service": "deployment.apps", "config": "configmap", "volume": "persistentvolumeclaim", "secret": "secret"}
_GONE = 60.0

Require = Any


class KubernetesLab:
    """One environment in a namespace."""

    atomic = False

    def __init__(self, api: Api, project: str, images: Images) -> None:
        self.api = api
        self.project = project
        self.images = images
        self.engines: list[KubernetesEngine] = []

    def spelled(self, resource: str) -> str | None:
        kind, _, name = resource.partition("/")
        return f"{_SPELLED[kind]}/{name}" if kind in _SPELLED else None

    def engine(self) -> Engine:
        made = KubernetesEngine(Api(Connection(), self.api.namespace))
        self.engines.append(made)
        return made

    def close(self) -> None:
        for engine in self.engines:
            engine.close()

    def release(self, version: str = "v1", **images: str) -> Release:
        """`api` and `web` run and do nothing, unless others are named."""
        named = {"api": self.images.sleep("api"), "web": self.images.sleep("web"), **images}
        made = release(version, *named)
        found = {}
        for name, reference in named.items():
            repository, _, digest = reference.partition("@")
            found[name] = msgspec.structs.replace(made.images[name], repository=repository, digest=digest)
        return msgspec.structs.replace(made, images=found)

    # --- hands ---

    def get(self, resource: str) -> JsonMap:
        found = self.api.get(parse(resource))
        assert found is not None, resource
        return found

    def merge(self, resource: str, patch: JsonMap, manager: str = "kubectl-edit") -> JsonMap:
        """Change an object by hand, as `kubectl edit` does."""
        return self.api.patch(parse(resource), _operations(patch), manager=manager)

    def objects(self, kind: str, group: str = "") -> list[JsonMap]:
        return self.api.list(self.api.kind(group, kind))

    # --- what the contract asks for ---

    def edit(self, resource: str) -> str:
        if resource.startswith("configmap/"):  # its content cannot be changed, only its labels
            self.merge(resource, {"metadata": {"labels": {"touched": "by-hand"}}})
            return "metadata.labels.touched"
        containers = self.get(resource)["spec"]["template"]["spec"]["containers"]
        variables = [{**one, "value": "by-hand"} if one["name"] == "LEVEL" else one for one in containers[0]["env"]]
        self.api.patch(
            parse(resource),
            [{"op": "replace", "path": "/spec/template/spec/containers/0/env", "value": variables}],
            manager="kubectl-edit",
        )
        return "spec.template.spec.containers.api.env.LEVEL.value"

    def remove(self, resource: str) -> None:
        self.api.delete(parse(resource), self.get(resource)["metadata"]["uid"])
        gone(self.api, parse(resource))

    def add(self) -> str:
        labels = {"releaser.dev/project": self.project, "releaser.dev/environment": "test1"}
        selector = {"app": "extra"}
        pods = {
            "metadata": {"labels": selector},
            "spec": {"containers": [{"name": "extra", "image": self.images.sleep()}]},
        }
        spec = {"replicas": 0, "selector": {"matchLabels": selector}, "template": pods}
        metadata = {"name": "extra", "labels": labels}
        self.api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
        return "deployment.apps/extra"

    def content(self) -> Hashable:
        """Every object of ours that is there, but for what a server writes, and the ends of Secrets' names.

        What no workload refers to is kept for a way back, and claims are never removed.
        """
        workloads = self.objects("deployment", "apps")
        used = json.dumps([one["spec"] for one in workloads])
        held = [one for one in (*self.objects("configmap"), *self.objects("secret")) if one["metadata"]["name"] in used]
        found = (*workloads, *self.objects("service"), *held)
        return tuple(sorted(json.dumps(_plain(one), sort_keys=True) for one in found if _is_ours(one)))

    def writes(self) -> Hashable:
        """The generation of what runs, and the versions of the rest: they move with each write of ours."""
        rest = (*self.objects("service"), *self.objects("configmap"), *self.objects("secret"))
        versions = [(one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in rest if _is_ours(one)]
        written = [
            (one["metadata"]["uid"], str(one["metadata"]["generation"]), json.dumps(one["metadata"]["annotations"]))
            for one in self.objects("deployment", "apps")
        ]
        return tuple(sorted((*versions, *written)))


def _operations(patch: JsonMap, at: str = "") -> list[JsonMap]:
    found: list[JsonMap] = []
    for key, value in patch.items():
        path = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict):
            found += _operations(value, path)
        else:
            found.append({"op": "add", "path": path, "value": value})
    return found


def _is_ours(raw: JsonMap) -> bool:
    return "releaser.dev/project" in (raw["metadata"].get("labels") or {})


def _plain(raw: JsonMap) -> JsonMap:
    """Without what a server writes; Secrets by the name that they were declared by."""
    text = json.dumps({key: value for key, value in raw.items() if key not in {"status", "metadata"}})
    metadata = raw["metadata"]
    notes = {key: one for key, one in (metadata.get("annotations") or {}).items() if key.startswith("releaser.dev/")}
    if raw["kind"] == "Secret":
        return {"name": notes["releaser.dev/name"], "labels": metadata["labels"], "annotations": notes}
    end = json.loads(_without_ends(text))
    return {**end, "name": metadata["name"], "labels": metadata["labels"], "annotations": notes}


def _without_ends(text: str) -> str:
    return re.sub(r'"password-[0-9a-f]{8}"', '"password"', text)


def gone(api: Api, id_: ObjectId) -> None:
    """Wait until an object is gone."""
    end = time.monotonic() + _GONE
    while api.get(id_) is not None:
        assert time.monotonic() < end, f"{id_.resource} stays"
        time.sleep(0.1)


@pytest.fixture
def namespace(require: Require, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a namespace of one's own, which is made by the first delivery and removed afterwards."""
    monkeypatch.setenv("KUBECONFIG", require("RELEASER_TEST_KUBERNETES"))
    name = f"t-{uuid.uuid4().hex[:8]}"
    api = Api(Connection(), name)
    assert api.get(parse(f"namespace/{name}")) is None  # from here on it has its own credentials, whatever a test does
    yield name
    found = api.get(parse(f"namespace/{name}"))
    if found is not None:
        api.delete(parse(f"namespace/{name}"), found["metadata"]["uid"])
    api.close()


@pytest.fixture
def api(namespace: str) -> Iterator[Api]:
    """Calls to the test bed's cluster, in a namespace of one's own."""
    made = Api(Connection(), namespace)
    yield made
    made.close()


ROLE = Path(__file__).resolve().parents[3] / "docs" / "kubernetes-role.yaml"


def role() -> Any:
    """The documented Role."""
    return yaml.safe_load(ROLE.read_text())


@pytest.fixture
def delivered_to(api: Api, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The namespace, for a user who may do there what the documented Role says, and nothing else.

    A test that is marked `cluster_admin` needs more, and says why.
    """
    if request.node.get_closest_marker("cluster_admin") is not None:
        return api.namespace
    account = {"kind": "ServiceAccount", "metadata": {"name": "deployer"}}
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": api.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "releaser"}
    binding = {"kind": "RoleBinding", "metadata": {"name": "releaser"}, "subjects": [subject], "roleRef": reference}
    for body in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": api.namespace}},
        {"apiVersion": "v1", **account},
        role(),
        {"apiVersion": "rbac.authorization.k8s.io/v1", **binding},
    ):
        api.apply(body, manager="test")
    configuration = api._connection._opened().configuration
    cluster = {"server": configuration.host, "certificate-authority": configuration.ssl_ca_cert}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "deployer", "user": {"token": token(api)}}],
        "contexts": [{"name": "limited", "context": {"cluster": "c", "user": "deployer"}}],
        "current-context": "limited",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return api.namespace


def token(api: Api) -> str:
    """The service account's token, once its controller has made it."""
    end = time.monotonic() + 30
    while True:
        for one in api.list(api.kind("", "secret")):
            account = (one["metadata"].get("annotations") or {}).get("kubernetes.io/service-account.name")
            if account == "deployer" and "token" in one.get("data", {}):
                return base64.b64decode(one["data"]["token"]).decode()
        assert time.monotonic() < end, "no token was made"
        time.sleep(0.05)


@pytest.fixture
def lab(api: Api, delivered_to: str, images: Images) -> Iterator[KubernetesLab]:
    assert api.namespace == delivered_to
    made = KubernetesLab(api, "shop", images)
    yield made
    made.close()


@pytest.fixture
def delivering(lab: KubernetesLab) -> Delivering:
    return Delivering(lab)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered_to: str, images: Images) -> Shop:
    """A project with an image `api`: v1 runs, v2 too."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-two")
    section = {"kind": "kubernetes", "namespace": delivered_to}
    made = Shop(tmp_path, "shop", "", images, wait="120s", engine=section)  # a node is slow where much else runs
    for version in ("v1", "v2"):
        made.image("api").tag(made.image("api").serve(version), version)
    return made
