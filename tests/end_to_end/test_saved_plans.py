"""Saved plans: executed exactly once and only as they were shown, whatever became of them or of the world."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.end_to_end.shop import Shop


def saved(shop: Shop, *words: str) -> Path:
    """A saved plan; by default v1.5 into test1."""
    file = shop.root / "plan.json"
    shop.ok(*(words or ("plan", "v1.5", "--to", "test1")), "--out", str(file), "-q")
    return file


def refused(shop: Shop, code: int, kind: str, says: str = "", hint: str = "") -> None:
    shop.refused("apply", "plan.json", "--yes", code=code, kind=kind, says=says, hint=hint)


def test_applied_once(shop: Shop) -> None:
    saved(shop)
    result = shop.json("apply", "plan.json", "--yes")
    assert (result["outcome"], result["delivery"]["release"]) == ("delivered", "v1.5")
    shop.clean("test1")
    refused(shop, 4, "stale-plan", says="test1 #3", hint="new plan")
    shop.ok("rollback", "--to", "test1", "--yes")
    refused(shop, 4, "stale-plan", says="test1 #3")


def test_rollback_and_reconcile_are_saved_too(shop: Shop) -> None:
    saved(shop, "rollback", "--to", "staging", "--dry-run")
    assert shop.json("apply", "plan.json", "--yes")["delivery"]["current"]["release"] == "v1.3"
    shop.drift("staging")
    saved(shop, "reconcile", "--to", "staging", "--dry-run")
    assert shop.json("apply", "plan.json", "--yes")["outcome"] == "delivered"
    shop.clean("staging")


def test_read_from_standard_input(shop: Shop) -> None:
    plan = saved(shop)
    with plan.open() as stdin:
        ran = shop.process("apply", "-", "--yes", "-q", stdin=stdin)
    assert ran.code == 0, ran
    assert shop.standing("test1") == ("succeeded", "v1.5")


# --- the world moved, or only seems to have ---


def comment(shop: Shop) -> None:
    for name in ("base", "test", "test1", "pipeline"):
        file = shop.root / f"envs/{name}.yaml"
        file.write_text("# a word about this file\n" + file.read_text() + "\n# the end\n")


def order(shop: Shop) -> None:
    shop.edit("envs/test.yaml", 'vars:\n  domain: "${environment}.shop.test"\n  log_level: debug\n', "")
    file = shop.root / "envs/test.yaml"
    file.write_text(file.read_text() + 'vars: {log_level: "debug", domain: "${environment}.shop.test"}\n')


def others(shop: Shop) -> None:
    shop.edit("envs/production.yaml", "CACHE_TTL: 600", "CACHE_TTL: 601")
    shop.ok("rollback", "--to", "staging", "--yes", "-q")


@pytest.mark.parametrize("change", [comment, order, others])
def test_what_changes_nothing_refuses_nothing(shop: Shop, change: Callable[[Shop], None]) -> None:
    saved(shop)
    change(shop)
    assert shop.json("apply", "plan.json", "--yes")["outcome"] == "delivered"


def value(shop: Shop) -> None:
    shop.edit("envs/test.yaml", "CACHE_TTL: 5", "CACHE_TTL: 6")


def mounted(shop: Shop) -> None:
    shop.edit("envs/files/features.ini", "gift_cards = on", "gift_cards = off")


def secret(shop: Shop) -> None:
    shop.write("envs/secrets/sample-db-password-not-a-real-secret.txt", "another value for the demo")


def drifted(shop: Shop) -> None:
    shop.drift("test1")


def delivered(shop: Shop) -> None:
    shop.ok("promote", "v1.3", "--to", "test1", "--yes", "-q")


def rule(shop: Shop) -> None:
    shop.edit("envs/pipeline.yaml", "test1: {layers", "test1: {from: test2, layers")
    shop.ok("promote", "v1.5", "--to", "test2", "--yes", "-q")


def registered(shop: Shop) -> None:
    shop.ok("create", "v1.5", "--image", "api=v1.4")


def moved(shop: Shop) -> None:
    shop.edit("envs/test1.yaml", "services:", "engine: {kind: directory, path: elsewhere}\nservices:")


MOVED = {
    # what happens → the kind of the refusal, and what it names
    "a value": (value, "stale-plan", "test1"),
    "a mounted file": (mounted, "stale-plan", "test1"),
    "a secret": (secret, "stale-plan", "secret"),
    "a hand edit": (drifted, "stale-plan", "drift"),
    "a delivery": (delivered, "stale-plan", "head was #2 and is #3"),
    "the digests of the release": (registered, "stale-plan", "v1.5 has other digests"),
    "the rule for entering": (rule, "stale-plan", "pipeline"),
    "the target": (moved, "target-moved", "deploy/test1"),
}


@pytest.mark.parametrize(("change", "kind", "says"), MOVED.values(), ids=MOVED)
def test_what_moved_is_named(shop: Shop, change: Callable[[Shop], None], kind: str, says: str) -> None:
    saved(shop)
    change(shop)
    refused(shop, 4, kind, says=says)


def test_a_gate_that_closed_refuses(shop: Shop) -> None:
    """Proven in staging when the plan was made, and rolled back there since."""
    saved(shop, "plan", "v1.4", "--to", "production")
    shop.ok("rollback", "--to", "staging", "--yes", "-q")
    before = shop.kept()
    ran = shop("apply", "plan.json", "--yes", "--json")
    assert (ran.code, ran.document["schema"]) == (3, "releaser/plan/v1")
    assert shop.kept() == before


# --- the file itself ---


def tampered(shop: Shop, change: Callable[[dict[str, Any]], object]) -> None:
    file = saved(shop)
    plan = json.loads(file.read_text())
    change(plan)
    file.write_text(json.dumps(plan))


TAMPERED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another environment": lambda plan: plan.update(environment="production"),
    "an environment of nobody": lambda plan: plan.update(environment="../../x"),
    "another release": lambda plan: plan["release"].update(version="v1.4"),
    "a release of nobody": lambda plan: plan["release"].update(version="../x"),
    "another digest": lambda plan: plan["release"]["images"]["api"].update(digest="sha256:" + "0" * 64),
    "another id": lambda plan: plan.update(id="sha256:" + "0" * 64),
    "another target": lambda plan: plan["target"].update(path="/tmp", identity="x"),
    "another base": lambda plan: plan.update(base_revision=1),
    "another project": lambda plan: plan.update(project="other"),
    "no changes": lambda plan: plan.update(changes=[]),
    "another rendering": lambda plan: plan.update(rendered_digest="sha256:" + "0" * 64),
    "a rollback": lambda plan: plan.update(trigger="rollback"),
    "a rollback to a revision": lambda plan: plan.update(trigger="rollback", restores=1),
    "a rollback to nothing": lambda plan: plan.update(trigger="rollback", restores=-1),
    "a reconcile": lambda plan: plan.update(trigger="reconcile"),
    "a verb of nobody": lambda plan: plan.update(trigger="destroy"),
    "an acceptance": lambda plan: plan.update(accepts=True),
    "an adoption": lambda plan: plan.update(adopts=["service/api"]),
    "a move": lambda plan: plan.update(moves_from=plan["target"]),
    "gates that passed": lambda plan: plan.update(gates=[{"gate": "from", "passed": True, "detail": ""}]),
    "another schema": lambda plan: plan.update(schema="releaser/release/v1"),
    "a time without a zone": lambda plan: plan.update(created_at="2026-01-01T00:00:00"),
    "a key missing": lambda plan: plan.pop("changes"),
    "another kind": lambda plan: plan.update(changes={"a": 1}),
    "escapes": lambda plan: plan.update(environment="\x1b[31mtest1"),
}
HARMLESS = {"no changes", "another target", "another base", "another project", "another digest", "another rendering"}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_plan_that_somebody_changed(shop: Shop, change: Callable[[dict[str, Any]], object]) -> None:
    """What is executed is what is planned again; what a file says beside its id is not believed."""
    tampered(shop, change)
    before = shop.kept()
    document, said = shop("apply", "plan.json", "--yes", "--json"), shop("apply", "plan.json", "--yes")
    if document.code == 0:
        assert [one.release for one in shop.grown(before)] == ["v1.5"]
        return
    assert document.code in {4, 64}, document
    assert document.document["schema"] == "releaser/error/v1"
    assert said.code == document.code
    assert shop.kept() == before
    assert "hint: " in said.err


def test_a_plan_of_another_project(shop: Shop, shop_at: Callable[..., Shop], tmp_path: Path) -> None:
    other = shop_at(tmp_path / "other", fresh=True)
    other.edit("envs/pipeline.yaml", "project: shop", "project: store")
    other.promote("v1.3", "test1")
    plan = saved(other)
    shutil.copy(plan, shop.root / "plan.json")
    shop.monkeypatch.chdir(shop.root)
    refused(shop, 4, "stale-plan", says="project")


def test_a_plan_of_another_clone(shop: Shop, shop_at: Callable[..., Shop], tmp_path: Path) -> None:
    """Same declarations, another history."""
    other = shop_at(tmp_path / "other", fresh=True)
    shutil.copy(saved(other), shop.root / "plan.json")
    shop.monkeypatch.chdir(shop.root)
    refused(shop, 4, "stale-plan")


def truncated(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def removed(file: Path) -> None:
    file.unlink()


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def binary(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 100)


def deep(file: Path) -> None:
    file.write_bytes(b'{"schema": "releaser/plan/v1", "changes": ' + b"[" * 200_000)


def deep_value(file: Path) -> None:
    plan = json.loads(file.read_text())
    plan["changes"][0]["fields"] = [{"path": "x", "old": None, "new": "DEEP", "origin": None}]
    file.write_text(json.dumps(plan).replace('"DEEP"', "[" * 100_000 + "]" * 100_000))


def huge(file: Path) -> None:
    os.truncate(file, 300 * 1024 * 1024)


def huge_number(file: Path) -> None:
    file.write_text(file.read_text().replace('"base_revision": 2', '"base_revision": ' + "9" * 5_000))


def array(file: Path) -> None:
    file.write_text("[]")


def circle(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


@pytest.mark.parametrize(
    "change", [truncated, emptied, removed, folder, binary, deep, deep_value, huge, huge_number, array, circle]
)
def test_a_file_that_is_no_plan(shop: Shop, change: Callable[[Path], None]) -> None:
    change(saved(shop))
    refused(shop, 64, "bad-argument", says="plan.json", hint="--out")


def test_a_file_that_never_ends(shop: Shop) -> None:
    shop.refused("apply", "/dev/zero", "--yes", code=64, kind="bad-argument", says="/dev/zero")


# --- where a plan may be written ---


def test_where_a_plan_cannot_be_written(shop: Shop) -> None:
    words = ("plan", "v1.5", "--to", "test1", "--out")
    (shop.root / "folder").mkdir()
    for place in ("nowhere/plan.json", "folder", "envs/pipeline.yaml/plan.json", "x" * 300):
        shop.refused(*words, place, code=64, kind="bad-argument", says=place)
    assert [path.name for path in (shop.root / "folder").iterdir()] == []


def test_a_plan_goes_where_a_link_leads(shop: Shop) -> None:
    (shop.root / "real.json").write_text("")
    (shop.root / "plan.json").symlink_to("real.json")
    saved(shop)
    assert (shop.root / "plan.json").is_symlink()
    assert msgspec.json.decode((shop.root / "real.json").read_bytes())["schema"] == "releaser/plan/v1"
    shop.ok("apply", "plan.json", "--yes")


def test_a_plan_into_a_pipe(shop: Shop) -> None:
    """What is no plain file is written to, and never replaced by one."""
    pipe = shop.root / "plan.json"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        shop.ok("plan", "v1.5", "--to", "test1", "--out", "plan.json", "-q")
        assert pipe.is_fifo()
        assert os.read(reader, 1 << 20).startswith(b"{")
    finally:
        os.close(reader)


def test_a_plan_to_a_full_device(shop: Shop) -> None:
    (shop.root / "full").symlink_to("/dev/full")
    shop.refused("plan", "v1.5", "--to", "test1", "--out", "full", code=64, kind="bad-argument", says="No space left")
    assert Path("/dev/full").is_char_device()
