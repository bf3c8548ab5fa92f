"""render: the resources as the engine would get them."""

import pytest
import yaml


def test_resources_to_read(cli, golden):
    ran = cli.ok("render", "--env", "production", "v1.4")

    golden("render.txt", ran.out)
    found = yaml.safe_load(ran.out)
    assert found["service/api"]["environment"]["CACHE_TTL"] == "600"
    assert found["service/api"]["image"].startswith("registry.test/shop/api@sha256:")


def test_resources_for_scripts(cli):
    document = cli.json("render", "--env", "production", "v1.4")

    assert (document["environment"], document["release"]) == ("production", "v1.4")
    assert [resource["id"] for resource in document["resources"]][-2:] == ["service/api", "service/worker"]


def test_nothing_is_registered_or_delivered(cli):
    cli.write(".release/history.db", "")

    cli.ok("render", "--env", "production", "v1.4")

    assert (cli.root / ".release/history.db").read_text() == ""
    assert not (cli.root / "deploy").exists()


def test_the_current_release_is_the_default(cli):
    cli.promote("v1.3", "test")

    assert cli.json("render", "--env", "test")["release"] == "v1.3"
    ran = cli("render", "--env", "staging")
    assert ran.code == 64
    assert "release render --env staging RELEASE" in ran.err


def test_secrets_are_references(cli):
    for form in ("table", "json", "yaml"):
        assert "hunter" not in cli.ok("render", "--env", "test", "v1.3", "-o", form).out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--env", "test", "v9"), 64, "v9"),
        (("--env", "tset", "v1.3"), 64, "did you mean test?"),
        (("v1.3",), 64, "--env"),
        (("--env", "test", "../x"), 64, "is not a release name"),
    ],
)
def test_wrong_words(cli, words, code, said):
    ran = cli("render", *words)

    assert ran.code == code
    assert said in ran.err


def test_what_a_terminal_would_obey_is_shown_as_text(cli):
    cli.edit("envs/base.yaml", "CACHE_TTL: 60", 'CACHE_TTL: "6\\e[31m0\\u202e"')

    out = cli.ok("render", "--env", "staging", "v1.3").out

    assert "\x1b" not in out
    assert "\u202e" not in out
