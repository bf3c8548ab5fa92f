"""status: what runs where, never more than what is known."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from releaser.cli.output import Output
from releaser.cli.show_status import Surroundings, show_status
from releaser.model.documents import (
    CurrentState,
    DriftState,
    EnvironmentStatus,
    HeadState,
    LockState,
    ServiceState,
    Status,
)
from releaser.model.resource import Ready

NOW = datetime(2026, 11, 24, 14, 2, 11, tzinfo=UTC)
DIGESTS = ["sha256:" + digit * 64 for digit in "abc"]


@pytest.fixture
def shop(cli):
    """v1.4 in test and staging, v1.3 in production."""
    cli.promote("v1.3", "test", "staging")
    cli.clock.move(hours=2)
    cli.promote("v1.3", "production")
    cli.promote("v1.4", "test", "staging")
    cli.clock.move(minutes=5)
    return cli


@pytest.mark.parametrize("columns", [40, 60, 120])
def test_status_to_read(shop, golden, columns):
    ran = shop.ok("status", terminal=True, columns=columns, environ={"NO_COLOR": "1"})

    golden(f"status-{columns}.txt", ran.out)
    assert all(len(line) <= columns for line in ran.out.splitlines())
    assert ran.err == "next: release promote v1.4 --to production\n"


def test_status_in_colour(shop, golden):
    golden("status-colour.txt", shop.ok("status", terminal=True, columns=100).out)


def test_status_in_ascii(shop):
    assert shop.ok("status", encoding="ascii").out.isascii()


def test_status_for_scripts(shop):
    document = shop.json("status")

    assert [item["environment"] for item in document["environments"]] == ["test", "staging", "production"]
    production = document["environments"][2]
    assert production["engine"] == "directory"
    assert production["head"] == {"revision": 1, "status": "succeeded", "cut_off": False}
    assert (production["current"]["revision"], production["current"]["release"]) == (1, "v1.3")
    assert sorted(production["services"]) == ["api", "worker"]
    assert production["services"]["api"]["image"] == "registry.test/shop/api"
    assert production["services"]["api"]["ready"] is None
    assert production["drift"] is None
    assert production["error"] is None


def test_some_environments(shop):
    assert shop.ok("status", "--env", "staging,t*", "-o", "name").out == "test\nstaging\n"
    assert len(shop.json("status", "--all")["environments"]) == 3
    assert shop("status", "--env", "stagin").code == 64


def test_a_live_status_looks_at_the_engines(shop):
    shop.drift("staging")

    document = shop.json("status", "--live")

    assert [item["drift"]["state"] for item in document["environments"]] == ["none", "some", "none"]
    ran = shop.ok("status", "--live")
    assert "staging differs from the record" in ran.out
    assert "next: release drift --env staging\n" in ran.err


def test_a_live_status_without_an_engine_says_so_and_ends_with_5(shop):
    folder = shop.root / "deploy/staging"
    folder.rename(shop.root / "deploy/elsewhere")
    folder.write_text("a file where the folder was")

    document = shop.json("status", "--live", code=5)

    states = {item["environment"]: (item["drift"]["state"], item["error"]) for item in document["environments"]}
    assert states["test"] == ("none", None)
    assert states["staging"][0] == "unknown"
    assert states["staging"][1]
    ran = shop("status", "--live")
    assert ran.code == 5
    assert "unreachable" in ran.out
    assert "✗ staging: " in ran.out


def test_nothing_delivered_yet(cli):
    ran = cli.ok("status")

    assert ran.out.count("empty") == 3
    assert ran.err == "next: release promote RELEASE --to test\n"
    assert not (cli.root / ".release").exists()


def test_the_record_is_shown_where_the_declarations_are_broken(shop):
    shop.write("envs/pipeline.yaml", "project: [\n")

    assert [item["environment"] for item in shop.json("status")["environments"]] == ["production", "staging", "test"]


def test_an_environment_whose_first_delivery_failed_is_empty_again(cli):
    cli.write("envs/test.yaml", "verify: {command: ['false']}\n")
    assert cli("promote", "v1.3", "--to", "test", "--yes").code == 1

    out = cli.ok("status").out

    assert out.splitlines()[1].split() == ["release", "-", "-", "-"]
    assert "✗ test #1 failed; it is empty again" in out


# --- what is not simply delivered ---


def environment(name, status="succeeded", release="v1.4", **more):
    current = CurrentState(revision=2, release=release, since=NOW - timedelta(days=6)) if release else None
    services = {"api": ServiceState(image="shop/api", digest=DIGESTS[0])}
    head = HeadState(revision=3, status=status)
    return EnvironmentStatus(
        environment=name, **{"engine": "docker", "head": head, "current": current, "services": services, **more}
    )


def lock(*, alive):
    return LockState(
        environment="test",
        actor="ann",
        host="here",
        process=7,
        verb="promote",
        since=NOW - timedelta(seconds=41),
        alive=alive,
    )


@pytest.fixture
def told(capsys):
    def shown(*environments, locks=(), waiting=()):
        more = Surroundings(now=NOW, locks={item.environment: item for item in locks}, waiting=tuple(waiting))
        show_status(Output(), Status(environments=environments), more)
        out, err = capsys.readouterr()
        return {line.split()[0]: line for line in out.splitlines() if line}, out, err

    return shown


def test_a_delivery_that_runs(told):
    rows, out, err = told(environment("test", "running"), locks=[lock(alive=True)])

    assert rows["state"].split() == ["state", "delivering"]
    assert "… test #3 is being delivered by ann (promote, 41s)" in out
    assert err == ""


@pytest.mark.parametrize("locks", [[], [lock(alive=False)]])
def test_a_delivery_that_was_cut_off(told, locks):
    rows, out, err = told(environment("test", head=HeadState(revision=3, status="running", cut_off=True)), locks=locks)

    assert rows["state"].split()[1:] == ["cut", "off"]
    assert "! test #3 was cut off: the next delivery finds out what it did" in out
    assert err == "next: release resume test\n"


def test_a_failed_delivery_that_was_taken_back(told):
    rows, out, err = told(environment("test", "failed", release="v1.3"))

    assert rows["release"].split() == ["release", "v1.3"]
    assert rows["state"].split() == ["state", "failed"]
    assert "✗ test #3 failed; v1.3 is known to run" in out
    assert err == "next: release show test/3\n"


@pytest.mark.parametrize(
    ("status", "word"), [("failed", "failed"), ("interrupted", "was interrupted"), ("aborted", "was aborted")]
)
def test_what_runs_is_unknown(told, status, word):
    rows, out, _ = told(environment("test", status, release=None))

    assert rows["release"].split() == ["release", "?"]
    assert rows["since"].split() == ["since", "-"]
    assert f"test #3 {word}; what runs there is not known" in out
    assert "✓" not in out


def test_a_ready_service_and_one_that_is_not(told):
    services = {
        "api": ServiceState(image="shop/api", digest=DIGESTS[0], ready=Ready(running=2, desired=2)),
        "worker": ServiceState(image="shop/worker", digest=DIGESTS[1], ready=Ready(running=1, desired=3)),
    }
    drift = DriftState(state="none", checked_at=NOW)
    rows, _, _ = told(
        environment("test", services=services, drift=drift),
        environment("staging", services={"api": services["api"]}, drift=drift),
    )

    assert rows["state"].split() == ["state", "not", "ready", "ready"]
    assert rows["api"].split() == ["api", "aaaaaaaaaaaa", "2/2", "aaaaaaaaaaaa", "2/2"]
    assert rows["worker"].split() == ["worker", "bbbbbbbbbbbb", "1/3", "-"]


def test_an_engine_that_was_not_asked_is_never_called_ready(told):
    rows, out, _ = told(environment("test"), environment("files", engine="directory"))

    assert rows["state"].split() == ["state", "delivered", "written"]
    assert "ready" not in out
    assert "does not observe them running" in out


def test_unknown_drift_is_not_none(told):
    rows, _, _ = told(environment("test", drift=DriftState(state="unknown", checked_at=NOW)))

    assert rows["drift"].split() == ["drift", "unknown"]


def test_digests_are_shorter_where_there_is_less_room(told, monkeypatch):
    monkeypatch.setenv("COLUMNS", "66")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")

    rows, _, _ = told(*(environment(f"test{index}") for index in range(5)))

    assert rows["api"].split() == ["api", *["aaaaaaa"] * 5]


def test_a_name_cannot_speak_to_the_terminal(told):
    _, out, _ = told(environment("te\x1b[31mst", error="no \x07 answer"))

    assert "\x1b" not in out
    assert "\x07" not in out


def test_a_delivery_whose_process_died_is_cut_off_everywhere(cli, cut_off):
    cli.promote("v1.3", "test")
    cut_off("v1.4", "test")
    cli.clock.move(hours=3)

    head = cli.json("status")["environments"][0]["head"]
    history, details = cli.json("history", "--env", "test"), cli.json("show", "test")
    texts = [cli.ok(*words) for words in (("status",), ("history",), ("show", "test"))]

    assert head == {"revision": 2, "status": "running", "cut_off": True}
    assert history["cut_off"] == ["test/2"]
    assert details["cut_off"] is True
    for ran in texts:
        assert "cut off" in ran.out
        assert "running" not in ran.out.splitlines()[0:2]
        assert "runs for" not in ran.out
        assert " 3h " not in ran.out.replace("3h ago", "")
        assert "release resume test" in ran.err


def test_a_delivery_that_runs_is_not_cut_off(cli, monkeypatch):
    """Looked at from within, while its holder lives."""
    seen = []

    def look(*_):
        seen.append((cli.json("status"), cli.json("history"), cli.json("show", "test")))
        raise KeyboardInterrupt

    monkeypatch.setattr("releaser.engines.directory.engine.DirectoryEngine.apply", look)
    assert cli("promote", "v1.3", "--to", "test", "--yes").code == 130

    ((status, history, details),) = seen
    assert status["environments"][0]["head"] == {"revision": 1, "status": "running", "cut_off": False}
    assert (history["cut_off"], details["cut_off"]) == ([], False)


def test_without_the_declarations_the_root_is_where_the_history_is(cli):
    cli.promote("v1.3", "test")
    (cli.root / "envs/pipeline.yaml").unlink()
    (cli.root / "deep/er").mkdir(parents=True)

    document = cli.json("status", "-C", "deep/er")

    assert [item["environment"] for item in document["environments"]] == ["test"]


def test_outside_a_project_it_is_told_where_to_begin(bare):
    ran = bare("status")

    assert ran.code == 64
    assert "no `envs/pipeline.yaml` in" in ran.err
    assert "release init" in ran.err
