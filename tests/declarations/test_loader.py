from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from releaser.declarations.loader import ProjectDeclarations
from releaser.model.environment import Verify
from releaser.model.errors import InvalidDeclarations, Problem, UnknownName
from tests.contracts.declarations_samples import ENGINES, LAYER, PIPELINE

Told = Callable[[tuple[Problem, ...]], list[str]]
Project = Callable[..., ProjectDeclarations]


def refused(declarations: ProjectDeclarations, name: str = "test1") -> tuple[Problem, ...]:
    with pytest.raises(InvalidDeclarations) as wrong:
        declarations.environment(name)
    return wrong.value.problems


# --- an environment ---


def test_layers_in_order_and_the_own_file_last(project: Project) -> None:
    pipeline = "project: shop\nimages: {api: r.io/a}\nenvironments: {test1: {layers: [base, test]}}"
    text = "services: {api: {image: api, environment: {A: %s, B: %s, C: %s}}}"
    own = {"test": "services: {api: {environment: {B: 2, C: 2}}}", "test1": "services: {api: {environment: {C: 3}}}"}
    declarations = project(pipeline=pipeline, base=text % (1, 1, 1), **own)

    environment = declarations.environment("test1")

    assert environment.services == {"api": {"image": "api", "environment": {"A": "1", "B": "2", "C": "3"}}}
    chain = environment.origins.chain(("services", "api", "environment", "C"))
    assert [(str(link.location), link.layer) for link in chain] == [
        ("envs/base.yaml:1:59", "base"),
        ("envs/test.yaml:1:41", "test"),
        ("envs/test1.yaml:1:35", "test1"),
    ]
    assert [str(place) for place in environment.locate("services", "api", "image")] == ["envs/base.yaml:1:25"]


def test_what_is_not_said_has_its_default(project: Project) -> None:
    environment = project().environment("test1")

    assert (environment.name, environment.project, environment.platforms) == ("test1", "shop", ("linux/amd64",))
    assert environment.engine == {"kind": "directory", "path": "deploy/test1"}
    assert environment.config == {"services": {"api": {"image": "api"}}, "engine": environment.engine}
    assert (environment.wait, environment.rollback_on_failure, environment.verify) == (300.0, True, None)
    assert (environment.stable, environment.ignore) == (5.0, {})
    assert environment.configs == environment.secrets == environment.volumes == environment.networks == {}
    assert environment.warnings == ()


def test_what_is_left_to_others_and_for_how_long_it_must_run(project: Project) -> None:
    text = "stable: 1m30s\nignore: [services.api.deploy.replicas, 'services.api.labels.\"a.b\"']"
    environment = project(test1=text).environment("test1")

    assert environment.stable == 90.0
    assert environment.ignore == {"api": ("deploy.replicas", 'labels."a.b"')}


@pytest.mark.parametrize("engine", ENGINES)
def test_engines(project: Project, engine: str) -> None:
    environment = project(test1=f"engine: {engine}").environment("test1")

    assert environment.engine == environment.config["engine"]
    if environment.engine["kind"] == "directory":
        assert environment.engine["path"] == ("out" if "path" in engine else "deploy/test1")


def test_an_engine_with_a_name_in_it(project: Project) -> None:
    text = 'vars: {disk: fast}\nengine: {kind: directory, path: "${disk}/${project}-${environment}"}'
    assert project(test1=text).environment("test1").engine["path"] == "fast/shop-test1"


def test_every_word_of_a_layer(project: Project) -> None:
    files = {"images/web/index.json": "{}", "envs/settings.json": '{"a": "${left alone}"}'}
    environment = project(files, pipeline=PIPELINE, base=LAYER, test="{}").environment("test1")

    assert (environment.wait, environment.rollback_on_failure) == (300.0, False)
    assert environment.verify == Verify(command=("./smoke", "test1.shop.test"), timeout=90.0)
    assert environment.configs == {
        "settings": {"content": '{"a": "${left alone}"}'},
        "motd": {"content": "Hello test1"},
    }
    assert environment.secrets["token"] == {"from": "exec", "command": ["vault", "read"], "timeout": "10s"}
    assert environment.services["api"]["environment"] == {
        "TTL": "120", "DEBUG": "no", "RATIO": "1.10", "PASSWORD": {"secret": "db_password"},
    }  # fmt: skip
    assert environment.services["api"]["deploy"]["resources"]["limits"] == {
        "cpus": "0.5",
        "memory": "256M",
        "pids": 100,
    }
    assert environment.services["api"]["deploy"]["update_config"]["max_failure_ratio"] == "0.1"
    assert environment.volumes["store"]["driver_opts"] == {"size": "1"}
    assert environment.networks["front"]["external"] is False


