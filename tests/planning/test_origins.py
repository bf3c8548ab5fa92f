from typing import Any

import pytest

from releaser.declarations import yaml12
from releaser.model.value import parse_path
from releaser.planning import interpolation, overlay
from releaser.planning.origins import LayerOrigins

BASE = """\
vars: {domain: shop.test}
engine: {kind: docker, host: tcp://one}
services:
  api:
    image: api
    command: [run, --fast]
    environment:
      TTL: 120
      URL: "https://${domain}"
      PASSWORD: {secret: one}
      OLD: 1
    deploy:
      replicas: 1
"""
TEST = """\
engine: {kind: swarm}
services:
  api:
    command: {$append: [--test], $prepend: [nice]}
    environment:
      TTL: 10
      PASSWORD: plain
      OLD: null
    deploy: null
"""
OWN = """\
vars: {domain: "${environment}.test"}
services:
  api:
    command: {$append: [--own]}
    environment:
      TTL: 5
    deploy: {replicas: 3}
"""


@pytest.fixture
def origins() -> LayerOrigins:
    texts = {"base": BASE, "test": TEST, "own": OWN}
    root, problems = overlay.merge([yaml12.load(text, f"envs/{name}.yaml", name) for name, text in texts.items()])
    config, wrong = interpolation.resolve(root, {"environment": "test3"})
    assert problems == wrong == ()
    return LayerOrigins(root, config)


def chain(origins: LayerOrigins, path: str) -> list[tuple[str, str, Any]]:
    return [(f"{link.layer}:{link.location.line}", link.action, link.value) for link in origins.chain(parse_path(path))]


def test_every_layer_that_set_a_value_the_winner_last(origins: LayerOrigins) -> None:
    assert chain(origins, "services.api.environment.TTL") == [
        ("base:8", "set", "120"),
        ("test:6", "set", "10"),
        ("own:6", "set", "5"),
    ]


def test_the_winner_has_its_names_replaced_and_those_below_as_written(origins: LayerOrigins) -> None:
    assert chain(origins, "services.api.environment.URL") == [("base:9", "set", "https://test3.test")]
    assert chain(origins, "vars.domain") == [("base:1", "set", "shop.test"), ("own:1", "set", "test3.test")]


def test_a_list_and_each_appended_element_by_its_file(origins: LayerOrigins) -> None:
    assert chain(origins, "services.api.command") == [
        ("base:6", "set", ["run", "--fast"]),
        ("test:4", "append", ["nice", "run", "--fast", "--test"]),
        ("own:4", "append", ["nice", "run", "--fast", "--test", "--own"]),
    ]
    assert [chain(origins, f"services.api.command.{at}") for at in range(5)] == [
        [("test:4", "set", "nice")],
        [("base:6", "set", "run")],
        [("base:6", "set", "--fast")],
        [("test:4", "set", "--test")],
        [("own:4", "set", "--own")],
    ]


def test_only_prepended() -> None:
    layers = [yaml12.load(text, f"envs/{text[1]}.yaml", text[1]) for text in ("{a: [1]}", "{a: {$prepend: [0]}}")]
    root, _ = overlay.merge(layers)
    assert [link.action for link in LayerOrigins(root, {}).chain(["a"])] == ["set", "prepend"]


def test_a_removed_value_shows_who_removed_it(origins: LayerOrigins) -> None:
    assert chain(origins, "services.api.environment.OLD") == [("base:11", "set", "1"), ("test:8", "remove", None)]


def test_a_value_that_was_removed_with_what_held_it_and_came_back(origins: LayerOrigins) -> None:
    assert chain(origins, "services.api.deploy.replicas") == [
        ("base:13", "set", 1),
        ("test:9", "remove", None),
        ("own:7", "set", 3),
    ]
    assert chain(origins, "services.api.deploy") == [
        ("base:12", "set", {"replicas": 1}),
        ("test:9", "remove", None),
        ("own:7", "set", {"replicas": 3}),
    ]


def test_a_map_that_layers_merged(origins: LayerOrigins) -> None:
    parts = chain(origins, "services.api.environment")

    assert [part[:2] for part in parts] == [("base:7", "set"), ("test:5", "merge"), ("own:5", "merge")]
    assert parts[0][2] == {"TTL": "120", "URL": "https://${domain}", "PASSWORD": {"secret": "one"}, "OLD": "1"}
    assert parts[2][2] == {"TTL": "5", "URL": "https://test3.test", "PASSWORD": "plain"}


def test_a_value_that_was_replaced_whole(origins: LayerOrigins) -> None:
    assert chain(origins, "engine.kind") == [("base:2", "set", "docker"), ("test:1", "set", "swarm")]
    assert chain(origins, "engine.host") == [("base:2", "set", "tcp://one"), ("test:1", "remove", None)]
    assert chain(origins, "services.api.environment.PASSWORD") == [
        ("base:10", "set", {"secret": "one"}),
        ("test:7", "set", "plain"),
    ]


@pytest.mark.parametrize(
    "path", ["nothing", "services.web", "services.api.command.9", "services.api.command.x", "vars.domain.x"]
)
def test_what_no_layer_ever_had(origins: LayerOrigins, path: str) -> None:
    assert chain(origins, path) == []


def test_what_a_removed_map_never_had(origins: LayerOrigins) -> None:
    root, _ = overlay.merge([yaml12.load("{a: {b: 1}}", "envs/x.yaml", "x"), yaml12.load("{a: ~}", "envs/y.yaml", "y")])
    assert LayerOrigins(root, {}).chain(["a", "c"]) == ()
    assert [link.action for link in LayerOrigins(root, {}).chain(["a", "b"])] == ["set", "remove"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("services.api.environment.TTL", "envs/own.yaml:6:12"),
        ("services.api.image", "envs/base.yaml:5:12"),
        ("services.api.command.0", "envs/test.yaml:4:45"),
        ("services.api.environment", "envs/own.yaml:5:5"),
        ("services.api.deploy", "envs/own.yaml:7:13"),
        ("services.api.environment.OLD", "envs/own.yaml:5:5"),
        ("services.api.ports.http.target", "envs/own.yaml:3:3"),
        ("services.api.image.deeper", "envs/base.yaml:5:12"),
        ("services.api.command.17", "envs/own.yaml:4:14"),
    ],
)
def test_the_place_of_a_value_or_of_the_nearest_above(origins: LayerOrigins, path: str, place: str) -> None:
    assert str(origins.locate(parse_path(path))) == place
