"""init: begin a project."""

import json

import pytest

from releaser.cli import schema


def test_what_is_written_is_valid_as_it_is(bare):
    ran = bare.ok("init", "--project", "shop", "--image", "api=registry.test/shop/api", "--image", "web=docker.io/x/y")

    assert [line.removeprefix("+ ") for line in ran.out.splitlines()] == [
        "envs/pipeline.yaml",
        "envs/base.yaml",
        "envs/test.yaml",
        "envs/test1.yaml",
        "envs/staging.yaml",
        "envs/production.yaml",
        "envs/schemas/pipeline.schema.json",
        "envs/schemas/layer.schema.json",
    ]
    assert "next: release validate\n" in ran.err
    assert bare.ok("validate").out == "✓ 6 files of 3 environments: no errors\n"
    assert bare.json("explain", "vars.domain", "--env", "production")["value"] == "shop.example"
    assert bare.json("explain", "web.deploy.replicas", "--env", "test1")["value"] == 1


def test_it_can_be_delivered(bare, cli):
    """`cli` is the same folder with declarations; its images serve the new ones."""
    for file in (cli.root / "envs").iterdir():
        file.unlink()
    cli.ok("init", "--image", "api=registry.test/shop/api", "--image", "worker=registry.test/shop/worker")
    for name in ("api", "worker"):
        cli.edit(
            "envs/pipeline.yaml",
            f"{name}: registry.test/shop/{name}",
            f'{name}: {{repository: registry.test/shop/{name}, source: "oci:images/{name}"}}',
        )

    cli.promote("v1.3", "test1", "staging")

    assert cli("promote", "v1.3", "--to", "production", "--yes").code == 3


def test_editors_find_the_schemas(bare):
    bare.ok("init")

    for name in ("pipeline", "layer"):
        file = bare.root / f"envs/schemas/{name}.schema.json"
        assert json.loads(file.read_text()) == json.loads(schema.text(name))
    for file in (bare.root / "envs").glob("*.yaml"):
        modeline = file.read_text().splitlines()[0]
        where = modeline.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / where).is_file(), modeline


def test_the_project_is_named_by_its_folder(bare):
    ran = bare.ok("init", "-C", "My Shop (new)")

    assert "project: my-shop-new\n" in (bare.root / "My Shop (new)/envs/pipeline.yaml").read_text()
    assert "in place of registry.example.com" in ran.err
    bare.ok("validate", "-C", "My Shop (new)")


@pytest.mark.parametrize("name", ["1.0", "true", "no", "a.b", "7"])
def test_names_that_yaml_would_take_for_something_else(bare, name):
    bare.ok("init", "--project", "7", "--image", f"{name}=registry.test/x")

    bare.ok("validate")
    assert list(bare.json("explain", "services", "--env", "test1")["value"]) == [name]


def test_nothing_is_overwritten(bare):
    bare.write("envs/staging.yaml", "mine")

    ran = bare("init")

    assert ran.code == 64
    assert "envs/staging.yaml is there already" in ran.err
    assert [file.name for file in (bare.root / "envs").iterdir()] == ["staging.yaml"]
    assert (bare.root / "envs/staging.yaml").read_text() == "mine"


def test_for_scripts(bare):
    assert "envs/pipeline.yaml" in bare.json("init")["files"]
    assert bare.json("init", code=64)["errors"][0]["code"] == "bad-argument"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--project", "Shop!"), "--project NAME"),
        (("--image", "api"), "NAME=REPOSITORY"),
        (("--image", "=x/y"), "is no name for an image"),
        (("--image", "api=registry.test/x:v1"), "is no repository"),
        (("--image", "api=registry.test/x@sha256:00"), "is no repository"),
        (("--image", "api=a b"), "is no repository"),
        (("--image", "a: b\nc=registry.test/x"), "is no name for an image"),
    ],
)
def test_wrong_words(bare, words, said):
    ran = bare("init", *words)

    assert ran.code == 64
    assert said in ran.err
    assert not (bare.root / "envs").exists()
