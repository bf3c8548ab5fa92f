"""explain: one value, and the layers that made it."""

import pytest


def test_a_value_to_read(cli, golden):
    ran = cli.ok(
        "explain", "api.environment.CACHE_TTL", "--env", "production", terminal=True, environ={"NO_COLOR": "1"}
    )

    golden("explain.txt", ran.out)


def test_a_map_to_read(cli, golden):
    golden("explain-map.txt", cli.ok("explain", "services.api", "--env", "production").out)


def test_a_value_for_scripts(cli):
    document = cli.json("explain", "api.deploy.replicas", "--env", "production")

    assert document["path"] == "services.api.deploy.replicas"
    assert document["value"] == 3
    assert [(link["layer"], link["action"], link["value"]) for link in document["chain"]] == [
        ("base", "set", 1),
        ("production", "set", 3),
    ]
    assert document["chain"][-1]["location"] == {"file": "envs/production.yaml", "line": 4, "column": 24}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vars.domain", "production.shop.test"),
        ("services.api.environment.BASE_URL", "https://production.shop.test"),
        ("api.image", "api"),
        ("secrets.password.name", "SHOP_PASSWORD"),
        ('api.labels."a.b"', "dotted"),
    ],
)
def test_paths(cli, path, value):
    cli.edit("envs/base.yaml", "    image: worker", "    image: worker\n    labels: {}")
    cli.edit("envs/base.yaml", "    image: api", '    image: api\n    labels: {"a.b": dotted}')

    assert cli.json("explain", path, "--env", "production")["value"] == value
    assert f" is {value}\n" in cli.ok("explain", path, "--env", "production").out


def test_a_value_that_was_removed(cli):
    cli.write("envs/staging.yaml", "services: {api: {environment: {CACHE_TTL: null}}}\n")

    out = cli.ok("explain", "api.environment.CACHE_TTL", "--env", "staging").out

    assert out.startswith("services.api.environment.CACHE_TTL in staging was removed\n")
    assert "→ envs/staging.yaml:1:43  staging  remove\n" in out


def test_a_default_has_no_layer(cli):
    ran = cli.ok("explain", "engine.path", "--env", "staging")

    assert ran.out == "engine.path in staging is deploy/staging\n\n  no layer sets it: it is the default\n"
    assert cli.json("explain", "engine.path", "--env", "staging")["chain"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("api.enviroment.CACHE_TTL", "did you mean services.api.environment?"),
        ("apy.image", "did you mean services.api?"),
        ("vars.domian", "did you mean vars.domain?"),
        ("api..image", "is not a path"),
        ('api."image', "is not a path"),
    ],
)
def test_what_is_not_there(cli, path, said):
    ran = cli("explain", path, "--env", "production")

    assert ran.code == 64
    assert said in ran.err


def test_an_unknown_environment(cli):
    ran = cli("explain", "api.image", "--env", "produktion")

    assert ran.code == 64
    assert "did you mean production?" in ran.err


def test_no_history_is_touched(cli):
    cli.write(".release/history.db", "not a database")

    cli.ok("explain", "api.image", "--env", "production")


@pytest.mark.parametrize(("path", "value"), [("wait", "5m"), ("on_failure", "rollback"), ("verify.timeout", "1m")])
def test_every_default_is_explained(cli, path, value):
    cli.verify("verify: {command: [sh, check.sh]}")

    ran = cli.ok("explain", path, "--env", "staging")

    assert ran.out == f"{path} in staging is {value}\n\n  no layer sets it: it is the default\n"


def test_what_a_layer_sets_is_no_default(cli):
    cli.write("envs/staging.yaml", "wait: 90s\non_failure: keep\nverify: {command: [./smoke], timeout: 7s}\n")

    for path, value in (("wait", "90s"), ("on_failure", "keep"), ("verify.timeout", "7s")):
        document = cli.json("explain", path, "--env", "staging")
        assert (document["value"], len(document["chain"])) == (value, 1)


@pytest.mark.parametrize(("path", "hint"), [("wiat", "did you mean wait?"), ("wroker", "did you mean worker?")])
def test_one_wrong_word_is_looked_for_at_the_top(cli, path, hint):
    assert cli("explain", path, "--env", "staging").err.endswith(f"hint: {hint}\n")
    assert "vars" in cli("explain", "qqqqqq", "--env", "staging").err
