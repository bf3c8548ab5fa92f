"""What stands in a Docker Engine and in a Swarm for an environment; and what is refused, by line."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from releaser.declarations.loader import ProjectDeclarations
from releaser.engines import vocabulary
from releaser.engines.moby.render import render
from releaser.engines.vocabulary import DOCKER, SWARM
from releaser.model.environment import Environment
from releaser.model.errors import InvalidDeclarations
from releaser.model.resource import Rendering, Resource
from releaser.model.value import Json, at_path, parse_path
from tests.contracts.engine_contract import environment, release

SAID = Path(__file__).parent / "said_of_services.txt"
GOLDEN = Path(__file__).parents[2] / "golden" / "render"
V1 = release("v1", "api", "web", "cache")
PIPELINE = """\
project: shop
images: {api: registry.test/shop/api, web: registry.test/shop/web, cache: registry.test/shop/cache}
environments: {test1: {}}
"""


def rendered(kind: str, declared: Environment | None = None, **sections: object) -> Rendering:
    return render(declared or environment(**sections), V1, kind, nothing)


def nothing(name: str, body: Mapping[str, Json]) -> tuple[()]:
    return ()


def resource(rendering: Rendering, name: str) -> Resource:
    return next(resource for resource in rendering.resources if resource.id == name)


def service(kind: str = SWARM, **words: object) -> Mapping[str, Json]:
    found = rendered(kind, services={"api": {"image": "api", **words}}, volumes={"data": {}}, networks={"front": {}})
    return resource(found, "service/api").body


def everything() -> Environment:
    return environment(**yaml.safe_load((GOLDEN / "everything.yaml").read_text()))


def acceptable(kind: str) -> Environment:
    """Everything that the engine takes."""
    declared = yaml.safe_load((GOLDEN / "everything.yaml").read_text())
    api = declared["services"]["api"]
    for use in tuple(vocabulary.refused(vocabulary.SERVICE, kind, api)):
        del at_path(api, use.path[:-1])[use.path[-1]]
    api["tmpfs"] = ["/tmp:size=64m"]
    if kind == SWARM:
        declared["services"]["worker"].pop("network_mode")
        declared["networks"]["front"].pop("driver")
    return environment(**declared)


@pytest.mark.parametrize("kind", [DOCKER, SWARM])
def test_golden(kind: str, pytestconfig: pytest.Config) -> None:
    """The resources as they were reviewed; after a change that is meant: --update-golden, and read the difference."""
    found = rendered(kind, acceptable(kind))
    listed = {one.id: {"body": one.body, "secrets": dict(one.secrets)} for one in found.resources}
    text = json.dumps({"resources": listed, "warnings": found.warnings}, indent=1, sort_keys=False) + "\n"
    golden = GOLDEN / f"everything.{kind}.json"
    if pytestconfig.option.update_golden:
        golden.write_text(text)
    assert text == golden.read_text()


# --- resources ---


def test_resources_come_in_the_order_in_which_they_are_needed() -> None:
    kinds = [one.id.split("/")[0] for one in rendered(SWARM, acceptable(SWARM)).resources]

    assert list(dict.fromkeys(kinds)) == ["network", "volume", "config", "secret", "service"]


def test_a_service_comes_after_what_it_needs() -> None:
    services = {
        "a": {"image": "api", "depends_on": {"z": {}, "m": {}}},
        "m": {"image": "api", "network_mode": "service:y"},
        "y": {"image": "api"},
        "z": {"image": "api"},
    }
    order = [one.id.removeprefix("service/") for one in rendered(DOCKER, services=services).resources[1:]]

    assert order[-1] == "a"
    assert order.index("y") < order.index("m")
    assert sorted(order) == sorted(services)


def test_only_what_is_used_is_delivered() -> None:
    found = rendered(
        SWARM,
        services={"api": {"image": "api", "networks": {"front": {}}, "volumes": {"data": {"target": "/d"}}}},
        networks={"front": {}, "back": {}},
        volumes={"data": {}, "old": {}},
        configs={"app": {"content": "x"}},
        secrets={"db": {"from": "env", "name": "DB"}},
    )

    assert [one.id for one in found.resources] == ["network/front", "volume/data", "service/api"]
    assert found.secrets == ()
    assert "no service mounts the declared volume old: it is not made" in found.warnings


def test_what_is_external_is_joined_and_mounted_but_no_resource() -> None:
    found = rendered(
        DOCKER,
        services={
            "api": {
                "image": "api",
                "networks": {"front": {}, "edge": {"aliases": ["x"]}},
                "volumes": {"data": {"target": "/d"}, "logs": {"source": "kept", "target": "/l"}},
            }
        },
        networks={"front": {"external": True}, "edge": {"external": True, "name": "proxy"}},
        volumes={"data": {"external": True, "name": "old_data"}, "kept": {"external": True}},
    )

    assert [one.id for one in found.resources] == ["service/api"]
    body = found.resources[0].body
    assert body["networks"] == {"front": {"name": "front"}, "edge": {"name": "proxy", "aliases": ["x"]}}
    assert {key: mount["source"] for key, mount in body["volumes"].items()} == {"data": "old_data", "logs": "kept"}


@pytest.mark.parametrize("words", [{}, {"networks": {}}])
def test_a_service_without_networks_joins_the_default_one(words: dict) -> None:
    found = rendered(SWARM, services={"api": {"image": "api", **words}})

    assert resource(found, "network/default").body == {"name": "shop-test1_default"}
    assert resource(found, "service/api").body["networks"] == {"default": {"name": "shop-test1_default"}}


def test_a_declared_default_network_keeps_its_options() -> None:
    found = rendered(SWARM, services={"api": {"image": "api"}}, networks={"default": {"attachable": True}})

    body = resource(found, "network/default").body
    assert body["attachable"] is True
    assert resource(found, "service/api").body["networks"]["default"]["name"] == body["name"]


def test_a_network_mode_joins_nothing() -> None:
    found = rendered(SWARM, services={"api": {"image": "api", "network_mode": "host"}})

    assert [one.id for one in found.resources] == ["service/api"]
    assert "networks" not in found.resources[0].body


def test_the_body_is_in_the_words_that_were_declared() -> None:
    body = service(
        environment={"N": 1, "B": True, "S": "a$b {{ .X }}"},
        ports={"http": {"target": 80}},
        volumes={"data": {"target": "/d"}, "logs": {"type": "bind", "source": "./logs", "target": "/l"}},
        depends_on={},
        deploy={"resources": {"limits": {"cpus": 0.5}}},
    )

    assert body["image"] == V1.images["api"].reference
    assert body["environment"] == {"N": "1", "B": "true", "S": "a$b {{ .X }}"}
    assert body["ports"] == {"http": {"target": 80}}
    assert body["volumes"] == {
        "data": {"type": "volume", "source": "shop-test1_data", "target": "/d"},
        "logs": {"type": "bind", "source": "./logs", "target": "/l"},
    }
    assert body["deploy"] == {"resources": {"limits": {"cpus": "0.5"}}}


def test_secrets_are_references_known_by_their_paths() -> None:
    declared = {"image": "api", "environment": {"A.B": {"secret": "db"}}, "secrets": {"api.key": {"target": "k"}}}
    secrets = {"db": {"from": "env", "name": "DB"}, "api.key": {"from": "file", "path": "x"}}
    found = rendered(SWARM, services={"api": declared}, secrets=secrets)

    assert resource(found, "secret/db").body == {"from": "env", "name": "DB"}
    assert resource(found, "service/api").secrets == {'environment."A.B"': "db", 'secrets."api.key"': "api.key"}
    assert found.secrets == ("api.key", "db")


def test_a_config_is_known_by_its_content() -> None:
    found = rendered(
        SWARM,
        services={"api": {"image": "api", "configs": {"app": {"target": "/etc/app"}}}},
        configs={"app": {"content": "x"}},
    )

    (config,) = [one for one in found.resources if one.id.startswith("config/")]
    assert config.body == {"content": "x"}
    name = config.id.removeprefix("config/")
    assert resource(found, "service/api").body["configs"] == {"app": {"target": "/etc/app", "name": name}}
    assert ("configs.app.name", "configs.app") in found.sources["service/api"]


def test_where_things_were_declared() -> None:
    found = rendered(SWARM, acceptable(SWARM))

    assert dict(found.sources["service/api"])[""] == "services.api"
    assert found.sources["network/front"] == (("", "networks.front"),)
    assert found.sources["volume/data"] == (("", "volumes.data"),)
    assert found.sources["secret/api.key"] == (("", 'secrets."api.key"'),)


def test_what_others_own_is_in_the_body() -> None:
    found = rendered(
        SWARM,
        environment(services={"api": {"image": "api"}}, ignore={"api": ("deploy.replicas", "deploy.labels.x")}),
    )

    assert resource(found, "service/api").body["ignore"] == ["deploy.labels.x", "deploy.replicas"]


def test_no_instances() -> None:
    services = {
        "api": {"image": "api", "depends_on": {"idle": {}}},
        "idle": {"image": "web", "deploy": {"replicas": 0}, "volumes": {"data": {"target": "/d"}}},
    }
    docker = rendered(DOCKER, services=services, volumes={"data": {}})
    swarm = rendered(SWARM, services=services, volumes={"data": {}})

    assert [one.id for one in docker.resources] == ["network/default", "service/api"]
    assert resource(docker, "service/api").body["depends_on"] == {}
    assert "no instance of idle is to run (`replicas: 0`): nothing of it is delivered" in docker.warnings
    assert resource(swarm, "service/idle").body["deploy"] == {"replicas": 0}
    assert "idle" in resource(swarm, "service/api").body["depends_on"]


# --- jobs ---


def migrating(**words: object) -> dict:
    awaited = {"migrate": {"condition": "service_completed_successfully"}}
    return {"api": {"image": "api", "depends_on": awaited}, "migrate": {"image": "web", **words}}


@pytest.mark.parametrize("words", [{"restart": "no"}, {}, {"restart": "on-failure:3"}])
def test_a_job_names_the_release(words: dict) -> None:
    found = rendered(SWARM, services=migrating(**words, on=["rollback"]))

    body = resource(found, "service/migrate").body
    assert body["deploy"] == {"mode": "replicated-job"}
    assert body["release"] == "v1"
    assert body["on"] == ["rollback"]
    assert "release" not in resource(found, "service/api").body


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_a_service_may_say_that_it_is_a_job(mode: str) -> None:
    body = service(deploy={"mode": mode, "replicas": 2})

    assert body["deploy"] == {"mode": mode, "replicas": 2}
    assert body["release"] == "v1"


def test_restart_no_alone_is_no_job() -> None:
    assert "release" not in service(restart="no")


# --- what is refused, by line ---


@pytest.fixture
def said(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """What is said of a layer: place, message, and what to do."""

    def said(kind: str, text: str) -> list[str]:
        (tmp_path / "envs").mkdir()
        (tmp_path / "envs/pipeline.yaml").write_text(PIPELINE)
        (tmp_path / "envs/test1.yaml").write_text(f"{text}\nengine: {{kind: {kind}}}\n")
        declared = ProjectDeclarations(tmp_path).environment("test1")
        with pytest.raises(InvalidDeclarations) as raised:
            render(declared, V1, kind, nothing)
        return [
            f"{problem.locations[0].line}:{problem.locations[0].column} {problem.message} | {problem.hint}"
            for problem in raised.value.problems
        ]

    return said


def test_everything_is_said_at_once_and_in_order(said) -> None:
    text = """\
