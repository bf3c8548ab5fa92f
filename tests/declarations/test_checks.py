"""What must hold across an environment: each case is a layer over a small one, and what is said of it."""

from collections.abc import Callable

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.model.errors import InvalidDeclarations, Problem
from tests.contracts.declarations_samples import said

Told = Callable[[tuple[Problem, ...]], list[str]]
Project = Callable[..., ProjectDeclarations]

BASE = """\
services:
  api: {image: api}
  web: {image: web}
configs: {settings: {content: x}}
secrets: {password: {from: env, name: P}}
volumes: {data: {}}
networks: {front: {}}
"""


@pytest.mark.parametrize(("text", "words"), said("environments"))
def test_what_cannot_be(project: Project, text: str, words: str, told: Told) -> None:
    with pytest.raises(InvalidDeclarations) as wrong:
        project(base=BASE, test1=text).environment("test1")

    (only,) = told(wrong.value.problems)
    assert only == "envs/test1.yaml:" + words


@pytest.mark.parametrize(
    "text",
    [
        "services: {api: {networks: {default: {}}}}",
        "services: {api: {networks: {front: {}}, configs: {settings: {}}, secrets: {password: {}}}}",
        "services: {api: {environment: {K: {secret: password}}}}",
        "services: {api: {volumes: {data: {target: /d}, other: {source: data, target: /e}}}}",
        "services: {api: {volumes: {v: {type: tmpfs, target: /d}, w: {type: bind, source: ./x, target: /e}}}}",
        "services: {api: {depends_on: {web: {}}}}",
        "services: {api: {depends_on: {cache: {required: false}}}}",
        "services: {api: {network_mode: 'service:web'}, web: {network_mode: host}}",
        "services: {api: {ports: {a: {target: 1}, b: {target: 1, published: auto}, c: {target: 2, published: auto}}}}",
        "services: {api: {ports: {a: {target: 1, published: 53}, b: {target: 1, published: 53, protocol: udp}}}}",
        "services: {api: {ports: {a: {target: 1, published: 1, host_ip: a}, b: {target: 1, published: 1}}}}",
    ],
)
def test_what_can_be(project: Project, text: str) -> None:
    assert project(base=BASE, test1=text).environment("test1").warnings == ()


def test_everything_wrong_in_the_order_of_the_files(project: Project, told: Told) -> None:
    declarations = project(
        base=BASE + "wait: 1m\n", test1="services:\n  web: {image: x}\n  api: {image: y, secrets: {z: {}}}"
    )

    assert [line.split(" ")[0] for line in told(declarations.problems(["test1"]))] == [
        "envs/test1.yaml:2:16", "envs/test1.yaml:3:16", "envs/test1.yaml:3:32",
    ]  # fmt: skip


def test_what_is_wrong_in_a_shared_layer_is_told_once(project: Project, told: Told) -> None:
    declarations = project(base="services: {api: {image: nope}}")

    assert told(declarations.problems()) == ["envs/base.yaml:1:25 no image `nope` in the pipeline | known: api, web"]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("services: {api: null, web: null}", "no services are declared: a delivery would remove everything"),
        (
            "services: {api: {deploy: {mode: global, replicas: 2}}}",
            "services.api.deploy: `replicas` means nothing with `mode: global`",
        ),
    ],
)
def test_what_is_probably_not_meant(project: Project, text: str, warning: str) -> None:
    assert project(base=BASE, test1=text).environment("test1").warnings == (warning,)


def test_a_hostile_layer_ends_somewhere(project: Project) -> None:
    services = ", ".join(f"s{n}: {{image: i{n}, depends_on: {{x{n}: {{}}}}}}" for n in range(2000))

    assert len(project(base=f"services: {{{services}}}").problems(["test1"])) == 100