def test_no_float_anywhere_in_the_config(project: Project) -> None:
    config = (
        project(pipeline=PIPELINE, base=LAYER, test="{}", files={"envs/settings.json": ""}).environment("test1").config
    )

    def scalars(value: Any) -> Any:
        for child in value.values() if isinstance(value, dict) else value:
            yield from scalars(child) if isinstance(child, dict | list) else [child]

    assert {type(value) for value in scalars(config)} == {str, int, bool}


def test_the_own_file_may_be_missing_but_not_a_layer(project: Project, told: Told) -> None:
    pipeline = "project: shop\nimages: {api: r.io/a}\nenvironments:\n  test1: {layers: [base, bsae]}\n  bare: {}\n"
    declarations = project(pipeline=pipeline)

    assert told(refused(declarations)) == [
        "envs/pipeline.yaml:4:26 there is no file `envs/bsae.yaml` | did you mean `envs/base.yaml`?"
    ]
    assert told(refused(declarations, "bare")) == [
        "envs/pipeline.yaml:5:3 the environment `bare` has no layers and no file | write `envs/bare.yaml`"
    ]


def test_a_layer_without_yaml_at_its_end(project: Project, told: Told) -> None:
    pipeline = "project: shop\nimages: {api: r.io/a}\nenvironments: {test1: {layers: [base]}}"
    declarations = project(pipeline=pipeline)
    (declarations.root / "envs/base.yaml").rename(declarations.root / "envs/base.yml")

    assert told(refused(declarations))[0].endswith("| did you mean `envs/base.yml`?")


def test_a_file_of_nobody_is_told_where_an_environment_has_none(project: Project) -> None:
    declarations = project(tset1="{}")

    assert declarations.environment("test1").warnings == (
        "there is no envs/test1.yaml, and no environment uses envs/tset1.yaml",
    )
    assert project(test1="wait: 1m").environment("test1").warnings == ()


def test_an_unknown_environment(project: Project) -> None:
    for call in (project().environment, project().files, lambda name: project().problems([name])):
        with pytest.raises(UnknownName) as unknown:
            call("stagin")  # type: ignore[operator]
        assert unknown.value.hint == "did you mean staging?"


def test_a_comment_changes_nothing(project: Project) -> None:
    one = project().environment("test1")
    other = project(base="# a comment\nservices:\n\n  api:   {image: api} # here\n").environment("test1")

    assert one.config == other.config


# --- what is wrong ---


def test_no_pipeline(tmp_path: Path) -> None:
    declarations = ProjectDeclarations(tmp_path)

    assert [problem.message for problem in declarations.problems()] == ["there is no file `envs/pipeline.yaml`"]
    with pytest.raises(InvalidDeclarations):
        declarations.pipeline()


def test_every_error_of_every_file_at_once_each_once(project: Project, told: Told) -> None:
    declarations = project(
        base="wait: soon\nservices: {api: {imgae: x}}",
        test1="a: 1\na: 2",
        staging="services: [",
    )

    assert [line.partition("|")[0].strip() for line in told(declarations.problems())] == [
        "envs/base.yaml:1:7 `wait` cannot be the text `soon`",
        "envs/base.yaml:2:18 unknown key `imgae` in `services.api`",
        "envs/staging.yaml:2:1 not YAML: did not find expected node content",
        "envs/test1.yaml:1:1 unknown key `a`",
        "envs/test1.yaml:2:1 envs/test1.yaml:1:1 `a` is written twice",
    ]


def test_one_environment_tells_its_own_errors_only(project: Project, told: Told) -> None:
    declarations = project(test1="a: 1", staging="b: 1")

    assert [line.split(" ")[0] for line in told(declarations.problems(["staging"]))] == ["envs/staging.yaml:1:1"]
    assert [line.split(" ")[0] for line in told(refused(declarations, "test1"))] == ["envs/test1.yaml:1:1"]


