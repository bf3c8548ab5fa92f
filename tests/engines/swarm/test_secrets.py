"""Secrets in a Swarm: a value is delivered once, brought back after a failure, and shown to nobody."""

import json
from pathlib import Path

import pytest

from tests.engines.swarm.conftest import SwarmLab
from tests.engines.swarm.shop import ENVIRONMENT, Shop, delivered

pytestmark = pytest.mark.engines

QUICK = {"update_config": {"parallelism": 0, "monitor": "300ms"}}
SOURCE = {"password": {"from": "env", "name": "RELEASER_TEST_PASSWORD"}}


def declare(shop: Shop, level: str = "1", **words: object) -> None:
    """`api` has the secret in a variable and as a file, `web` as a file; `plain` has none."""
    mounted = {"secrets": {"password": {}}}
    shop.declare(
        {
            "api": {
                "image": "api",
                "environment": {"LEVEL": level, "PASSWORD": {"secret": "password"}},
                **mounted,
                "deploy": QUICK,
                **words,
            },
            "web": {"image": "api", **mounted, "deploy": QUICK},
            "plain": {"image": "api", "deploy": QUICK},
        },
        secrets=SOURCE,
    )


@pytest.fixture
def shop1(shop: Shop) -> Shop:
    declare(shop)
    delivered(shop.promote("v1"))
    return shop


def values(lab: SwarmLab, service: str) -> tuple[str | None, list[str]]:
    """What a service's variable holds, and the names of the secrets that it mounts."""
    container = lab.service(service)["Spec"]["TaskTemplate"]["ContainerSpec"]
    held = [entry.partition("=")[2] for entry in container.get("Env") or [] if entry.startswith("PASSWORD=")]
    return (held[0] if held else None), [one["SecretName"] for one in container.get("Secrets") or []]


def test_another_value_is_another_secret(shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = values(lab, "web")[1]
    assert values(lab, "api") == ("hunter-two", [old])
    plain = lab.running("plain")
    assert shop1.promote("v1").outcome == "unchanged"

    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-three")
    assert [change.resource for change in shop1.plan("v1").changes if change.action != "unchanged"] == [
        "secret/password"
    ]
    delivered(shop1.promote("v1"))
    (new,) = values(lab, "web")[1]
    assert new != old
    assert values(lab, "api") == ("hunter-three", [new])
    assert lab.running("plain") == plain
    assert shop1.drift() == ()
    assert shop1.promote("v1").outcome == "unchanged"


def test_two_machines_with_other_keys_restart_nothing(
    shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = values(lab, "api")
    running = {name: lab.running(name) for name in ("api", "web", "plain")}
    for turn in range(4):
        monkeypatch.setenv("RELEASE_FINGERPRINT_KEY", f"the key of machine {turn % 2}")
        assert shop1.promote("v1").outcome == "unchanged"
    assert {name: lab.running(name) for name in running} == running
    for turn in range(4):  # what changes is written, and keeps the value that it has
        monkeypatch.setenv("RELEASE_FINGERPRINT_KEY", f"the key of machine {turn % 2}")
        declare(shop1, level=f"turn {turn}")
        delivered(shop1.promote("v1"))
        assert values(lab, "api") == secret
    assert lab.running("web") == running["web"]
    assert lab.running("plain") == running["plain"]
    assert lab.running("api") != running["api"]
    assert len(lab.objects("secret")) == 1


def test_a_value_that_fails_is_taken_back(shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch) -> None:
    before = values(lab, "api"), values(lab, "web")
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-three")
    declare(shop1, command=["/bin/sh", "-c", "echo the new password is wrong; exit 3"])
    result = shop1.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert (result.delivery.message or "").endswith("; #1 (v1) is back")
    assert (values(lab, "api"), values(lab, "web")) == before
    assert shop1.drift() == ()
    declare(shop1)
    changed = [change.resource for change in shop1.plan("v1").changes if change.action != "unchanged"]
    assert changed == ["secret/password"]  # its new value was not delivered


def test_old_values_are_kept_as_long_as_they_may_be_wanted(
    shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [values(lab, "web")[1][0]]
    for number in range(3):
        monkeypatch.setenv("RELEASER_TEST_PASSWORD", f"hunter-number-{number}")
        delivered(shop1.promote("v1"))
        made += values(lab, "web")[1]
    assert len(set(made)) == 4
    assert set(lab.objects("secret")) == {made[-1], made[-2]}


def test_a_rollback_gives_todays_value(shop1: Shop, lab: SwarmLab, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(shop1, level="2")
    delivered(shop1.promote("v2"))
    monkeypatch.setenv("RELEASER_TEST_PASSWORD", "hunter-three")
    delivered(shop1.rollback())
    assert values(lab, "api")[0] == "hunter-three"
    assert shop1.drift() == ()


def test_nobody_is_shown_a_value(shop1: Shop, lab: SwarmLab, tmp_path: Path) -> None:
    assert values(lab, "api")[0] == "hunter-two"
    written = b"".join(file.read_bytes() for file in (tmp_path / ".release").iterdir() if file.is_file())
    shown = [
        json.dumps([service["Spec"]["Labels"] for service in lab.services()]),
        json.dumps([one["Spec"] for one in (*lab.objects("secret").values(), *lab.objects("config").values())]),
        str(shop1.drift()),
        str(shop1.plan("v1")),
        str(shop1.watcher.events),
        written.decode(errors="replace"),
    ]
    lab.change("api", lambda spec: spec["TaskTemplate"]["ContainerSpec"].update(Env=["PASSWORD=changed-by-hand"]))
    shown += [str(shop1.drift()), str(shop1.plan("v1"))]
    for text in shown:
        assert "hunter-two" not in text
        assert "changed-by-hand" not in text
    assert ENVIRONMENT in shown[0]


def test_a_value_that_no_variable_can_hold(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "key.bin").write_bytes(b"\xff\x00\x01")
    source = {"password": {"from": "file", "path": "key.bin"}}
    shop.declare({"api": {"image": "api", "environment": {"PASSWORD": {"secret": "password"}}}}, secrets=source)
    result = shop.promote("v1")
    assert result.outcome == "failed"
    assert result.delivery is not None
    assert "the value of the secret password is no text" in (result.delivery.message or "")
    shop.declare({"api": {"image": "api", "secrets": {"password": {}}}}, secrets=source)
    delivered(shop.promote("v1"))