services:
  api:
    image: api
    privileged: true
    ports:
      web: {target: 80, published: 80, host_ip: 127.0.0.1}
    healthcheck: {test: [curl, localhost]}
  web:
    image: web
    annotations:
      a: b
networks:
  default:
    driver: bridge
"""
    assert [line.partition(" | ")[0] for line in said(SWARM, text)] == [
        "4:17 Swarm does not take `privileged`: a Swarm gives no container every right",
        "6:49 Swarm does not take `ports.web.host_ip`: a Swarm publishes on every address of its nodes",
        "7:25 a health check begins with CMD, CMD-SHELL or NONE, not with curl",
        "10:5 Swarm does not take `annotations`: a Swarm has no annotations",
        "14:13 Swarm does not take `driver`: only `overlay` reaches from node to node",
    ]


def test_a_translator_refuses_by_line_too(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "envs/test1.yaml").write_text("services:\n  api:\n    image: api\n    command: echo a\n")
    seen = []

    def refuse(name: str, body: Mapping[str, Json]) -> list[tuple[tuple[str, ...], str, str]]:
        seen.append((name, body["image"]))
        return [(("command",), "it echoes", "let it run")]

    with pytest.raises(InvalidDeclarations) as raised:
        render(ProjectDeclarations(tmp_path).environment("test1"), V1, SWARM, refuse)

    (problem,) = raised.value.problems
    assert (problem.message, problem.hint, problem.locations[0].line) == ("it echoes", "let it run", 4)
    assert seen == [("api", V1.images["api"].reference)]


def test_what_is_malformed_is_not_translated() -> None:
    services = {"api": {"image": "api", "command": "'"}, "web": {"image": "web", "command": "echo"}}

    with pytest.raises(InvalidDeclarations) as raised:
        render(environment(services=services), V1, SWARM, lambda name, _: [(("command",), f"{name} runs", "stop it")])
    assert [problem.message for problem in raised.value.problems] == ["a quote is open in `command`", "web runs"]


def cases() -> list[tuple[str, str, list[str]]]:
    """From `said_of_services.txt`: blocks of the engine and a title, a layer, and everything that is wrong with it."""
    found = []
    for block in SAID.read_text().strip().split("\n\n"):
        title, *lines = block.split("\n")
        engine = title.removeprefix("# ").partition(":")[0]
        layer = "\n".join(line for line in lines if not line.startswith("=> "))
        wrong = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        kinds = (DOCKER, SWARM) if engine == "both" else (engine,)
        found += [pytest.param(kind, layer, wrong, id=f"{kind}: {title}") for kind in kinds]
    return found


@pytest.mark.parametrize(("kind", "layer", "expected"), cases())
def test_what_is_refused(said, kind: str, layer: str, expected: list[str]) -> None:
    assert said(kind, layer) == expected


def test_a_prefix_that_swarm_cannot_take_is_said_once() -> None:
    services = {"api": {"image": "api"}, "web": {"image": "web"}}

    with pytest.raises(InvalidDeclarations) as raised:
        rendered(SWARM, environment(name="test.1", services=services))
    assert [problem.message for problem in raised.value.problems] == [
        "Swarm cannot take `shop-test.1` as the beginning of a name"
    ]


def test_the_largest_config() -> None:
    services = {"api": {"image": "api", "configs": {"app": {}}}}

    rendered(SWARM, services=services, configs={"app": {"content": "x" * 1_023_999}})
    with pytest.raises(InvalidDeclarations, match="has 1024000 bytes, and Swarm takes less than 1024000"):
        rendered(SWARM, services=services, configs={"app": {"content": "x" * 1_024_000}})


def test_plain_docker_takes_names_that_swarm_does_not() -> None:
    services = {"api.v2": {"image": "api", "configs": {"empty": {}}}}
    found = rendered(DOCKER, services=services, configs={"empty": {"content": ""}})

    assert resource(found, "service/api.v2").body["image"]


def test_an_image_that_the_release_lacks() -> None:
    with pytest.raises(InvalidDeclarations) as raised:
        rendered(SWARM, services={"api": {"image": "new"}})
    assert [problem.message for problem in raised.value.problems] == ["the release v1 has no image `new`"]


# --- what is only said ---


def test_warnings_are_one_line_a_kind() -> None:
    update = {"update_config": {"order": "start-first", "delay": "1s"}}
    services = {
        "api": {"image": "api", "deploy": update, "ports": {"web": {"target": 80, "published": 80}}},
        "web": {"image": "web", "deploy": update, "volumes": {"data": {"target": "/d"}}},
        "reader": {"image": "web", "deploy": update, "volumes": {"data": {"target": "/d", "read_only": True}}},
        "db": {
            "image": "cache",
            "healthcheck": {"test": "true"},
            "environment": {"A": {"secret": "db"}},
            "depends_on": {"gone": {"required": False}},
        },
    }
    found = rendered(
        DOCKER,
        environment(
            services=services,
            volumes={"data": {}, "old": {}},
            secrets={"db": {"from": "env", "name": "A"}},
            warnings=("of the declarations",),
        ),
    )

    assert found.warnings == (
        "of the declarations",
        "db depends on gone, which is not declared and not waited for",
        "without effect in plain Docker: deploy.update_config.delay (api, reader, web)",
        "start-first runs the old and the new instance at once: api publishes a port, web writes to a volume",
        "no health check is declared for api, reader, web: unless the image has one, running for `stable` is ready",
        "`docker inspect` shows the secrets in environment variables of db: files hide them",
        "no service mounts the declared volume old: it is not made",
    )


def test_a_job_needs_no_health_check() -> None:
    services = migrating(restart="no")
    services["api"]["healthcheck"] = {"test": "true"}

    assert rendered(SWARM, services=services).warnings == ()


# --- what always holds ---


def turned(tree: Json) -> Json:
    return {key: turned(value) for key, value in reversed(tree.items())} if isinstance(tree, dict) else tree


@pytest.mark.parametrize("kind", [DOCKER, SWARM])
def test_the_order_of_the_declarations_does_not_matter(kind: str) -> None:
    declared = acceptable(kind)
    sections = ("services", "configs", "secrets", "volumes", "networks")
    other = rendered(kind, environment(**{section: turned(getattr(declared, section)) for section in sections}))
    one = rendered(kind, declared)

    assert [(found.id, found.fingerprint) for found in one.resources] == [
        (found.id, found.fingerprint) for found in other.resources
    ]
    assert one.warnings == other.warnings


NAMES = st.sampled_from(["api", "web", "a.b", "x-1", "db_2"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
VALUES = TEXTS | st.integers(0, 10**6) | st.booleans()
SERVICES = st.fixed_dictionaries(
    {"image": st.sampled_from(["api", "web"])},
    optional={
        "command": TEXTS.filter(lambda text: not set(text) & set("'\"\\")) | st.lists(TEXTS, min_size=1, max_size=3),
        "environment": st.dictionaries(TEXTS.filter(bool), VALUES | st.just({"secret": "db"}), max_size=3),
        "labels": st.dictionaries(TEXTS, VALUES, max_size=3),
        "secrets": st.dictionaries(st.sampled_from(["db", "a.key"]), st.sampled_from([{}, {"uid": 5}]), max_size=2),
        "configs": st.dictionaries(st.just("app"), st.sampled_from([{}, {"target": "/x"}])),
        "networks": st.dictionaries(st.sampled_from(["front", "back"]), st.sampled_from([{}, {"aliases": ["a"]}])),
        "volumes": st.dictionaries(st.sampled_from(["data", "logs"]), st.fixed_dictionaries({}), max_size=1),
        "deploy": st.fixed_dictionaries(
            {},
            optional={
                "replicas": st.integers(0, 3),
                "resources": st.just({"limits": {"cpus": 0.25, "memory": "64M"}}),
                "mode": st.sampled_from(["replicated", "global", "replicated-job"]),
            },
        ),
    },
)


@given(st.dictionaries(NAMES, SERVICES, max_size=3), st.sampled_from([DOCKER, SWARM]))
def test_bodies_survive_json_and_every_secret_is_referred_to(services: dict, kind: str) -> None:
    for words in services.values():
        for key, mount in words.get("volumes", {}).items():
            mount["target"] = f"/{key}"
    before = json.dumps(services)
    services = {name.replace(".", "-") if kind == SWARM else name: words for name, words in services.items()}
    declared = environment(
        services=services,
        networks={"front": {}, "back": {"internal": True}},
        volumes={"data": {}, "logs": {"external": True}},
        configs={"app": {"content": "x"}},
        secrets={"db": {"from": "env", "name": "DB"}, "a.key": {"from": "exec", "command": ["x"]}},
    )
    found = rendered(kind, declared)

    assert json.dumps(list(services.values())) == json.dumps(list(json.loads(before).values()))
    for one in found.resources:
        assert msgspec.json.decode(msgspec.json.encode(one.body)) == one.body
        assert rendered(kind, declared) == found
        for path, secret in one.secrets.items():
            reference = at_path(one.body, parse_path(path))
            assert reference is not None, path
            assert secret in found.secrets
            if one.id.startswith("service/") and path.startswith("environment"):
                assert reference == {"secret": secret}
    ids = [one.id for one in found.resources]
    assert len(set(ids)) == len(ids)
    assert all(one.id in found.sources for one in found.resources)