def test_a_wrong_pipeline_does_not_hide_what_is_wrong_with_layers(project: Project, told: Told) -> None:
    declarations = project(pipeline="project: Shop\nenvironments: {}", base="wait: soon", stray="a: 1")

    assert [line.split(" ")[0] for line in told(declarations.problems())] == [
        "envs/base.yaml:1:7", "envs/pipeline.yaml:1:10", "envs/pipeline.yaml:2:15", "envs/stray.yaml:1:1",
    ]  # fmt: skip
    with pytest.raises(InvalidDeclarations):
        declarations.environment("test1")


def test_what_is_wrong_with_a_merge_and_with_names_comes_together(project: Project, told: Told) -> None:
    declarations = project(test1='wait: "${soon}"\nservices: {api: {command: {$append: [x]}, labels: {a: null}}}')

    assert [line.split(" ")[0] for line in told(refused(declarations))] == [
        "envs/test1.yaml:1:7", "envs/test1.yaml:2:28", "envs/test1.yaml:2:52",
    ]  # fmt: skip


def test_an_empty_value_is_told_once(project: Project, told: Told) -> None:
    (only,) = told(refused(project(test1="services:\n  api:\n    environment:\n      KEY:\n")))
    assert only.startswith('envs/test1.yaml:4:7 `KEY` has no value | write `""` for an empty text')


def test_an_empty_value_of_the_pipeline_is_told_once(project: Project, told: Told) -> None:
    (only,) = told(project(pipeline="project: shop\nenvironments:\n").problems())
    assert only.startswith('envs/pipeline.yaml:2:1 `environments` has no value | write `""` for an empty text')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('vars: {w: soon}\nwait: "${w}"', "envs/test1.yaml:2:7 `wait` cannot be the text `soon` | a time span"),
        ('vars: {p: http}\nservices: {api: {ports: {p: {target: 1, protocol: "${p}"}}}}',
         "envs/test1.yaml:2:51 `services.api.ports.p.protocol` must be one of tcp, udp, not the text `http`"),
        ('vars: {k: dcker}\nengine: {kind: "${k}"}', "envs/test1.yaml:2:16 `engine.kind` must be one of"),
        ('vars: {k: docker}\nengine: {kind: "${k}", path: x}', "envs/test1.yaml:2:30 unknown key `path` in `engine` |"),
        ('vars: {e: ""}\nengine: {kind: directory, path: "${e}"}', "envs/test1.yaml:2:33 `engine.path` is empty"),
        ("services: {api: {deploy: {resources: {limits: {cpus: 1e1}}}}}",
         "envs/test1.yaml:1:54 `services.api.deploy.resources.limits.cpus` cannot be the text `1e1`"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_name_must_fit_too(project: Project, text: str, words: str, told: Told) -> None:
    (only,) = told(refused(project(test1=text)))
    assert only.startswith(words)


def test_what_becomes_of_a_name_may_fit(project: Project) -> None:
    text = 'vars: {w: 2m, p: udp}\nwait: "${w}"\nservices: {api: {ports: {p: {target: 1, protocol: "${p}"}}}}'
    assert project(test1=text).environment("test1").wait == 120


@pytest.mark.parametrize("target", ["../../outside.yaml", "/etc/hostname"])
def test_a_layer_that_is_a_link_out(project: Project, target: str, told: Told) -> None:
    declarations = project()
    (declarations.root / "envs/test1.yaml").symlink_to(target)
    (declarations.root.parent / "outside.yaml").write_text("wait: 1m")

    assert told(refused(declarations)) == [
        "envs/pipeline.yaml:6:3 `envs/test1.yaml` leads out of the project | name a file below the project's root"
    ]


# --- targets ---


def test_two_environments_with_the_same_target(project: Project, told: Told) -> None:
    declarations = project(
        test1="engine: {kind: directory, path: out}", staging="engine: {kind: directory, path: ./x/../out}"
    )

    (only,) = told(declarations.problems())
    assert only == (
        "envs/staging.yaml:1:9 envs/test1.yaml:1:9 `staging` has the same target as `test1` | "
        "give each environment a target of its own"
    )
    assert declarations.environment("test1").engine["path"] == "out"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("{kind: kubernetes, context: c, namespace: n}", "{kind: kubernetes, context: c, namespace: n}", True),
        ("{kind: kubernetes, context: c, namespace: n}", "{kind: kubernetes, context: c, namespace: m}", False),
        ("{kind: directory, path: a}", "{kind: directory, path: b}", False),
        ("{kind: docker}", "{kind: docker}", False),
        ("{kind: swarm, host: x}", "{kind: swarm, host: x}", False),
    ],
)
def test_a_host_takes_many_environments_a_folder_or_namespace_one(
    project: Project, one: str, other: str, same: bool
) -> None:
    declarations = project(test1=f"engine: {one}", staging=f"engine: {other}")
    assert bool(declarations.problems()) == same


