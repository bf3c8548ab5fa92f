"""Kustomizations: built by the program that is there, never from the network, by files below the root."""

from pathlib import Path
from typing import Any

import pytest

from releaser.declarations import kustomize
from releaser.declarations.loader import ProjectDeclarations
from releaser.model.errors import InvalidDeclarations

BASE = "engine: {kind: kubernetes, namespace: shop}\nmanifests: {all: {kustomization: k8s/test}}\n"
API = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata: {a: '${environment}'}\n"
FILES = {
    "k8s/base/kustomization.yaml": "resources: [api.yaml]",
    "k8s/base/api.yaml": API,
    "k8s/test/kustomization.yaml": "resources:\n- ../base\nnamePrefix: test-\n",
    "k8s/test/values.env": "a=b",
}

Project = Any


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a program on PATH that does what a script says, and nothing else there."""
    folder = tmp_path_factory.mktemp("bin")

    def program(script: str, name: str = "kustomize") -> Path:
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return folder

    monkeypatch.setenv("PATH", str(folder))
    return program


def refused(declarations: ProjectDeclarations) -> list[str]:
    with pytest.raises(InvalidDeclarations) as wrong:
        declarations.environment("test1")
    problems = wrong.value.problems
    assert all(problem.hint and problem.locations for problem in problems)
    return [f"{problem.locations[0]} {problem.message}" for problem in problems]


PRINTS = "echo 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, annotations: {words: \"'$*'\"}}\nspec: [1]'"


@pytest.mark.parametrize(("name", "word"), [("kustomize", "build"), ("kubectl", "kustomize")])
def test_it_is_built_by_the_program_that_is_there(project: Project, program: Any, name: str, word: str) -> None:
    program(PRINTS, name)
    declarations: ProjectDeclarations = project(FILES, base=BASE)
    environment = declarations.environment("test1")

    words = environment.objects["configmap/made"]["metadata"]["annotations"]["words"]
    assert words == f"{word} {declarations.root.resolve()}/k8s/test"
    assert [str(place) for place in environment.locate("objects", "configmap/made", "spec", "0")] == [
        "k8s/test/kustomization.yaml:1:1"
    ]
    assert set(declarations.files("test1")) >= set(FILES)


def test_kustomize_is_asked_before_kubectl(project: Project, program: Any) -> None:
    program("exit 3", "kubectl")
    program(PRINTS, "kustomize")
    assert "configmap/made" in project(FILES, base=BASE).environment("test1").objects


def test_nobody_is_there_to_build_it(project: Project, program: Any) -> None:
    assert refused(project(FILES, base=BASE)) == ["envs/base.yaml:2:34 there is no program that builds it"]


def test_its_last_words_are_told(project: Project, program: Any) -> None:
    program("echo warm >&2; echo Error: no such field $2/x >&2; exit 1")
    assert refused(project(FILES, base=BASE)) == [
        "envs/base.yaml:2:34 kustomize build cannot build `k8s/test`: no such field k8s/test/x"
    ]


def test_it_has_a_time_limit(project: Project, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "TIMEOUT", 0.2)
    program("while :; do :; done")
    assert refused(project(FILES, base=BASE)) == [
        "envs/base.yaml:2:34 kustomize build has not built `k8s/test` after 0.2s"
    ]


def test_too_much(project: Project, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "MAX_BYTES", 100)
    program("i=0; while [ $i -lt 50 ]; do echo '# many words'; i=$((i+1)); done")
    (said,) = refused(project(FILES, base=BASE))
    assert "kustomize build makes more than" in said


def test_what_it_prints_is_read_as_any_manifest(project: Project, program: Any) -> None:
    program("echo 'a: yes'")
    (said,) = refused(project(FILES, base=BASE))
    assert said.startswith("k8s/test/kustomization.yaml:1:1 kubectl reads `yes` otherwise")


def test_it_is_given_no_way_to_the_network(project: Project, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    object_ = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}"
    program(f'echo "{object_}\ndata: {{a: $HTTPS_PROXY $GIT_ALLOW_PROTOCOL ${{SECRET_TOKEN-kept}}}}"')
    data = project(FILES, base=BASE).environment("test1").objects["configmap/made"]["data"]
    assert data == {"a": "http://127.0.0.1:9 none kept"}


REMOTE = [
    "https://github.com/kubernetes-sigs/kustomize//examples/multibases?ref=v1.0.6",
    "github.com/kubernetes-sigs/kustomize/examples",
    "git@github.com:owner/repo",
    "git::https://example.com/repo",
    "ssh://git@example.com/repo",
    "example.com/owner/repo//folder",
    "https://example.com/api.yaml",
]


@pytest.mark.parametrize("entry", REMOTE)
@pytest.mark.parametrize("word", ["resources", "bases", "components"])
def test_what_is_kept_elsewhere_is_refused_by_its_line(project: Project, program: Any, entry: str, word: str) -> None:
    program(PRINTS)
    files = {**FILES, "k8s/base/kustomization.yaml": f"{word}:\n- '{entry}'\n"}
    assert refused(project(files, base=BASE)) == [f"k8s/base/kustomization.yaml:2:3 `{entry}` is kept elsewhere"]


@pytest.mark.parametrize("entry", ["../../..", "/etc", "../../../etc"])
def test_what_leads_out_of_the_project_is_refused(project: Project, program: Any, entry: str) -> None:
    program(PRINTS)
    (said,) = refused(project({**FILES, "k8s/base/kustomization.yaml": f"resources: [{entry}]"}, base=BASE))
    assert said.startswith("k8s/base/kustomization.yaml:1:13 ")
    assert "leads out of the project" in said or "is an absolute path" in said


def test_a_link_that_leads_out(project: Project, program: Any, tmp_path: Path) -> None:
    program(PRINTS)
    declarations = project(FILES, base=BASE)
    (tmp_path / "k8s" / "base" / "away").symlink_to("/etc")
    (tmp_path / "k8s" / "base" / "kustomization.yaml").write_text("resources: [away]")
    (said,) = refused(declarations)
    assert "leads out of the project" in said


def test_a_folder_in_a_circle_is_followed_once(project: Project, program: Any) -> None:
    program(PRINTS)
    files = {**FILES, "k8s/base/kustomization.yaml": "resources: [../test, api.yaml]"}
    assert "configmap/made" in project(files, base=BASE).environment("test1").objects


def test_too_many_files(project: Project, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "MAX_FILES", 3)
    program(PRINTS)
    (said,) = refused(project(FILES, base=BASE))
    assert "more than 3 files" in said


@pytest.mark.engines
def test_a_real_one(project: Project, require: Any) -> None:
    require("RELEASER_TEST_KUBERNETES")  # kubectl is there then
    environment = project(FILES, base=BASE).environment("test1")
    assert environment.objects == {
        "configmap/test-api": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "test-api"},
            "data": {"a": "test1"},
        }
    }


@pytest.mark.engines
def test_a_real_one_that_is_wrong(project: Project, require: Any) -> None:
    require("RELEASER_TEST_KUBERNETES")  # kubectl is there then
    (said,) = refused(project({**FILES, "k8s/test/kustomization.yaml": "resources: [nix.yaml]"}, base=BASE))
    assert "nix.yaml" in said
