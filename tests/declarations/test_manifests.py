"""One's own manifests as they are declared: sources, names, patches by layers, places, limits."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations, Problem

Told = Callable[[tuple[Problem, ...]], list[str]]
Project = Callable[..., ProjectDeclarations]

ENGINE = "engine: {kind: kubernetes, namespace: shop}\nmanifests: {all: {folder: k8s}}\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: api
        image: api
        env:
        - {name: LEVEL, value: info}
        - {name: COLOUR, value: red}
"""
API = "deployment.apps/api"


@pytest.fixture
def own(project: Project) -> Callable[..., ProjectDeclarations]:
    """A project with manifests; `test1` is its own file."""

    def own(files: Mapping[str, str | bytes], base: str = ENGINE, test1: str = "{}") -> ProjectDeclarations:
        return project({f"k8s/{name}": content for name, content in files.items()}, base=base, test1=test1)

    return own


Own = Callable[..., ProjectDeclarations]


def problems(declarations: ProjectDeclarations) -> tuple[Problem, ...]:
    with pytest.raises(InvalidDeclarations) as wrong:
        declarations.environment("test1")
    return wrong.value.problems


def places(environment: Environment, *path: str) -> list[str]:
    return [f"{link.location} {link.action}" for link in environment.origins.chain(("objects", *path))]


def config_map(name: str, **more: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more})


# --- sources ---


def test_a_file_a_folder_and_their_order(own: Own) -> None:
    base = "engine: {kind: kubernetes, namespace: shop}\nmanifests: {z: {file: one.json}, a: {folder: k8s}}"
    declarations = own(
        {
            "b.yml": f"{config_map('b')}\n---\n{config_map('a')}",
            "a.json": config_map("c"),
            "notes.txt": "no: [",
            ".hidden.yaml": "no: [",
            "deeper/d.yaml": "no: [",
            "../one.json": config_map("z"),
        },
        base,
    )
    environment = declarations.environment("test1")

    assert list(environment.objects) == ["configmap/z", "configmap/c", "configmap/b", "configmap/a"]
    assert environment.config["objects"] == environment.objects
    assert [str(place) for place in environment.locate("objects", "configmap/a", "metadata", "name")] == [
        "k8s/b.yml:3:64"
    ]
    assert set(declarations.files("test1")) == {
        "envs/pipeline.yaml",
        "envs/base.yaml",
        "envs/test1.yaml",
        "k8s/b.yml",
        "k8s/a.json",
        "one.json",
    }


def test_a_list_of_objects_is_its_objects(own: Own) -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [json.loads(config_map("b"))]}
    whole = {"apiVersion": "v1", "kind": "List", "items": [json.loads(config_map("a")), inner]}
    assert list(own({"a.json": json.dumps(whole)}).environment("test1").objects) == ["configmap/a", "configmap/b"]


def test_what_a_cluster_answers_and_nothing_is_left_out(own: Own) -> None:
    text = config_map("a", status={"x": 1}, data=None).replace('"name"', '"creationTimestamp": null, "name"')
    assert own({"a.json": text}).environment("test1").objects == {
        "configmap/a": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    }


def test_ids_leave_out_the_own_namespace(own: Own) -> None:
    texts = [config_map("a").replace('"name"', f'"namespace": "{name}", "name"') for name in ("shop", "other")]
    declarations = own({"a.yaml": "\n---\n".join(texts)})
    assert list(declarations.environment("test1").objects) == ["configmap/a", "configmap/other/a"]


UNREADABLE = {
    "{file: k8s/b.yaml}": "there is no file `k8s/b.yaml`",
    "{file: k8s}": "`k8s` is a folder",
    "{folder: k8s/a.yaml}": "`k8s/a.yaml` is no folder",
    "{folder: empty}": "`empty` has no files that end in",
    "{folder: ../..}": "`../..` leads out of the project",
    "{file: /etc/passwd}": "`/etc/passwd` is an absolute path",
    "{file: k8s/out.yaml}": "`k8s/out.yaml` leads out of the project",
    "{folder: away}": "`away` leads out of the project",
    "{folder: overlay}": "`overlay` is a kustomization",
    "{kustomization: k8s}": "`k8s` has no kustomization.yaml",
    "{file: circle.yaml}": "a link that leads in a circle",
}


