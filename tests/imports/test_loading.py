"""Several files as one project: includes, extends, profiles, paths."""

import pytest

from releaser.imports.project import normalised
from releaser.model.errors import BadArgument, InvalidDeclarations
from tests.imports.conftest import Bench


def test_an_include_has_its_own_folder_and_variables(bench: Bench) -> None:
    bench.write(
        sub__other="services: {b: {image: 'y:${TAG}', volumes: ['./d:/d'], env_file: b.env}}",
    )
    (bench.root / "sub/.env").write_text("TAG=7\nSHARED=inner\n")
    (bench.root / "sub/b.env").write_text("A=${SHARED}\n")
    (bench.root / ".env").write_text("SHARED=outer\n")

    services = bench.layer("include: [sub/other.yaml]\nservices: {a: {image: x}}")["services"]

    assert services["b"]["volumes"]["d"]["source"] == "sub/d"
    assert services["b"]["environment"] == {"A": "outer"}


def test_an_include_lies_below_who_includes_it(bench: Bench) -> None:
    bench.write(other="services: {a: {image: x, command: below, labels: [b=1]}}")

    assert bench.layer("include: other.yaml\nservices: {a: {command: above, labels: [c=2]}}")["services"]["a"] == {
        "image": "a", "command": "above", "labels": {"b": "1", "c": "2"},
    }  # fmt: skip


def test_extends_from_another_folder(bench: Bench) -> None:
    bench.write(
        sub__base="services: {one: {extends: two, command: c}, two: {image: x, volumes: ['./d:/d'], ports: ['1:1']}}"
    )

    text = "services: {a: {extends: {file: sub/base.yaml, service: one}, ports: ['2:2']}}"
    assert bench.layer(text)["services"]["a"] == {
        "image": "a", "command": "c",
        "volumes": {"d": {"type": "bind", "source": "sub/d", "target": "/d", "bind": {"create_host_path": True}}},
        "ports": {"tcp-1": {"target": 1, "published": 1}, "tcp-2": {"target": 2, "published": 2}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("include: [compose.yaml]\nservices: {}", "compose.yaml includes itself"),
        ("include: [none.yaml]", "the file none.yaml is not there"),
        ("include: ['https://a.test/compose.yaml']", "is somewhere else"),
        ("include: [{env_file: x}]", "an `include` without a path"),
        ("services: {a: {extends: a}}", "`a` extends itself"),
        ("services: {a: {extends: b}, b: {extends: a}}", "extends itself"),
        ("services: {a: {extends: none}}", "`a` extends `none`, which is not in compose.yaml"),
        ("services: {a: {extends: {file: none.yaml, service: a}}}", "the file none.yaml is not there"),
        ("services: {a: {extends: {file: x.yaml}}}", "`extends` of `a` names no service"),
        ("services: {a: {image: x, env_file: none.env}}", "the file none.env is not there"),
        ("services: {a: {image: x, label_file: .}}", "the file . is no regular file"),
    ],
)
def test_what_cannot_be_followed(bench: Bench, text: str, said: str) -> None:
    with pytest.raises(InvalidDeclarations) as caught:
        bench.layer(text)

    assert said in caught.value.message
    assert caught.value.locations


@pytest.mark.parametrize(
    ("chosen", "names"), [((), ["a"]), (("p",), ["a", "b"]), (("p", "q"), ["a", "b", "c"]), (("*",), ["a", "b", "c"])]
)
def test_profiles(bench: Bench, chosen: tuple[str, ...], names: list[str]) -> None:
    text = "services: {a: {image: x}, b: {image: x, profiles: [p, o]}, c: {image: x, profiles: [q]}}"

    assert list(bench.layer(text, profiles=chosen)["services"]) == names


def test_profiles_that_were_told_go_before_those_of_env(bench: Bench) -> None:
    (bench.root / ".env").write_text("COMPOSE_PROFILES=p\n")
    text = "services: {a: {image: x}, b: {image: x, profiles: [p]}, c: {image: x, profiles: [q]}}"

    assert list(bench.layer(text)["services"]) == ["a", "b"]
    assert list(bench.layer(text, profiles=("q",))["services"]) == ["a", "c"]


def test_the_order_in_which_variables_are_believed(bench: Bench) -> None:
    (bench.root / ".env").write_text("A=env\nB=env\nC=env\n")
    text = "services: {a: {image: x, command: ['$A', '$B', '$C', '${D:-usual}']}}"

    layer = bench.layer(text, environ={"A": "shell", "B": "shell"}, values={"A": "told"})

    assert layer["services"]["a"]["command"] == ["told", "shell", "env", "usual"]


def test_env_file_and_environment(bench: Bench) -> None:
    (bench.root / "one.env").write_text("A=1\nB=1\nC=1\nHOST=${A}${OWN}\n")
    (bench.root / "two.env").write_text("B=2\n")
    text = (
        "services: {a: {image: x, env_file: [one.env, {path: two.env}, {path: none.env, required: false}],"
        " environment: {C: 3, OWN: o}}}"
    )

    assert bench.layer(text)["services"]["a"]["environment"] == {"A": "1", "B": "2", "HOST": "1o", "C": "3", "OWN": "o"}


def test_label_file(bench: Bench) -> None:
    (bench.root / "l.env").write_text("a=1\nb=1\n")

    layer = bench.layer("services: {a: {image: x, label_file: l.env, labels: {b: 2}}}")

    assert layer["services"]["a"]["labels"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("folder", "name"), [("shop", "shop"), ("My Shop", "myshop"), ("_a-b_c", "a-b_c"), ("Ünder.1", "nder1"), ("--", "")]
)
def test_a_folder_as_a_projects_name(folder: str, name: str) -> None:
    assert normalised(folder) == name


def test_a_folder_that_names_nothing(bench: Bench) -> None:
    (bench.root / "--").mkdir()
    bench.root /= "--"

    with pytest.raises(BadArgument, match="gives the Compose project no name"):
        bench.project("services: {a: {image: x}}")


def test_configs_and_secrets(bench: Bench) -> None:
    (bench.root / "c.conf").write_text("c")
    (bench.root / "folder").mkdir()
    layer = bench.layer(
        """
services:
  a:
    image: x
    configs: [one, {source: two, target: /t, mode: 0400}, three, folder, outside]
    secrets: [{source: s, uid: '1'}, e, x]
configs:
  one: {file: ./c.conf}
  two: {content: "a${B}"}
  three: {environment: B}
  folder: {file: ./folder}
  outside: {file: ../outside.conf}
secrets:
  s: {file: ./s}
  e: {environment: E}
  x: {external: true, name: elsewhere}
""",
        environ={"B": "b"},
    )

    assert layer["configs"] == {"one": {"file": "./c.conf"}, "two": {"content": "ab"}, "three": {"content": "b"}}
    assert layer["services"]["a"]["configs"] == {"one": {}, "two": {"target": "/t", "mode": "0400"}, "three": {}}
    assert layer["secrets"] == {
        "s": {"from": "file", "path": "./s"}, "e": {"from": "env", "name": "E"}, "x": {"from": "env", "name": "X"},
    }  # fmt: skip
    assert set(bench.left) == {
        "services.a.configs.folder", "services.a.configs.outside", "configs.folder.file", "configs.outside.file",
        "secrets.x",
    }  # fmt: skip
