"""One's own manifests as resources: images, secrets, namespaces, what is refused, the order of kinds."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaser.engines.kubernetes import manifests
from releaser.engines.kubernetes.manifests import images
from releaser.engines.kubernetes.order import STEPS, in_order, step
from releaser.engines.kubernetes.references import renamed
from releaser.engines.kubernetes.render import render
from releaser.engines.rendering import resource
from releaser.model.errors import InvalidDeclarations
from releaser.model.resource import Rendering
from releaser.model.value import Json, at_path, parse_path
from releaser.planning.manifests import identity
from tests.contracts.engine_contract import environment, release

API = "deployment.apps/api"
SECRETS = {"db": {"from": "env", "name": "DB"}, "other": {"from": "env", "name": "O"}}


def made(
    *objects: Mapping[str, Any],
    services: Mapping[str, Any] | None = None,
    engine: Mapping[str, Any] | None = None,
    paths: Mapping[str, Any] | None = None,
) -> Rendering:
    declared = msgspec.structs.replace(
        environment(services=services or {}, secrets=SECRETS),
        config={"image_paths": paths or {}},
        objects={identity(body, "shop"): body for body in objects},
        engine={"kind": "kubernetes", "namespace": "shop", **(engine or {})},
    )
    return manifests.render(declared, release(), "shop", render(declared, release()))


def refused(*objects: Mapping[str, Any], **more: Any) -> list[str]:
    with pytest.raises(InvalidDeclarations) as wrong:
        made(*objects, **more)
    assert all(problem.hint for problem in wrong.value.problems)
    return [problem.message for problem in wrong.value.problems]


def body(kind: str = "ConfigMap", version: str = "v1", name: str = "api", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def pods(**spec: Any) -> dict[str, Any]:
    return {"containers": [{"name": "api", "image": "api"}], **spec}


def deployment(**spec: Any) -> dict[str, Any]:
    return body("Deployment", "apps/v1", spec={"template": {"spec": pods(**spec)}})


def only(rendering: Rendering, name: str) -> Json:
    return next(resource.body for resource in rendering.resources if resource.id == name)


# --- images ---

REFERENCE = release().images["api"].reference


@pytest.mark.parametrize(
    "text",
    [
        "api",
        "api:v3",
        "registry.test/shop/api",
        "registry.test/shop/api:v1",
        f"registry.test/shop/api@sha256:{'1' * 64}",
    ],
)
def test_an_image_of_the_release_is_set_to_its_digest(text: str) -> None:
    container = [{"name": "c", "image": text}]
    rendering = made(deployment(containers=container, initContainers=container, ephemeralContainers=container))
    spec = only(rendering, API)["spec"]["template"]["spec"]
    words = ("containers", "initContainers", "ephemeralContainers")
    assert [spec[word][0]["image"] for word in words] == [REFERENCE] * 3


@pytest.mark.parametrize(
    ("kind", "version", "path"),
    [
        ("Pod", "v1", "spec"),
        ("Job", "batch/v1", "spec.template.spec"),
        ("CronJob", "batch/v1beta1", "spec.jobTemplate.spec.template.spec"),
        ("StatefulSet", "apps/v1", "spec.template.spec"),
        ("DaemonSet", "apps/v1", "spec.template.spec"),
        ("Rollout", "argoproj.io/v1alpha1", "spec.template.spec"),
    ],
)
def test_every_template_of_pods_has_its_images(kind: str, version: str, path: str) -> None:
    spec: Any = pods()
    for key in reversed(parse_path(path)[1:]):
        spec = {key: spec}
    rendering = made(body(kind, version, spec=spec))
    found = only(rendering, identity(body(kind, version), "shop"))
    assert at_path(found, parse_path(f"{path}.containers.api.image")) == REFERENCE


def test_another_image_needs_a_digest() -> None:
    pinned = f"docker.io/library/redis@sha256:{'2' * 64}"
    found = only(made(deployment(containers=[{"name": "c", "image": pinned}])), API)
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == pinned
    assert refused(deployment(containers=[{"name": "c", "image": "redis:7"}])) == [
        "`redis:7` is no image of the release, and has no digest"
    ]
    assert refused(deployment(containers=[{"name": "c"}])) == ["a container has no image"]


def test_custom_resources_have_images_where_it_is_declared() -> None:
    well = body("Well", "acme.test/v1", spec={"image": "api", "more": [{"name": "a", "image": "api:2"}], "text": "api"})
    paths = {"well.acme.test": ["spec.image", "spec.more.a.image", "spec.nix.image"], "pump.acme.test": ["spec.text"]}
    assert only(made(well, paths=paths), "well.acme.test/api")["spec"] == {
        "image": REFERENCE,
        "more": [{"name": "a", "image": REFERENCE}],
        "text": "api",
    }
    assert refused(body("Well", "acme.test/v1", spec={"image": "other:1"}), paths=paths) == [
        "`other:1` is no image of the release, and has no digest"
    ]


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("redis", "docker.io/library/redis"),
        ("redis:7", "docker.io/library/redis"),
        ("index.docker.io/library/redis", "docker.io/library/redis"),
        ("me/app:1", "docker.io/me/app"),
        ("localhost/app", "localhost/app"),
        ("host:5000/app", "host:5000/app"),
        ("host:5000/a/b:v1@sha256:" + "3" * 64, "host:5000/a/b"),
        ("quay.io/a/b", "quay.io/a/b"),
    ],
)
def test_repositories_are_compared_whole(text: str, repository: str) -> None:
    assert images.repository_of(text) == repository


# --- names and namespaces ---


def test_objects_keep_their_names_and_lose_the_own_namespace() -> None:
    rendering = made(body(data={"a": "b"}, metadata={"namespace": "shop", "labels": {"x": "y"}}))
    (one,) = rendering.resources
    assert (one.id, one.body) == ("configmap/api", body(data={"a": "b"}, metadata={"labels": {"x": "y"}}))
    assert rendering.sources == {"configmap/api": (("", "objects.configmap/api"),)}


def test_another_namespace_is_declared_first() -> None:
    other = body(metadata={"namespace": "monitoring"})
    assert refused(other) == ["it would go to the namespace monitoring, and the environment's is shop"]
    rendering = made(other, engine={"namespaces": ["monitoring"]})
    assert [(one.id, one.body["metadata"]) for one in rendering.resources] == [
        ("configmap/monitoring/api", {"name": "api", "namespace": "monitoring"})
    ]


DEFINITION = body(
    "CustomResourceDefinition",
    "apiextensions.k8s.io/v1",
    "wells.acme.test",
    spec={"group": "acme.test", "scope": "Cluster", "names": {"kind": "Well"}},
)


@pytest.mark.parametrize(
    "objects",
    [
        (body("ClusterRole", "rbac.authorization.k8s.io/v1"),),
        (body("Namespace", name="shop"),),
        (DEFINITION, body("Well", "acme.test/v1")),
    ],
    ids=["ClusterRole", "Namespace", "defined"],
)
def test_what_belongs_to_the_cluster_is_allowed_first(objects: tuple[Any, ...]) -> None:
    assert all("belongs to the whole cluster" in message for message in refused(*objects))
    assert len(refused(*objects)) == len(objects)
    assert len(made(*objects, engine={"cluster_scoped": True}).resources) == len(objects)


def test_what_is_in_no_namespace_names_none() -> None:
    role = body("ClusterRole", "rbac.authorization.k8s.io/v1", metadata={"namespace": "shop"})
    assert refused(role, engine={"cluster_scoped": True}) == ["a ClusterRole is in no namespace"]


def test_a_service_that_is_rendered_has_the_identity_already() -> None:
    services = {"api": {"image": "api"}}
    assert refused(deployment(), services=services) == [f"{API} is made from what is declared there, too"]


# --- secrets ---


def refers(**spec: Any) -> dict[str, str]:
    return dict(next(one for one in made(deployment(**spec)).resources if one.id == API).secrets)


def variable(name: str, key: str) -> list[dict[str, Any]]:
    source = {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
    return [{"name": "api", "image": "api", "env": [{"name": "A", "value": "1"}, {"name": "DB", **source}]}]


def test_a_reference_to_a_declared_secret_brings_it_along() -> None:
    rendering = made(deployment(containers=variable("db", "value")))
    assert [one.id for one in rendering.resources] == ["secret/db", API]
    assert rendering.secrets == ("db",)
    path = "spec.template.spec.containers.api.env.DB"
    assert rendering.resources[1].secrets == {path: "db"}
    real = renamed(rendering.resources[1].body, {"db": "db-01234567"})
    assert at_path(real, parse_path(path))["valueFrom"]["secretKeyRef"]["name"] == "db-01234567"


def test_volumes_refer_to_declared_secrets_too() -> None:
    projected = {"projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "other"}}]}}
    assert refers(volumes=[{"name": "a", "secret": {"secretName": "db"}}, {"name": "b", **projected}]) == {
        "spec.template.spec.volumes.a": "db",
        "spec.template.spec.volumes.b.projected.sources.1.secret": "other",
    }


def test_other_secrets_of_the_namespace_are_left_as_they_are() -> None:
    spec = {"containers": variable("theirs", "password"), "imagePullSecrets": [{"name": "login"}]}
    assert refers(**spec, volumes=[{"name": "a", "secret": {"secretName": "tls"}}]) == {}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": variable("db", "password")},
        {"containers": [{"name": "a", "image": "api", "envFrom": [{"secretRef": {"name": "db"}}]}]},
        {"volumes": [{"name": "a", "secret": {"secretName": "db", "items": [{"key": "tls.key", "path": "x"}]}}]},
        {"imagePullSecrets": [{"name": "db"}]},
    ],
    ids=["key", "envFrom", "items", "imagePullSecrets"],
)
def test_a_declared_secret_has_one_key(spec: dict[str, Any]) -> None:
    (message,) = refused(deployment(**spec))
    assert message.startswith("`db` is a declared secret: ")


def test_a_declared_secret_is_in_the_environments_namespace_alone() -> None:
    there = deployment(containers=variable("db", "value"))
    there["metadata"]["namespace"] = "b"
    (message,) = refused(there, engine={"namespaces": ["b"]})
    assert message == "`db` is a declared secret, which is made in shop, and no pod in b sees it"


@pytest.mark.parametrize("word", ["data", "stringData"])
def test_a_secrets_values_never_get_into_the_history(word: str) -> None:
    (message,) = refused(body("Secret", **{word: {"password": "aHVudGVyMg=="}}))
    assert message == "a Secret in a manifest would put its values into the history"
    assert refused(body("Secret")) == ["a manifest makes no Secrets"]


# --- what is refused ---

REFUSED = {
    "our mark": (body(metadata={"annotations": {"releaser.dev/history": "x"}}), "`releaser.dev/` marks"),
    "our label": (body(metadata={"labels": {"releaser.dev/project": "x"}}), "`releaser.dev/` marks"),
    "our manager": (
        body(metadata={"labels": {"app.kubernetes.io/managed-by": "releaser"}}),
        "marks what is made from services",
    ),
    "uid": (body(metadata={"uid": "1"}), "`uid` is written by the server"),
    "resourceVersion": (body(metadata={"resourceVersion": "1"}), "`resourceVersion` is written by the server"),
    "managedFields": (body(metadata={"managedFields": []}), "`managedFields` is written by the server"),
    "last applied": (
        body(metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}),
        "kubectl keeps this for itself",
    ),
    "a number as a label": (body(metadata={"labels": {"a": 1}}), "the value of `a` must be a text"),
    "labels": (body(metadata={"labels": ["a"]}), "`labels` must be a map"),
    "spec": (body("Deployment", "apps/v1", spec=[]), "`spec` must be a map"),
    "template": (body("Job", "batch/v1", spec={"template": "x"}), "`template` must be a map"),
    "cron": (body("CronJob", "batch/v1", spec={"jobTemplate": []}), "`jobTemplate` must be a map"),
    "containers": (deployment(containers={"a": 1}), "`containers` must be a list"),
    "a container": (deployment(containers=["x"]), "`0` must be a map"),
    "env": (deployment(containers=[{"image": "api", "env": {"A": 1}}]), "`env` must be a list"),
    "volumes": (deployment(volumes="x"), "`volumes` must be a list"),
    "ports": (body("Service", spec={"ports": [80]}), "`0` must be a map"),
    "custom pods": (body("R", "a.b/v1", spec={"template": {"spec": {"containers": 1}}}), "`containers` must be"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_delivery_does(case: str) -> None:
    found, message = REFUSED[case]
    assert any(message in said for said in refused(found)), refused(found)


@pytest.mark.parametrize("spec", [1, "x", [], {"template": "x"}, {"template": {"spec": [1]}}, None])
def test_a_custom_resource_may_be_anything(spec: Json) -> None:
    assert [one.id for one in made(body("Well", "acme.test/v1", spec=spec)).resources] == ["well.acme.test/api"]


# --- quantities ---


def test_quantities_are_texts() -> None:
    resources = {"requests": {"cpu": 0.5, "memory": 1000000}, "limits": {"cpu": "2", "memory": "1Gi"}}
    containers = [{"name": "a", "image": "api", "resources": resources, "ports": [{"containerPort": 80}]}]
    claim = {"spec": {"resources": {"requests": {"storage": 1024}}}}
    volumes = [{"name": "a", "emptyDir": {"sizeLimit": 5}}, {"name": "b", "ephemeral": {"volumeClaimTemplate": claim}}]
    one = deployment(containers=containers, volumes=volumes)
    one["spec"] |= {"replicas": 1, "volumeClaimTemplates": [claim]}
    spec = only(made(one), API)["spec"]

    pods_made = spec["template"]["spec"]
    assert pods_made["containers"][0]["resources"] == {
        "requests": {"cpu": "0.5", "memory": "1000000"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    assert pods_made["containers"][0]["ports"] == [{"containerPort": 80}]
    assert pods_made["volumes"][0]["emptyDir"] == {"sizeLimit": "5"}
    assert (
        pods_made["volumes"][1]["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]
        == "1024"
    )
    assert spec["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "1024"
    assert spec["replicas"] == 1
    assert one["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == 0.5

    quota = made(
        body("ResourceQuota", spec={"hard": {"pods": 4}}), body("LimitRange", spec={"limits": [{"max": {"cpu": 2}}]})
    )
    assert [each.body["spec"] for each in quota.resources] == [
        {"hard": {"pods": "4"}},
        {"limits": [{"max": {"cpu": "2"}}]},
    ]


# --- the order ---


def test_kinds_come_in_the_order_in_which_they_are_needed() -> None:
    wanted = [
        "namespace/shop",
        "customresourcedefinition.apiextensions.k8s.io/wells.acme.test",
        "serviceaccount/api",
        "role.rbac.authorization.k8s.io/api",
        "rolebinding.rbac.authorization.k8s.io/api",
        "configmap/api",
        "secret/db",
        "persistentvolumeclaim/api",
        "service/api",
        "well.acme.test/api",
        "statefulset.apps/b",
        "deployment.apps/a",
        "horizontalpodautoscaler.autoscaling/a",
        "ingress.networking.k8s.io/a",
        "validatingwebhookconfiguration.admissionregistration.k8s.io/a",
    ]
    backwards = sorted(wanted, key=step, reverse=True)
    resources = [resource(name, {}) for name in backwards]
    assert [one.id for one in in_order(resources)] == wanted


def test_no_kind_has_two_places() -> None:
    kinds = [kind for kinds in STEPS for kind in kinds]
    assert len(kinds) == len(set(kinds))


def test_services_and_manifests_stand_in_one_order() -> None:
    services = {"web": {"image": "web", "ports": {"http": {"target": 80}}}}
    rendering = made(deployment(), body("Service"), body(), services=services)
    assert [one.id for one in rendering.resources] == [
        "configmap/api",
        "service/web",
        "service/api",
        "deployment.apps/web",
        "deployment.apps/api",
    ]


def test_the_id_is_the_same_for_the_declarations_and_the_engine() -> None:
    for one in (body(), deployment(), body(metadata={"namespace": "monitoring"}), DEFINITION):
        found = made(one, engine={"namespaces": ["monitoring"], "cluster_scoped": True})
        assert [one.id for one in found.resources] == [identity(one, "shop")]


# --- whatever stands there ---

WORDS = st.sampled_from(
    [
        "spec",
        "template",
        "jobTemplate",
        "metadata",
        "labels",
        "annotations",
        "containers",
        "initContainers",
        "env",
        "name",
        "image",
        "valueFrom",
        "key",
        "secretKeyRef",
        "volumes",
        "secret",
        "secretName",
        "items",
        "projected",
        "sources",
        "envFrom",
        "secretRef",
        "imagePullSecrets",
        "ports",
        "scope",
        "names",
        "kind",
        "group",
        "namespace",
        "uid",
    ]
)
TREES = st.recursive(
    st.booleans() | st.integers() | st.sampled_from(["api", "db", "value", "Cluster", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)
KINDS = st.sampled_from(
    ["Deployment", "Pod", "Job", "CronJob", "Service", "Secret", "CustomResourceDefinition", "Well", "ConfigMap"]
)


def within(path: str, tree: Json) -> Json:
    for key in reversed(path.split(".") if path else []):
        tree = {key: tree}
    return tree


@given(
    KINDS,
    st.sampled_from(["", "template", "template.spec", "jobTemplate.spec.template.spec", "template.spec.containers"]),
    TREES,
    st.dictionaries(st.sampled_from(["labels", "annotations", "namespace", "uid"]), TREES, max_size=2),
)
def test_any_object_is_rendered_or_refused_in_words(kind: str, path: str, tree: Json, metadata: dict[str, Any]) -> None:
    namespace = metadata.pop("namespace", None)
    more = {"namespace": namespace} if isinstance(namespace, str) and namespace else {}
    with suppress(InvalidDeclarations):
        for one in made(body(kind, "v1", spec=within(path, tree), metadata={**metadata, **more})).resources:
            assert isinstance(renamed(one.body, {"db": "db-1"}), dict)
