from typing import Any

import pytest

from releaser.declarations import yaml12
from releaser.planning import interpolation, overlay

BUILTINS = {"project": "shop", "environment": "test3"}


def resolve(text: str, *upper: str) -> tuple[Any, list[str]]:
    layers = [yaml12.load(layer, f"envs/{at}.yaml", str(at)) for at, layer in enumerate((text, *upper))]
    root, problems = overlay.merge(layers)
    assert problems == ()
    config, wrong = interpolation.resolve(root, BUILTINS)
    assert all(problem.locations and problem.hint for problem in wrong)
    return config, [f"{problem.locations[0]} {problem.message} | {problem.hint}" for problem in wrong]


def values(text: str, *upper: str) -> Any:
    config, wrong = resolve(text, *upper)
    assert wrong == []
    return config


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ('"${environment}"', "test3"),
        ("${environment}", "test3"),
        ("${project}-${environment}", "shop-test3"),
        ("x${domain}y${domain}z", "xshop.testyshop.testz"),
        ("$$", "$"),
        ("$$HOME", "$HOME"),
        ("$${environment}", "${environment}"),
        ("$$${environment}", "$test3"),
        ("$$$$", "$$"),
        ("${nested}", "${environment}"),
        ("100%", "100%"),
        ("}{", "}{"),
    ],
)
def test_names_in_a_text_are_replaced_once(written: str, value: str) -> None:
    text = f"vars: {{domain: shop.test, nested: '$${{environment}}'}}\nwait: '{written.strip(chr(34))}'"
    assert values(text)["wait"] == value


def test_the_result_is_not_scanned_again() -> None:
    config = values('vars: {a: "$${b}", b: "$$", c: x}\nservices: {s: {command: ["${a}", "${b}${b}", "${b}{c}"]}}')
    assert config["services"]["s"]["command"] == ["${b}", "$$", "${c}"]


def test_vars_use_the_builtins_alone() -> None:
    assert values('vars: {domain: "${environment}.${project}.test"}')["vars"] == {"domain": "test3.shop.test"}

    _, wrong = resolve('vars: {one: a, two: "${one}"}')
    assert wrong == [
        "envs/0.yaml:1:21 `${one}`: no such name | `vars` may use only the built-ins: environment, project"
    ]


def test_a_layer_changes_a_var_for_every_use() -> None:
    config = values('vars: {domain: a.test}\nwait: "${domain}"', 'vars: {domain: "${environment}.b.test"}')
    assert config == {"vars": {"domain": "test3.b.test"}, "wait": "test3.b.test"}


def test_keys_are_left_alone() -> None:
    assert values('services: {s: {environment: {"A${x": 1}}}')["services"]["s"]["environment"] == {"A${x": "1"}


def test_only_texts_are_looked_at() -> None:
    config = values("services: {s: {tty: true, ports: {p: {target: 80}}, deploy: {replicas: 0}}}")
    assert config["services"]["s"] == {"tty": True, "ports": {"p": {"target": 80}}, "deploy": {"replicas": 0}}


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("${domian}", "`${domian}`: no such name", "did you mean `${domain}`?"),
        ("${zzz}", "`${zzz}`: no such name", "known: domain, environment, project"),
        ("$HOME", "a `$` that begins no `${name}`", "write `$$` for a dollar"),
        ("5$", "a `$` that begins no `${name}`", "write `$$` for a dollar"),
        ("${domain", "a `$` that begins no `${name}`", "write `$$` for a dollar"),
        ("$(id)", "a `$` that begins no `${name}`", "write `$$` for a dollar"),
        ("${domain:-x}", "`${domain:-x}` is not a name", "no defaults and no expressions"),
        ("${domain?}", "`${domain?}` is not a name", "no defaults and no expressions"),
        ("${}", "`${}` is not a name", "no defaults and no expressions"),
        ("${ domain }", "`${ domain }` is not a name", "no defaults and no expressions"),
        ("${a-b}", "`${a-b}` is not a name", "no defaults and no expressions"),
        ("${{domain}}", "`${{domain}` is not a name", "no defaults and no expressions"),
    ],
)
def test_what_stands_for_nothing(written: str, message: str, hint: str) -> None:
    _, wrong = resolve(f'vars: {{domain: x}}\nwait: "{written}"')

    (only,) = wrong
    assert only.startswith(f"envs/0.yaml:2:7 {message} | ")
    assert hint in only


def test_every_mistake_is_found() -> None:
    _, wrong = resolve('services: {s: {command: ["${a}", "${b} ${c}", "$"]}}')
    assert [line.split(" ")[0] for line in wrong] == ["envs/0.yaml:1:26", *["envs/0.yaml:1:34"] * 2, "envs/0.yaml:1:47"]


def test_a_builtin_cannot_be_declared() -> None:
    _, wrong = resolve("vars:\n  domain: x\n  environment: prod")
    assert wrong == ["envs/0.yaml:3:3 `environment` is a built-in name | choose another name"]


@pytest.mark.parametrize(
    "written",
    [
        "120",
        "1.10",
        "no",
        "yes",
        "22:30",
        "0x10",
        "0o17",
        "012",
        "true",
        "True",
        "1e3",
        "1_000",
        "-0",
        "+1",
        "2001-01-01",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "vars: {{K: {}}}",
        "services: {{s: {{environment: {{K: {}}}}}}}",
        "services: {{s: {{labels: {{K: {}}}}}}}",
        "services: {{s: {{annotations: {{K: {}}}}}}}",
        "services: {{s: {{sysctls: {{K: {}}}}}}}",
        "services: {{s: {{extra_hosts: {{K: {}}}}}}}",
        "services: {{s: {{logging: {{options: {{K: {}}}}}}}}}",
        "services: {{s: {{deploy: {{labels: {{K: {}}}}}}}}}",
        "volumes: {{v: {{driver_opts: {{K: {}}}}}}}",
        "networks: {{n: {{labels: {{K: {}}}}}}}",
    ],
)
def test_a_plain_scalar_keeps_its_source_text_where_texts_stand(written: str, place: str) -> None:
    config = values(place.format(written))
    while isinstance(config, dict):
        (config,) = config.values()
    assert config == written


def test_a_quoted_text_and_a_reference_stand_beside_them() -> None:
    config = values('services: {s: {environment: {A: "", B: "1", C: {secret: "db_${environment}"}}}}')
    assert config["services"]["s"]["environment"] == {"A": "", "B": "1", "C": {"secret": "db_test3"}}


def test_no_float_reaches_the_values() -> None:
    config = values("services: {s: {deploy: {resources: {limits: {cpus: 0.50}}}, command: [1.5, 2]}}")
    assert config["services"]["s"] == {"deploy": {"resources": {"limits": {"cpus": "0.50"}}}, "command": ["1.5", 2]}


def test_the_layers_keep_what_was_written() -> None:
    layer = yaml12.load('vars: {a: "${environment}"}\nwait: "${a}"', "envs/a.yaml", "a")

    interpolation.resolve(layer, BUILTINS)

    assert layer.value["wait"].value == "${a}"
