import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from releaser.engines.directory.document import compose_file
from releaser.engines.directory.engine import DirectoryEngine
from releaser.model.errors import InvalidDeclarations
from releaser.model.resource import Rendering
from releaser.model.value import at_path, parse_path
from releaser.planning import fingerprint
from tests.conftest import unavailable
from tests.contracts.engine_contract import Running, Silent, Values, environment, first, mark, release

GOLDEN = Path(__file__).parents[2] / "golden" / "render"
UPPER = "export TLS_KEY before it runs"


def everything():
    return environment(**yaml.safe_load((GOLDEN / "everything.yaml").read_text()))


def rendered(declared, root: Path = Path("/project"), path: str = "deploy/test1") -> Rendering:
    return DirectoryEngine(root, path).render(declared, release("v1", "api", "web", "cache"))


def body(rendering: Rendering, name: str):
    return next(resource.body for resource in rendering.resources if resource.id == name)


def api(**words: object):
    """The service `api` as it is rendered with these words."""
    secrets = {
        "password": {"from": "env", "name": "SHOP_PASSWORD"},
        "file": {"from": "file", "path": "envs/secrets/x"},
        "2-exec": {"from": "exec", "command": ["x"]},
    }
    declared = environment(services={"api": {"image": "api", **words}}, secrets=secrets)
    return rendered(declared)


@pytest.mark.parametrize("name", ["everything", "first"])
def test_golden(name: str, pytestconfig: pytest.Config) -> None:
    """The file as it was reviewed; after a change that is meant: --update-golden, and read the difference."""
    rendering = rendered(everything() if name == "everything" else first())
    text = compose_file(rendering.resources, mark(7)).decode()
    golden = GOLDEN / f"{name}.compose.yaml"
    if pytestconfig.option.update_golden:
        golden.write_text(text)
    assert text == golden.read_text()


def test_images_are_digests() -> None:
    rendering = rendered(first())
    assert body(rendering, "service/web")["image"] == "registry.test/shop/web@sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({"target": 80}, {"expose": ["80"]}),
        ({"target": 80, "protocol": "udp"}, {"expose": ["80/udp"]}),
        ({"target": 80, "protocol": "tcp"}, {"expose": ["80"]}),
        ({"target": 80, "published": "auto"}, {"ports": [{"target": 80}]}),
        ({"target": 80, "published": 8080}, {"ports": [{"target": 80, "published": "8080"}]}),
    ],
)
def test_a_port_is_published_only_where_it_says_so(port: dict, expected: dict) -> None:
    found = body(api(ports={"http": port}), "service/api")
    assert {word: found[word] for word in ("ports", "expose") if word in found} == expected


def test_exposed_ports_of_both_words_are_kept() -> None:
    for words in ({"expose": [1], "ports": {"a": {"target": 2}}}, {"ports": {"a": {"target": 2}}, "expose": [1]}):
        declared = api(**words)
        assert sorted(map(str, body(declared, "service/api")["expose"])) == ["1", "2"]


def test_secrets_are_references() -> None:
    variables = {"A": {"secret": "password"}, "B": {"secret": "file"}, "C": {"secret": "2-exec"}}
    rendering = api(environment=variables, secrets={"file": {}, "password": {}, "2-exec": {}})
    service = body(rendering, "service/api")
    assert service["environment"] == {
        "A": "${SHOP_PASSWORD:?secret password is not set}",
        "B": "${FILE:?secret file is not set}",
        "C": "${_2_EXEC:?secret 2-exec is not set}",
    }
    assert service["secrets"] == [{"source": "2-exec"}, {"source": "file"}, {"source": "password"}]
    assert body(rendering, "secret/password") == {"environment": "SHOP_PASSWORD"}
    assert body(rendering, "secret/file") == {"file": "../../envs/secrets/x"}
    assert body(rendering, "secret/2-exec") == {"environment": "_2_EXEC"}
    assert rendering.secrets == ("2-exec", "file", "password")
    assert rendering.warnings == (
        "compose cannot run the command of secret 2-exec: export _2_EXEC before it runs",
        "compose cannot read into a variable the file of secret file: export FILE before it runs",
    )


def test_every_reference_to_a_secret_is_known_by_its_path() -> None:
    for resource in rendered(everything()).resources:
        for path, name in resource.secrets.items():
            assert at_path(resource.body, parse_path(path)) is not None, (resource.id, path)
            assert name in {"db_password", "api.key", "tls-key"}
    rendering = rendered(everything())
    service = next(resource for resource in rendering.resources if resource.id == "service/api")
    assert service.secrets == {
        "environment.DB_PASSWORD": "db_password",
        "environment.API_KEY": "api.key",
        "environment.TLS_KEY": "tls-key",
        "secrets.0.source": "api.key",
        "secrets.1.source": "db_password",
        "secrets.2.source": "tls-key",
    }


def test_a_secret_that_nobody_uses_is_not_delivered() -> None:
    rendering = api()
    assert rendering.secrets == ()
    assert not [resource.id for resource in rendering.resources if resource.id.startswith("secret/")]
    assert rendering.warnings == ()


