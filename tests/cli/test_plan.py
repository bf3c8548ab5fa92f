"""plan: what promote would do, for people, scripts and pull requests."""

import json
import re
from datetime import UTC, datetime

import pytest
import yaml

from releaser.cli import output
from releaser.cli.output import Output
from releaser.cli.plan_markdown import markdown
from releaser.cli.show_plan import show_plan
from releaser.model.gate import GateResult
from releaser.model.plan import Change, FieldChange, ImageChange, Plan
from releaser.model.release import Release
from releaser.model.resource import Target
from releaser.model.value import Location


@pytest.fixture
def shop(cli):
    """v1.3 in test and staging; then staging is declared otherwise, with a config in place of another."""
    cli.write("envs/base.yaml", (cli.root / "envs/base.yaml").read_text() + "configs: {motd: {content: hello}}\n")
    cli.edit(
        "envs/base.yaml", "    deploy: {replicas: 1}", "    configs: {motd: {target: /motd}}\n    deploy: {replicas: 1}"
    )
    cli.promote("v1.3", "test", "staging")
    cli.promote("v1.5", "test")
    cli.edit("envs/base.yaml", "content: hello", "content: good evening")
    cli.edit(
        "envs/base.yaml",
        "      CACHE_TTL: 60\n",
        "      CACHE_TTL: 90\n      GREETING: '${domain} says hello to everybody who has a look at it'\n",
    )
    cli.edit("envs/base.yaml", "    environment: {CONCURRENCY: 4}", "    deploy: {replicas: 2}")
    return cli


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_plan_to_read(shop, steady, columns):
    ran = shop.ok("plan", "v1.5", "--to", "staging", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    steady(f"plan-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())
    assert ran.err == "next: release promote v1.5 --to staging\n"


def test_a_plan_in_colour(shop, steady):
    steady("plan-colour.txt", shop.ok("plan", "v1.5", "--to", "staging", terminal=True, columns=100).out)


def test_colour_is_never_the_only_carrier(shop):
    coloured = shop.ok("plan", "v1.5", "--to", "staging", "--color", "always").out
    plain = shop.ok("plan", "v1.5", "--to", "staging").out

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert coloured != plain


def test_a_plan_in_ascii(shop, steady):
    ran = shop.ok("plan", "v1.5", "--to", "staging", encoding="ascii")

    steady("plan-ascii.txt", ran.out)
    assert ran.out.isascii()


def test_all_of_a_plan(shop, steady):
    steady("plan-verbose.txt", shop.ok("plan", "v1.5", "--to", "staging", "-v").out)


def test_a_plan_for_a_pull_request(shop, steady):
    ran = shop.ok("plan", "v1.5", "--to", "staging", "-o", "md")

    steady("plan.md", ran.out)


def test_what_markdown_would_obey_is_escaped(shop):
    shop.edit("envs/base.yaml", "CACHE_TTL: 90", 'CACHE_TTL: "a|b`c`<img src=x> @ann"')

    line = next(
        li for li in shop.ok("plan", "v1.5", "--to", "staging", "-o", "md").out.splitlines() if "CACHE_TTL" in li
    )

    assert "`` a\\|b`c`<img src=x> @ann ``" in line


def test_a_first_plan(cli, steady):
    steady("plan-first.txt", cli.ok("plan", "v1.4", "--to", "test").out)


def test_a_plan_is_what_promote_shows_and_does_not_do(shop):
    before = sorted((shop.root / "deploy").iterdir())
    plan = shop.json("plan", "v1.5", "--to", "staging")
    shop.clock.move(seconds=1)
    dry = shop.json("promote", "v1.5", "--to", "staging", "--dry-run")
    heads = shop.json("history")["deliveries"]

    assert {**plan, "created_at": ""} == {**dry, "created_at": ""}
    assert (
        shop.ok("plan", "v1.5", "--to", "staging").out == shop.ok("promote", "v1.5", "--to", "staging", "--dry-run").out
    )
    assert sorted((shop.root / "deploy").iterdir()) == before
    assert len(heads) == 3


def test_yaml_is_jsons_twin(shop):
    text = shop.ok("plan", "v1.5", "--to", "staging", "-o", "yaml").out
    document = shop.json("plan", "v1.5", "--to", "staging")

    found = yaml.safe_load(text)
    assert {**found, "created_at": 0} == {**json.loads(json.dumps(document)), "created_at": 0}
    assert text.startswith("schema: releaser/plan/v1\n")


def test_nothing_to_do_is_said(cli):
    cli.promote("v1.3", "test")

    ran = cli.ok("plan", "v1.3", "--to", "test", "--exit-code")

    assert ran.out.splitlines()[-1] == "Nothing to do: test has v1.3 as declared."
    assert not ran.err


def test_differences_have_an_exit_code_where_it_is_asked_for(cli):
    cli.promote("v1.3", "test")

    assert cli("plan", "v1.4", "--to", "test").code == 0
    assert cli("plan", "v1.4", "--to", "test", "--exit-code").code == 2
    assert (
        cli.json("promote", "v1.4", "--to", "test", "--dry-run", "--exit-code", code=2)["release"]["version"] == "v1.4"
    )


def test_a_release_alone_is_a_delivery_without_resource_changes(cli):
    cli.write("envs/base.yaml", "services: {worker: {image: worker}}\n")
    for name in ("test", "staging", "production"):
        cli.write(f"envs/{name}.yaml", "vars: {a: b}\n")
    cli.promote("v1.3", "test")

    ran = cli("plan", "v1.4", "--to", "test", "--exit-code")

    assert ran.code == 2
    assert "No resource changes: only the record of the release (2 unchanged)." in ran.out


def test_a_refused_plan_is_printed_and_names_the_way_in(cli, steady):
    cli.promote("v1.3", "test")

    ran = cli("plan", "v1.4", "--to", "staging")
    document = cli("plan", "v1.4", "--to", "staging", "--json")
    exits = cli("plan", "v1.4", "--to", "staging", "--exit-code")

    assert ran.code == document.code == exits.code == 3
    steady("plan-refused.txt", ran.out)
    assert ran.err == document.err == "next: release promote v1.4 --to test\n"
    assert [gate["passed"] for gate in document.document["gates"]] == [False]


def test_a_soak_says_how_long_to_wait(cli):
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(minutes=20)

    ran = cli("plan", "v1.3", "--to", "production")

    assert ran.code == 3
    assert ran.err == "next: wait 40m, then release promote v1.3 --to production\n"
    cli.promote("v1.4", "test", "staging")
    again = cli("plan", "v1.3", "--to", "production")
    assert again.err == "next: release promote v1.3 --to staging\n"


def test_drift_is_shown_and_what_becomes_of_it(cli, steady):
    cli.promote("v1.3", "test")
    cli.drift("test")

    steady("plan-over-drift.txt", cli.ok("plan", "v1.4", "--to", "test").out)
    steady("plan-reconcile.txt", cli.ok("reconcile", "--to", "test", "--dry-run").out)
    steady("plan-accept.txt", cli.ok("reconcile", "--to", "test", "--accept", "--dry-run").out)


def test_a_changed_secret_is_shown_without_its_value(cli):
    cli.promote("v1.3", "test")

    ran = cli.ok("plan", "v1.3", "--to", "test", environ={"SHOP_PASSWORD": "another-canary"})

    assert "value  (secret changed)" in ran.out
    assert "canary" not in ran.out
    assert "1 to change, 0 to add, 0 to remove" in ran.out


def test_many_that_change_alike_share_a_block(cli, steady):
    services = "".join(f"  s{number:03}:\n    image: api\n    environment: {{LEVEL: info}}\n" for number in range(100))
    cli.write("envs/base.yaml", f"services:\n{services}")
    for name in ("test", "staging", "production"):
        cli.write(f"envs/{name}.yaml", "vars: {a: b}\n")
    first = cli.ok("plan", "v1.3", "--to", "test").out
    cli.promote("v1.3", "test")
    cli.edit("envs/base.yaml", "LEVEL: info", "LEVEL: debug")
    cli.edit("envs/base.yaml", "  s042:\n    image: api\n", "  s042:\n    image: api\n    deploy: {replicas: 2}\n")

    steady("plan-many-new.txt", first)
    steady("plan-many.txt", cli.ok("plan", "v1.4", "--to", "test").out)
    assert cli.ok("plan", "v1.4", "--to", "test", "-v").out.count("~ change  service/") == 100


def test_a_plan_is_saved_whole_or_not_at_all(cli):
    plan = cli.ok("plan", "v1.3", "--to", "test", "--out", "plan.json")

    saved = json.loads((cli.root / "plan.json").read_text())
    assert saved["schema"] == "releaser/plan/v1"
    assert plan.err == "next: release apply plan.json\n"
    assert not list(cli.root.glob(".plan.json*"))
    missing = cli("plan", "v1.3", "--to", "test", "--out", "no/such/plan.json")
    assert missing.code == 64
    assert missing.err.startswith("error: the plan cannot be written to no/such/plan.json: No such file or directory")
    folder = cli("plan", "v1.3", "--to", "test", "--out", "envs")
    assert folder.code == 64
    assert not list(cli.root.glob(".envs.*"))


def test_a_hostile_value_cannot_reach_the_terminal(cli):
    cli.edit("envs/test.yaml", "CACHE_TTL: 5", 'CACHE_TTL: "\\e[2J\\u202e5"')
    cli.promote("v1.3", "test")
    cli.edit("envs/test.yaml", '"\\e[2J\\u202e5"', '"\\e]0;title\\a5"')

    for form in ("table", "md"):
        out = cli.ok("plan", "v1.3", "--to", "test", "-o", form, terminal=True, environ={"NO_COLOR": "1"}).out

        assert "\\x1b[2J\\u202e5" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_a_history_of_one_clone_is_warned_of_in_ci(cli, tmp_path):
    ran = cli.ok("plan", "v1.3", "--to", "test", environ={"CI": "true"})
    elsewhere = {"CI": "true", "RELEASE_HISTORY": f"sqlite:{tmp_path}/history.db"}

    assert ran.err.count("warning: the history sqlite:.release/history.db is below the project's root") == 1
    assert "RELEASE_HISTORY" in ran.err
    for quiet in (
        cli.ok("plan", "v1.3", "--to", "test"),
        cli.ok("plan", "v1.3", "--to", "test", environ=elsewhere),
        cli.ok("plan", "v1.3", "--to", "test", "--history", f"sqlite:{tmp_path}/other.db", environ={"CI": "1"}),
        cli.ok("plan", "v1.3", "--to", "test", environ={"CI": "false"}),
    ):
        assert "warning" not in quiet.err


def test_a_dash_is_no_file_to_save_to(cli):
    ran = cli("plan", "v1.3", "--to", "test", "--out", "-")

    assert ran.code == 64
    assert ran.err.startswith("error: --out - names no file\nhint: -o json prints the plan")
    assert not (cli.root / "-").exists()
    text = cli.ok("plan", "v1.3", "--to", "test", "-o", "json").out
    assert cli.ok("apply", cli.write("p.json", text).name, "--yes").code == 0


def asked_of_a_cluster():
    """A plan that a cluster was asked about."""
    field = FieldChange(
        path="spec.selector.matchLabels.app",
        old="shop",
        new="api",
        origin=Location(file="envs/base.yaml", line=7, column=9),
    )
    new = FieldChange(path="spec.replicas", old=None, new=2, origin=Location(file="envs/base.yaml", line=12, column=5))
    sets = (
        FieldChange(path='spec.template.metadata.annotations."mesh.test/inject"', old=None, new="on"),
        FieldChange(path="spec.template.spec.containers.api.image", old="registry.test/api", new="mirror.test/api"),
    )
    gates = (
        GateResult(gate="from", passed=True, detail="v1.4 is proven in test1 (#12)"),
        GateResult(
            gate="engine",
            passed=False,
            detail='apply deployment.apps/web: admission webhook "policy.test" denied the request: no image from there',
        ),
        GateResult(
            gate="replace",
            passed=False,
            detail="deployment.apps/api has to be removed and made anew: spec.selector: field is immutable; "
            "say --replace to allow it",
        ),
    )
    return Plan(
        id="sha256:" + "9c1e2a" * 10 + "abcd",
        project="shop",
        environment="staging",
        target=Target(engine="kubernetes", identity="id-1", context="admin", namespace="shop-staging"),
        trigger="promote",
        release=Release(version="v1.4", images={}, created_at=datetime(2026, 1, 1, tzinfo=UTC), created_by="ann"),
        base_revision=12,
        rendered_digest="sha256:0",
        config_digest="sha256:0",
        changes=(
            Change(resource="deployment.apps/api", action="replace", fields=(field,)),
            Change(resource="deployment.apps/web", action="create", fields=(new,), server=sets),
        ),
        images=(
            ImageChange(image="api", packages=3, bytes=2_100_000),
            ImageChange(image="worker", packages=0, bytes=-4096),
            ImageChange(image="none", packages=0, bytes=0),
        ),
        gates=gates,
        warnings=("the engine could not be asked beforehand about pump.acme.test/a: the kind comes with this",),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("columns", [60, 110])
def test_what_a_cluster_says_beforehand(steady, capsys, monkeypatch, columns):
    monkeypatch.setattr(output, "width_of", lambda _: columns)
    show_plan(Output(color="never"), asked_of_a_cluster(), "v1.3")
    steady(f"plan-asked-{columns}.txt", capsys.readouterr().out)


def test_what_a_cluster_says_in_markdown(steady):
    steady("plan-asked.md", "\n".join(markdown(asked_of_a_cluster(), "v1.3")) + "\n")