@pytest.mark.parametrize("source", UNREADABLE)
def test_a_source_that_cannot_be_read(source: str, own: Own, tmp_path: Path, told: Told) -> None:
    declarations = own({"a.yaml": config_map("a")}, ENGINE, f"manifests: {{more: {source}}}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text("{}")
    (tmp_path / "away").symlink_to("/etc")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    if "out.yaml" in source:
        (tmp_path / "k8s" / "out.yaml").symlink_to("/etc/hostname")

    assert any(UNREADABLE[source] in text and text.startswith("envs/") for text in told(problems(declarations))), (
        problems(declarations)
    )


NO_OBJECTS = {
    "[1]": ("k8s/a.yaml:1:1", "a document that is no object"),
    "text": ("k8s/a.yaml:1:1", "a document that is no object"),
    "{apiVersion: v1, kind: ConfigMap}": ("k8s/a.yaml:1:1", "an object without `metadata`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {}}": ("k8s/a.yaml:1:1", "an object without `name`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: 1}}": ("k8s/a.yaml:1:52", "`1` cannot be `name`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a/b}}": ("k8s/a.yaml:1:52", "`a/b` cannot be `name`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: ..}}": ("k8s/a.yaml:1:52", "`..` cannot be `name`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}": ("k8s/a.yaml:1:46", "`generateName` makes"),
    "{kind: ConfigMap, metadata: {name: a}}": ("k8s/a.yaml:1:1", "an object without `apiVersion`"),
    "{apiVersion: 1, kind: ConfigMap, metadata: {name: a}}": ("k8s/a.yaml:1:14", "`1` cannot be `apiVersion`"),
    "{apiVersion: ../v1, kind: ConfigMap, metadata: {name: a}}": ("k8s/a.yaml:1:14", "cannot be `apiVersion`"),
    "{apiVersion: v1, metadata: {name: a}}": ("k8s/a.yaml:1:1", "an object without `kind`"),
    "{apiVersion: v1, kind: config map, metadata: {name: a}}": ("k8s/a.yaml:1:24", "`config map` cannot be `kind`"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: A/b}}": ("k8s/a.yaml:1:66", "cannot be `namesp"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, x: '${nix}'}": ("k8s/a.yaml:1:59", "no such name"),
}


@pytest.mark.parametrize("text", NO_OBJECTS)
def test_what_is_no_object(text: str, own: Own, told: Told) -> None:
    place, message = NO_OBJECTS[text]
    (said,) = told(problems(own({"a.yaml": text})))
    assert said.startswith(place)
    assert message in said


def test_one_object_of_two_sources(own: Own, told: Told) -> None:
    (said,) = told(problems(own({"a.yaml": config_map("a"), "b.yaml": config_map("a")})))
    assert said.startswith("k8s/b.yaml:1:1 k8s/a.yaml:1:1 configmap/a is declared twice")


@pytest.mark.parametrize("kind", ["swarm", "docker", "directory"])
def test_other_engines_refuse_them(kind: str, own: Own, told: Told) -> None:
    said = told(problems(own({"a.yaml": DEPLOYMENT}, ENGINE, f"engine: {{kind: {kind}}}\npatches: {{{API}: {{}}}}")))
    assert [text.partition(" |")[0] for text in said] == [
        f"envs/base.yaml:2:13 `manifests` are for Kubernetes, and the engine is {kind}",
        f"envs/test1.yaml:2:11 `patches` are for Kubernetes, and the engine is {kind}",
    ]


def test_paths_of_images(own: Own, told: Told) -> None:
    paths = "image_paths: {well.acme.test: [spec.image, 'spec.\"image']}"
    (said,) = told(problems(own({"a.yaml": config_map("a")}, ENGINE, paths)))
    assert said.startswith('envs/test1.yaml:1:44 `spec."image` is no path')
    (said, *_) = told(problems(own({}, "engine: {kind: swarm}", paths)))
    assert said.startswith("envs/test1.yaml:1:15 `image_paths` are for Kubernetes")


# --- names ---


def test_names_are_replaced_and_other_dollars_stay(own: Own) -> None:
    data = {
        "a": "https://${domain}/${environment}",
        "b": "$HOME $(POD) $$ $$(POD) ${",
        "c": "$${domain} $$${domain}",
    }
    base = f"{ENGINE}vars: {{domain: shop.test}}"
    environment = own({"a.json": config_map("${environment}-a", data=data)}, base).environment("test1")

    assert environment.objects["configmap/test1-a"]["data"] == {
        "a": "https://shop.test/test1",
        "b": "$HOME $(POD) $$ $$(POD) ${",
        "c": "${domain} $${domain}",
    }


def test_a_source_may_be_left_as_it_is(own: Own) -> None:
    data = {"a": "${domain} $${x} ${DS_PROMETHEUS}"}
    base = "engine: {kind: kubernetes, namespace: shop}\nmanifests: {all: {folder: k8s, vars: false}}"
    assert own({"a.json": config_map("a", data=data)}, base).environment("test1").objects["configmap/a"]["data"] == data


def test_numbers_stay_numbers(own: Own) -> None:
    (body,) = (
        own({"a.json": config_map("a", spec={"a": 0.5, "b": 2.0, "c": 2**60})}).environment("test1").objects.values()
    )
    assert json.dumps(body["spec"]) == '{"a": 0.5, "b": 2, "c": 1152921504606846976}'


# --- patches ---


def test_layers_go_over_an_object_one_after_the_other(own: Own) -> None:
    variables = "{LEVEL: {value: debug}, COLOUR: null, NEW: {value: a}}"
    containers = f"{{containers: {{api: {{env: {variables}}}}}}}"
    merge = f"patches: {{{API}: {{spec: {{replicas: 2, template: {{spec: {containers}}}}}}}}}"
    test1 = f"patches:\n  {API}:\n  - {{op: replace, path: /spec/replicas, value: 3}}"
    environment = own({"a.yaml": DEPLOYMENT}, ENGINE + merge, test1).environment("test1")

    spec = environment.objects[API]["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["spec"]["containers"] == [
        {
            "name": "api",
            "image": "api",
            "env": [{"name": "LEVEL", "value": "debug"}, {"name": "NEW", "value": "a"}],
        }
    ]
    assert places(environment, API, "spec", "replicas") == [
        "k8s/a.yaml:5:13 set",
        "envs/base.yaml:3:50 set",
        "envs/test1.yaml:3:48 set",
    ]
    env = (API, "spec", "template", "spec", "containers", "api", "env")
    assert places(environment, *env, "LEVEL", "value")[0] == "k8s/a.yaml:12:32 set"
    assert places(environment, *env, "COLOUR")[-1].endswith("remove")


def test_lists_are_replaced_and_extended(own: Own) -> None:
    text = config_map("a", spec={"a": [1, 2], "b": [1, 2]})
    patch = "patches: {configmap/a: {spec: {a: [3], b: {$append: [3]}}}}"
    assert own({"a.json": text}, ENGINE, patch).environment("test1").objects["configmap/a"]["spec"] == {
        "a": [3],
        "b": [1, 2, 3],
    }


def test_names_in_a_patch_are_those_of_layers(own: Own, told: Told) -> None:
    patch = "vars: {a: b}\npatches: {configmap/a: {data: {x: '${a} $$HOME'}}}"
    found = own({"a.json": config_map("a")}, ENGINE, patch).environment("test1").objects["configmap/a"]["data"]
    assert found == {"x": "b $HOME"}
    (said,) = told(problems(own({"a.json": config_map("a")}, ENGINE, "patches: {configmap/a: {data: {x: $HOME}}}")))
    assert said.startswith("envs/test1.yaml:1:35 a `$` that begins no `${name}`")


WRONG_PATCHES = {
    "deployment.apps/apj: {}": "envs/test1.yaml:2:3 no object `deployment.apps/apj` in the manifests | did you mean",
    f"{API}: {{spec: null, kind: null}}": f"a patch makes another object of {API}",
    f"{API}: {{metadata: {{name: b}}}}": f"a patch makes another object of {API}",
    f"{API}: [{{op: remove, path: /metadata}}]": f"a patch makes another object of {API}",
    f"{API}: [{{op: replace, path: /metadata, value: 1}}]": f"a patch makes another object of {API}",
    f"{API}: {{spec: {{nix: null}}}}": "`nix: null` removes nothing",
    f"{API}: {{spec: {{replicas: [1]}}}}": "a list here, a single value in the layer below",
    f"{API}: [{{op: remove, path: /spec/nix}}]": "there is nothing at /spec/nix",
    f"{API}: {{spec: {{replicas: '${{nix}}'}}}}": "`${nix}`: no such name",
}


@pytest.mark.parametrize("patch", WRONG_PATCHES)
def test_a_patch_that_cannot_be(patch: str, own: Own, told: Told) -> None:
    said = told(problems(own({"a.yaml": DEPLOYMENT}, ENGINE, f"patches:\n  {patch}")))
    assert any(WRONG_PATCHES[patch] in text for text in said), said


def test_a_patch_without_manifests(own: Own, told: Told) -> None:
    base = "engine: {kind: kubernetes, namespace: shop}"
    (said,) = told(problems(own({}, base, "patches: {service/a: {}}")))
    assert said.startswith("envs/test1.yaml:1:11 no object `service/a`")


# --- limits ---


def test_too_many_objects(own: Own, told: Told) -> None:
    texts = {f"{file}.yaml": "\n---\n".join(config_map(f"a{file}-{n}") for n in range(2_600)) for file in range(2)}
    assert any("more than 5000 objects" in text for text in told(problems(own(texts))))


def test_copies_of_copies(own: Own, told: Told) -> None:
    operations = [{"op": "copy", "from": "/data", "path": f"/data/x{number}"} for number in range(40)]
    patch = json.dumps({"patches": {"configmap/a": operations}})
    (said,) = told(problems(own({"a.json": config_map("a", data={"a": "b"})}, ENGINE, patch)))
    assert "more than 500000 values" in said


def test_too_many_files(own: Own, told: Told) -> None:
    assert any("more than 1000 files" in text for text in told(problems(own({f"{n}.yaml": "" for n in range(1_001)}))))