def test_a_mounted_file_needs_no_warning() -> None:
    assert api(secrets={"file": {}}).warnings == ()


def test_words_that_compose_does_not_know_are_not_written_but_said() -> None:
    services = {"api": {"image": "api"}, "job": {"image": "api", "on": ["rollback"]}}
    rendering = rendered(environment(services=services, ignore={"api": ("deploy.replicas",)}))

    assert set(body(rendering, "service/job")) == {"image"}
    assert rendering.warnings == (
        "without effect in a folder: on (job)",
        "without effect in a folder: ignore (compose.yaml is written as a whole)",
    )


def test_a_config_is_named_by_its_content_and_mounted_by_its_own_name() -> None:
    declared = environment(
        services={"api": {"image": "api", "configs": {"app": {}}}}, configs={"app": {"content": "x"}}
    )
    rendering = rendered(declared)
    name = "app." + fingerprint.of_bytes(b"x")[7:19]
    assert body(rendering, f"config/{name}") == {"content": "x"}
    assert body(rendering, "service/api")["configs"] == [{"source": name, "target": "/app"}]


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("deploy/test1", "./data", "../../data"),
        ("deploy/test1", "data/x", "../../data/x"),
        ("deploy/test1", "/srv", "/srv"),
        ("deploy/test1", "~/x", "~/x"),
        (".", "data", "./data"),
        ("/elsewhere/x", "data", "../../project/data"),
    ],
)
def test_relative_paths_are_from_the_root(path: str, source: str, expected: str) -> None:
    mount = {"type": "bind", "source": source, "target": "/x"}
    declared = environment(services={"api": {"image": "api", "volumes": {"v": mount}}})
    assert body(rendered(declared, path=path), "service/api")["volumes"][0]["source"] == expected


def test_a_dollar_is_a_dollar_everywhere_but_in_a_reference() -> None:
    rendering = api(
        command=["$a", {"b": "$$"}], labels={"x": "$"}, environment={"P": "a$b", "S": {"secret": "password"}}
    )
    service = body(rendering, "service/api")
    assert service["command"] == ["$$a", {"b": "$$$$"}]
    assert service["labels"] == {"x": "$$"}
    assert service["environment"]["P"] == "a$$b"


def test_where_a_field_was_declared() -> None:
    rendering = rendered(everything())
    found = dict(rendering.sources["service/api"])
    assert found[""] == "services.api"
    assert found["ports.0"] == "services.api.ports.random"
    assert found["expose.2"] == "services.api.ports.http.target"
    assert found["volumes.0"] == "services.api.volumes.data"
    assert found["configs.1"] == "services.api.configs.logo"
    assert found["secrets.0"] == 'services.api.secrets."api.key"'
    assert rendering.sources["secret/api.key"] == (("", 'secrets."api.key"'),)
    assert rendering.sources["network/front"] == (("", "networks.front"),)
    config = next(resource.id for resource in rendering.resources if resource.id.startswith("config/app"))
    assert rendering.sources[config] == (("", "configs.app"),)
    for resource, sources in rendering.sources.items():
        for path, _ in sources:
            assert at_path(body(rendering, resource), parse_path(path) if path else ()) is not None


def test_the_order_of_the_declarations_does_not_matter() -> None:
    declared = everything()
    sections = ("services", "configs", "secrets", "volumes", "networks")
    turned = environment(**{section: _turned(getattr(declared, section)) for section in sections})
    one, other = rendered(declared), rendered(turned)
    assert compose_file(one.resources, mark(1)) == compose_file(other.resources, mark(1))
    assert one.resources == other.resources


def _turned(tree):
    return {key: _turned(value) for key, value in reversed(tree.items())} if isinstance(tree, dict) else tree


def test_nothing_of_the_declarations_is_shared_or_changed() -> None:
    declared = everything()
    before = json.dumps([declared.services, declared.configs, declared.networks])
    rendered(declared)
    assert json.dumps([declared.services, declared.configs, declared.networks]) == before


@pytest.mark.parametrize(
    ("sections", "message", "line"),
    [
        ({"name": "Test1"}, "compose cannot take `shop-Test1` as a project's name", None),
        ({"project": "my shop"}, "compose cannot take `my shop-test1` as a project's name", None),
        ({"services": {"a b": {"image": "api"}}}, "compose cannot take `a b` as a name in `services`", 2),
        ({"volumes": {"ü": {}}}, "compose cannot take `ü` as a name in `volumes`", 2),
        ({"configs": {"../x": {"content": ""}}}, "compose cannot take `../x` as a name in `configs`", 2),
        ({"services": {"a": {"image": "new"}}}, "the release v1 has no image `new`", 3),
    ],
)
def test_what_compose_cannot_do_is_told_by_place(sections: dict, message: str, line: int | None) -> None:
    with pytest.raises(InvalidDeclarations) as raised:
        rendered(environment(**sections))
    (problem,) = raised.value.problems
    assert problem.message == message
    assert problem.hint
    assert [place.line for place in problem.locations] == ([line] if line else [])


