"""Every word of a service in its short and its long form, as the declarations have it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from releaser.model.errors import InvalidDeclarations
from tests.imports.conftest import Bench

WORDS = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text())


@pytest.mark.parametrize("case", WORDS, ids=lambda case: case["words"])
def test_words(bench: Bench, case: dict[str, Any]) -> None:
    assert bench.service(case["words"]) == case["found"]


@pytest.mark.parametrize(
    ("words", "path", "why"),
    [
        ("gpus: all", "gpus", "devices of this kind"),
        ("volumes_from: [b]", "volumes_from", "name the other service's volumes"),
        ("pull_policy: always", "pull_policy", "a digest for each image"),
        ("cpu_shares: 5", "cpu_shares", "limits processors"),
        ("external_links: [z]", "external_links", "external: true"),
        ("surprise: 5", "surprise", "the declarations have no such word"),
        ("deploy: {surprise: 5}", "deploy.surprise", "the declarations have no such word"),
        ("deploy: {labels: {a: b}}", "deploy.labels", "plain Docker has containers, and no services"),
        ("deploy: {resources: {reservations: {devices: [{}]}}}", "deploy.resources.reservations.devices", "devices"),
        ("ports: ['8000-9000:80']", "ports.http.published", "any free port of 8000-9000"),
        ("ports: ['80:80/sctp']", "ports.sctp-80.protocol", "must be one of tcp, udp"),
        ("volumes: [/d]", "volumes./d", "its data stay where they are"),
        ("volumes: [{type: image, source: x, target: /d}]", "volumes./d", "mounts of the type image"),
        ("networks: {net: {interface_name: eth7}}", "networks.net.interface_name", "no such word"),
        ("environment: [PASSED]", "environment.PASSED", "Compose leaves it out too"),
        ("depends_on: {b: {restart: true}}", "depends_on.b.restart", "restarted because another one was"),
        ("stop_grace_period: soon", "stop_grace_period", "a time span is written like"),
        ("restart: sometimes", "restart", "restart is one of"),
        ("user: ''", "user", "it is empty"),
        ("pids_limit: -1", "pids_limit", "it is no limit"),
        ("extra_hosts: ['h:1.1.1.1', 'h:2.2.2.2']", "extra_hosts.h", "left out: 2.2.2.2"),
        ("labels: ['=x']", 'labels.""', "no file and no engine"),
    ],
)
def test_what_has_no_place(bench: Bench, words: str, path: str, why: str) -> None:
    bench.service(words)

    told = bench.left[f"services.a.{path}"]
    assert why in told.why
    assert told.location.line == 1
    assert told.location.column > 1


def test_half_a_port_is_no_port(bench: Bench) -> None:
    assert bench.service("ports: ['80:80/sctp', '81:81']") == {"ports": {"tcp-81": {"target": 81, "published": 81}}}


def test_a_link_by_another_name_is_an_alias(bench: Bench) -> None:
    services = bench.layer(
        "services: {a: {image: x, links: ['b:db', b]}, b: {image: y, networks: [n]}}\nnetworks: {n: }"
    )["services"]

    assert services["b"]["networks"] == {"n": {"aliases": ["db"]}}
    assert services["a"] == {"image": "a", "depends_on": {"b": {}}}


def test_images(bench: Bench) -> None:
    services = bench.layer(
        "services: {a: {image: 'shop/app:1'}, b: {image: 'shop/app:1'}, c: {image: 'shop/app:2'}, d: {build: .}}"
    )["services"]

    assert {name: words["image"] for name, words in services.items()} == {"a": "app", "b": "app", "c": "c", "d": "d"}


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("redis", "a: docker.io/library/redis  # compose.yaml:1 has the tag latest"),
        ("shop/app:7", "a: docker.io/shop/app  # compose.yaml:1 has the tag 7"),
        ("ghcr.test/a/b:7", "a: ghcr.test/a/b  # compose.yaml:1 has the tag 7"),
        ("localhost:5000/a:7", "a: localhost:5000/a  # compose.yaml:1 has the tag 7"),
        ("a@sha256:" + "0" * 64, f'a: {{repository: docker.io/library/a, digest: "sha256:{"0" * 64}"}}'),
        ("a:7@sha256:" + "0" * 64, f'a: {{repository: docker.io/library/a, digest: "sha256:{"0" * 64}"}}'),
    ],
)
def test_repositories(bench: Bench, image: str, line: str) -> None:
    assert f"  {line}\n" in bench.imported(f"services: {{a: {{image: '{image}'}}}}").files["envs/pipeline.yaml"]


@pytest.mark.parametrize(
    ("words", "version", "create"),
    [
        ("a: {image: 'x:7'}", "v1", "release create v1 --image a=7"),
        ("a: {image: 'r.test/x:7', build: .}, b: {image: 'y:8'}", "7", "release create 7 --image b=8"),
        ("a: {build: .}, b: {image: 'y:8'}", "v1", "release create v1 --image b=8"),
        ("a: {image: 'r.test/x:latest', build: .}", "v1", "release create v1 --image a=latest"),
        ("a: {image: 'x@sha256:" + "0" * 64 + "'}", "v1", "release create v1"),
    ],
)
def test_what_runs_now_as_a_release(bench: Bench, words: str, version: str, create: str) -> None:
    imported = bench.imported(f"services: {{{words}}}")

    assert (imported.version, imported.create) == (version, create)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: 5}", "a number where a map must stand"),
        ("services: {a: null}", "the service `a` is no map"),
        ("services: {a: {}}", "the service `a` has neither `image` nor `build`"),
        ("services: {a: {image: 'A B'}}", "`A B` is no image"),
        ("services: {a: {image: 'x:${TAG}'}}", "the image `x:` lacks the value of TAG"),
        ("services: {a: {image: x, ports: 80}}", "a number where a list must stand"),
        ("services: {a: {image: x, ports: ['1:2:3:4']}}", "`1:2:3:4` is not a port"),
        ("services: {a: {image: x, ports: ['80-81:1-3']}}", "maps a range onto one of another length"),
        ("services: {a: {image: x, ports: [99999]}}", "a port is a number from 1 to 65535"),
        ("services: {a: {image: x, volumes: ['a:b:c:d']}}", "`a:b:c:d` is not a mount"),
        ("services: {a: {image: x, volumes: ['${D}:/d']}}", "D is not set"),
        ("services: {a: {image: x, volumes: ['no:/d']}}", "`no` is not in `volumes`"),
        ("services: {a: {image: x, networks: [no]}}", "`no` is not in `networks`"),
        ("services: {a: {image: x, secrets: [no]}}", "`no` is not in `secrets`"),
        ("services: {a: {image: x, depends_on: [no]}}", "`a` waits for `no`, and there is no service `no`"),
        ("services: {a: {image: x, depends_on: [b]}, b: {image: y, profiles: [p]}}", "none of the profiles of `b`"),
        ("services: {a: {image: x, extra_hosts: [h]}}", "`h` names no host and address"),
        (
            "services: {a: {image: x, ports: ['80:80']}, b: {image: y, ports: ['80:81']}}",
            "the port 80 is published twice",
        ),
        ("services: {a: {image: x, depends_on: [b]}, b: {image: y, depends_on: [a]}}", "leads in a circle"),
        ("services: {a: {image: x, profiles: [p]}}", "no service is left to deliver"),
        ("5", "a Compose file is a map"),
    ],
)
def test_what_compose_would_not_run_either(bench: Bench, text: str, said: str) -> None:
    with pytest.raises(InvalidDeclarations) as caught:
        bench.imported(text)

    assert said in caught.value.message
    assert caught.value.hint
    assert caught.value.locations