# --- mounted files ---


def test_a_mounted_file_as_text_or_as_bytes(project: Project) -> None:
    files: dict[str, str | bytes] = {"conf/a.txt": "ünï ${x} $", "conf/b.bin": b"\xff\x00"}
    environment = project(files, base="configs: {a: {file: conf/a.txt}, b: {file: conf/b.bin}}").environment("test1")

    assert environment.configs == {"a": {"content": "ünï ${x} $"}, "b": {"base64": "/wA="}}
    assert environment.config["configs"]["a"] == {"file": "conf/a.txt"}
    assert [str(place) for place in environment.locate("configs", "a", "file")] == ["envs/base.yaml:1:21"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("conf/aa.txt", "there is no file `conf/aa.txt` | did you mean `conf/a.txt`?"),
        ("../outside.txt", "`../outside.txt` leads out of the project |"),
        ("/etc/passwd", "`/etc/passwd` is an absolute path |"),
        ("conf", "`conf` is a folder |"),
        ("conf/link", "`conf/link` leads out of the project |"),
        ("conf/large", "`conf/large` is larger than 1024 KiB |"),
    ],
)
def test_a_file_that_cannot_be_mounted(project: Project, path: str, words: str, told: Told) -> None:
    files: dict[str, str | bytes] = {
        "conf/a.txt": "",
        "conf/large": b"x" * (1024 * 1024 + 1),
        "../outside.txt": "canary",
    }
    declarations = project(files, base=f"configs: {{a: {{file: {path}}}}}")
    (declarations.root / "conf/link").symlink_to("../../outside.txt")

    (only,) = told(refused(declarations))

    assert only.startswith(f"envs/base.yaml:1:21 {words}")
    assert "canary" not in only


def test_the_files_an_environment_rests_on(project: Project) -> None:
    pipeline = "project: shop\nenvironments: {a: {layers: [base, test]}, b: {layers: [base]}}"
    base = "services: {}\nconfigs: {x: {file: conf/x}, y: {content: y}}\nsecrets: {s: {from: file, path: envs/s.key}}"
    files = {"conf/x": "x", "conf/z": "z", "envs/s.key": "canary"}
    declarations = project(
        files, pipeline=pipeline, base=base, test="configs: {z: {file: conf/z}, x: null}", b="wait: 1m"
    )

    assert declarations.files("a") == ("envs/pipeline.yaml", "envs/base.yaml", "envs/test.yaml", "conf/z")
    assert declarations.files("b") == ("envs/pipeline.yaml", "envs/base.yaml", "envs/b.yaml", "conf/x")


def test_every_file_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    declarations = project()
    read: list[str] = []
    original = declarations._files.read

    def counting(path: str, limit: int) -> bytes:
        read.append(path)
        return original(path, limit)

    monkeypatch.setattr(declarations._files, "read", counting)
    declarations.environment("test1")
    declarations.environment("staging")
    declarations.files("test1")
    declarations.problems()

    assert sorted(read) == ["envs/base.yaml", "envs/pipeline.yaml", "envs/staging.yaml", "envs/test1.yaml"]


def test_the_sample_is_right() -> None:
    root = Path(__file__).parents[2]
    declarations = ProjectDeclarations(root)

    assert declarations.problems() == ()
    for name in declarations.pipeline().environments:
        first, *_ = (root / f"envs/{name}.yaml").read_text().splitlines()
        assert first == "# yaml-language-server: $schema=../schemas/layer.schema.json"
        assert declarations.environment(name).services