def test_variables_that_compose_cannot_read() -> None:
    secrets = {
        "a": {"from": "env", "name": "A B"},
        "b-c": {"from": "exec", "command": ["x"]},
        "b.c": {"from": "exec", "command": ["y"]},
        "taken": {"from": "env", "name": "D"},
        "also": {"from": "env", "name": "D"},
        "d": {"from": "file", "path": "x"},
    }
    used = {f"V{n}": {"secret": name} for n, name in enumerate(secrets)}
    with pytest.raises(InvalidDeclarations) as raised:
        rendered(environment(services={"api": {"image": "api", "environment": used}}, secrets=secrets))
    assert [problem.message for problem in raised.value.problems] == [
        "compose cannot read the environment variable `A B`",
        "compose would read `b.c` and `b-c` from one variable, `B_C`",
        "compose would read `d` and `taken` from one variable, `D`",
    ]


# --- what compose itself says ---


def compose() -> list[str]:
    """`docker compose`, where it is; a skip where it is not."""
    docker = shutil.which("docker")
    if docker is not None:
        done = subprocess.run([docker, "compose", "version"], check=False, capture_output=True)
        if done.returncode == 0:
            return [docker, "compose"]
    reason = "docker compose is not on this machine"
    return unavailable(reason)


VARIABLES = {"SHOP_DB_PASSWORD": "p$1 #x", "API_KEY": "k", "TLS_KEY": "t", "SHOP_PASSWORD": "s"}


def accepted(folder: Path, **variables: str) -> dict:
    command = [*compose(), "-f", str(folder / "compose.yaml"), "config", "--format", "json"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**plain, **variables})
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    return json.loads(done.stdout)


def deliver(lab, delivering, declared) -> None:
    resources = lab.engine().render(declared, release("v1", "api", "web", "cache")).resources
    lab.engine().apply(delivering.work(resources), Values(), Running(), Silent())


@pytest.mark.engines
@pytest.mark.parametrize("declared", [everything(), first(), environment()], ids=["everything", "first", "nothing"])
def test_compose_accepts_what_is_delivered(lab, delivering, declared) -> None:
    deliver(lab, delivering, declared)
    found = accepted(lab.folder, **VARIABLES)
    assert found["name"] == "shop-test1"
    assert found.get("services", {}).keys() == declared.services.keys()


@pytest.mark.engines
def test_compose_reads_what_was_declared(lab, delivering) -> None:
    declared = everything()
    deliver(lab, delivering, declared)
    service = accepted(lab.folder, **VARIABLES)["services"]["api"]
    expected = {key: value for key, value in declared.services["api"]["environment"].items() if isinstance(value, str)}
    secrets = {"DB_PASSWORD": "p$1 #x", "API_KEY": "k", "TLS_KEY": "t"}
    found = {key: value.replace("$$", "$") for key, value in service["environment"].items()}
    assert found == expected | secrets
    assert [argument.replace("$$", "$") for argument in service["command"]] == declared.services["api"]["command"]
    assert {port["target"]: port.get("published") for port in service["ports"]} == {80: "8000", 81: None}
    assert service["expose"] == ["7000", "7001", "8080", "9090/udp"]
    assert [volume["target"] for volume in service["volumes"]] == ["/data", "/logs", "/scratch", "/seed", "/sock"]
    assert service["volumes"][3]["source"] == str(lab.root / "seed$$1")
    assert service["volumes"][2]["tmpfs"]["mode"] == 0o1777
    assert service["configs"][0]["mode"] == 0o440


@pytest.mark.engines
def test_compose_refuses_a_secret_without_a_value(lab, delivering) -> None:
    deliver(lab, delivering, first())
    command = [*compose(), "-f", str(lab.compose), "config"]
    plain = {name: value for name, value in os.environ.items() if name != "SHOP_PASSWORD"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=plain)
    assert done.returncode != 0
    assert "secret password is not set" in done.stderr


@pytest.mark.engines
def test_compose_reads_awkward_texts_as_they_are(lab, delivering) -> None:
    awkward = [
        "no",
        "y",
        "~",
        "null",
        "012",
        "0o7",
        "1e3",
        "0b1",
        "1_000",
        "22:30",
        ".inf",
        "=",
        "<<",
        "2024-01-01",
        "",
        " a ",
    ]
    awkward += [
        "- a",
        "a: b",
        "a #b",
        "@x",
        "`x",
        "%x",
        "!x",
        "&x",
        "*x",
        "|",
        ">",
        "'",
        '"',
        "\\",
        "\t",
        "a\nb\n",
        "{",
        "[x]",
    ]
    awkward += [
        "é",
        "👋",
        "\u2028x",
        "\ufeffx",
        "\x85",
        "\x7f",
        "$",
        "$$",
        "${A}",
        "${A:?b}",
        "$A",
        "{{ .X }}",
        "True",
        "0x1F",
    ]
    variables = {f"V{number}": text for number, text in enumerate(awkward)}
    deliver(
        lab, delivering, environment(services={"api": {"image": "api", "environment": variables, "labels": variables}})
    )
    service = accepted(lab.folder)["services"]["api"]
    for found in (service["environment"], service["labels"]):
        assert {key: value.replace("$$", "$") for key, value in found.items()} == variables
