"""diff: two environments, or two deliveries, field by field."""

import pytest


@pytest.mark.parametrize("columns", [60, 90, 160])
def test_a_difference_of_environments_to_read(cli, golden, columns):
    ran = cli.ok("diff", "staging", "production", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    golden(f"diff-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())
    assert ran.err == ""


def test_a_difference_in_colour(cli, golden):
    golden("diff-colour.txt", cli.ok("diff", "staging", "production", terminal=True, columns=90).out)


def test_a_difference_for_scripts(cli):
    document = cli.json("diff", "staging", "production")

    assert (document["left"], document["right"]) == ("staging", "production")
    field = next(f for f in document["fields"] if f["path"] == "services.api.environment.CACHE_TTL")
    assert (field["left"], field["right"], field["secret"]) == ("60", "600", False)
    assert (field["left_origin"]["file"], field["left_origin"]["line"]) == ("envs/base.yaml", 7)
    assert field["right_origin"]["file"] == "envs/production.yaml"
    absent = next(f for f in document["fields"] if f["path"] == "vars.note")
    assert (absent["right"], absent["right_origin"]) == (None, None)


def test_exit_codes(cli):
    assert cli("diff", "staging", "production", "--exit-code").code == 2
    assert cli("diff", "staging", "production").code == 0
    ran = cli.ok("diff", "staging", "staging", "--exit-code")
    assert ran.out == "✓ no difference between staging and staging\n"


def test_a_difference_of_environments_touches_no_history(cli):
    cli.write(".release/history.db", "not a database")

    cli.ok("diff", "staging", "production")


def test_a_difference_of_deliveries_rests_on_the_record_alone(cli):
    cli.promote("v1.3", "test")
    cli.promote("v1.4", "test")
    for file in (cli.root / "envs").glob("*.yaml"):
        file.write_text("broken: [")

    ran = cli.ok("diff", "test/1", "test/2")

    assert "service/api\n" in ran.out
    assert "1 field differs between test/1 and test/2" in ran.out
    (field,) = cli.json("diff", "test/1", "test/2")["fields"]
    assert field["path"] == "service/api.image"
    assert field["left"].startswith("registry.test/shop/api@sha256:")
    assert field["left"] != field["right"]


def test_lines_of_a_file_that_differ(cli):
    for name, text in (("staging", "one\ntwo\nthree\n"), ("production", "one\n2\nthree\nfour\n")):
        cli.write(f"envs/files/{name}.ini", text)
        cli.write(f"envs/{name}.yaml", f"configs: {{motd: {{file: envs/files/{name}.ini}}}}\n")

    out = cli.ok("diff", "staging", "production").out

    assert [line.split()[:3] for line in out.splitlines() if "content:" in line] == [
        ["content:2", "two", "envs/staging.yaml:1"],
        ["content:4", "(absent)", "envs/staging.yaml:1"],
    ]


def test_a_secret_shows_where_it_comes_from_and_never_more(cli):
    cli.write("envs/staging.yaml", "secrets: {password: {from: env, name: STAGING_PASSWORD}}\n")

    ran = cli.ok("diff", "staging", "production", environ={"STAGING_PASSWORD": "tell-no-one"})

    assert "STAGING_PASSWORD" in ran.out
    assert "(a reference)" in ran.out
    assert "tell-no-one" not in ran.out


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("staging", "staging/1", "cannot be compared"),
        ("stagin", "production", "did you mean staging?"),
        ("test/1", "test/7", "nothing was delivered there yet"),
        ("test/x", "test/1", "names no delivery"),
    ],
)
def test_wrong_words(cli, left, right, said):
    ran = cli("diff", left, right)

    assert ran.code == 64
    assert said in ran.err


def test_what_a_terminal_would_obey_is_shown_as_text(cli):
    cli.write("envs/staging.yaml", 'vars: {note: "\\e[31mred\\u202e"}\n')

    ran = cli.ok("diff", "staging", "production")

    assert r"\x1b[31mred\u202e" in ran.out
    assert "\x1b" not in cli.ok("diff", "staging", "production", "-o", "yaml").out


def test_the_names_of_the_sides_are_whole_where_values_are_short(cli):
    cli.write("envs/test.yaml", "services: {api: {deploy: {replicas: 3}}}\n")
    cli.promote("v1.3", "test")
    cli.write("envs/test.yaml", "services: {api: {deploy: {replicas: 4}}}\n")
    cli.promote("v1.3", "test")

    assert "test/1  test/2\n" in cli.ok("diff", "test/1", "test/2").out
